//! Plugins through the binary: the examples as a user installs them, and every way in which a plugin
//! can misbehave. `gN` are the test groups of the plugin interface: 1 load, 2 calls, 3 replies,
//! 4 limits, 5 trust, 6 SDK and authors' commands, 7 whole sessions.

mod authors;
pub mod build;
mod calls;
mod chain;
mod decisions;
mod examples;
mod in_process;
mod limits;
mod load;
mod replies;
mod screens;
mod trust;

use std::path::Path;
use std::time::Duration;

use crate::support::session::write;
use crate::support::{Act, FaultServer, Outcome, Session, mcp_reply};
use serde_json::json;

/// The session's limit: so long that on a busy machine only the plugin's own limit can be reached.
const DEADLINE: Duration = Duration::from_secs(30);
/// The age of a cached answer that is stale.
const STALE: Duration = Duration::from_secs(1200);
/// Runs in which `before` may exceed its 100 ms because the machine is busy.
const MAX_SLOW_RUNS: usize = 20;

/// A session whose source is the plugin `name`, with a local list to fall back on.
fn client_session(library: &Path, name: &str) -> Session {
    let session = Session::new()
        .deadline("30s")
        .env("WARMSTART_CLIENT__KIND", format!("plugin:{name}"))
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("WARMSTART_LOG__LEVEL", "debug")
        .project_file("TODO.md", "- [ ] the backup's task\n");
    trust(&session, library, name);
    session
}

fn trust(session: &Session, library: &Path, name: &str) -> Outcome {
    let file = library.to_str().expect("UTF-8");
    let outcome = session.run(&["plugin", "trust", file, "--name", name, "--yes"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    outcome
}

/// The plugin's limit: short where it has to be reached, else so long that only a hang reaches it.
fn limit(mode: &str) -> &'static str {
    match mode {
        "sleep" | "endless_loop" | "log_flood" | HANGS_AT_LOAD => "1s",
        // `cancelled` turns true after 80 %: the rest is the plugin's time to answer.
        "honours_cancelled" => "6s",
        _ => "20s",
    }
}

/// The mode under which `raw.c` with `SLOW_START` hangs while it is loaded.
const HANGS_AT_LOAD: &str = "now";

/// Sets the plugin's mode, and further settings of its table.
fn configure(session: &Session, name: &str, mode: &str, more: &str) {
    let limit = limit(mode);
    let text = format!(
        "[fallback]\nchain = [\"client:backup\"]\n[clients.backup]\nkind = \"local\"\n\
         [plugins.{name}]\ntimeout = \"{limit}\"\n{more}\n[plugins.{name}.config]\nmode = \"{mode}\"\n"
    );
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
}

/// One session start with a misbehaving source: valid JSON, exit 0, in time, the backup's tasks, and a
/// log that names the plugin and the cause. A process that it left behind would fail `settle`.
#[track_caller]
fn falls_back(session: &Session, name: &str, mode: &str, cause: &str) -> Outcome {
    configure(session, name, mode, "");
    let logged = session.log().len();
    let outcome = session.start("startup");
    outcome.within(DEADLINE);
    let context = outcome.context();
    assert!(context.contains("the backup's task"), "{mode}: {outcome:?}\n{}", session.log());
    let log = session.log().split_off(logged);
    assert!(log.contains(&format!("the plugin `{name}` ")), "{mode}: {log}");
    assert!(log.contains(cause), "{mode}: no `{cause}` in: {log}");
    if let Some((_, rest)) = log.split_once("did not answer within ") {
        let limit: u64 = rest.split(' ').next().unwrap().parse().unwrap();
        assert!(limit <= 1000, "{mode}: not ended at its own limit: {log}");
    }
    session.settle();
    outcome
}

/// A session start in which `before` answers that the cached answer is to be shown: the server gets no
/// request. `before` has only 100 ms, so a run is repeated if, by its log, that time was exceeded.
#[track_caller]
fn serves_the_cache(session: &Session, server: &FaultServer, start: impl Fn() -> String) {
    for _ in 0..MAX_SLOW_RUNS {
        session.age_cache(STALE);
        let (requests, logged) = (server.requests().len(), session.log().len());
        let context = start();
        assert!(context.contains("from the server"), "{context}\n{}", session.log());
        session.settle();
        let log = session.log().split_off(logged);
        if !log.contains("did not answer within") {
            assert_eq!(server.requests().len(), requests, "the server was called: {log}");
            return;
        }
    }
    panic!("`before` exceeded its 100 ms in {MAX_SLOW_RUNS} runs: {}", session.log());
}

/// One session start whose plugin gives tasks after all.
#[track_caller]
fn answers(session: &Session, name: &str, mode: &str, expected: &str) -> Outcome {
    configure(session, name, mode, "");
    let outcome = session.start("startup");
    outcome.within(DEADLINE);
    let context = outcome.context();
    assert!(context.contains(expected), "{mode}: {outcome:?}\n{}", session.log());
    session.settle();
    outcome
}

/// A task server with one task.
fn serving() -> FaultServer {
    FaultServer::start(|request| {
        let tasks = json!([{ "id": "1", "title": "from the server" }]);
        vec![Act::Send(mcp_reply::tasks(request, &tasks))]
    })
}
