//! The rooms of `warmstart`, lowest layer first; no code of its own.
//! A module uses only the layers above its line here (`tests/layers.rs` holds it to that).

// L0: values and primitives.
pub mod deadline;
pub mod disk;
pub mod environment;
pub mod error;
pub mod event;
pub mod paths;
pub mod secret;
pub mod task;

// L1: what the user set, and where we stand.
pub mod config;
pub mod logging;
pub mod repository;

// L2: the disk cache, the network, the record of runs.
pub mod cache;
pub mod http;
pub mod runs;

// L3: credentials, and other people's code.
pub mod auth;
pub mod plugin;

// L4: sources of tasks, and what to do without them.
pub mod client;
pub mod fallback;

// L5: one question, answered.
pub mod query;

// L6: the pieces of a session start.
pub mod hook;

// L7: what will be done, and doing it.
pub mod engine;
pub mod plan;
pub mod refresh;

// L8: what is said.
pub mod context;
pub mod output;

// L9: the commands.
pub mod cli;
