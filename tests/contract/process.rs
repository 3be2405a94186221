//! S001–S019: what comes in, what goes out, and what may happen to the process meanwhile.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::fresh;
use crate::support::{Act, FaultServer, Outcome, Session, run};

/// A session start with these bytes on stdin must say what is cached.
#[track_caller]
fn says_the_tasks(session: &Session, stdin: &[u8]) -> Outcome {
    let outcome = run::to_its_end(&mut session.program(&["session-start"]), stdin);
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    outcome
}

#[test]
fn s001_h07_no_input_counts_as_a_startup_here() {
    let (_server, session) = fresh();
    says_the_tasks(&session, b"");
    let mut command = session.program(&["session-start"]);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("Mend the roof"));
}

#[test]
fn s003_h07_an_input_that_never_ends_is_not_waited_for() {
    let (_server, session) = fresh();
    for input in ["", "{\"hook_event", &session.event("startup").to_string()] {
        let mut command = session.program(&["session-start"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let began = Instant::now();
        let mut child = command.spawn().unwrap();
        let mut open = child.stdin.take().unwrap();
        open.write_all(input.as_bytes()).unwrap();
        open.flush().unwrap();
        let outcome = run::finish(child, began);
        assert!(outcome.context().contains("Mend the roof"), "{input}: {outcome:?}");
        outcome.within(Duration::from_millis(500));
        drop(open);
    }
}

#[test]
fn s004_s006_h07_input_of_every_kind() {
    let (_server, session) = fresh();
    let deep = "[".repeat(200_000);
    let inputs: [&[u8]; 10] = [
        b"garbage",
        b"\xff\xfe\x00\x01",
        b"{\"source\":",
        deep.as_bytes(),
        b"[1,2,3]",
        b"null",
        br#"{"hook_event_name":"SessionStart","source":7,"cwd":{"a":1},"session_id":[]}"#,
        br#"{"hook_event_name":"SessionStart","source":"of-tomorrow"}"#,
        br#"{"hook_event_name":"SessionStart","source":"startup","new_field":{"x":[1]}}"#,
        b"\xef\xbb\xbf{\"hook_event_name\":\"SessionStart\",\"source\":\"startup\"}",
    ];
    for input in inputs {
        says_the_tasks(&session, input);
    }
    let mut event = session.event("startup");
    event["cwd"] = "/nowhere/at/all".into();
    let outcome = session.start_with(&event.to_string(), &[]);
    outcome.answer();
}

#[test]
fn s005_h07_a_hundred_megabytes_of_input() {
    let (_server, session) = fresh();
    let mut huge = session.event("startup");
    huge["padding"] = "x".repeat(100 << 20).into();
    let outcome =
        run::to_its_end(&mut session.program(&["session-start"]), huge.to_string().as_bytes());
    outcome.answer();
    outcome.within(Duration::from_secs(2));
}

#[test]
fn s007_another_event_gets_nothing() {
    let (_server, session) = fresh();
    let mut event = session.event("startup");
    event["hook_event_name"] = "Stop".into();
    let outcome = session.start_with(&event.to_string(), &[]);
    assert_eq!(outcome.text(), "{}\n");
}

#[test]
fn s008_s009_an_output_that_nobody_reads() {
    let (_server, session) = fresh();
    let event = session.event("startup").to_string();
    for redirect in [">&-", ">/dev/full", "| true"] {
        let line = format!("set -o pipefail; \"$0\" session-start {redirect}");
        let mut shell = session.program(&[]);
        let program = shell.get_program().to_owned();
        shell = {
            let mut wrapped = Command::new("bash");
            wrapped.args(["-c", &line]).arg(program).env_clear().current_dir(session.project());
            wrapped.envs(shell.get_envs().filter_map(|(name, value)| Some((name, value?))));
            wrapped
        };
        let outcome = run::to_its_end(&mut shell, event.as_bytes());
        assert_eq!(outcome.code(), 0, "{redirect}: {outcome:?}");
        assert_eq!(outcome.stderr, "", "{redirect}");
    }
}

#[test]
fn s010_a_reader_that_stalls() {
    let (_server, session) = fresh();
    let mut command = session.program(&["session-start"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(Duration::from_millis(600));
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(text.ends_with("}\n"), "{text}");
    assert!(child.wait().unwrap().success());
}

#[test]
fn s011_s012_i22_a_signal_in_the_middle_of_a_query() {
    let server = FaultServer::start(|_| vec![Act::Hold]);
    let session = Session::with_server(&server.mcp()).deadline("20s");
    for signal in [Signal::TERM, Signal::INT, Signal::HUP, Signal::KILL] {
        let asked = server.requests().len();
        let (child, began) = session.begin("startup");
        while server.requests().len() == asked {
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
        let outcome = run::finish(child, began);
        let text = String::from_utf8(outcome.stdout).unwrap();
        assert!(text.is_empty() || text.ends_with("}\n"), "{signal:?}: {text}");
        assert!(outcome.elapsed < Duration::from_secs(10), "{signal:?}");
    }
    server.becomes(crate::healthy);
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
}

#[test]
fn s013_a_flag_that_nobody_knows() {
    let (_server, session) = fresh();
    let event = session.event("startup").to_string();
    let outcome = session.start_with(&event, &["--of-tomorrow", "x"]);
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert!(outcome.notice().contains("WS703"), "{outcome:?}");
    assert!(outcome.notice().contains("--of-tomorrow"), "{outcome:?}");
}

#[test]
fn s016_little_memory_one_process_few_files() {
    let (_server, session) = fresh();
    let event = session.event("startup").to_string();
    for limits in ["ulimit -v 262144", "ulimit -n 16", "ulimit -c 0"] {
        let outcome = limited(&session, limits, &event);
        assert!(outcome.context().contains("Mend the roof"), "{limits}: {outcome:?}");
    }
}

#[test]
fn d009_a_size_limit_kills_nobody() {
    let (_server, session) = fresh();
    let event = session.event("startup").to_string();
    let outcome = limited(&session, "ulimit -f 0", &event);
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
}

/// A session start below these limits of the shell.
fn limited(session: &Session, limits: &str, event: &str) -> Outcome {
    let plain = session.program(&[]);
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{limits}; exec \"$0\" session-start")]).arg(plain.get_program());
    shell.env_clear().current_dir(session.project());
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run::to_its_end(&mut shell, event.as_bytes())
}

#[test]
fn s018_locale_time_zone_and_terminal_change_nothing() {
    let (_server, mut session) = fresh();
    let usual = session.start("startup").context();
    let odd = [
        ("LC_ALL", "C"),
        ("LANG", "tr_TR.UTF-8"),
        ("TZ", "Pacific/Chatham"),
        ("NO_COLOR", "1"),
        ("TERM", "dumb"),
        ("COLUMNS", "3"),
        ("RUST_LOG", "trace"),
        ("RUST_BACKTRACE", "full"),
    ];
    for (name, value) in odd {
        session.set(name, value);
        assert_eq!(session.start("startup").context(), usual, "{name}={value}");
    }
}

#[test]
fn s019_two_registrations_both_answer_the_same() {
    let (_server, session) = fresh();
    let both = [session.begin("startup"), session.begin("startup")];
    let texts: Vec<String> = both.into_iter().map(|one| session.finish(one).context()).collect();
    assert_eq!(texts[0], texts[1]);
    assert!(!texts[0].is_empty());
}
