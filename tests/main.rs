//! The integration tests, one module a subject, in one program so that they share one build of
//! `support`. `README.md` beside this file explains the names.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's way to fail")]

mod agreements;
mod cache_keys;
mod config;
mod context;
mod contract;
mod defects;
mod dispatch;
mod docs;
mod faults;
mod hooks;
mod host;
mod hosts_table;
mod language;
mod layers;
mod plugin;
mod policy;
mod presets;
mod programs;
mod recipes;
mod screens;
mod shapes;
mod support;
mod task_servers;
mod tasks;
mod trust;
mod wire;
