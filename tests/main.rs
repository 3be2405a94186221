//! The integration tests, one module a subject, in one program so that they share one build of
//! `support`. `README.md` beside this file explains the names.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's way to fail")]

mod cache_keys;
mod config;
mod context;
mod contract;
mod defects;
mod dispatch;
mod docs;
mod faults;
mod growth;
mod hooks;
mod host;
mod hosts_table;
mod language;
mod large_answers;
mod layers;
mod plugin;
mod policy;
mod programs;
mod query;
mod screens;
mod support;
mod tasks;
mod time;
mod trust;
mod wire;
