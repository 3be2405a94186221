//! The host's requirements by number (`hNN`), and faults of the machine: rows D of the fault matrix.

mod disk;
mod host;
pub mod kernel;

use crate::support::mcp_reply::healthy;
use crate::support::{FaultServer, Session};

/// A session with three tasks fresh in its cache, and the server that gave them.
fn fresh() -> (FaultServer, Session) {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).deadline("15s");
    assert!(session.start("startup").context().contains("Mend the roof"));
    session.settle();
    server.forget();
    (server, session)
}
