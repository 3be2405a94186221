//! The shapes in which servers answer, a row each: the SDKs with the same ten tasks, and the odd shapes.
//! A row has the whole text that a session begins with, and the number of requests.

use serde_json::{Value, json};

use crate::support::{Act, FaultServer, Missing, Session, mcp_reply, or_skip, peer};

/// A session in which nothing but the tasks makes text.
fn session(url: &str, settings: &str) -> Session {
    Session::with_server(url)
        .hooks_toml(settings)
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("WARMSTART_HOOKS__GIT_CONTEXT__ENABLED", "false")
        .deadline("20s")
}

/// The text below the head line, without the name of the server. An answer that was not understood is
/// reported to the user too, and not kept.
fn text(session: &Session, url: &str) -> String {
    let outcome = session.start("startup");
    let context = outcome.context();
    let body = context.lines().skip(1).collect::<Vec<_>>().join("\n");
    let body = body.replace(&format!(", task server {url}"), "");
    match body == NOT_AVAILABLE {
        true => {
            assert!(outcome.notice().contains("(WS404)"), "{outcome:?}");
            assert!(session.entries().is_empty(), "{outcome:?}");
        }
        false => assert_eq!(outcome.notice(), "", "{outcome:?}"),
    }
    body
}

/// Ten tasks, closed ones and words of several servers among them.
fn ten() -> Value {
    let task = |id: u8, title: &str, status: &str, priority: Value| json!({ "id": id, "title": title, "status": status, "priority": priority });
    json!([
        task(1, "Low one", "todo", json!("low")),
        task(2, "Done one", "Done", json!("critical")),
        task(3, "Cancelled one", "canceled", json!("P0")),
        task(4, "Begun", "In Progress", json!("medium")),
        task(5, "Urgent one", "open", json!("URGENT")),
        task(6, "P0 one", "OPEN", json!("P0")),
        task(7, "A number", "pending", json!(1)),
        task(8, "In review", "in-review", json!("medium")),
        task(9, "Closed", "closed", json!("high")),
        task(10, "High one", "backlog", json!("High")),
    ])
}

const TEN: &str = "Open tasks:
- Urgent one [open, URGENT]
- P0 one [OPEN, P0]
- High one [backlog, High]
- Begun [In Progress, medium]
- In review [in-review, medium]
- A number [pending, 1]
- Low one [todo, low]";

/// A real SDK, started with the file of its answer.
type Start = fn(&str) -> Result<peer::Peer, Missing>;

#[test]
fn sdks_and_their_shapes_of_the_same_ten_tasks() {
    let in_object = json!({ "tasks": ten() });
    let many = json!({ "result": { "tasks": ten() } });
    let rows: [(&str, Start, Value); 7] = [
        ("fastmcp, structured content", peer::fastmcp_server, in_object.clone()),
        ("fastmcp, a bare list", peer::fastmcp_server, ten()),
        ("fastmcp, in `result`", peer::fastmcp_server, many),
        ("Python SDK 1.9.4, an object", peer::python_sdk_server, in_object.clone()),
        ("Python SDK 1.9.4, a block an element", peer::python_sdk_server, ten()),
        ("TypeScript SDK", |file| peer::typescript_server(file, "stateless"), in_object.clone()),
        ("TypeScript SDK, modern alone", |file| peer::typescript_server(file, "reject"), in_object),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (number, (name, start, answer)) in rows.into_iter().enumerate() {
        let file = folder.path().join(format!("{number}.json"));
        std::fs::write(&file, answer.to_string()).unwrap();
        let Some(server) = or_skip(start(file.to_str().unwrap())) else { continue };
        let session = session(&server.mcp(), "");
        assert_eq!(text(&session, &server.mcp()), TEN, "{name}");
    }
}

#[test]
fn python_sdk_1_9_sends_an_empty_list_as_no_block() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.json");
    std::fs::write(&file, "[]").unwrap();
    let Some(server) = or_skip(peer::python_sdk_server(file.to_str().unwrap())) else { return };
    let session = session(&server.mcp(), "");
    assert_eq!(text(&session, &server.mcp()), "Open tasks: none");
}

#[test]
fn server_everything_answers_with_text() {
    let Some(server) = or_skip(peer::everything_server()) else { return };
    let settings = "[queries.tasks]\ntool = \"echo\"\nanswer = \"text\"\narguments = { message = \"write it\" }\n";
    let session = session(&server.mcp(), settings);
    assert_eq!(text(&session, &server.mcp()), "Open tasks:\n  Echo: write it");
}

/// One answer of a server without faults, and what becomes of it.
struct Row {
    name: &'static str,
    /// The result of the tool, from the arguments of the call.
    answer: fn(&Value) -> Value,
    settings: &'static str,
    expected: &'static str,
    requests: usize,
}

/// A result with these text blocks.
fn blocks(texts: &[String]) -> Value {
    let blocks: Vec<Value> =
        texts.iter().map(|text| json!({ "type": "text", "text": text })).collect();
    json!({ "resultType": "complete", "content": blocks, "isError": false })
}

fn one(payload: &Value) -> Value {
    blocks(&[payload.to_string()])
}

fn words(text: &str) -> Value {
    blocks(&[text.into()])
}

/// A task of a long list, whose last one is critical.
fn nth(n: usize, length: usize) -> Value {
    let priority = if n == length { "critical" } else { "low" };
    json!({ "title": format!("task {n}"), "status": "todo", "priority": priority })
}

fn with_id(n: usize, length: usize) -> Value {
    let mut task = nth(n, length);
    task["id"] = json!(n);
    task
}

/// Page by page, 100 each.
fn paged(arguments: &Value, length: usize, task: fn(usize, usize) -> Value) -> Value {
    let status = arguments["status"].as_str();
    let all = (1..=length).map(|n| task(n, length));
    let all: Vec<Value> = all.filter(|task| status.is_none_or(|s| task["status"] == s)).collect();
    let offset = arguments["offset"].as_u64().unwrap_or(0) as usize;
    let page: Vec<&Value> = all.iter().skip(offset).take(100).collect();
    let more = offset + page.len() < all.len();
    one(&json!({ "data": { "tasks": page, "pagination": { "has_more": more } } }))
}

const NOT_AVAILABLE: &str =
    "pending tasks: not available, because the source's answer was not understood";

const MAP_TITLE: &str = "[queries.tasks]\nitems = [\"/tasks\"]\nmap = { title = \"\" }\n";

const ROWS: &[Row] = &[
    Row {
        name: "no titles",
        answer: |_| one(&json!({ "tasks": [{ "id": 1 }, { "id": 2 }] })),
        settings: "",
        expected: NOT_AVAILABLE,
        requests: 1,
    },
    Row {
        name: "titles of some",
        answer: |_| one(&json!({ "tasks": [{ "id": 1 }, { "title": "a" }, { "title": " " }] })),
        settings: "",
        expected: "Open tasks:\n- a\n  2 entries without a title",
        requests: 1,
    },
    Row {
        name: "titles elsewhere",
        answer: |_| {
            one(&json!({ "tasks": [{ "text": { "short": "a" }, "state": { "name": "Doing" } }] }))
        },
        settings: "[queries.tasks]\nmap = { title = \"/text/short\" }\n",
        expected: "Open tasks:\n- a [Doing]",
        requests: 1,
    },
    Row {
        name: "an object keyed by id",
        answer: |_| {
            one(
                &json!({ "tasks": { "t1": { "title": "a" }, "t2": { "name": "b", "status": "done" } } }),
            )
        },
        settings: "[context]\nfields = [\"title\", \"id\"]\n",
        expected: "Open tasks:\n- a [t1]",
        requests: 1,
    },
    Row {
        name: "scalars",
        answer: |_| one(&json!({ "tasks": [1, 2, true] })),
        settings: "",
        expected: NOT_AVAILABLE,
        requests: 1,
    },
    Row {
        name: "a number where the list should be",
        answer: |_| one(&json!({ "tasks": 3 })),
        settings: "",
        expected: NOT_AVAILABLE,
        requests: 1,
    },
    Row {
        name: "an object keyed by id without titles",
        answer: |_| one(&json!({ "tasks": { "a": { "x": 1 } } })),
        settings: "",
        expected: NOT_AVAILABLE,
        requests: 1,
    },
    Row {
        name: "something else",
        answer: |_| one(&json!({ "hello": "world" })),
        settings: "",
        expected: NOT_AVAILABLE,
        requests: 1,
    },
    Row {
        name: "success with a list elsewhere",
        answer: |_| one(&json!({ "success": true, "result": { "todos": [{ "title": "x" }] } })),
        settings: "",
        expected: NOT_AVAILABLE,
        requests: 1,
    },
    Row {
        name: "strings",
        answer: |_| one(&json!({ "tasks": ["a", "b"] })),
        settings: MAP_TITLE,
        expected: "Open tasks:\n- a\n- b",
        requests: 1,
    },
    Row {
        name: "strings without a map",
        answer: |_| one(&json!({ "tasks": ["a", "b"] })),
        settings: "",
        expected: NOT_AVAILABLE,
        requests: 1,
    },
    Row {
        name: "two blocks, an element each",
        answer: |_| {
            blocks(&[json!({ "title": "a" }).to_string(), json!({ "title": "b" }).to_string()])
        },
        settings: "",
        expected: "Open tasks:\n- a\n- b",
        requests: 1,
    },
    Row {
        name: "two blocks of text",
        answer: |_| blocks(&["To Do:\n  a".into(), "Done:\n  b".into()]),
        settings: "[queries.tasks]\nanswer = \"text\"\n",
        expected: "Open tasks:\n  To Do:\n  a\n  Done:\n  b",
        requests: 1,
    },
    Row {
        name: "a preamble and a block",
        answer: |_| {
            blocks(&["Here they are:".into(), json!({ "tasks": [{ "title": "a" }] }).to_string()])
        },
        settings: "",
        expected: "Open tasks:\n- a",
        requests: 1,
    },
    Row {
        name: "fenced",
        answer: |_| {
            words(
                "The tasks:\n```json\n[{\"title\":\"a\",\"status\":\"doing\"}]\n```\nThat is all.",
            )
        },
        settings: "",
        expected: "Open tasks:\n- a [doing]",
        requests: 1,
    },
    Row {
        name: "an embedded resource",
        answer: |_| {
            let resource = json!({ "uri": "tasks://all", "mimeType": "application/json",
                "text": json!([{ "title": "a" }]).to_string() });
            json!({ "resultType": "complete", "content": [{ "type": "resource", "resource": resource }] })
        },
        settings: "",
        expected: "Open tasks:\n- a",
        requests: 1,
    },
    Row {
        name: "an empty list",
        answer: |_| one(&json!({ "tasks": [] })),
        settings: "",
        expected: "Open tasks: none",
        requests: 1,
    },
    Row {
        name: "null where the list should be",
        answer: |_| one(&json!({ "data": { "tasks": null } })),
        settings: "",
        expected: "Open tasks: none",
        requests: 1,
    },
    Row {
        name: "no list, a count of 0",
        answer: |_| one(&json!({ "success": true, "data": { "count": 0 } })),
        settings: "",
        expected: "Open tasks: none",
        requests: 1,
    },
    Row {
        name: "no block",
        answer: |_| json!({ "resultType": "complete", "content": [] }),
        settings: "",
        expected: "Open tasks: none",
        requests: 1,
    },
    Row {
        name: "\"none\" in words",
        answer: |_| words("No tasks found. Add one!"),
        settings: "[queries.tasks]\nnone = [\"no tasks found*\"]\n",
        expected: "Open tasks: none",
        requests: 1,
    },
    Row {
        name: "words that are not known to mean none",
        answer: |_| words("No tasks found."),
        settings: "",
        expected: NOT_AVAILABLE,
        requests: 1,
    },
    Row {
        name: "\"none\" as a failure",
        answer: |_| one(&json!({ "success": false, "error": { "message": "Nothing to do" } })),
        settings: "[queries.tasks]\nnone = [\"nothing to do\"]\n",
        expected: "Open tasks: none",
        requests: 1,
    },
    Row {
        name: "all closed",
        answer: |_| {
            one(&json!({ "tasks": [{ "title": "a", "status": "Resolved" },
                { "title": "b", "status": "wontfix" }, { "title": "c", "status": "ARCHIVED" }] }))
        },
        settings: "",
        expected: "Open tasks: none",
        requests: 1,
    },
    Row {
        name: "a low number first",
        answer: |_| {
            one(&json!([{ "title": "c", "priority": 2 }, { "title": "a", "priority": 0 },
                { "title": "d", "priority": 10 }, { "title": "b", "priority": "1" }]))
        },
        settings: "[queries.tasks]\nwords = { numbers = \"low_first\" }\n",
        expected: "Open tasks:\n- a [0]\n- b [1]\n- c [2]\n- d [10]",
        requests: 1,
    },
    // Of an incomplete list it is unknown how many tasks are in a state that was not asked for.
    Row {
        name: "five pages",
        answer: |arguments| paged(arguments, 450, with_id),
        settings: "[hooks.pending_tasks]\nmax_chars = 120\n",
        expected: "Open tasks:\n- task 450 [todo, critical]\n  at least 449 more",
        requests: 7,
    },
    Row {
        name: "five pages without ids",
        answer: |arguments| paged(arguments, 450, nth),
        settings: "[hooks.pending_tasks]\nmax_chars = 120\n",
        expected: "Open tasks:\n- task 450 [todo, critical]\n  at least 449 more",
        requests: 7,
    },
    Row {
        name: "five hundred tasks, the critical one last",
        answer: |arguments| paged(arguments, 500, with_id),
        settings: "[hooks.pending_tasks]\nmax_chars = 120\n",
        expected: "Open tasks:\n- task 500 [todo, critical]\n  at least 499 more",
        requests: 7,
    },
    Row {
        name: "five hundred tasks by offset alone",
        answer: |arguments| paged(arguments, 500, with_id),
        settings: "[queries.tasks]\nnarrow = []\n[hooks.pending_tasks]\nmax_chars = 120\n",
        expected: "Open tasks:\n- task 500 [todo, critical]\n- task 1 [todo, low]\n  498 more",
        requests: 5,
    },
];

#[test]
fn ts_f3_f4_f5_every_odd_shape_has_its_text() {
    let mut wrong = Vec::new();
    for row in ROWS {
        let answer = row.answer;
        let server = FaultServer::start(move |request| {
            let result = answer(&request.json()["params"]["arguments"]);
            vec![Act::Send(mcp_reply::json_response(200, &mcp_reply::rpc(request, &result)))]
        });
        let session = session(&server.mcp(), row.settings);
        let text = text(&session, &server.mcp());
        let requests = server.requests().len();
        let code = if row.expected == NOT_AVAILABLE { 6 } else { 0 };
        assert_eq!(session.run(&["tasks"]).code(), code, "{}", row.name);
        if text != row.expected || requests != row.requests {
            wrong.push(format!(
                "{}:\nexpected, {} requests:\n{}\ngot, {requests} requests:\n{text}\n",
                row.name, row.requests, row.expected
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
