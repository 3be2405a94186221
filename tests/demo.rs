//! `warmstart demo`, through the binary: its steps, that it uses nothing of the user's, and that it
//! leaves nothing behind.

use std::path::Path;

use crate::support::terminal::{Dialog, typing};
use crate::support::{
    FaultServer, Forbidden, Session, canary, child, if_permitted, mcp_reply, needs, or_skip,
};

const ENTER: &str = "[Enter] ";

/// In the order in which they appear.
const STEPS: [&str; 8] = [
    "1. A session starts.",
    "| - Fix the login form [in_progress, high]",
    "2. The same start",
    "| pending_tasks    live ",
    "3. The task server is stopped.",
    "STALE: as of ",
    "4. Another project",
    "refused",
];

#[track_caller]
fn has_all_steps(screen: &str) {
    let mut rest = screen;
    for step in STEPS {
        let at = rest.find(step).unwrap_or_else(|| panic!("no `{step}` in its place: {screen}"));
        rest = &rest[at + step.len()..];
    }
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).expect("a folder").next().is_none()
}

#[test]
fn the_demonstration_uses_nothing_of_the_users_and_leaves_nothing() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp())
        .hooks_toml("this is not TOML\n")
        .project_file("TODO.md", "- [ ] A task of the user\n")
        .env("MCP_AUTH_TOKEN", "t0ken-0123456789abcdef0123")
        .env("HTTP_PROXY", server.origin());
    let before = canary::files(&session.home());
    let outcome = session.run(&["demo"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    has_all_steps(outcome.text());
    assert!(!outcome.text().contains("A task of the user"), "{outcome:?}");
    assert!(!outcome.text().contains(ENTER), "{outcome:?}");
    assert_eq!(server.connections(), 0);
    assert_eq!(canary::files(&session.home()), before);
    assert!(is_empty(&session.scratch()), "a temporary folder is left");
}

#[test]
fn at_a_terminal_each_step_waits_for_enter() {
    let session = Session::new();
    let Some((screen, code)) = typing(&session, &["demo"], &[(ENTER, "\n"); 4]) else { return };
    assert_eq!(code, 0, "{screen}");
    assert_eq!(screen.matches(ENTER).count(), 4, "{screen}");
    has_all_steps(&screen);
    assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    let Some((screen, code)) = typing(&session, &["demo", "--yes"], &[]) else { return };
    assert!(code == 0 && !screen.contains(ENTER), "{screen}");
    assert!(is_empty(&session.scratch()), "a temporary folder is left");
}

#[test]
fn interrupted_in_a_pause_it_leaves_nothing() {
    let session = Session::new();
    let Some(mut dialog) = Dialog::start(&session, &["demo"]) else { return };
    dialog.wait_for(ENTER, 1);
    assert!(!is_empty(&session.scratch()));
    // Ctrl-C.
    dialog.type_in("\u{3}");
    let (screen, code) = dialog.end();
    assert_eq!(code, 130, "{screen}");
    assert!(is_empty(&session.scratch()), "a temporary folder is left");
}

#[test]
fn its_processes_have_ended_when_it_has() {
    let session = Session::new();
    let outcome = session.run(&["demo"]);
    let mark = session.scratch().display().to_string();
    let processes =
        child::output(std::process::Command::new("ps").args(["-eo", "args", "ewww"]), child::LIMIT);
    let Ok(processes) = processes else { return };
    let text = String::from_utf8_lossy(&processes.stdout).into_owned();
    assert!(!text.contains(&format!("WARMSTART_HOME={mark}")), "{outcome:?}");
}

#[test]
fn no_start_leaves_work_to_a_detached_process() {
    let Some(_) = or_skip(needs("strace", "strace")) else { return };
    let session = Session::new();
    let trace = session.home().join("trace");
    let program = session.program(&["demo"]);
    let mut traced = std::process::Command::new("strace");
    traced.args(["-f", "-s", "200", "-e", "trace=execve", "-o"]).arg(&trace);
    traced.arg(program.get_program()).arg("demo").current_dir(session.project()).env_clear();
    traced.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = child::output(&mut traced, child::LIMIT).expect("strace starts");
    let calls = std::fs::read_to_string(trace).unwrap_or_default();
    if calls.is_empty() {
        let reason = format!("strace: {}", String::from_utf8_lossy(&output.stderr));
        return if_permitted(Err(Forbidden(reason))).unwrap_or_default();
    }
    assert_eq!(calls.matches("\"session-start\"").count(), 4, "{calls}");
    // The one that is waited for, before the first start.
    assert_eq!(calls.matches("\"__refresh\"").count(), 1, "{calls}");
    assert!(calls.find("\"__refresh\"") < calls.find("\"session-start\""), "{calls}");
}
