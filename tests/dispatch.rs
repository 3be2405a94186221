//! The command line: every flag at every place, what a call without arguments does, exit codes, and
//! the help of every command as a snapshot.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::mcp_reply::{healthy, json_response};
use crate::support::terminal::without_typing;
use crate::support::{Act, FaultServer, Forbidden, Outcome, Session, if_permitted, run};

const TASK: &str = "write the report";

/// A project with a checklist and a repository, and no server.
fn local() -> Session {
    Session::new().project_file("TODO.md", &format!("- [ ] {TASK}\n"))
}

fn with_event(session: &Session, arguments: &[&str]) -> Outcome {
    let event = session.event("startup").to_string();
    run::to_its_end(&mut session.program(arguments), event.as_bytes())
}

/// A flag of `session-start`, and how its effect shows.
struct Flag {
    words: &'static [&'static str],
    /// Whether only `session-start` has it, so that it is behind it.
    is_own: bool,
    took_effect: fn(&Session, &Outcome) -> bool,
}

const NO_GIT: &str = "hooks.git_context.enabled=false";

/// `@FILE` is a configuration file that switches the repository's part off.
fn flags() -> Vec<Flag> {
    let no_git: fn(&Session, &Outcome) -> bool = |_, outcome| {
        outcome.text().contains(TASK) && !outcome.text().contains("Git, this repository")
    };
    vec![
        Flag { words: &["--set", NO_GIT], is_own: false, took_effect: no_git },
        Flag {
            words: &["--set=hooks.git_context.enabled=false"],
            is_own: false,
            took_effect: no_git,
        },
        Flag { words: &["--config", "@FILE"], is_own: false, took_effect: no_git },
        Flag { words: &["--config=@FILE"], is_own: false, took_effect: no_git },
        Flag {
            words: &["-v"],
            is_own: false,
            took_effect: |_, outcome| {
                outcome.stderr.contains(" INFO ") && !outcome.stderr.contains("DEBUG")
            },
        },
        Flag {
            words: &["--verbose", "--verbose"],
            is_own: false,
            took_effect: |_, outcome| outcome.stderr.contains("DEBUG "),
        },
        Flag {
            words: &["-vv"],
            is_own: false,
            took_effect: |_, outcome| outcome.stderr.contains("DEBUG "),
        },
        Flag { words: &["-q"], is_own: false, took_effect: |_, outcome| outcome.stderr.is_empty() },
        Flag {
            words: &["--quiet"],
            is_own: false,
            took_effect: |_, outcome| outcome.stderr.is_empty(),
        },
        Flag {
            words: &["--explain"],
            is_own: true,
            took_effect: |_, outcome| outcome.stderr.contains("pending_tasks    live"),
        },
        Flag {
            words: &["--dry-run"],
            is_own: true,
            took_effect: |session, _| !session.state().join("runs.jsonl").exists(),
        },
        Flag {
            words: &["--agent", "copilot"],
            is_own: true,
            took_effect: |_, outcome| {
                outcome.json()["additionalContext"].to_string().contains(TASK)
            },
        },
        Flag {
            words: &["--agent=cursor"],
            is_own: true,
            took_effect: |_, outcome| {
                outcome.json()["additional_context"].to_string().contains(TASK)
            },
        },
    ]
}

/// Unknown flags, unknown values and surplus words, before and behind the command.
const BAD: [(&[&str], &[&str]); 6] = [
    (&[], &[]),
    (&["--colour"], &[]),
    (&[], &["--colour=always", "surplus"]),
    (&["--colour", "always"], &["--agent", "clippy"]),
    (&["-x"], &["--set", "no-value"]),
    (&[], &["--config"]),
];

fn places(flag: &Flag, words: &[&'static str]) -> Vec<(Vec<&'static str>, Vec<&'static str>)> {
    let behind = (Vec::new(), words.to_vec());
    if flag.is_own {
        return vec![behind];
    }
    vec![(words.to_vec(), Vec::new()), behind, (words.to_vec(), words.to_vec())]
}

#[test]
fn every_flag_counts_at_every_place_whatever_is_among_them() {
    for flag in flags() {
        for (before, behind) in places(&flag, flag.words) {
            for (bad_before, bad_behind) in BAD {
                let session = local();
                let file = session.scratch().join("other.toml");
                crate::support::session::write(&file, b"[hooks.git_context]\nenabled = false\n");
                let line: Vec<String> =
                    [bad_before, &before, &["session-start"], &behind, bad_behind]
                        .concat()
                        .iter()
                        .map(|word| word.replace("@FILE", &file.display().to_string()))
                        .collect();
                // `-v` at both places is `-vv`.
                if flag.words == ["-v"] && !before.is_empty() && !behind.is_empty() {
                    continue;
                }
                let words: Vec<&str> = line.iter().map(String::as_str).collect();
                let outcome = with_event(&session, &words);
                assert_eq!(outcome.code(), 0, "{line:?}: {outcome:?}");
                assert!(outcome.json().is_object(), "{line:?}: {outcome:?}");
                assert!((flag.took_effect)(&session, &outcome), "{line:?}: {outcome:?}");
                let is_bad = !bad_before.is_empty() || !bad_behind.is_empty();
                let notice = outcome.json()["systemMessage"].to_string() + &outcome.stderr;
                assert_eq!(notice.contains("WS703"), is_bad, "{line:?}: {outcome:?}");
            }
        }
    }
}

#[test]
fn a_flag_without_its_value_does_not_swallow_the_command() {
    let session = local();
    for line in [&["--config", "session-start"][..], &["--set", "session-start"]] {
        let outcome = with_event(&session, line);
        assert!(outcome.context().contains(TASK), "{line:?}: {outcome:?}");
        assert!(outcome.notice().contains("WS703"), "{line:?}: {outcome:?}");
    }
}

#[test]
fn both_places_of_set_add_up() {
    let session = local();
    let line = ["--set", NO_GIT, "session-start", "--set", "session_start.notice=always"];
    let outcome = with_event(&session, &line);
    assert!(!outcome.context().contains("Git, this repository"), "{outcome:?}");
    assert_eq!(outcome.notice(), "warmstart: 1 task (live)");
    let text = session.run(&[
        "--set",
        "log.runs=77",
        "config",
        "--set",
        "log.keep=7d",
        "show",
        "log",
        "--set",
        "log.level=warn",
    ]);
    for line in ["log.runs = 77", "log.keep = \"7d\"", "log.level = \"warn\""] {
        assert!(text.text().contains(line), "{line}: {text:?}");
    }
    let text = session.run(&[
        "--set",
        "log.runs=77",
        "config",
        "show",
        "log.runs",
        "--set",
        "log.runs=78",
    ]);
    assert_eq!(text.text(), "log.runs = 78\n", "the later one is the stronger");
}

#[test]
fn a_plain_host_gets_its_text_and_the_notice_on_standard_error() {
    for line in [
        &["session-start", "--agent", "plain", "--colour"][..],
        &["session-start", "--colour", "--agent=plain"],
        &["--colour", "session-start", "--agent=plain"],
    ] {
        let session = local();
        let outcome = with_event(&session, line);
        assert_eq!(outcome.code(), 0, "{line:?}: {outcome:?}");
        assert!(
            outcome.text().starts_with("State from") || outcome.text().starts_with("Context from"),
            "{outcome:?}"
        );
        assert!(outcome.text().contains(TASK), "{line:?}: {outcome:?}");
        let notice = "warmstart: session-start: unexpected argument '--colour' found (WS703)";
        assert!(outcome.stderr.starts_with(notice), "{line:?}: {outcome:?}");
    }
}

#[test]
fn help_and_version_name_what_they_are_asked_for_at_every_place() {
    let session = Session::new();
    let version = format!("warmstart {}\n", env!("CARGO_PKG_VERSION"));
    let usages = [
        (&["--help"][..], "Usage: warmstart [OPTIONS] <COMMAND>"),
        (&["-h", "session-start"], "Usage: warmstart [OPTIONS] <COMMAND>"),
        (&["session-start", "--help"], "Usage: warmstart session-start [OPTIONS]"),
        (&["session-start", "--bogus", "-h"], "Usage: warmstart session-start [OPTIONS]"),
        (&["--bogus", "session-start", "--help"], "Usage: warmstart session-start [OPTIONS]"),
        (&["help", "session-start"], "Usage: warmstart session-start [OPTIONS]"),
        (&["--set", "a=b", "tasks", "-h"], "Usage: warmstart tasks [OPTIONS] [WHICH]"),
        (&["config", "show", "--help"], "Usage: warmstart config show [OPTIONS] [KEY]"),
    ];
    for (line, usage) in usages {
        let outcome = session.run(line);
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{line:?}");
        assert!(outcome.text().lines().any(|text| text == usage), "{line:?}: {outcome:?}");
    }
    for line in [
        &["--version"][..],
        &["-V"],
        &["-V", "session-start"],
        &["session-start", "--version"],
        &["session-start", "--bogus", "--version"],
        &["config", "show", "-V"],
    ] {
        let outcome = session.run(line);
        assert_eq!(
            (outcome.code(), outcome.text()),
            (0, version.as_str()),
            "{line:?}: {outcome:?}"
        );
    }
}

#[test]
fn an_unknown_flag_of_another_command_is_wrong_usage() {
    let session = Session::new();
    for line in [
        &["tasks", "--bogus"][..],
        &["--bogus", "tasks"],
        &["--bogus", "tasks", "session-start"],
        &["--config", "session-start", "tasks", "--bogus"],
        &["tasks", "--bogus", "--help"],
        &["help", "--bogus", "session-start"],
        &["config", "show", "--bogus"],
        &["--set", "a=b"],
        &["unknown"],
        &["__refresh", "--bogus"],
        &["__plugin-host", "--bogus"],
    ] {
        let outcome = session.run(line);
        assert_eq!((outcome.code(), outcome.text()), (2, ""), "{line:?}: {outcome:?}");
        assert!(outcome.stderr.starts_with("error: "), "{line:?}: {outcome:?}");
    }
}

#[test]
fn without_arguments_a_hosts_event_is_a_session_start() {
    let session = local();
    let event = session.event("startup").to_string();
    let short = json!({ "sessionId": "s", "cwd": session.project() }).to_string();
    for input in [event, short] {
        let outcome = run::to_its_end(&mut session.program(&[]), input.as_bytes());
        assert!(outcome.text().contains(TASK), "{input}: {outcome:?}");
    }
    let other = json!({ "hook_event_name": "PreToolUse" }).to_string();
    let outcome = run::to_its_end(&mut session.program(&[]), other.as_bytes());
    assert_eq!(outcome.answer(), json!({}));
}

#[test]
fn without_arguments_and_event_there_is_help_and_exit_code_2() {
    let session = local();
    for input in ["", "garbage", "{}", "{\"a\": 1}", "[]", "{\"session_id\":"] {
        let outcome = run::to_its_end(&mut session.program(&[]), input.as_bytes());
        assert_eq!((outcome.code(), outcome.text()), (2, ""), "{input}: {outcome:?}");
        assert!(outcome.stderr.contains("Usage: warmstart [OPTIONS] <COMMAND>"), "{outcome:?}");
    }
    // An input that stays open and empty.
    let outcome = run::with_open_input(&mut session.program(&[]), b"");
    assert_eq!(outcome.code(), 2, "{outcome:?}");
}

#[test]
fn without_arguments_at_a_terminal_there_is_help_and_exit_code_2() {
    let session = local();
    let Some((text, code)) = without_typing(&session, &[]) else { return };
    assert_eq!(code, 2, "{text}");
    assert!(text.contains("Usage:") && text.contains("session-start"), "{text}");
}

/// A server that answers every request with this status.
fn status(code: u16) -> FaultServer {
    FaultServer::always(vec![Act::Send(json_response(code, &json!({})))])
}

#[test]
fn each_kind_of_failure_has_its_exit_code() {
    let server = FaultServer::start(healthy);
    let (refusing, broken) = (status(401), status(503));
    let nonsense = FaultServer::always(vec![Act::Send(json_response(200, &json!([1, 2, 3])))]);
    let with = |server: &FaultServer| {
        Session::with_server(&server.mcp()).env("WARMSTART_HTTP__ATTEMPTS", "1")
    };
    let no_home = Session::new().env("WARMSTART_HOME", "").env("HOME", "");
    let unwritable = Session::new();
    let untrusted = Session::new().project_file(".claude/hooks.toml", "version = 1\n");
    std::fs::write(untrusted.scratch().join("x.so"), "no library").unwrap();
    let rows: [(i32, &Session, &[&str]); 20] = [
        (0, &with(&server), &["tasks"]),
        (0, &untrusted, &["config", "check"]),
        (1, &untrusted, &["plugin", "check", "../tmp/x.so"]),
        (2, &untrusted, &["tasks", "--limit", "many"]),
        (2, &untrusted, &["runs", "--last", "x"]),
        (2, &untrusted, &["call", "--tool", "t", "--args", "[1]"]),
        (2, &untrusted, &["call", "--tool", "t", "--args", "{"]),
        (2, &untrusted, &["plugin", "new", "Bad.Name"]),
        (3, &untrusted, &["tasks", "--config", "/no/such/file.toml"]),
        (3, &untrusted, &["tasks", "--set", "no.such.key=1"]),
        (3, &untrusted, &["--set", "log.runs=never", "logs", "path"]),
        (3, &untrusted, &["--set", "auth.token=literal", "config", "show"]),
        (3, &untrusted, &["call", "--tool", "t", "--client", "unknown"]),
        (4, &with(&refusing), &["tasks"]),
        (5, &with(&broken), &["tasks"]),
        (6, &with(&nonsense), &["tasks"]),
        (7, &no_home, &["runs"]),
        (2, &unwritable, &["plugin", "new", "there"]),
        (8, &untrusted, &["trust"]),
        (9, &untrusted, &["plugin", "trust", "../tmp/x.so"]),
    ];
    std::fs::create_dir(unwritable.project().join("there")).unwrap();
    for (code, session, line) in rows {
        let outcome = session.run(line);
        assert_eq!(outcome.code(), code, "{line:?}: {outcome:?}");
        assert_eq!(outcome.stderr.contains("error: "), code > 1, "{line:?}: {outcome:?}");
    }
}

#[test]
fn a_signal_ends_a_command_as_the_shell_expects() {
    use std::os::unix::process::ExitStatusExt;
    let server = FaultServer::always(vec![Act::Hold]);
    let session = Session::with_server(&server.mcp());
    for signal in [rustix::process::Signal::TERM, rustix::process::Signal::INT] {
        if run::is_ignored(signal.as_raw().unsigned_abs()) {
            let reason = format!("{signal:?} is ignored by the process that runs the tests");
            if_permitted::<()>(Err(Forbidden(reason)));
            continue;
        }
        let (asked, began) = (server.requests().len(), Instant::now());
        let child = run::start(&mut session.program(&["tasks", "--live"]), b"");
        while server.requests().len() == asked {
            assert!(began.elapsed().as_secs() < 60, "no request was sent");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let pid = rustix::process::Pid::from_raw(child.id().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
        // A shell shows this as 128 and the signal's number.
        assert_eq!(run::finish(child, began).status.signal(), Some(signal.as_raw()));
    }
}

#[test]
fn what_is_beside_a_success_is_a_warning_and_quiet_keeps_it_away() {
    let server = status(503);
    let session = local()
        .env("MCP_SERVER_URL", server.mcp())
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .hooks_toml("[clients.file]\nkind = \"local\"\n[fallback]\nchain = [\"client:file\"]\n[log]\nruns = 1\n");
    let outcome = session.run(&["tasks"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.text().contains(TASK), "{outcome:?}");
    assert!(!outcome.stderr.contains("error: "), "{outcome:?}");
    let warnings = outcome.stderr.lines().filter(|line| line.starts_with("warning: "));
    assert_eq!(warnings.count(), 2, "the file's value and the server: {outcome:?}");
    for line in [&["tasks", "-q"][..], &["--quiet", "tasks"]] {
        let outcome = session.run(line);
        assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{line:?}: {outcome:?}");
    }
    let outcome = session.run(&["-q", "tasks", "--config", "/no/such/file.toml"]);
    assert!(outcome.stderr.starts_with("error: "), "errors are printed: {outcome:?}");
}

#[test]
fn colours_are_for_terminals_and_never_the_only_sign() {
    let session = local().env("CLICOLOR_FORCE", "1");
    let outcome = session.run(&["tasks", "--config", "/no/such/file.toml"]);
    assert!(outcome.stderr.starts_with("\u{1b}[1m\u{1b}[31merror:\u{1b}[0m "), "{outcome:?}");
    let session = session.env("NO_COLOR", "1").env("CLICOLOR_FORCE", "0");
    let outcome = session.run(&["tasks", "--config", "/no/such/file.toml"]);
    assert!(outcome.stderr.starts_with("error: "), "{outcome:?}");
    assert!(!outcome.stderr.contains('\u{1b}'), "{outcome:?}");
}

#[test]
fn a_log_line_names_its_target_and_source_line_and_other_crates_begin_at_warn() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp());
    for level in
        ["info", "trace", "warmstart=debug,hyper=trace,reqwest=trace,hyper_util=trace", "TRACE"]
    {
        let outcome =
            with_event(&session, &["session-start", "--set", &format!("log.level={level}")]);
        outcome.answer();
    }
    let log = session.log();
    let line = log.lines().find(|line| line.contains("session started")).expect("a line");
    let place = " warmstart::cli::session_start: src/cli/session_start.rs:";
    let rest = line.split_once(place).unwrap_or_else(|| panic!("{line}")).1;
    assert!(rest.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    assert!(log.contains("DEBUG") && log.contains("warmstart::"), "{log}");
    for other in [" hyper", " reqwest", " rustls", " h2", " mio", " tokio"] {
        assert!(
            !log.lines().any(|line| line.contains(&format!("{other}::"))
                || line.contains(&format!("{other}_util::"))),
            "{other}: {log}"
        );
    }
}

#[test]
fn verbose_prints_the_log_of_every_command_and_masks_secrets() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).secret("MCP_AUTH_TOKEN", "a-token-to-mask");
    let info = session.run(&["tasks", "--live", "-v"]);
    assert!(!info.stderr.contains("DEBUG"), "{info:?}");
    let debug = session.run(&["-v", "tasks", "--live", "-v"]);
    assert!(debug.stderr.contains("DEBUG ") && debug.stderr.contains("src/"), "{debug:?}");
    assert!(!debug.stderr.contains("TRACE"), "{debug:?}");
    for line in [
        &["config", "check", "-v"][..],
        &["runs", "-vv"],
        &["-vv", "logs", "path"],
        &["trust", "--show", "-v"],
        &["plugin", "list", "-v"],
    ] {
        assert_eq!(session.run(line).code(), 0, "{line:?}");
    }
}

#[test]
fn explain_names_why_nothing_is_printed() {
    let session = local();
    let explain = |arguments: &[&str], event: Value| {
        let line = [&["session-start", "--explain"], arguments].concat();
        run::to_its_end(&mut session.program(&line), event.to_string().as_bytes())
    };
    let event = session.event("startup");
    let outcome = explain(&["--set", "session_start.sources=[\"resume\"]"], event.clone());
    assert_eq!(outcome.answer(), json!({}));
    let reason = "nothing printed: the source `startup` is not in `session_start.sources`\n";
    assert!(outcome.stderr.ends_with(reason), "{outcome:?}");
    let skipped = "pending_tasks    not for the source `startup`: see `session_start.sources`\n";
    assert!(outcome.stderr.contains(skipped), "{outcome:?}");

    let mut other = event.clone();
    other["hook_event_name"] = json!("PreToolUse");
    let outcome = explain(&[], other);
    assert_eq!(outcome.stderr, "nothing printed: the event is `PreToolUse`, not a SessionStart\n");

    let empty = ["--set", NO_GIT, "--set", "client.files=[]"];
    let outcome = explain(&empty, event.clone());
    assert_eq!(outcome.answer(), json!({}));
    assert!(
        outcome.stderr.ends_with("nothing printed: no hook has anything to show\n"),
        "{outcome:?}"
    );

    explain(&[], event);
    let outcome = explain(&[], session.event("resume"));
    let reason =
        "nothing printed: the session has exactly this text already (`session_start.resume`)\n";
    assert!(outcome.stderr.ends_with(reason), "{outcome:?}");
}

#[test]
fn explain_names_who_answered_and_what_is_filled_in_the_background() {
    let server = status(503);
    let session = local()
        .env("MCP_SERVER_URL", server.mcp())
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .hooks_toml("[clients.file]\nkind = \"local\"\n[fallback]\nchain = [\"client:file\"]\n");
    let outcome = with_event(&session, &["session-start", "--explain"]);
    let line =
        outcome.stderr.lines().find(|line| line.starts_with("pending_tasks")).expect("a line");
    let (_, reason) = line.split_once(" chars  ").expect("a reason");
    assert!(reason.starts_with("local task file; "), "{line}");
    assert!(reason.ends_with("(WS322)"), "{line}");

    let server = FaultServer::start(healthy);
    let session =
        Session::with_server(&server.mcp()).env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    let outcome = with_event(&session, &["session-start", "--explain", "--dry-run"]);
    let line = outcome.stderr.lines().find(|line| line.starts_with("prime_cache")).expect("a line");
    assert!(line.ends_with("fills in the background: branches"), "{line}");
}

/// The names of the subcommands in a help text.
fn subcommands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let named = lines.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("   "));
    named.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_help_of_every_command() {
    let session = Session::new();
    let mut open = vec![Vec::<String>::new()];
    let mut commands = 0;
    while let Some(command) = open.pop() {
        let mut line: Vec<&str> = command.iter().map(String::as_str).collect();
        line.push("--help");
        let outcome = session.run(&line);
        assert_eq!(outcome.code(), 0, "{line:?}");
        for name in subcommands(outcome.text()).into_iter().filter(|name| name != "help") {
            open.push([command.clone(), vec![name]].concat());
        }
        let name = [&["help".to_owned()], command.as_slice()].concat().join("-");
        insta::assert_snapshot!(name, outcome.text());
        commands += 1;
    }
    assert!(commands > 15, "only {commands} commands were found");
}
