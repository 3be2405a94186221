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
