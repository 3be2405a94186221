//! The modules of `warmstart`, lowest layer first. The library is a part of the program, not for others:
//! all is private but what `main.rs` calls, so that the compiler finds what nothing uses.
//!
//! A module uses only those of the layers above its line here (`tests/layers.rs` checks it).

// L0: values and primitives.
mod deadline;
mod digest;
mod disk;
mod environment;
mod error;
mod event;
mod paths;
mod provenance;
mod secret;
mod task;
mod text;

// L1: configuration, the hosts, log, other programs, and repository discovery.
mod config;
mod host;
mod logging;
mod process;
mod repository;

// L2: the disk cache, the network, the record of runs, one request for all processes.
mod cache;
mod http;
mod runs;
mod single_flight;

// L3: credentials and plugins.
mod auth;
mod plugin;

// L4: sources of tasks, and the fallback when one fails.
mod client;
mod fallback;

// L5: one query, answered from cache, client and chain.
mod query;

// L6: the hooks of a session start.
mod hook;

// L7: names of the configuration, resolved.
mod resolve;

// L8: planning a run, executing it, and its background work.
mod engine;
mod plan;
mod refresh;

// L9: rendering and output, and the settings of the hosts.
mod context;
mod install;
mod output;

// L10: the commands.
mod cli;

pub use cli::{Flags, Invocation, run};
pub use environment::Environment;
pub use secret::protect_memory;

/// For the tests and benchmarks of this repository.
#[doc(hidden)]
pub mod testing {
    pub use crate::cache::{CacheView, Entry, Freshness};
    pub use crate::client::BUILTINS as CLIENTS;
    pub use crate::config::reference::markdown as settings_page;
    pub use crate::config::{AnnotatedSetting, ConfigSources, Depth, LoadedConfig, load};
    pub use crate::deadline::{Deadline, Timestamp};
    pub use crate::disk::TEMPORARY_PREFIX;
    pub use crate::engine::{Report, execute};
    pub use crate::error::{Code, Failure, markdown as errors_page};
    pub use crate::event::SessionEvent;
    pub use crate::fallback::BUILTINS as STRATEGIES;
    pub use crate::hook::{
        BUILTINS as HOOKS, Hook, HookFuture, HookResult, Part, SessionContext, untrusted_keys,
    };
    pub use crate::plan::{Plan, PlanInputs, PlanOptions, PlannedHook, build};
    pub use crate::plugin::frame::{Frame, Frames};
    pub use crate::plugin::{Fault, Manifest, wire};
    pub use crate::resolve::settings;
}
