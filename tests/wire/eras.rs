//! Tests 1–13 and the budget table: the eras, recognised by the answer to the modern call.

use std::fs;
use std::time::Duration;

use serde_json::json;

use super::{OPEN, asking, live};
use crate::support::mcp_reply::{self, json_response};
use crate::support::{Act, FaultServer, Request, Session, canary, control, or_skip, peer};

#[test]
fn p01_modern_is_one_request_with_all_that_belongs_to_it() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(&server.mcp());
    assert_eq!(live(&session).len(), OPEN);
    let stats = server.stats();
    assert_eq!(stats.requests, 1);
    let header = |name| stats.header(0, name).unwrap_or_default().to_owned();
    assert_eq!(header("content-type"), "application/json");
    assert_eq!(header("mcp-protocol-version"), "2026-07-28");
    assert_eq!(header("mcp-method"), "tools/call");
    assert_eq!(header("mcp-name"), "manage_task");
    let accepted = header("accept");
    assert!(accepted.contains("application/json") && accepted.contains("text/event-stream"));
    assert!(header("user-agent").starts_with("warmstart/"), "{}", header("user-agent"));
    assert_eq!(stats.header(0, "mcp-session-id"), None);
}

#[test]
fn p01_modern_only_is_one_request_too() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    server.set(&json!({ "era": "modern" }));
    let session = asking(&server.mcp());
    live(&session);
    live(&session);
    assert_eq!(server.stats().requests, 2);
}

#[test]
fn p02_an_event_stream_gives_the_same() {
    let Some(server) = or_skip(peer::task_server(&["--reply", "sse"])) else { return };
    assert_eq!(live(&asking(&server.mcp())).len(), OPEN);
    let stats = server.stats();
    assert_eq!(stats.requests, 1);
    assert!(stats.log[0]["reply"].as_str().unwrap().starts_with("text/event-stream"));
}

#[test]
fn p03_fastmcp_and_typescript_give_what_the_task_server_gives() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let asked = json!({ "action": "list", "limit": 100 });
    let answer = control::post(server.origin(), "/mcp/manage_task", &asked);
    let expected = live(&asking(&server.mcp()));
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), answer.to_string()).unwrap();
    let path = file.path().display().to_string();
    if let Some(other) = or_skip(peer::typescript_server(&path, "stateless")) {
        assert_eq!(live(&asking(&other.mcp())), expected);
        assert_eq!(other.stats().requests, 1);
    }
    if let Some(other) = or_skip(peer::fastmcp_server(&path)) {
        assert_eq!(live(&asking(&other.mcp())), expected);
    }
}

#[test]
fn p04_legacy_with_sessions_is_four_requests_and_then_one() {
    let Some(server) = or_skip(peer::legacy_task_server(&[])) else { return };
    let session = asking(&server.mcp());
    let first = live(&session);
    assert_eq!(server.take_requests(), 4);
    assert_eq!(live(&session), first);
    assert_eq!(server.stats().requests, 1);
    assert!(server.stats().header(0, "mcp-session-id").is_some());
}

#[test]
fn p05_legacy_without_sessions_is_four_requests_and_then_one() {
    let options = ["--sessions", "off", "--reply", "json", "--shape", "agenthub"];
    let Some(server) = or_skip(peer::legacy_task_server(&options)) else { return };
    let session = asking(&server.mcp());
    let first = live(&session);
    assert_eq!(server.take_requests(), 4);
    assert_eq!(live(&session), first);
    assert_eq!(server.stats().requests, 1);
}

#[test]
fn p06_the_typescript_legacy_leg() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let asked = json!({ "action": "list", "limit": 100 });
    let answer = control::post(server.origin(), "/mcp/manage_task", &asked);
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), answer.to_string()).unwrap();
    let path = file.path().display().to_string();
    let Some(other) = or_skip(peer::typescript_server(&path, "stateless")) else { return };
    let session = asking(&other.mcp()).env("WARMSTART_CLIENT__ERA", "legacy");
    assert_eq!(live(&session), live(&asking(&server.mcp())));
}

#[test]
fn p06_an_event_stream_that_begins_with_nothing() {
    let Some(server) = or_skip(peer::everything_server()) else { return };
    let session = asking(&server.mcp());
    for _ in 0..2 {
        let outcome = session.run(&["call", "--tool", "echo", "--args", r#"{"message":"hello"}"#]);
        assert_eq!(outcome.code(), 0, "{outcome:?}");
        assert!(outcome.text().contains("hello"), "{outcome:?}");
    }
}

#[test]
fn p07_n084_a_kept_session_that_is_gone() {
    let Some(server) = or_skip(peer::legacy_task_server(&[])) else { return };
    let session = asking(&server.mcp());
    let first = live(&session);
    let stats = server.stats();
    let id = stats.header(3, "mcp-session-id").expect("the call carries it").to_owned();
    let headers = [("Mcp-Session-Id", id.as_str())];
    control::request("DELETE", server.origin(), "/mcp", &headers, "");
    server.take_requests();
    assert_eq!(live(&session), first);
    assert_eq!(server.take_requests(), 4, "404, then the handshake and the call");
    live(&session);
    let stats = server.stats();
    assert_eq!(stats.requests, 1, "the new session was kept");
    assert_ne!(stats.header(0, "mcp-session-id"), Some(id.as_str()));
}

#[test]
fn p08_p09_a_server_that_changes_its_era() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(&server.mcp());
    // To the modern era: the kept session, a new handshake, then the modern call.
    for (era, most) in [("legacy", 4), ("modern", 3), ("legacy", 4)] {
        server.set(&json!({ "era": era }));
        live(&session);
        let requests = server.take_requests();
        assert!(requests <= most, "{requests} requests to {era}");
        live(&session);
        assert_eq!(server.take_requests(), 1, "{era} is remembered");
    }
}

#[test]
fn p10_a_damaged_wire_cache_costs_requests_only() {
    let Some(server) = or_skip(peer::legacy_task_server(&[])) else { return };
    let session = asking(&server.mcp());
    let first = live(&session);
    for file in canary::files(&session.state().join("wire")) {
        fs::write(file, "{\"legacy\": tr").unwrap();
    }
    server.take_requests();
    assert_eq!(live(&session), first);
    assert_eq!(server.stats().requests, 4);
}

/// The methods that are called on a server that answers everything with `answer`.
fn methods(answer: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static) -> Vec<String> {
    let server = FaultServer::start(answer);
    let session = asking(&server.mcp()).env("HTTP_MAX_RETRIES", "1").deadline("3s");
    session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "none");
    let method = |request: &Request| {
        request.json()["method"].as_str().unwrap_or(request.method.as_str()).to_owned()
    };
    server.requests().iter().map(method).collect()
}

fn rpc_error(status: u16, code: i64) -> impl Fn(&Request) -> Vec<Act> {
    move |request| {
        let error = json!({ "code": code, "message": "no", "data": { "supported": [] } });
        let body = json!({ "jsonrpc": "2.0", "id": request.json()["id"], "error": error });
        vec![Act::Send(json_response(status, &body))]
    }
}

#[test]
fn p11_trouble_never_means_another_era() {
    for status in [401, 403, 429, 500, 502, 503, 504] {
        let asked = methods(move |_| mcp_reply::status(status));
        assert!(asked.iter().all(|method| method == "tools/call"), "{status}: {asked:?}");
    }
    let html = mcp_reply::response(200, &[("Content-Type", "text/html")], b"<html></html>");
    let asked = methods(move |_| vec![Act::Send(html.clone())]);
    assert_eq!(asked, ["tools/call"]);
    for (status, code) in [(400, -32021), (404, -32601), (400, -32022), (200, -32602)] {
        let asked = methods(rpc_error(status, code));
        assert_eq!(asked, ["tools/call"], "{status} {code}");
    }
}

/// Status and code with which servers of older revisions refuse a modern call.
const OLDER: [(u16, i64); 4] = [(400, -32602), (200, -32601), (200, -32600), (200, -32004)];

#[test]
fn host_f7_a_refusal_that_may_mean_an_older_server_leads_to_one_handshake() {
    for (status, code) in OLDER {
        let server = FaultServer::start(rpc_error(status, code));
        let session = asking(&server.mcp()).env("HTTP_MAX_RETRIES", "1");
        session.start("startup");
        let asked: Vec<_> = server.requests().iter().map(|r| r.json()["method"].clone()).collect();
        assert_eq!(asked, ["tools/call", "initialize"], "{status} {code}");
        let cause = session.last("pending_tasks").cause;
        assert!(cause.contains(&format!("refused the call: no ({code})")), "{cause}");
    }
}

#[test]
fn host_f7_an_older_server_with_an_odd_refusal_is_four_requests_and_then_one() {
    for (status, code) in OLDER {
        let older = legacy(true);
        let server = FaultServer::start(move |request| match request.header("mcp-method") {
            Some(_) => rpc_error(status, code)(request),
            None => older(request),
        });
        let session = asking(&server.mcp());
        live(&session);
        assert_eq!(server.requests().len(), 4, "{status} {code}");
        live(&session);
        assert_eq!(server.requests().len(), 5, "{status} {code}: the era is remembered");
    }
}

#[test]
fn host_f7_with_a_configured_era_a_refusal_is_one_of_the_call() {
    for (status, code) in OLDER {
        let server = FaultServer::start(rpc_error(status, code));
        let session = asking(&server.mcp()).env("WARMSTART_CLIENT__ERA", "modern");
        session.start("startup");
        assert_eq!(server.requests().len(), 1, "{status} {code}");
        let cause = session.last("pending_tasks").cause;
        assert!(cause.contains(&format!("refused the call: no ({code})")), "{cause}");
    }
}

#[test]
fn host_f7_the_drafts_code_for_a_version_is_read_like_todays() {
    let server = FaultServer::start(|request| match request.n {
        0 => {
            let error = json!({ "code": -32004, "message": "Unsupported",
                "data": { "supported": ["2026-07-28"] } });
            let body = json!({ "jsonrpc": "2.0", "id": request.json()["id"], "error": error });
            vec![Act::Send(json_response(200, &body))]
        }
        _ => mcp_reply::healthy(request),
    });
    live(&asking(&server.mcp()));
    assert_eq!(server.requests().len(), 2);
}

/// A server whose only path is `path`.
fn only_at(
    path: &'static str,
    answer: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
) -> FaultServer {
    FaultServer::start(move |request| match request.path == path {
        true => answer(request),
        false => mcp_reply::status(404),
    })
}

#[test]
fn ts_low_the_other_form_of_a_trailing_slash_is_tried_once_and_remembered() {
    for (configured, path) in [("/mcp/", "/mcp"), ("/mcp", "/mcp/"), ("/a/b", "/a/b/")] {
        let server = only_at(path, mcp_reply::healthy);
        let session = asking(&format!("{}{configured}", server.origin()));
        live(&session);
        assert_eq!(server.requests().len(), 2, "{configured}");
        live(&session);
        assert_eq!(server.requests().len(), 3, "{configured}: remembered");
        assert_eq!(server.requests()[2].path, path);
    }
    let server = only_at("/mcp", legacy(true));
    let session = asking(&format!("{}/mcp/", server.origin()));
    live(&session);
    assert_eq!(server.requests().len(), 5, "404, then call, handshake and call");
    live(&session);
    assert_eq!(server.requests().len(), 6);
}

#[test]
fn ts_low_two_queries_at_once_find_the_other_form_together() {
    let server = only_at("/mcp", |request| {
        let next = json!({ "data": { "task": { "id": "9", "title": "Next one" } } });
        let payload = match request.json()["params"]["arguments"]["action"].as_str() {
            Some("next") => next,
            _ => mcp_reply::payload(&mcp_reply::three_tasks()),
        };
        let body = mcp_reply::rpc(request, &mcp_reply::result(&payload));
        vec![Act::Wait(Duration::from_millis(60)), Act::Send(json_response(200, &body))]
    });
    let session = Session::with_server(&format!("{}/mcp/", server.origin()))
        .hooks_toml("[branches]\nmain = \"b-7\"\n")
        .deadline("20s");
    let context = session.start("startup").context();
    assert!(context.contains("Mend the roof") && context.contains("Next one"), "{context}");
    assert!(server.requests().len() <= 4, "{}", server.requests().len());
}

#[test]
fn ts_low_without_any_endpoint_the_slash_costs_one_request() {
    let server = FaultServer::start(|_| mcp_reply::status(404));
    let session = asking(&server.mcp());
    session.start("startup");
    let asked: Vec<_> = server.requests().iter().map(|r| r.path.clone()).collect();
    assert_eq!(asked, ["/mcp", "/mcp/", "/mcp"], "the last is the handshake");
    assert!(session.last("pending_tasks").cause.contains("/mcp` answered HTTP 404"));
}

#[test]
fn ts_low_a_slash_too_many_at_a_real_server() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(&format!("{}/", server.mcp()));
    assert_eq!(live(&session).len(), OPEN);
    let first = server.take_requests();
    assert!(first <= 2, "{first}");
    live(&session);
    assert!(server.take_requests() <= first);
}

#[test]
fn p11_what_an_older_server_says_leads_to_the_handshake() {
    for status in [400, 404, 405, 406, 415, 422] {
        let asked = methods(move |_| mcp_reply::status(status));
        let second_path = (status == 404).then_some("tools/call");
        let expected: Vec<&str> =
            ["tools/call"].into_iter().chain(second_path).chain(["initialize"]).collect();
        assert_eq!(asked, expected, "{status}");
        let asked = methods(rpc_error(status, -32600));
        assert_eq!(asked, ["tools/call", "initialize"], "{status}");
    }
}

#[test]
fn p12_the_right_version_is_tried_once_more() {
    let server = FaultServer::start(|request| match request.n {
        0 => {
            let data = json!({ "supported": ["2026-07-28"], "requested": "2026-07-28" });
            let error = json!({ "code": -32022, "message": "Unsupported", "data": data });
            let body = json!({ "jsonrpc": "2.0", "id": request.json()["id"], "error": error });
            vec![Act::Send(json_response(400, &body))]
        }
        _ => mcp_reply::healthy(request),
    });
    assert_eq!(live(&asking(&server.mcp())).len(), 3);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].json()["id"], requests[1].json()["id"], "a new id");
}

#[test]
fn p12_only_older_versions_lead_to_the_handshake() {
    let server = FaultServer::start(|request| {
        let data = json!({ "supported": ["2025-06-18"], "requested": "2026-07-28" });
        let error = json!({ "code": -32022, "message": "Unsupported", "data": data });
        let body = json!({ "jsonrpc": "2.0", "id": request.json()["id"], "error": error });
        vec![Act::Send(json_response(400, &body))]
    });
    let session = asking(&server.mcp());
    session.start("startup");
    assert_eq!(server.requests()[1].json()["method"], "initialize");
}

#[test]
fn p13_an_argument_that_must_stand_in_a_header() {
    let server = FaultServer::start(|request| {
        let body = request.json();
        if body["method"] == "tools/list" {
            let schema = json!({ "type": "object", "properties": {
                "status": { "type": "string", "x-mcp-header": "Status" },
                "user_id": { "type": "string", "x-mcp-header": "User" },
            }});
            let tools = json!({ "tools": [{ "name": "manage_task", "inputSchema": schema }] });
            return vec![Act::Send(json_response(200, &mcp_reply::rpc(request, &tools)))];
        }
        if request.header("mcp-param-status") == Some("todo") {
            return mcp_reply::healthy(request);
        }
        rpc_error(400, -32020)(request)
    });
    let session = asking_for_status(&server.mcp());
    live(&session);
    let requests = server.requests();
    let methods: Vec<_> = requests.iter().map(|one| one.json()["method"].clone()).collect();
    assert_eq!(methods, ["tools/call", "tools/list", "tools/call"]);
    assert_eq!(requests[2].header("mcp-param-user"), None, "absent: no header");
    live(&session);
    assert_eq!(server.requests().len(), 4, "the header is remembered");
}

#[test]
fn p13_a_header_that_the_tool_has_renamed_since() {
    let server = FaultServer::start(wanting_header("Status", "mcp-param-status"));
    let session = asking_for_status(&server.mcp());
    live(&session);
    server.becomes(wanting_header("State", "mcp-param-state"));
    server.forget();
    live(&session);
    assert_eq!(server.requests().len(), 3, "refused, looked up, repeated");
    live(&session);
    assert_eq!(server.requests().len(), 4, "and remembered");
}

/// A session whose query has a `status`.
fn asking_for_status(url: &str) -> crate::support::Session {
    asking(url).env("WARMSTART_QUERIES__TASKS__ARGUMENTS", r#"{"action":"list","status":"todo"}"#)
}

/// A server whose tool requires its `status` in a header.
fn wanting_header(name: &'static str, header: &'static str) -> impl Fn(&Request) -> Vec<Act> {
    move |request| {
        if request.json()["method"] == "tools/list" {
            let properties = json!({ "status": { "type": "string", "x-mcp-header": name } });
            let schema = json!({ "type": "object", "properties": properties });
            let tools = json!({ "tools": [{ "name": "manage_task", "inputSchema": schema }] });
            return vec![Act::Send(json_response(200, &mcp_reply::rpc(request, &tools)))];
        }
        match request.header(header) {
            Some("todo") => mcp_reply::healthy(request),
            _ => rpc_error(400, -32020)(request),
        }
    }
}

#[test]
fn p07_a_call_that_failed_in_a_kept_session_is_not_carried_out_twice() {
    let server = FaultServer::start(legacy(true));
    let session = asking(&server.mcp());
    live(&session);
    server.becomes(legacy(false));
    server.forget();
    session.run(&["call", "--tool", "manage_task", "--args", "{\"action\":\"create\"}"]);
    assert_eq!(server.requests().len(), 1);
}

/// A legacy server without sessions, whose tool works or fails.
fn legacy(works: bool) -> impl Fn(&Request) -> Vec<Act> {
    move |request| match request.json()["method"].as_str() {
        Some("initialize") => {
            let server = json!({ "name": "x", "version": "1" });
            let result = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": server });
            vec![Act::Send(json_response(200, &mcp_reply::rpc(request, &result)))]
        }
        Some("tools/call") if request.header("mcp-method").is_some() => mcp_reply::status(400),
        Some("tools/call") if works => mcp_reply::healthy(request),
        Some("tools/call") => rpc_error(200, -32603)(request),
        _ => mcp_reply::status(202),
    }
}
