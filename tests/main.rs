//! The integration tests, one module a subject, in one program so that they share one build of
//! `support`. `README.md` beside this file explains the names.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's way to fail")]

mod agreements;
mod background;
mod cache_keys;
mod codes;
mod config;
mod context;
mod contract;
mod defects;
mod demo;
mod dispatch;
mod docs;
mod faults;
mod foreign_files;
mod growth;
mod guarded;
mod headers;
mod hooks;
mod host;
mod hostile_text;
mod hosts_table;
mod init;
mod install;
mod language;
mod large_answers;
mod layers;
mod limits;
mod low_findings;
mod mcp_json;
mod plain_hosts;
mod plugin;
mod policy;
mod presets;
mod programs;
mod query;
mod recipes;
mod screens;
mod shapes;
mod support;
mod task_servers;
mod tasks;
mod time;
mod trust;
mod wire;
