//! Tools: listed, called by a wrong name, and remembered where the server does not have them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{asking, stdio};
use crate::support::mcp_reply::{self, json_response};
use crate::support::{Act, FaultServer, Request, Session, install, or_skip, peer};

fn method(request: &Request) -> String {
    request.json()["method"].as_str().unwrap_or_default().to_owned()
}

fn answer(request: &Request, result: &Value) -> Vec<Act> {
    vec![Act::Send(json_response(200, &mcp_reply::rpc(request, result)))]
}

fn rpc_error(request: &Request, code: i64, message: &str) -> Vec<Act> {
    let error = json!({ "code": code, "message": message });
    let body = json!({ "jsonrpc": "2.0", "id": request.json()["id"], "error": error });
    vec![Act::Send(json_response(200, &body))]
}

/// Two pages of tools, the second with a hostile one.
fn tools(request: &Request) -> Vec<Act> {
    if method(request) != "tools/list" {
        return rpc_error(request, -32602, "Unknown tool: mange_task");
    }
    let schema = json!({ "type": "object", "required": ["action"], "properties": {
        "action": { "type": "string", "description": "list, next or get" },
        "limit": { "type": ["integer", "null"] },
        "labels": { "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "null" }] },
    }});
    let first = json!({ "name": "manage_task", "description": "List tasks.\nOr get one.", "inputSchema": schema });
    let second = json!({ "name": "evil\u{1b}[2J\u{202e}", "description": "\u{1b}]0;title\u{7}x" });
    match request.json()["params"]["cursor"].as_str() {
        None => answer(request, &json!({ "tools": [first], "nextCursor": "p2" })),
        Some("p2") => answer(request, &json!({ "tools": [second] })),
        other => panic!("{other:?}"),
    }
}

#[test]
fn tools_lists_the_tools_of_all_pages_with_their_arguments() {
    let server = FaultServer::start(tools);
    let session = asking(&server.mcp());
    let outcome = session.run(&["tools"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert_eq!(server.requests().len(), 2);
    let expected = "TOOL\tARGUMENTS\n\
        manage_task\taction: string, labels?: string[], limit?: integer\n\
        evil [2J\t\n";
    assert_eq!(outcome.text(), expected);
    let cursors: Vec<Value> =
        server.requests().iter().map(|r| r.json()["params"]["cursor"].clone()).collect();
    assert_eq!(cursors, [Value::Null, json!("p2")]);
    assert_eq!(server.requests()[0].header("mcp-method"), Some("tools/list"));
    assert_eq!(server.requests()[0].header("mcp-name"), None);
}

#[test]
fn tools_shows_one_and_names_the_nearest_for_another() {
    let server = FaultServer::start(tools);
    let session = asking(&server.mcp());
    let outcome = session.run(&["tools", "manage_task"]);
    let expected = "manage_task: List tasks. Or get one.\n\n\
        ARGUMENT\tTYPE\tREQUIRED\tDESCRIPTION\n\
        action\tstring\tyes\tlist, next or get\n\
        labels\tstring[]\tno\t\n\
        limit\tinteger\tno\t\n";
    assert_eq!(outcome.text(), expected, "{outcome:?}");
    for wrong in ["mange_task", "task", "manege"] {
        let outcome = session.run(&["tools", wrong]);
        assert_eq!(outcome.code(), 6, "{outcome:?}");
        assert!(outcome.stderr.contains(&format!("has no tool `{wrong}` (WS406)")), "{outcome:?}");
        assert!(outcome.stderr.contains("did you mean `manage_task`?"), "{outcome:?}");
    }
    let outcome = session.run(&["tools", "something_else_entirely"]);
    assert!(outcome.stderr.contains("hint: `warmstart tools` lists its tools"), "{outcome:?}");
}

#[test]
fn tools_that_are_not_all_or_not_understood_are_an_error() {
    let tool = json!({ "name": "manage_task" });
    let table = [
        (json!({}), "has no list `tools`"),
        (json!({ "tools": {} }), "has no list `tools`"),
        (json!({ "tools": [tool, { "title": "x" }] }), "has a tool without a name"),
        (json!({ "tools": [tool], "nextCursor": "same" }), "does not end"),
    ];
    for (result, words) in table {
        let server = FaultServer::start(move |request| answer(request, &result));
        let outcome = asking(&server.mcp()).run(&["tools"]);
        assert_eq!((outcome.code(), outcome.text()), (6, ""), "{outcome:?}");
        assert!(outcome.stderr.contains(words), "{words}: {outcome:?}");
    }
    let counting = |request: &Request| {
        let cursor = request.json()["params"]["cursor"].as_str().unwrap_or_default().len();
        answer(request, &json!({ "tools": [], "nextCursor": "x".repeat(cursor + 1) }))
    };
    let server = FaultServer::start(counting);
    let outcome = asking(&server.mcp()).run(&["tools"]);
    assert_eq!(outcome.code(), 6, "{outcome:?}");
    assert!(outcome.stderr.contains("does not end"), "{outcome:?}");
    assert_eq!(server.requests().len(), 50);
}

#[test]
fn tools_as_json_has_a_schema_number() {
    let server = FaultServer::start(tools);
    let outcome = asking(&server.mcp()).run(&["tools", "--json"]);
    let json = outcome.json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["tools"][0]["name"], "manage_task");
    let action = json!({ "name": "action", "type": "string", "required": true,
        "description": "list, next or get" });
    assert_eq!(json["tools"][0]["arguments"][0], action);
    assert!(!outcome.text().contains('\u{1b}'), "{outcome:?}");
}

#[test]
fn tools_of_the_real_servers() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(&server.mcp());
    let outcome = session.run(&["tools"]);
    assert!(outcome.text().contains("\nmanage_task\taction: string, "), "{outcome:?}");
    assert_eq!(server.stats().requests, 1);
    if let Some(server) = or_skip(peer::legacy_task_server(&[])) {
        let outcome = asking(&server.mcp()).run(&["tools", "manage_connection"]);
        assert!(outcome.text().starts_with("manage_connection: Server health."), "{outcome:?}");
        assert_eq!(server.stats().requests, 4);
    }
    if let Some(server) = or_skip(peer::everything_server()) {
        let outcome = asking(&server.mcp()).run(&["tools", "echo"]);
        assert!(outcome.text().contains("\nmessage\tstring\tyes\t"), "{outcome:?}");
    }
}

#[test]
fn tools_of_a_program() {
    let Some(node) = or_skip(install::node_22()) else { return };
    let Some(packages) = or_skip(install::npm()) else { return };
    let script =
        packages.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    let words = [node.to_str().unwrap(), script.to_str().unwrap(), "stdio"];
    let session = stdio::with_command(&words);
    let outcome = session.run(&["tools", "echo"]);
    assert!(outcome.text().contains("\nmessage\tstring\tyes\t"), "{outcome:?}");
    let outcome = session.run(&["call", "ecko"]);
    assert!(outcome.stderr.contains("hint: did you mean `echo`?"), "{outcome:?}");
}

#[test]
fn a_client_without_tools_lists_none() {
    let outcome = Session::new().run(&["tools"]);
    assert_eq!(outcome.code(), 3, "{outcome:?}");
    assert!(outcome.stderr.contains("has no tools"), "{outcome:?}");
}

#[test]
fn call_names_the_nearest_tool_only_after_an_unknown_one() {
    let server = FaultServer::start(tools);
    let outcome = asking(&server.mcp()).run(&["call", "mange_task"]);
    assert_eq!(outcome.code(), 6, "{outcome:?}");
    assert!(outcome.stderr.contains("hint: did you mean `manage_task`?"), "{outcome:?}");
    let asked: Vec<String> = server.requests().iter().map(method).collect();
    assert_eq!(asked, ["tools/call", "tools/list", "tools/list"]);
    let server = FaultServer::start(|request| rpc_error(request, -32603, "broken inside"));
    asking(&server.mcp()).run(&["call", "manage_task"]);
    assert_eq!(server.requests().len(), 1);
}

/// The forms in which the common SDKs refuse a tool that they do not have.
fn refusals(request: &Request, form: usize) -> Vec<Act> {
    let tool = request.json()["params"]["name"].as_str().unwrap_or_default().to_owned();
    let in_result = |text: String| {
        let content = json!([{ "type": "text", "text": text }]);
        answer(request, &json!({ "isError": true, "content": content }))
    };
    match form {
        0 => in_result(format!("Unknown tool: {tool}")),
        1 => in_result(format!("MCP error -32602: Tool {tool} not found")),
        2 => in_result(format!("Unknown tool: '{tool}'")),
        3 => rpc_error(request, -32602, &format!("Unknown tool: {tool}")),
        4 => rpc_error(request, -32602, &format!("Tool {tool} not found")),
        5 => rpc_error(request, -32602, "tool not found"),
        6 => rpc_error(request, -32602, &format!("unknown tool \"{tool}\"")),
        7 => {
            let body = json!({ "jsonrpc": "2.0", "id": request.json()["id"],
                "error": { "code": -32602, "message": format!("Unknown tool: {tool}") } });
            vec![Act::Send(json_response(400, &body))]
        }
        _ => in_result(format!("Tool '{tool}' does not exist")),
    }
}

/// A server without `manage_git_branch`, with tasks.
fn without_branches(form: usize) -> FaultServer {
    FaultServer::start(move |request| match request.json()["params"]["name"].as_str() {
        Some("manage_git_branch") => refusals(request, form),
        _ => mcp_reply::healthy(request),
    })
}

fn branch_requests(server: &FaultServer) -> usize {
    let all = server.requests();
    all.iter().filter(|r| r.json()["params"]["name"] == "manage_git_branch").count()
}

/// A session after three starts that ask for all queries.
fn started_three_times(server: &FaultServer) -> Session {
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    for _ in 0..3 {
        session.start("startup");
        session.settle();
    }
    session
}

#[test]
fn ts_f10_a_missing_tool_is_asked_for_once_a_day() {
    for form in 0..=8 {
        let server = without_branches(form);
        let session = started_three_times(&server);
        assert_eq!(branch_requests(&server), 1, "form {form}: {}", session.log());
        let warned = session.log().matches("not renewed in the background").count();
        assert!(warned <= 2, "form {form}: {}", session.log());
        let requests = server.requests().len();
        let check = session.run(&["config", "check"]);
        assert_eq!((check.code(), server.requests().len()), (0, requests), "{check:?}");
        let note = "has no tool `manage_git_branch`";
        assert_eq!(check.stderr.matches(note).count(), 1, "form {form}: {check:?}");
        assert!(check.stderr.contains("the query `branches` is not asked until "), "{check:?}");
    }
}

#[test]
fn ts_f10_a_session_does_not_ask_for_a_missing_tool_again_but_a_command_does() {
    let server = FaultServer::start(|request| refusals(request, 3));
    let session = asking(&server.mcp());
    for _ in 0..3 {
        let outcome = session.start("startup");
        assert!(outcome.notice().contains("has no tool `manage_task` (WS406)"), "{outcome:?}");
        let line = "pending tasks: not available, because the source has no such tool";
        assert!(outcome.context().contains(line), "{outcome:?}");
    }
    assert_eq!(server.requests().len(), 1);
    let outcome = session.run(&["tasks"]);
    assert_eq!((outcome.code(), server.requests().len()), (6, 2), "{outcome:?}");
    server.becomes(mcp_reply::healthy);
    assert_eq!(session.run(&["tasks"]).code(), 0);
    assert_eq!(session.start("startup").notice(), "", "it has the tool now");
}

#[test]
fn ts_f10_a_tool_that_is_there_again_is_renewed_in_the_background() {
    let server = without_branches(0);
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    session.start("startup");
    session.settle();
    server.becomes(|request| match request.json()["params"]["name"].as_str() {
        Some("manage_git_branch") => {
            let branches = json!([{ "id": "b-1", "name": "main" }]);
            answer(request, &mcp_reply::result(&json!({ "data": { "branches": branches } })))
        }
        _ => mcp_reply::healthy(request),
    });
    session.run(&["tasks", "next"]);
    session.age_cache(Duration::from_secs(2 * 3600));
    let before = branch_requests(&server);
    session.start("startup");
    session.settle();
    assert_eq!(branch_requests(&server), before + 1, "{}", session.log());
    let check = session.run(&["config", "check"]);
    assert!(!check.stderr.contains("manage_git_branch"), "{check:?}");
}

/// The guide's server, whose list of branches requires a project.
fn requiring_a_project(request: &Request) -> Vec<Act> {
    if request.json()["params"]["name"] != "manage_git_branch" {
        return mcp_reply::healthy(request);
    }
    let text = "Missing required field: project_id. Expected: A valid project_id string";
    let error = json!({ "message": text, "code": "VALIDATION_ERROR", "operation": "list" });
    answer(request, &mcp_reply::result(&json!({ "success": false, "error": error })))
}

#[test]
fn ts_f10_a_missing_project_id_is_asked_for_once_and_explained() {
    let server = FaultServer::start(requiring_a_project);
    let session = started_three_times(&server);
    assert_eq!(branch_requests(&server), 1, "{}", session.log());
    let hint = "set `[queries.branches] arguments = { action = \"list\", project_id = \"ID\" }`";
    let check = session.run(&["config", "check"]);
    assert_eq!(check.code(), 0, "{check:?}");
    assert!(check.stderr.contains(hint), "{check:?}");
    let next = session.run(&["tasks", "next"]);
    assert_eq!(next.code(), 6, "{next:?}");
    assert!(next.stderr.contains(hint), "{next:?}");
    let with_id = session
        .hooks_toml("[queries.branches]\narguments = { action = \"list\", project_id = \"P\" }\n");
    let check = with_id.run(&["config", "check"]);
    assert!(!check.stderr.contains("project_id"), "another question: {check:?}");
}
