//! Findings of the review with real task servers that belong to no larger subject: what hosts keep, and
//! what a message names.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::mcp_reply::{self, healthy, is_token_request, json_response};
use crate::support::{Act, FaultServer, Request, Session};

const SECRET: &str = "low-findings-canary-0123456789";

/// Host, the variable that it sets for its hooks, and whether its event has `transcript_path`.
const FORGETFUL: [(&str, &str, bool); 3] = [
    ("copilot", "COPILOT_PROJECT_DIR", false),
    ("gemini", "GEMINI_PROJECT_DIR", true),
    ("qwen", "QWEN_PROJECT_DIR", true),
];

#[test]
fn ts_f2_a_host_that_forgets_the_text_gets_it_again_at_each_resume() {
    let server = FaultServer::start(healthy);
    for (host, variable, has_transcript) in FORGETFUL {
        let session = Session::with_server(&server.mcp()).deadline("20s").env(variable, "/w");
        let start = |source| {
            let mut event = session.event(source);
            if !has_transcript {
                event.as_object_mut().unwrap().remove("transcript_path");
            }
            session.start_with(&event.to_string(), &[]).json().to_string()
        };
        let first = start("startup");
        assert!(first.contains("Mend the roof"), "{host}: {first}");
        assert_eq!((start("resume"), start("resume")), (first.clone(), first), "{host}");
    }
}

#[test]
fn ts_f2_cursor_has_no_resume_and_gets_the_text_each_time() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).deadline("20s");
    let event = json!({ "hook_event_name": "sessionStart", "conversation_id": "c",
        "workspace_roots": [session.project()] });
    let texts: Vec<Value> =
        (0..2).map(|_| session.start_with(&event.to_string(), &[]).json()).collect();
    assert!(texts[0]["additional_context"].as_str().unwrap().contains("Mend the roof"));
    assert_eq!(texts[0], texts[1]);
}

#[test]
fn ts_f11_missing_tasks_are_named_where_there_is_nothing_else() {
    let session = Session::with_server("http://127.0.0.1:9/mcp").env("HTTP_MAX_RETRIES", "0");
    fs::remove_dir_all(session.project().join(".git")).unwrap();
    let context = session.start("startup").context();
    let lines: Vec<&str> = context.lines().skip(1).collect();
    assert_eq!(lines, ["pending tasks: not available, because the source gave no usable answer"]);
}

#[test]
fn ts_low_cursors_first_workspace_root_is_the_folder() {
    let session = Session::new().project_file("TODO.md", "- [ ] from the root\n");
    let event = json!({ "hook_event_name": "sessionStart", "conversation_id": "c",
        "workspace_roots": [session.project(), "/nowhere"] });
    let mut program = session.program(&["session-start"]);
    program.current_dir(session.scratch());
    let outcome = crate::support::run::to_its_end(&mut program, event.to_string().as_bytes());
    let answer = outcome.json();
    let context = answer["additional_context"].as_str().unwrap();
    assert!(context.contains("- from the root") && context.contains("branch main"), "{context}");
}

#[test]
fn ts_low_a_text_in_quotes_is_unquoted_like_a_list() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp());
    for text in ["\"list_all\"", "'list_all'", "list_all"] {
        let set = format!("queries.tasks.tool={text}");
        let shown = session.run(&["--set", &set, "config", "show", "queries.tasks.tool"]);
        assert_eq!(shown.text(), "queries.tasks.tool = \"list_all\"\n", "{text}: {shown:?}");
    }
    let shown = session.run(&["--set", "queries.tasks.ttl=\"2m\"", "config", "check"]);
    assert_eq!(shown.code(), 0, "{shown:?}");
}

#[test]
fn ts_low_no_question_mark_is_followed_by_a_full_stop() {
    let session = Session::new().hooks_toml("[fallback]\nchain = [\"cache_then_skipp\"]\n");
    let notice = session.start("startup").notice();
    assert!(notice.contains("did you mean `cache_then_skip`? Details: "), "{notice}");
}

fn denying(code: &'static str) -> FaultServer {
    FaultServer::start(move |request| {
        let error = json!({ "message": "no right to list", "code": code });
        let result = mcp_reply::result(&json!({ "success": false, "error": error }));
        vec![Act::Send(json_response(200, &mcp_reply::rpc(request, &result)))]
    })
}

#[test]
fn ts_low_a_missing_right_is_not_a_failed_login() {
    let server = denying("PERMISSION_DENIED");
    let session = Session::with_server(&server.mcp()).deadline("20s");
    let outcome = session.start("startup");
    let line = "pending tasks: not available, because the source denies access";
    assert!(outcome.context().contains(line), "{outcome:?}");
    assert!(outcome.notice().contains("(WS205)"), "{outcome:?}");
}

#[test]
fn ts_low_what_looks_like_a_credential_in_a_tools_text_is_masked() {
    let text = "cannot connect: host=db user=joe password=hunter2 api_key=letters-of-a-key, retry";
    for is_rpc in [false, true] {
        let server = FaultServer::start(move |request| {
            let id = request.json()["id"].clone();
            let content = json!([{ "type": "text", "text": text }]);
            let body = match is_rpc {
                true => {
                    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": -32603, "message": text } })
                }
                false => mcp_reply::rpc(request, &json!({ "isError": true, "content": content })),
            };
            vec![Act::Send(json_response(200, &body))]
        });
        let session = Session::with_server(&server.mcp()).deadline("20s");
        let notice = session.start("startup").notice();
        assert!(notice.contains("host=db user=joe password=**** api_key=**** retry"), "{notice}");
        let everywhere = notice + &session.log() + &session.runs()[0].to_string();
        assert!(
            !everywhere.contains("hunter2") && !everywhere.contains("letters-of"),
            "{everywhere}"
        );
    }
}

/// Port 9 of this machine: nothing listens there.
const CLOSED: &str = "http://127.0.0.1:9";

#[test]
fn ts_low_a_refused_connection_names_the_server_that_refused() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .with_keycloak(CLOSED, "claude-hooks", SECRET)
        .env("HTTP_MAX_RETRIES", "0");
    let notice = session.start("startup").notice();
    let identity = format!("the identity server `{CLOSED}` refused the connection");
    assert!(notice.contains(&identity), "{notice}");
    for kind in ["mcp", "rest"] {
        let session = Session::with_server(&format!("{CLOSED}/mcp"))
            .env("WARMSTART_CLIENT__KIND", kind)
            .env("HTTP_MAX_RETRIES", "0");
        let notice = session.start("startup").notice();
        let task_server = format!("the task server `{CLOSED}` refused the connection");
        assert!(notice.contains(&task_server), "{kind}: {notice}");
    }
}

/// Keycloak's answer to a path that it does not have.
fn no_such_path(request: &Request) -> Vec<Act> {
    match is_token_request(request) {
        true => vec![Act::Send(json_response(404, &json!({ "error": "HTTP 404 Not Found" })))],
        false => healthy(request),
    }
}

#[test]
fn ts_low_the_hint_for_a_wrong_path_names_what_was_tried() {
    let server = FaultServer::start(no_such_path);
    let cases = [
        ("", "", "it was tried with and without `/auth`"),
        ("/realms/dhafnck", "", "remove `/realms/dhafnck` from KEYCLOAK_URL"),
        ("", "/auth", "fix KEYCLOAK_URL or `auth.prefix`: only `/auth` was tried"),
    ];
    for (path, prefix, hint) in cases {
        let origin = format!("{}{path}", server.origin());
        let mut session =
            Session::with_server(&server.mcp()).with_keycloak(&origin, "claude-hooks", SECRET);
        if !prefix.is_empty() {
            session.set("WARMSTART_AUTH__PREFIX", prefix);
        }
        let outcome = session.run(&["tasks"]);
        assert!(outcome.stderr.contains(hint), "{path} {prefix}: {outcome:?}");
        assert!(outcome.stderr.contains("(HTTP 404)"), "{outcome:?}");
    }
}

#[test]
fn ts_low_tasks_next_waits_for_the_background_of_a_start() {
    let server = FaultServer::start(|request| {
        let body = request.json();
        let arguments = &body["params"]["arguments"];
        let (payload, delay) = match (body["params"]["name"].as_str(), arguments["action"].as_str())
        {
            (Some("manage_git_branch"), _) => {
                (json!({ "data": { "branches": [{ "id": "b-9", "name": "main" }] } }), 900)
            }
            (_, Some("next")) => {
                (json!({ "data": { "task": { "id": "9", "title": "Next one" } } }), 300)
            }
            _ => (mcp_reply::payload(&mcp_reply::three_tasks()), 0),
        };
        let answer = mcp_reply::rpc(request, &mcp_reply::result(&payload));
        vec![Act::Wait(Duration::from_millis(delay)), Act::Send(json_response(200, &answer))]
    });
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    session.start("startup");
    let outcome = session.run(&["tasks", "next"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.text().contains("Next one"), "{outcome:?}");
    session.settle();
    // The list, the branches and the next task once each: it took over what the background asked.
    assert_eq!(server.requests().len(), 3);
}

/// A table with `HEAD` alone, as `gitformat-reftable` describes it.
fn reftable_of_head(target: &str) -> Vec<u8> {
    let mut bytes = b"REFT\x01\0\0\0".to_vec();
    bytes.extend([0; 16]);
    bytes.extend(b"r\0\0\0");
    // Prefix, four letters of kind 3, the name, the change, the target.
    bytes.extend([0, 4 << 3 | 3]);
    bytes.extend(b"HEAD\0");
    bytes.push(u8::try_from(target.len()).unwrap());
    bytes.extend(target.as_bytes());
    bytes.extend([0, 0, 28, 0, 1]);
    bytes[27] = u8::try_from(bytes.len()).unwrap();
    bytes.extend([0; 68]);
    bytes
}

#[test]
fn host_f4_a_reftable_repository_shows_its_branch_and_never_the_placeholder() {
    let session = Session::new().project_file("TODO.md", "- [ ] a\n");
    let git = session.project().join(".git");
    // What git writes for programs that do not know the format.
    fs::write(git.join("HEAD"), "ref: refs/heads/.invalid\n").unwrap();
    fs::remove_dir_all(git.join("refs")).unwrap();
    fs::create_dir(git.join("refs")).unwrap();
    fs::write(git.join("refs/heads"), "this repository uses the reftable format\n").unwrap();
    let context = session.start("startup").context();
    assert!(!context.contains(".invalid") && !context.contains("branch"), "{context}");
    assert!(context.contains("- a [todo]"), "{context}");
    let table = git.join("reftable/0x1-0x1-a.ref");
    crate::support::session::write(&table, &reftable_of_head("refs/heads/feature/x"));
    fs::write(git.join("reftable/tables.list"), "0x1-0x1-a.ref\n").unwrap();
    let context = session.start("startup").context();
    assert!(context.contains("branch feature/x") && !context.contains(".invalid"), "{context}");
}
