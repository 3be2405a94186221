//! The fault matrix: every way a server, an identity server, the disk, the input or a setting can
//! go wrong, and what the session still gets. Names carry the row's ID.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test's way to fail")]

#[path = "../support/mod.rs"]
mod support;

mod authorisation;
mod body;
mod row;
mod status;
mod transport;
