//! The host's side of the contract: whatever it does with the program's standard input, output,
//! limits and life, it gets one complete object or nothing, exit 0, in time.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::terminal::without_typing;
use crate::support::{
    Act, FaultServer, Forbidden, Outcome, Session, canary, child, if_permitted, mcp_reply, run,
};
use serde_json::json;

const TASK: &str = "Mend the roof";

fn started() -> (FaultServer, Session) {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp()).deadline("15s");
    (server, session)
}

#[track_caller]
fn has_tasks(outcome: &Outcome, case: &str) {
    assert!(outcome.context().contains(TASK), "{case}: {outcome:?}");
}

#[test]
fn s001_no_input_is_a_startup_in_our_own_folder() {
    let (_server, session) = started();
    has_tasks(&session.start_with("", &[]), "empty");
    let output = child::output(&mut session.program(&["session-start"]), child::LIMIT).unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains(TASK), "{output:?}");
    let mut closed = Command::new("sh");
    let program = session.program(&["session-start"]);
    closed.args(["-c", "exec \"$0\" session-start <&-"]).arg(program.get_program());
    closed.current_dir(session.project()).env_clear();
    closed.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = child::output(&mut closed, child::LIMIT).unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains(TASK), "closed: {output:?}");
}

#[test]
fn s002_a_person_at_a_terminal_is_told_what_this_is() {
    let (_server, session) = started();
    let Some((text, _)) = without_typing(&session, &["session-start"]) else { return };
    assert!(text.starts_with("no event on standard input: "), "{text}");
    assert!(text.contains(TASK), "{text}");
}

#[test]
fn s003_an_input_without_end_is_not_waited_for() {
    let (_server, session) = started();
    let whole = session.event("startup").to_string();
    for text in ["", "{\"session_id\":\"x\"", &whole] {
        let mut command = session.program(&["session-start"]);
        let outcome = run::with_open_input(&mut command, text.as_bytes());
        has_tasks(&outcome, text);
        outcome.within(Duration::from_secs(3));
    }
}

#[test]
fn s004_s006_whatever_is_on_the_input_the_session_gets_its_tasks() {
    let (_server, session) = started();
    let deep = "[".repeat(200_000);
    let cases = [
        "garbage",
        "null",
        "[]",
        "{\"cwd\":",
        "\u{0}\u{1}\u{2}",
        &deep,
        r#"{"hook_event_name":"SessionStart","source":7,"session_id":[],"cwd":{}}"#,
        r#"{"hook_event_name":"SessionStart","source":"teleport","cwd":"/no/such/folder"}"#,
        r#"{"hook_event_name":"SessionStart","cwd":"relative/folder","session_id":""}"#,
    ];
    for case in cases {
        has_tasks(&session.start_with(case, &[]), &case[..case.len().min(80)]);
    }
    let mut binary = session.program(&["session-start"]);
    has_tasks(&run::to_its_end(&mut binary, &[0xff, 0xfe, 0x00, 0xc3]), "no UTF-8");
}

#[test]
fn s005_an_input_of_a_hundred_megabytes() {
    let (_server, session) = started();
    let mut bytes = br#"{"hook_event_name":"SessionStart","x":""#.to_vec();
    bytes.resize(100 << 20, b'x');
    let outcome = run::to_its_end(&mut session.program(&["session-start"]), &bytes);
    has_tasks(&outcome, "100 MB");
    outcome.within(Duration::from_secs(4));
}

#[test]
fn s007_another_event_is_none_of_ours() {
    let (server, session) = started();
    let mut event = session.event("startup");
    event["hook_event_name"] = json!("PreToolUse");
    assert_eq!(session.start_with(&event.to_string(), &[]).json(), json!({}));
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn s008_s009_nobody_reads_or_the_disk_is_full() {
    let (_server, session) = started();
    let event = session.scratch().join("event.json");
    crate::support::session::write(&event, session.event("startup").to_string().as_bytes());
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    for (stdout, case) in [(Stdio::from(full), "full"), (Stdio::from(writer), "closed")] {
        let mut command = session.program(&["session-start", "--explain"]);
        let status = command.stdin(File::open(&event).unwrap()).stdout(stdout);
        let child = status.stderr(Stdio::piped()).spawn().unwrap();
        let output = child::wait(child, case, child::LIMIT);
        assert_eq!(output.status.code(), Some(0), "{case}: {output:?}");
        assert!(
            !String::from_utf8_lossy(&output.stderr).contains("panicked"),
            "{case}: {output:?}"
        );
    }
}

#[test]
fn s010_a_reader_that_does_not_read() {
    let (_server, session) = started();
    let session = session.deadline("400ms");
    let (reader, mut writer) = std::io::pipe().unwrap();
    // Filled by a thread that blocks in it until the reader is closed.
    let copy = writer.try_clone().unwrap();
    let filler = std::thread::spawn(move || writer.write_all(&[b'x'; 1 << 20]));
    std::thread::sleep(Duration::from_millis(100));
    let event = session.scratch().join("event.json");
    crate::support::session::write(&event, session.event("startup").to_string().as_bytes());
    let mut command = session.program(&["session-start"]);
    command.stdin(File::open(&event).unwrap()).stdout(copy).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    drop(command);
    let outcome = run::finish(child, Instant::now());
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    outcome.within(Duration::from_secs(1));
    drop(reader);
    assert!(filler.join().unwrap().is_err());
}

#[test]
fn s011_a_signal_leaves_nothing_half() {
    let server = FaultServer::always(vec![Act::Hold]);
    // Without git everything that is written before the request has been written when it arrives.
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .env("WARMSTART_HOOKS__GIT_CONTEXT__ENABLED", "false");
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1)] {
        if run::is_ignored(number) {
            let reason = format!("SIG{signal} is ignored by the process that runs the tests");
            if_permitted::<()>(Err(Forbidden(reason)));
            continue;
        }
        let asked = server.requests().len();
        let (child, began) = session.begin("startup");
        while server.requests().len() == asked {
            std::thread::sleep(Duration::from_millis(10));
        }
        child::signal(&child, number);
        let outcome = run::finish(child, began);
        if !outcome.stdout.is_empty() {
            outcome.json();
        }
        assert!(outcome.elapsed < Duration::from_secs(15), "{signal}: {outcome:?}");
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let left: Vec<String> = canary::files(&session.home()).iter().map(name).collect();
        let is_half = |name: &String| name.starts_with(warmstart::testing::TEMPORARY_PREFIX);
        assert!(!left.iter().any(is_half), "{signal}: {left:?}");
    }
}

#[test]
fn s013_a_bad_flag_costs_a_notice_and_nothing_else() {
    let (_server, session) = started();
    let event = session.event("startup").to_string();
    for flags in [&["--colour"][..], &["--agent", "clippy"], &["surplus"], &["--config"]] {
        let outcome = session.start_with(&event, flags);
        has_tasks(&outcome, flags[0]);
        assert!(outcome.notice().contains("WS703"), "{flags:?}: {outcome:?}");
    }
    let outcome = session.start_with(&event, &["--agent", "copilot", "--colour"]);
    let text = outcome.json()["additionalContext"].to_string();
    assert!(text.contains(TASK), "the flags that are known count: {outcome:?}");
}

#[test]
fn s016_under_tight_limits() {
    let (_server, session) = started();
    for limits in ["ulimit -n 24", "ulimit -v 262144", "ulimit -s 512", "ulimit -f 0"] {
        let program = session.program(&["session-start"]);
        let mut limited = Command::new("sh");
        limited.args(["-c", &format!("{limits}; exec \"$0\" session-start")]);
        limited.arg(program.get_program()).current_dir(session.project()).env_clear();
        limited.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let event = session.event("startup").to_string();
        has_tasks(&run::to_its_end(&mut limited, event.as_bytes()), limits);
    }
}

#[test]
fn s018_the_same_text_in_every_locale() {
    let (_server, mut session) = started();
    let usual = session.start("startup").context();
    for (name, value) in [
        ("LANG", "C"),
        ("LC_ALL", "tr_TR.UTF-8"),
        ("TZ", "Pacific/Kiritimati"),
        ("TZ", ":/no/such/zone"),
        ("TERM", "dumb"),
        ("NO_COLOR", "1"),
        ("CLICOLOR_FORCE", "1"),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
    ] {
        session.set(name, value);
        let outcome = session.start("startup");
        assert_eq!(outcome.context(), usual, "{name}={value}");
        assert_eq!(outcome.stderr, "", "{name}={value}");
        session.unset(name);
    }
}

#[test]
fn s02_help_is_for_people() {
    let (_server, session) = started();
    let mut command = session.program(&["session-start", "--help"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(text.contains("--agent") && text.contains("--dry-run"), "{text}");
}
