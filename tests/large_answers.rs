//! M-b: a large answer that was understood is kept like any other: cut to what can be shown, never
//! larger than it can be read again.

use std::process::Command;

use serde_json::{Map, Value, json};

use crate::support::mcp_reply::{self, json_response, rpc};
use crate::support::{Act, FaultServer, Outcome, Session, run};

/// What a server may send by default (`http.max_body`).
const MAX_BODY: usize = 1 << 20;

/// Fifty tasks, each with these further fields.
fn fifty(fields: &Map<String, Value>) -> Value {
    let task = |n: usize| {
        let mut task = fields.clone();
        task.insert("id".into(), n.to_string().into());
        task.insert("title".into(), format!("Task number {n:02}").into());
        Value::Object(task)
    };
    Value::Array((1..=50).map(task).collect())
}

fn fields(count: usize, value: &Value) -> Map<String, Value> {
    (0..count).map(|n| (format!("field_{n}"), value.clone())).collect()
}

/// The answers of the review, and what else makes an entry large.
fn bodies() -> Vec<(&'static str, Value)> {
    let long = |text: &str, count: usize| fifty(&fields(count, &text.repeat(500).into()));
    let list: Vec<Value> = (0..30_000).map(|n| json!(format!("item {n}"))).collect();
    let many = (0..1200).map(|n| (format!("field_with_a_long_name_{n}"), json!(n)));
    let title = json!({ "title": "漢".repeat(500), "status": "\u{1}".repeat(480),
        "priority": "語".repeat(500), "id": "字".repeat(500) });
    vec![
        ("16 long fields", long("x", 16)),
        ("a list of 300 KB", json!([{ "id": "1", "title": "Task number 01", "list": list }])),
        ("Chinese", long("漢", 8)),
        ("Hindi", long("हिन्दी", 2)),
        ("emoji", long("🙂", 6)),
        ("control characters", long("\u{1}", 4)),
        (
            "many fields",
            json!([{ "title": "Task number 01", "x": Map::from_iter(many.clone()) }, Map::from_iter(
            many.chain([("title".to_owned(), json!("Task number 02"))]))]),
        ),
        ("long titles", Value::Array(vec![title; 40])),
    ]
}

fn answering(tasks: Value) -> FaultServer {
    FaultServer::start(move |request| {
        let payload = json!({ "success": true, "data": { "tasks": tasks } });
        let result = json!({ "resultType": "complete", "isError": false,
            "structuredContent": payload, "content": [] });
        let body = rpc(request, &result);
        assert!(body.to_string().len() < MAX_BODY, "{} bytes", body.to_string().len());
        vec![Act::Send(json_response(200, &body))]
    })
}

#[test]
fn mb_a_large_answer_is_kept_and_asked_for_once() {
    for (name, tasks) in bodies() {
        let server = answering(tasks);
        let session = Session::with_server(&server.mcp()).deadline("30s");
        let first = session.start("startup").context();
        assert!(first.contains("Open tasks"), "{name}: {first}");
        for _ in 0..4 {
            assert_eq!(session.start("startup").context(), first, "{name}");
            assert_eq!(session.last("pending_tasks").supply, "fresh", "{name}");
        }
        assert_eq!(server.count("/mcp"), 1, "{name}");
        drop(server);
        let session = session.env("WARMSTART_CACHE__READ", "network_first");
        let without_server = session.start("startup").context();
        let tasks = |text: &str| {
            text.lines()
                .filter(|line| line.starts_with("- "))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        assert!(!tasks(&first).is_empty(), "{name}: {first}");
        assert_eq!(tasks(&without_server), tasks(&first), "{name}");
    }
}

#[test]
fn mb_a_good_entry_is_replaced_by_the_large_answer_not_destroyed() {
    let (name, tasks) = bodies().remove(0);
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp())
        .deadline("30s")
        .env("WARMSTART_CACHE__READ", "network_first");
    session.start("startup");
    let session = session.env("MCP_SERVER_URL", answering(tasks).mcp());
    session.start("startup");
    let entries = session.entries();
    assert!(!entries.is_empty(), "{name}");
    for entry in entries {
        let size = std::fs::metadata(&entry).unwrap().len();
        assert!(size <= 256 << 10, "{name}: {size} bytes");
    }
}

#[test]
fn mb_what_is_shown_live_is_what_is_kept() {
    let long = json!("y".repeat(400));
    let server = answering(fifty(&fields(16, &long)));
    let session = Session::with_server(&server.mcp())
        .deadline("30s")
        .env("WARMSTART_CONTEXT__FORMAT", "full")
        .env("WARMSTART_CONTEXT__FIELDS", "title,field_3");
    let live = session.start("startup").context();
    assert!(live.contains("field_3: yyy"), "{live}");
    assert_eq!(session.start("startup").context(), live);
}

/// One session start that may use so much memory for its data; more ends it with a signal.
fn start_within(session: &Session, mebibytes: usize) -> Outcome {
    let plain = session.program(&["session-start"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("ulimit -d {}; exec \"$0\" \"$@\"", mebibytes << 10)]);
    shell.arg(plain.get_program()).args(plain.get_args());
    shell.current_dir(session.project()).env_clear();
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run::to_its_end(&mut shell, session.event("startup").to_string().as_bytes())
}

/// I18: of all pages only what can be shown is kept.
#[test]
fn mk_many_large_pages_need_no_more_memory_than_one() {
    const PAGES: usize = 12;
    let fields: String = (0..20).map(|n| format!(r#","f{n}":"a""#)).collect();
    let server = FaultServer::start(move |request| {
        let page = request.json()["params"]["arguments"]["offset"].as_u64().unwrap_or(0);
        let task = |n: u64| {
            format!(
                r#"{{"id":"{page}-{n}","title":"t{n}","priority":"{}"{fields}}}"#,
                if n == 2499 && page > 0 { "critical" } else { "low" }
            )
        };
        let tasks: Vec<String> = (0..2500).map(task).collect();
        let text = format!(
            r#"{{"data":{{"tasks":[{}],"pagination":{{"has_more":true}}}}}}"#,
            tasks.join(",")
        );
        let result = json!({ "resultType": "complete", "isError": false,
            "content": [{ "type": "text", "text": text }] });
        vec![Act::Send(json_response(200, &rpc(request, &result)))]
    });
    let settings = format!("[queries.tasks]\nnarrow = []\nmax_pages = {PAGES}\n");
    let session = Session::with_server(&server.mcp()).deadline("50s").hooks_toml(&settings);
    let context = start_within(&session, 64).context();
    assert_eq!(server.count("/mcp"), PAGES);
    let criticals = context.lines().filter(|line| line.contains("[critical]")).count();
    assert_eq!(criticals, PAGES - 1, "{context}");
    assert!(context.contains("at least "), "{context}");
}

/// The lines of a file are bounded together, like the values of an answer.
#[test]
fn mk_many_lines_of_json_are_refused_before_they_are_built() {
    for line in [r#"{"title":"a"}"#, r#"{"a":{"b":{"c":0}}}"#, "[[],[],[]]"] {
        let session = Session::new()
            .deadline("30s")
            .hooks_toml("[client]\nfiles = [\"issues.jsonl\"]\n")
            .project_file("issues.jsonl", &format!("{line}\n").repeat(40_000));
        let notice = session.start("startup").notice();
        assert!(notice.contains("too many values (WS405)"), "{line}: {notice}");
    }
}
