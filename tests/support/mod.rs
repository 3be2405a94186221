//! What the integration tests stand on: peers that install and start themselves, a fault server,
//! and sessions with a home of their own. Knows the program only through its binary and the bytes
//! it leaves on disk; knows nothing of its rooms (the form of a cache entry excepted).
#![allow(dead_code, unused_imports, reason = "each test binary uses its own part of this")]
#![allow(clippy::disallowed_methods, reason = "installing needs the real environment")]

pub mod canary;
pub mod certificate;
pub mod control;
pub mod fault_server;
pub mod install;
pub mod mcp_reply;
pub mod peer;
pub mod repository;
pub mod run;
pub mod session;

use std::io::Write;

pub use fault_server::{Act, FaultServer, Request};
pub use run::Outcome;
pub use session::Session;

/// What a test needs but this machine lacks.
#[derive(Clone, Debug)]
pub struct Missing(pub String);

/// `Some`, or on a developer's machine a skipped test that says so; with `CI=true` a failure,
/// so that a gap in the machine never looks like a pass.
pub fn or_skip<T>(found: Result<T, Missing>) -> Option<T> {
    if let (Err(Missing(what)), true) = (&found, std::env::var("CI").is_ok_and(|ci| ci == "true")) {
        panic!("with CI=true nothing is skipped: {what}");
    }
    if_allowed(found)
}

/// `Some`, or a skipped test that says so, whatever the machine: for rights that no package brings.
pub fn if_allowed<T>(found: Result<T, Missing>) -> Option<T> {
    let Err(Missing(what)) = &found else { return found.ok() };
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln!`: the harness keeps that for itself when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {what}");
    None
}
