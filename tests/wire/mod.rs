//! The program against real servers: MCP of both eras on three SDKs, REST, identity servers.
//! They compare the servers' request counters with the budget table.
//! `pNN` are the protocol tests by number.

mod conformance;
mod eras;
mod identity;
mod keycloak;
mod peers;
mod reading;
mod rest;
mod shapes;
mod slow_sources;
mod stdio;
mod swarm;
mod tools;

use crate::support::{Outcome, Session};

/// A session that asks its server each time, with a long deadline.
fn asking(url: &str) -> Session {
    Session::with_server(url)
        .env("WARMSTART_CACHE__READ", "network_first")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .deadline("20s")
}

/// One session start that must be answered by the server; the lines of the tasks.
#[track_caller]
fn live(session: &Session) -> Vec<String> {
    let outcome = session.start("startup");
    let record = session.last("pending_tasks");
    assert_eq!(record.supply, "live", "{record:?} {outcome:?}\n{}", session.log());
    assert_eq!(outcome.notice(), "");
    task_lines(&outcome)
}

/// The lines of the tasks in the context.
#[track_caller]
fn task_lines(outcome: &Outcome) -> Vec<String> {
    let is_task = |line: &&str| line.starts_with("- ") && line.ends_with(']');
    outcome.context().lines().filter(is_task).map(str::to_owned).collect()
}

/// The number of open tasks among the twelve that the task server has by default.
const OPEN: usize = 11;
