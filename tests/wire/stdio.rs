//! MCP servers that are programs: real ones of both eras, what is sent to them, and programs that fail.
//! Every test ends with no process left: `Session` waits for that at its end.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::live;
use crate::support::session::write;
use crate::support::{Outcome, Session, child, install, or_skip, run};

const PAYLOAD: &str = r#"{"tasks":[{"id":"1","title":"Write it","status":"todo"},{"id":"2","title":"Test it","status":"todo"}]}"#;

/// A session whose source is the program `words`.
pub fn with_command(words: &[&str]) -> Session {
    Session::new()
        .env("WARMSTART_CLIENT__COMMAND", json!(words).to_string())
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .deadline("20s")
}

/// A program that behaves as `mode` and writes down what it reads.
pub struct Scripted {
    mode: PathBuf,
    log: PathBuf,
}

impl Scripted {
    pub fn new(session: &mut Session, mode: &str) -> Self {
        let scratch = session.scratch();
        let (file, log) = (scratch.join("mode"), scratch.join("log"));
        let scripted = Scripted { mode: file, log };
        scripted.set(mode);
        let script = install::sources().join("other_servers/scripted_stdio.py");
        let (mode, log) = (scripted.mode.display(), scripted.log.display());
        let words = json!(["python3", "-B", script, mode.to_string(), log.to_string()]);
        session.set("WARMSTART_CLIENT__COMMAND", words.to_string());
        scripted
    }

    pub fn set(&self, mode: &str) {
        fs::write(&self.mode, mode).unwrap();
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// How often it was started.
    pub fn starts(&self) -> usize {
        self.lines().iter().filter(|line| *line == "started").count()
    }

    /// The messages that it read.
    pub fn messages(&self) -> Vec<Value> {
        let lines = self.lines();
        let messages = lines.iter().filter(|line| *line != "started");
        messages.map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The methods of the messages since the last call.
    fn take_methods(&self) -> Vec<String> {
        let method = |message: &Value| message["method"].as_str().unwrap_or("answer").to_owned();
        let methods = self.messages().iter().map(method).collect();
        fs::write(&self.log, "").unwrap();
        methods
    }
}

/// A session with a scripted program, which is asked each time.
fn scripted(mode: &str) -> (Session, Scripted) {
    let mut session = with_command(&[]).env("WARMSTART_CACHE__READ", "network_first");
    let program = Scripted::new(&mut session, mode);
    (session, program)
}

fn lines_of(file: &Path) -> Vec<String> {
    fs::read_to_string(file).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Fails if a process is left beside the background one; the kernel has a moment to end a killed one.
#[track_caller]
fn assert_no_program(session: &Session) {
    let end = Instant::now() + Duration::from_secs(1);
    loop {
        let commands = session.children().into_iter();
        let commands =
            commands.map(|id| fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default());
        let commands = commands.map(|words| String::from_utf8_lossy(&words).replace('\0', " "));
        let left: Vec<String> =
            commands.filter(|words| !words.is_empty() && !words.contains("__refresh")).collect();
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "left: {left:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Two session starts with a real server: the same tasks, one process each, in the project's root.
fn check_server(program: &Path, script: &Path, more: &[&str]) {
    let mut session = with_command(&[]).env("WARMSTART_CACHE__READ", "network_first");
    let (payload, starts) = (session.scratch().join("payload"), session.scratch().join("starts"));
    write(&payload, PAYLOAD.as_bytes());
    let words = json!([program, script, payload, starts]);
    let words: Vec<Value> = words
        .as_array()
        .unwrap()
        .iter()
        .cloned()
        .chain(more.iter().map(|word| json!(word)))
        .collect();
    session.set("WARMSTART_CLIENT__COMMAND", json!(words).to_string());
    let project = session.project().canonicalize().unwrap();
    for number in 1..=2 {
        let lines = live(&session);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].contains("Write it"), "{lines:?}");
        let starts = lines_of(&starts);
        assert_eq!(starts.len(), number, "one process for a question: {starts:?}");
        assert!(starts[number - 1].ends_with(project.to_str().unwrap()), "{starts:?}");
        assert_no_program(&session);
    }
}

#[test]
fn f12_python_servers_of_both_eras_answer_over_their_streams() {
    let script = install::sources().join("other_servers/stdio_server.py");
    for name in ["mcp1", "mcp2", "fastmcp"] {
        let Some(python) = or_skip(install::python(name)) else { continue };
        check_server(&python, &script, &[]);
    }
}

#[test]
fn f12_typescript_servers_answer_over_their_streams() {
    let Some(node) = or_skip(install::node_22()) else { return };
    let Some(script) = or_skip(install::beside_packages("other_servers/typescript_stdio.mjs"))
    else {
        return;
    };
    let node =
        if node.is_absolute() { node } else { crate::support::needs("node", "nodejs").unwrap() };
    for legacy in ["serve", "reject"] {
        check_server(&node, &script, &[legacy]);
    }
}

#[test]
fn f12_the_example_server_answers_a_call() {
    let Some(node) = or_skip(install::node_22()) else { return };
    let Some(packages) = or_skip(install::npm()) else { return };
    let script =
        packages.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let session = with_command(&[node.to_str().unwrap(), script.to_str().unwrap(), "stdio"]);
    let outcome = session.run(&["call", "echo", "--args", r#"{"message":"hello"}"#]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.text().contains("hello"), "{outcome:?}");
    let outcome = session.run(&["call", "no_such_tool"]);
    assert_eq!(outcome.code(), 6, "{outcome:?}");
    assert!(outcome.stderr.contains("has no tool `no_such_tool` (WS406)"), "{outcome:?}");
}

#[test]
fn a_modern_server_gets_one_message() {
    let (session, program) = scripted("modern");
    live(&session);
    assert_eq!(program.take_methods(), ["tools/call"]);
    live(&session);
    assert_eq!(program.take_methods(), ["tools/call"]);
}

#[test]
fn a_legacy_server_gets_the_handshake_at_once_from_the_second_start_on() {
    let (session, program) = scripted("legacy");
    let handshake = ["initialize", "notifications/initialized", "tools/call"];
    live(&session);
    assert_eq!(program.starts(), 1);
    assert_eq!(program.take_methods(), [&["tools/call"][..], &handshake].concat());
    live(&session);
    assert_eq!(program.take_methods(), handshake);
    program.set("modern");
    live(&session);
    assert_eq!(program.starts(), 1, "an updated server is asked on the same streams");
    assert_eq!(program.take_methods(), ["initialize", "tools/call"]);
    live(&session);
    assert_eq!(program.take_methods(), ["tools/call"]);
    program.set("legacy");
    live(&session);
    assert_eq!(program.take_methods(), [&["tools/call"][..], &handshake].concat());
}

#[test]
fn a_server_that_ignores_a_call_before_the_handshake_gets_the_handshake() {
    let (session, program) = scripted("mute");
    live(&session);
    assert_eq!(program.starts(), 1);
    let methods = program.take_methods();
    assert_eq!(methods[..2], ["tools/call", "initialize"], "{methods:?}");
    assert_eq!(methods.len(), 4, "{methods:?}");
}

#[test]
fn a_server_that_ends_at_a_call_before_the_handshake_is_started_once_more() {
    let (session, program) = scripted("exits");
    live(&session);
    assert_eq!(program.starts(), 2);
    program.take_methods();
    live(&session);
    assert_eq!(program.starts(), 1);
    assert_eq!(program.take_methods()[0], "initialize");
}

#[test]
fn a_call_by_hand_is_sent_once_whatever_the_server_speaks() {
    let handshake = ["initialize", "notifications/initialized", "tools/call"];
    for mode in ["legacy", "mute", "exits"] {
        let (session, program) = scripted(mode);
        for _ in 1..=2 {
            let outcome = session.run(&["call", "manage_task"]);
            assert_eq!(outcome.code(), 0, "{mode}: {outcome:?}");
            assert_eq!(program.starts(), 1, "{mode}");
            assert_eq!(program.take_methods(), handshake, "{mode}");
        }
    }
    let (session, program) = scripted("modern");
    for methods in [&["initialize", "tools/call"][..], &["tools/call"]] {
        assert_eq!(session.run(&["call", "manage_task"]).code(), 0);
        assert_eq!(program.take_methods(), methods);
    }
}

#[test]
fn a_further_client_may_be_a_program_beside_a_url() {
    let mut session = with_command(&[]);
    let program = Scripted::new(&mut session, "modern");
    let command = session.variable("WARMSTART_CLIENT__COMMAND");
    session.unset("WARMSTART_CLIENT__COMMAND");
    let session = session
        .env("MCP_SERVER_URL", "http://127.0.0.1:9")
        .env("WARMSTART_CLIENTS__PROGRAM__COMMAND", command)
        .env("WARMSTART_FALLBACK__CHAIN", "client:program");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("From a program"), "{outcome:?}\n{}", session.log());
    assert_eq!(program.starts(), 1);
}

#[test]
fn requests_of_the_server_are_answered_and_refused_meanwhile() {
    let (session, program) = scripted("asks");
    live(&session);
    let answers = program.messages().split_off(1);
    let shown: Vec<(Value, Option<i64>)> = answers
        .iter()
        .map(|answer| (answer["id"].clone(), answer["error"]["code"].as_i64()))
        .collect();
    let refused = Some(-32601);
    assert_eq!(
        shown,
        [(json!("p"), None), (json!(7), refused), (json!(8), refused), (json!(9), refused)]
    );
    assert_eq!(answers[0]["result"], json!({}));
}

#[test]
fn text_between_the_messages_is_skipped() {
    let (session, _) = scripted("noisy");
    assert_eq!(live(&session).len(), 1);
}

/// A start whose program fails: the outcome, without a process left.
#[track_caller]
fn failed(session: &Session, code: &str) -> Outcome {
    let outcome = session.start("startup");
    let record = session.last("pending_tasks");
    assert_eq!(record.supply, "none", "{record:?}");
    assert!(outcome.notice().contains(code), "{code}: {outcome:?}");
    assert_no_program(session);
    outcome
}

#[test]
fn b3_each_way_to_fail_is_named_and_leaves_no_process() {
    let table = [
        ("dies password=canary-73", "WS326", "ended before it answered (exit 3)"),
        ("closes", "WS326", "closed its output before it answered"),
        ("long", "WS405", "http.max_body"),
        ("nameless", "WS403", "cannot read the request"),
        ("refuses", "WS406", "the server has no tool `manage_task`"),
    ];
    for (mode, code, text) in table {
        let (session, _) = scripted(mode);
        let outcome = failed(&session, code);
        let shown = outcome.notice() + &session.last("pending_tasks").cause;
        assert!(shown.contains(text), "{mode}: {shown}");
        outcome.within(Duration::from_secs(20));
    }
}

#[test]
fn b3_a_program_without_an_answer_ends_at_the_deadline() {
    let table = [
        ("silent", "WS303", "did not answer in time"),
        ("foreign", "WS303", "no answer to our request"),
        ("text", "WS402", "usage: this is not a server"),
    ];
    for (mode, code, text) in table {
        let (session, _) = scripted(mode);
        // It is not asked again in the background, where it may take 30 s.
        let session = session.deadline("2s").env("WARMSTART_QUERIES__TASKS__READ_ONLY", "false");
        let outcome = failed(&session, code);
        let cause = session.last("pending_tasks").cause;
        assert!(cause.contains(text), "{mode}: {cause}");
        session.kept_deadline(Duration::from_secs(2), &outcome);
    }
}

#[test]
fn the_last_line_of_standard_error_is_in_the_message_and_all_of_it_in_the_log() {
    let (session, _) = scripted("dies cannot open the database");
    let outcome = session.run(&["tasks"]);
    assert_eq!(outcome.code(), 5, "{outcome:?}");
    assert!(outcome.stderr.contains("(exit 3): cannot open the database"), "{outcome:?}");
    assert!(session.log().contains("the first line"), "{}", session.log());
}

#[test]
fn a_secret_in_standard_error_is_masked() {
    let (session, _) = scripted("dies the token is sekret-4711-value");
    let session = session.secret("MCP_AUTH_TOKEN", "sekret-4711-value");
    let outcome = failed(&session, "WS326");
    assert!(outcome.notice().contains("the token is"), "{outcome:?}");
    // The mode is the test's own file.
    fs::remove_file(session.scratch().join("mode")).unwrap();
}

#[test]
fn mc_a_credential_that_the_program_gets_is_masked_in_what_it_prints() {
    for name in ["TASKS_TOKEN", "TASKS_API_KEY", "DB_PASS"] {
        let (session, _) = scripted("dies refused: sekret-4711-value");
        let session = session
            .secret(name, "sekret-4711-value")
            .env("WARMSTART_CLIENT__ENV", json!([name]).to_string());
        let outcome = failed(&session, "WS326");
        assert!(outcome.notice().contains("refused: ****"), "{name}: {outcome:?}");
        fs::remove_file(session.scratch().join("mode")).unwrap();
    }
}

#[test]
fn mc_a_long_line_of_standard_error_is_masked_before_it_is_cut() {
    const SECRET: &str = "sekret-4711-value-0123456789";
    for before in (1000..1024).step_by(4) {
        let (session, _) = scripted(&format!("dies {}{SECRET}", "x".repeat(before)));
        let session = session.secret("MCP_AUTH_TOKEN", SECRET);
        failed(&session, "WS326");
        fs::remove_file(session.scratch().join("mode")).unwrap();
    }
}

#[test]
fn b3_a_program_ends_with_us_by_any_signal() {
    for signal in [15, 2, 1, 9].into_iter().filter(|signal| !run::is_ignored(*signal)) {
        let (session, program) = scripted("silent");
        let session = session.deadline("50s");
        let (process, _) = session.begin("startup");
        let end = Instant::now() + Duration::from_secs(20);
        while program.messages().is_empty() {
            assert!(Instant::now() < end, "the program was not started");
            std::thread::sleep(Duration::from_millis(10));
        }
        child::signal(&process, signal);
        child::wait(process, "session-start", Duration::from_secs(15));
        session.settle();
    }
}

#[test]
fn a_fresh_cache_starts_no_program() {
    let mut session = with_command(&[]);
    let program = Scripted::new(&mut session, "modern");
    live(&session);
    assert_eq!(program.starts(), 1);
    let outcome = session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "fresh", "{outcome:?}");
    assert!(session.run(&["tasks"]).text().contains("From a program"));
    assert_eq!(program.starts(), 1);
    let other = session.env("UNLISTED", "x").env("WARMSTART_CLIENT__ENV", r#"["OTHER"]"#);
    live(&other);
    assert_eq!(program.starts(), 2, "the listed variables belong to the identity");
}

#[test]
fn a_program_sees_the_listed_variables_alone() {
    let mut session = with_command(&[]);
    let seen = session.scratch().join("seen");
    let script = format!("env > {}; echo no tasks >&2; exit 1", seen.display());
    session.set("WARMSTART_CLIENT__COMMAND", json!(["sh", "-c", script]).to_string());
    let session = session
        .env("WARMSTART_CLIENT__ENV", r#"["TASKS_KEY"]"#)
        .env("TASKS_KEY", "canary-1")
        .env("OTHER_KEY", "canary-2");
    session.start("startup");
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.contains("TASKS_KEY=canary-1") && !seen.contains("canary-2"), "{seen}");
}

#[test]
fn a_missing_program_is_named_by_config_check_and_by_a_session() {
    for (word, text) in [
        ("no-such-program", "is not in PATH"),
        ("/no/such/program", "does not exist"),
        ("./tasks", "not trusted"),
    ] {
        let session = with_command(&[word]);
        let outcome = session.run(&["config", "check"]);
        let shown = outcome.text().to_owned() + &outcome.stderr;
        assert!(shown.contains("`client.command`") && shown.contains(text), "{word}: {outcome:?}");
        assert_ne!(outcome.code(), 0, "{word}");
        let notice = session.start("startup").notice();
        assert!(notice.contains("client.command"), "{word}: {notice}");
    }
    let outcome = Session::new().env("WARMSTART_CLIENT__KIND", "stdio").run(&["config", "check"]);
    let shown = outcome.text().to_owned() + &outcome.stderr;
    assert!(
        shown.contains("`client.command`, the program of the task server, is not set"),
        "{shown}"
    );
}

#[test]
fn a_command_of_a_project_file_runs_only_after_trust() {
    let session = Session::new().deadline("20s");
    let ran = session.scratch().join("ran");
    let script = format!("touch {}", ran.display());
    let text = format!("[client]\ncommand = {}\n", json!(["sh", "-c", script]));
    let session = session.project_file(".claude/hooks.toml", &text);
    session.start("startup");
    assert!(!ran.exists(), "an untrusted project's program ran");
    assert_eq!(session.run(&["trust", "--yes"]).code(), 0);
    session.start("startup");
    assert!(ran.exists(), "{}", session.log());
}

#[test]
fn a_program_of_the_project_in_path_is_not_started() {
    let mut session = with_command(&["tasks-server"]);
    let bin = session.project().join("node_modules/.bin");
    let ran = session.scratch().join("ran");
    let program = bin.join("tasks-server");
    write(&program, format!("#!/bin/sh\ntouch {}\n", ran.display()).as_bytes());
    fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    session.set("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    failed(&session, "WS326");
    assert!(!ran.exists());
}

#[test]
fn f13_the_root_of_the_repository_can_be_an_argument() {
    let (session, program) = scripted("modern");
    let session = session.env(
        "WARMSTART_QUERIES__TASKS__ARGUMENTS",
        r#"{ action = "list", projectRoot = "{repository.root}" }"#,
    );
    live(&session);
    let root = &program.messages()[0]["params"]["arguments"]["projectRoot"];
    let root = PathBuf::from(root.as_str().unwrap()).canonicalize().unwrap();
    assert_eq!(root, session.project().canonicalize().unwrap());
}

#[test]
fn a_url_is_stronger_than_a_command_and_a_command_than_a_file() {
    let mut session = with_command(&[]);
    let program = Scripted::new(&mut session, "modern");
    write(&session.project().join("TODO.md"), b"- [ ] from a file\n");
    assert!(session.run(&["tasks"]).text().contains("From a program"));
    let starts = program.starts();
    let session = session.env("MCP_SERVER_URL", "http://127.0.0.1:9");
    assert_eq!(session.run(&["tasks", "--live"]).code(), 5);
    assert_eq!(program.starts(), starts);
}
