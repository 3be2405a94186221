//! Whole screens, as snapshots: what the user sees of the everyday commands at a terminal of 80
//! columns and through a pipe, and the notices of typical failures. Times, ports and durations that
//! differ from run to run are filtered; records and logs are planted, so that their layout is fixed.

use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::support::session::write;
use crate::support::terminal::{COLUMNS, typing, without_typing};
use crate::support::{Act, FaultServer, Outcome, Request, Session, mcp_reply};
use serde_json::{Value, json};

/// What differs from run to run.
const FILTERS: [(&str, &str); 5] = [
    (r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"),
    (r"/\S*/warmstart-test-[^/]+", "[ROOT]"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC", "[TIME]"),
    (r"for \d+ s more|in \d+ s\b", "[LATER]"),
    // The end of input, as the terminal echoes it.
    (r"\^D\x08\x08", ""),
];

macro_rules! screen {
    ($name:literal, $text:expr) => {
        insta::with_settings!({ filters => FILTERS.to_vec(), omit_expression => true }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}

/// Standard output and standard error of a command that is piped.
fn piped(outcome: &Outcome) -> String {
    format!("{}-- stderr, exit {}\n{}", outcome.text(), outcome.code(), outcome.stderr)
}

fn fits(screen: &str) {
    for line in screen.lines() {
        assert!(line.chars().count() <= COLUMNS, "{line}");
    }
}

/// Five tasks, the most important ones last; identifiers and a title that are too long.
fn five_tasks() -> Value {
    let id = |n: u32| format!("{n}f3c21a8-07d4-4c1e-9e3a-91cf56aa000{n}");
    let long = "Repair the login form so that a name with an umlaut is not refused by the server";
    json!([
        { "id": id(1), "title": "Tidy up", "status": "todo", "priority": "low" },
        { "id": id(2), "title": "Write the report", "status": "todo", "priority": "medium" },
        { "id": id(3), "title": long, "status": "todo", "priority": "high" },
        { "id": id(4), "title": "Deploy", "status": "in_progress", "priority": "high" },
        { "id": id(5), "title": "Stop the leak", "status": "todo", "priority": "critical" },
    ])
}

fn serving(tasks: Value) -> FaultServer {
    FaultServer::start(move |request| vec![Act::Send(mcp_reply::tasks(request, &tasks))])
}

fn asking(server: &FaultServer) -> Session {
    Session::with_server(&server.mcp()).env("HTTP_MAX_RETRIES", "0").deadline("20s")
}

#[test]
fn tasks_at_a_terminal_and_piped() {
    let server = serving(five_tasks());
    let session = asking(&server);
    screen!("tasks_piped", piped(&session.run(&["tasks"])));
    let Some((screen, code)) = without_typing(&session, &["tasks", "--live", "--limit", "3"])
    else {
        return;
    };
    fits(&screen.replace(&server.mcp(), ""));
    assert_eq!(code, 0, "{screen}");
    screen!("tasks_terminal", screen);
}

#[test]
fn tasks_are_in_the_order_of_the_session_before_they_are_cut() {
    let server = serving(five_tasks());
    let session = asking(&server);
    let context = session.start("startup").context();
    let titles = |text: &str| -> Vec<String> {
        text.lines()
            .filter_map(|line| Some(line.strip_prefix("- ")?.split(" [").next()?.to_owned()))
            .collect()
    };
    let answer = session.run(&["tasks", "--json"]).json();
    let listed: Vec<&str> = answer["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|task| task["title"].as_str().unwrap())
        .collect();
    assert_eq!(listed, titles(&context));
    let first = session.run(&["tasks", "--json", "--limit", "1"]).json();
    assert_eq!(first["tasks"][0]["title"], "Stop the leak");
    assert_eq!(first["total"], 5);
}

#[test]
fn a_cached_list_that_stands_in_is_a_warning_and_a_failure_only_when_live() {
    let server = serving(five_tasks());
    let session = asking(&server);
    session.run(&["tasks"]);
    server.becomes(|_| mcp_reply::status(503));
    session.age_cache(Duration::from_secs(1800));
    screen!("tasks_stale", piped(&session.run(&["tasks", "--limit", "1"])));
    let live = session.run(&["tasks", "--live"]);
    assert_eq!(live.code(), 5, "{live:?}");
    assert!(live.stderr.starts_with("warning: "), "{live:?}");
    server.becomes(|_| mcp_reply::status(401));
    assert_eq!(session.run(&["tasks", "--live"]).code(), 4);
    assert_eq!(session.run(&["tasks"]).code(), 0);
    server.becomes(|_| mcp_reply::status(503));
    let json = session.run(&["tasks", "--live", "--json"]);
    assert_eq!(json.code(), 5, "{json:?}");
    let answer = json.json();
    assert_eq!(answer["failure"]["code"], "WS322", "{answer}");
    let written = answer["written"].as_str().unwrap();
    assert!(written.ends_with('Z') && written.contains('T'), "{written}");
}

#[test]
fn a_backup_is_named_and_never_live() {
    let chain = "[fallback]\nchain = [\"client:backup\"]\n[clients.backup]\nkind = \"local\"\n";
    let server = FaultServer::always(mcp_reply::status(503));
    let session = asking(&server).hooks_toml(chain).project_file("TODO.md", "- [ ] Fix it\n");
    screen!("tasks_backup", piped(&session.run(&["tasks"])));
    let notice = session.start("startup").notice();
    assert!(notice.starts_with("warmstart: tasks are from local task file instead: "), "{notice}");
}

#[test]
fn a_cached_answer_is_not_another_source() {
    let server = serving(five_tasks());
    let session = asking(&server).env("WARMSTART_CACHE__READ", "network_first");
    session.start("startup");
    server.becomes(|_| mcp_reply::status(503));
    let notice = session.start("startup").notice();
    assert!(notice.starts_with("warmstart: tasks are as of 2"), "{notice}");
}

#[test]
fn a_hanging_server_is_waited_for_visibly() {
    let server = FaultServer::always(vec![Act::Hold]);
    let session = asking(&server).env("WARMSTART_HTTP__REQUEST_TIMEOUT", "3s");
    let Some((screen, code)) = without_typing(&session, &["tasks"]) else { return };
    assert_eq!(code, 5, "{screen}");
    let waiting = format!("note: waiting for task server {} ...\n", server.mcp());
    assert!(screen.starts_with(&waiting), "{screen}");
    let silent = session.run(&["tasks"]);
    assert!(!silent.stderr.contains("note: "), "{silent:?}");
}

#[test]
fn a_missing_task_file_is_named() {
    let session = Session::new();
    screen!("tasks_without_a_file", piped(&session.run(&["tasks"])));
    let session = session.hooks_toml("[client]\nfiles = [\"nope.md\"]\n");
    let named = session.run(&["tasks"]);
    assert_eq!(named.code(), 7, "{named:?}");
    assert!(named.stderr.contains("`nope.md` does not exist"), "{named:?}");
    assert!(!named.stderr.contains("TODO.md"), "{named:?}");
}

#[test]
fn the_next_task() {
    let server = FaultServer::start(|request| {
        let task = json!({ "id": "9", "title": "Next on main", "priority": "high" });
        let payload = json!({ "success": true, "data": { "task": task } });
        let answer = mcp_reply::rpc(request, &mcp_reply::result(&payload));
        vec![Act::Send(mcp_reply::json_response(200, &answer))]
    });
    let session = asking(&server).hooks_toml("[branches]\nmain = \"b-9\"\n");
    let Some((screen, _)) = without_typing(&session, &["tasks", "next"]) else { return };
    screen!("tasks_next", screen);
}

/// Three runs of 2026-11-24, each in one line of the record.
fn plant_runs(session: &Session) {
    let run = |time: i64, result: &str, cause: Option<&str>, age: Option<u64>, millis: u64| {
        json!({
            "time": time, "id": "1-1", "source": "startup", "result": result, "cause": cause,
            "session": format!("0a1b2c3d-0000-4000-8000-{millis:012}"), "cache_age": age,
            "millis": millis, "stages": [], "hooks": [], "chars": 100,
        })
    };
    let refused = "`http://localhost:8000` refused the connection (WS302)";
    let runs = [
        run(1_795_501_625, "ok", None, None, 350),
        run(1_795_501_925, "degraded", Some(refused), Some(3900), 1250),
        run(1_795_502_225, "empty", None, None, 2),
    ];
    let lines: String = runs.iter().map(|run| format!("{run}\n")).collect();
    let path = session.state().join("runs.jsonl");
    write(&path, lines.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn runs_at_a_terminal_and_piped() {
    let session = Session::new().env("TZ", "UTC0");
    assert_eq!(session.run(&["runs"]).text(), "No session start is on record.\n");
    plant_runs(&session);
    screen!("runs_piped", piped(&session.run(&["runs"])));
    screen!("runs_json", piped(&session.run(&["runs", "--json", "--failed"])));
    assert_eq!(session.run(&["runs", "--session", "nope"]).text(), "No session start matches.\n");
    let one = session.run(&["runs", "--session", "0a1b2c3d-0000-4000-8000-000000001250"]);
    assert_eq!(one.text().lines().count(), 2, "{one:?}");
    let Some((screen, _)) = without_typing(&session, &["runs"]) else { return };
    fits(&screen);
    screen!("runs_terminal", screen);
}

#[test]
fn runs_and_logs_are_in_local_time() {
    let mut session = Session::new().env("TZ", "UTC0");
    plant_runs(&session);
    plant_log(&session);
    let shown = |session: &Session| {
        let (logs, _) = without_typing(session, &["logs", "show"])?;
        Some((session.run(&["runs"]).text().contains("T06:27:05+00:00"), logs.contains("06:27:05")))
    };
    let Some(in_utc) = shown(&session) else { return };
    assert_eq!(in_utc, (true, true));
    session.set("TZ", "XXX-3");
    let three_hours_east = session.run(&["runs"]);
    assert!(three_hours_east.text().contains("T09:27:05+03:00"), "{three_hours_east:?}");
    assert_eq!(shown(&session), Some((false, false)));
}

fn plant_log(session: &Session) {
    let lines = "2026-11-24T06:27:05.123456Z  INFO run{id=\"6-1\"}: warmstart::cli::session_start: session started result=\"ok\" millis=350 chars=100\n\
        2026-11-24T06:32:05.123456Z  WARN run{id=\"6-2\"}:hook{name=\"pending_tasks\"}: warmstart::query: the source did not answer query=\"tasks\" code=WS302 failure=`http://localhost:8000` refused the connection (WS302)\n";
    let path = session.state().join("logs/warmstart-2026-11-24.log");
    write(&path, lines.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn logs_at_a_terminal_and_piped() {
    let session = Session::new().env("TZ", "UTC0");
    let empty = session.run(&["logs", "show"]);
    let folder = session.state().join("logs");
    assert_eq!(empty.text(), "");
    assert_eq!(empty.stderr, format!("note: there are no log lines in `{}`\n", folder.display()));
    plant_log(&session);
    let piped = session.run(&["logs", "show"]);
    let raw = std::fs::read_to_string(folder.join("warmstart-2026-11-24.log")).unwrap();
    assert_eq!(piped.text(), raw, "as it is in the file");
    for flag in ["--last", "--lines"] {
        let last = session.run(&["logs", "show", flag, "1"]);
        assert_eq!(last.text(), raw.lines().last().unwrap().to_owned() + "\n");
    }
    let Some((screen, _)) = without_typing(&session, &["logs", "show"]) else { return };
    fits(&screen);
    screen!("logs_terminal", screen);
}

#[test]
fn notices_of_typical_failures() {
    let server = FaultServer::start(mcp_reply::healthy);
    let mut text = String::new();
    let tool_error = |request: &Request| {
        let payload = json!({ "success": false, "error": "no such project" });
        let answer = mcp_reply::rpc(request, &mcp_reply::result(&payload));
        vec![Act::Send(mcp_reply::json_response(200, &answer))]
    };
    let page = |_: &Request| {
        vec![Act::Send(mcp_reply::response(200, &[("Content-Type", "text/html")], b"<html>login"))]
    };
    let session = || asking(&server).env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false");
    let mut note = |name: &str, session: &Session| {
        text.push_str(&format!("{name}:\n{}\n\n", session.start("startup").notice()));
    };
    server.becomes(|_| mcp_reply::status(503));
    note("server error", &session());
    server.becomes(|_| mcp_reply::status(401));
    note("no token", &session());
    server.becomes(tool_error);
    note("tool error", &session());
    server.becomes(page);
    note("login page", &session());
    server.becomes(mcp_reply::healthy);
    let stale = session();
    stale.start("startup");
    stale.age_cache(Duration::from_secs(1800));
    server.becomes(|_| vec![Act::Reset]);
    note("connection closed, cached tasks", &stale);
    let typo = Session::new().hooks_toml("[contxt]\nmax_chars = 300\n[http]\nattempts = 99\n");
    note("configuration", &typo);
    screen!("notices", text);
}

const FILE: &str = ".claude/hooks.toml";

#[test]
fn trust_screens() {
    let first = "[contxt]\nmax_chars = 300\n[context]\nmax_chars = 300\n\
        [hooks.lint]\nkind = \"command\"\ncommand = [\"./lint.sh\"]\n";
    let session = Session::new().project_file(FILE, first);
    screen!("trust_without_a_terminal", piped(&session.run(&["trust"])));
    let Some((screen, code)) = without_typing(&session, &["trust"]) else { return };
    assert_eq!(code, 1, "{screen}");
    screen!("trust_terminal", screen);
    assert_eq!(session.run(&["trust", "--yes"]).code(), 0);
    let second = first.replace("[contxt]\nmax_chars = 300\n", "").replace("lint.sh", "other.sh");
    write(&session.project().join(FILE), (second + "order = 5\n").as_bytes());
    screen!("trust_changed", piped(&session.run(&["trust", "--show"])));
    assert_eq!(session.run(&["untrust"]).code(), 0);
    let forgotten = session.run(&["trust", "--show"]);
    assert!(!forgotten.text().contains("Since it was trusted"), "{forgotten:?}");
}

#[test]
fn trust_is_given_by_a_yes_alone() {
    let session = Session::new().project_file(FILE, "[client]\nuser_id = \"x\"\n");
    let state = || session.run(&["trust", "--show"]).text().lines().last().unwrap().to_owned();
    for (answer, code, expected) in [
        ("\n", 1, "It is not trusted."),
        ("yep\n", 1, "It is not trusted."),
        ("y\n", 0, "It is trusted."),
    ] {
        let Some((_, ended)) = typing(&session, &["trust"], &[("[y/N] ", answer)]) else { return };
        assert_eq!((ended, state().as_str()), (code, expected), "{answer:?}");
    }
}

#[test]
fn call_takes_the_tool_as_a_word_or_as_a_flag() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = asking(&server);
    let word = session.run(&["call", "manage_task", "--args", r#"{"action":"list"}"#]);
    assert_eq!(word.code(), 0, "{word:?}");
    assert!(word.text().contains("Mend the roof"), "{word:?}");
    assert_eq!(session.run(&["call", "--tool", "manage_task"]).code(), 0);
    let called: Vec<Value> = server.requests().iter().map(Request::json).collect();
    assert_eq!(called[0]["params"]["arguments"], json!({ "action": "list" }));
    assert_eq!(called[1]["params"]["name"], "manage_task");
    for wrong in [&["call"][..], &["call", "a", "--tool", "b"], &["call", "a", "--args", "[1]"]] {
        assert_eq!(session.run(wrong).code(), 2, "{wrong:?}");
    }
}

#[test]
fn call_fails_as_the_tool_does() {
    let payload = json!({ "success": false, "error": "no such project" });
    let failed = mcp_reply::result(&payload);
    let unknown =
        json!({ "isError": true, "content": [{ "type": "text", "text": "Unknown tool: x" }] });
    let cases = [
        (failed, "error: the tool failed: ", "`warmstart config show queries`"),
        (unknown, "error: the server has no tool `x` (WS406)", "`warmstart tools`"),
    ];
    for (result, error, hint) in cases {
        let server = FaultServer::start(move |request| {
            let answer = mcp_reply::rpc(request, &result);
            vec![Act::Send(mcp_reply::json_response(200, &answer))]
        });
        let outcome = asking(&server).run(&["call", "x"]);
        assert_eq!(outcome.code(), 6, "{outcome:?}");
        outcome.json();
        assert!(outcome.stderr.starts_with(error), "{outcome:?}");
        assert!(outcome.stderr.contains(hint), "{outcome:?}");
    }
}

#[test]
fn call_knows_the_clients_of_the_plan() {
    let session = Session::new().hooks_toml("[clients.b]\nkind = \"plugin:x\"\n");
    let plugin = session.run(&["call", "tool", "--client", "b"]);
    assert!(plugin.stderr.contains("the plugin `x` is not trusted"), "{plugin:?}");
    let unknown = session.run(&["call", "tool", "--client", "backup"]);
    assert_eq!(unknown.code(), 3, "{unknown:?}");
    assert!(unknown.stderr.contains("hint: add `[clients.backup]` to"), "{unknown:?}");
    let local = session.run(&["call", "tool"]);
    assert!(local.stderr.contains("the client `local` has no tools"), "{local:?}");
}
