//! The program against real servers: MCP of both eras on three SDKs, REST, identity servers.
//! What counts is what the servers saw: their request counters against the budget table.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's way to fail")]

#[path = "../support/mod.rs"]
mod support;

mod peers;
