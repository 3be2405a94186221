//! Support of the integration tests: peers that install and start themselves, a fault server, and
//! sessions with a home of their own. It uses the program only through its binary and the bytes it
//! leaves on disk (a cache entry's form and `plan` excepted).
#![allow(clippy::disallowed_methods, reason = "installing needs the real environment")]

pub mod canary;
pub mod certificate;
pub mod child;
pub mod clock;
pub mod control;
pub mod fault_server;
pub mod generated;
pub mod install;
pub mod mcp_reply;
pub mod peer;
pub mod plan;
pub mod port;
pub mod repository;
pub mod run;
pub mod session;
pub mod skip;
pub mod stdio_server;
pub mod terminal;

pub use fault_server::{Act, FaultServer, Request};
pub use run::Outcome;
pub use session::Session;
pub use skip::{Forbidden, Missing, if_permitted, needs, or_skip};
