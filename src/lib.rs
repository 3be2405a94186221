//! The modules of `warmstart`, lowest layer first.
//! A module uses only those of the layers above its line here (`tests/layers.rs` checks it).

// L0: values and primitives.
pub mod deadline;
pub mod disk;
pub mod environment;
pub mod error;
pub mod event;
pub mod paths;
pub mod secret;
pub mod task;
pub mod text;

// L1: configuration, log, and repository discovery.
pub mod config;
pub mod logging;
pub mod repository;

// L2: the disk cache, the network, the record of runs.
pub mod cache;
pub mod http;
pub mod runs;

// L3: credentials and plugins.
pub mod auth;
pub mod plugin;

// L4: sources of tasks, and the fallback when one fails.
pub mod client;
pub mod fallback;

// L5: one query, answered from cache, client and chain.
pub mod query;

// L6: the hooks of a session start.
pub mod hook;

// L7: planning a run, executing it, and its background work.
pub mod engine;
pub mod plan;
pub mod refresh;

// L8: rendering and output.
pub mod context;
pub mod output;

// L9: the commands.
pub mod cli;
