//! Programs that take longer than a session start: waited for once, then shown from the last answer and
//! asked in the background.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use super::stdio::{Scripted, with_command};
use crate::support::{Act, FaultServer, Session};

const HOUR: Duration = Duration::from_secs(3600);

/// A session with a scripted program; its hook waits for at most `timeout`.
fn session(mode: &str, timeout: &str) -> (Session, Scripted) {
    let mut session = with_command(&[]);
    session.set("WARMSTART_HOOKS__PENDING_TASKS__TIMEOUT", timeout);
    let program = Scripted::new(&mut session, mode);
    (session, program)
}

/// Replaces the times of the last answers, in milliseconds.
fn set_times(session: &Session, millis: &str) {
    for entry in session.entries() {
        let file = entry.with_extension("times");
        assert!(file.exists(), "no times were kept beside {}", entry.display());
        fs::write(&file, millis).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

fn times(session: &Session) -> Vec<u64> {
    let file = session.entries().remove(0).with_extension("times");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn the_first_session_waits_longer_than_its_deadline_and_its_hook_allow() {
    let (session, program) = session("slow 3", "100ms");
    let session = session.deadline("1s").env("WARMSTART_SESSION_START__FIRST_DEADLINE", "30s");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("From a program"), "{outcome:?}\n{}", session.log());
    assert_eq!(session.last("pending_tasks").supply, "live");
    assert_eq!(program.starts(), 1);
    let times = times(&session);
    assert!(times.len() == 1 && times[0] >= 3000, "{times:?}");
}

#[test]
fn a_session_waits_once_for_the_first_answer() {
    let (session, program) = session("slow 3", "100ms");
    let session = session.deadline("1s").env("WARMSTART_SESSION_START__FIRST_DEADLINE", "1500ms");
    let outcome = session.start("startup");
    let notice = outcome.notice();
    assert!(notice.contains("WS303") && notice.contains("first_deadline"), "{notice}");
    session.settle();
    assert_eq!(program.starts(), 2, "in the session, then in the background");
    assert_eq!(session.entries().len(), 1, "the background got the answer");
    // As if the background had failed too.
    for entry in session.entries() {
        fs::remove_file(entry.with_extension("times")).unwrap();
        fs::remove_file(entry).unwrap();
    }
    let notice = session.start("startup").notice();
    assert!(notice.contains("WS303") && notice.contains("hooks.pending_tasks.timeout"), "{notice}");
    session.settle();
}

#[test]
fn a_slow_source_is_shown_from_its_last_answer_and_asked_in_the_background() {
    let (session, program) = session("modern", "20s");
    assert_eq!(session.start("startup").notice(), "");
    assert_eq!(program.starts(), 1);
    set_times(&session, "[10000, 10000, 10000]");
    session.age_cache(HOUR * 24 * 3);
    let outcome = session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "stale", "{outcome:?}");
    assert!(outcome.context().contains("From a program"), "{outcome:?}");
    assert!(outcome.context().contains("UTC"), "its time is shown: {outcome:?}");
    session.settle();
    assert_eq!(program.starts(), 2, "once, in the background");
    assert_eq!(times(&session).len(), 4);
    session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "fresh");
    assert_eq!(program.starts(), 2);
}

#[test]
fn the_program_gets_its_variables_in_the_background_too() {
    let (mut session, program) = session("modern", "20s");
    let command: Vec<String> =
        serde_json::from_str(&session.variable("WARMSTART_CLIENT__COMMAND")).unwrap();
    let check = "[ \"$TASKS_KEY\" = canary ] || exit 9; exec \"$@\"";
    let words = [["sh", "-c", check, "sh"].map(str::to_owned).to_vec(), command].concat();
    session.set("WARMSTART_CLIENT__COMMAND", serde_json::to_string(&words).unwrap());
    session.set("WARMSTART_CLIENT__ENV", "TASKS_KEY");
    session.set("TASKS_KEY", "canary");
    session.start("startup");
    set_times(&session, "[10000]");
    session.age_cache(HOUR * 2);
    session.start("startup");
    session.settle();
    assert_eq!(program.starts(), 2, "{}", session.log());
    assert_eq!(times(&session).len(), 2, "{}", session.log());
}

#[test]
fn a_fast_source_is_asked_while_the_session_waits() {
    let (session, program) = session("modern", "20s");
    session.start("startup");
    set_times(&session, "[30000, 9999, 10, 9999, 30000]");
    session.age_cache(HOUR * 24 * 3);
    let outcome = session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "live", "{outcome:?}");
    assert_eq!(program.starts(), 2);
    assert_eq!(times(&session).len(), 5, "only the last times are kept");
    session.settle();
    assert_eq!(program.starts(), 2, "nothing is left to do in the background");
}

#[test]
fn the_users_own_stale_max_holds_for_a_slow_source() {
    let (session, program) = session("modern", "20s");
    let session = session.env("WARMSTART_CACHE__STALE_MAX", "1h");
    session.start("startup");
    set_times(&session, "[10000]");
    session.age_cache(HOUR * 2);
    let outcome = session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "none", "{outcome:?}");
    assert!(outcome.notice().contains("in the background"), "{outcome:?}");
    session.settle();
    assert_eq!(program.starts(), 2);
}

#[test]
fn an_answer_of_eight_days_is_never_shown() {
    let (session, program) = session("modern", "20s");
    session.start("startup");
    set_times(&session, "[10000]");
    session.age_cache(HOUR * 24 * 8);
    session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "none");
    session.settle();
    assert_eq!(program.starts(), 2);
}

#[test]
fn a_command_waits_for_a_slow_source() {
    let (session, program) = session("modern", "20s");
    session.start("startup");
    set_times(&session, "[14000]");
    session.age_cache(HOUR * 2);
    let outcome = session.run(&["tasks"]);
    assert!(outcome.text().starts_with("Live from program python3"), "{outcome:?}");
    assert_eq!(program.starts(), 2);
}

#[test]
fn a_server_never_gets_more_than_the_deadline() {
    let server = FaultServer::start(|_| vec![Act::Hold]);
    let session = Session::with_server(&server.mcp())
        .deadline("1s")
        .env("WARMSTART_SESSION_START__FIRST_DEADLINE", "30s");
    let outcome = session.start("startup");
    session.kept_deadline(Duration::from_secs(1), &outcome);
}
