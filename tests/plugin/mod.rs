//! Plugins through the binary: the examples as a user has them, and everything that a plugin can do
//! wrong. `gN` are the test groups of the boundary: 1 load, 2 calls, 3 replies, 4 limits, 5 trust,
//! 6 SDK and authors' commands, 7 whole sessions.

mod authors;
mod build;
mod calls;
mod decisions;
mod examples;
mod in_process;
mod limits;
mod load;
mod replies;
mod trust;

use std::path::Path;
use std::time::Duration;

use crate::support::session::write;
use crate::support::{Act, FaultServer, Outcome, Session, mcp_reply};
use serde_json::json;

/// The whole run; the plugin has a second of it.
const DEADLINE: Duration = Duration::from_secs(4);

/// A session whose source is the plugin `name`, with a local list to fall back on.
fn client_session(library: &Path, name: &str) -> Session {
    let session = Session::new()
        .deadline("4s")
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

/// Sets the plugin's mode, and what else its table says.
fn configure(session: &Session, name: &str, mode: &str, more: &str) {
    let text = format!(
        "[fallback]\nchain = [\"client:backup\"]\n[clients.backup]\nkind = \"local\"\n\
         [plugins.{name}]\ntimeout = \"1s\"\n{more}\n[plugins.{name}.config]\nmode = \"{mode}\"\n"
    );
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
}

/// One session start with a misbehaving source: valid JSON, exit 0, in time, the backup's tasks, and a
/// log that names the plugin and the cause. Processes of it that are left would fail `settle`.
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
    session.settle();
    outcome
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
