//! `auth.kind = "mcp_json"`: the token of a project's `.mcp.json`, for its own server alone.

use serde_json::{Value, json};

use crate::support::mcp_reply::healthy;
use crate::support::{FaultServer, Session};

const TOKEN: &str = "mcp-json-canary-0123456789";

/// A session in a project with this `.mcp.json`.
fn session(server: &FaultServer, file: &Value) -> Session {
    Session::with_server(&server.mcp())
        .deadline("15s")
        .guard(TOKEN)
        .hooks_toml("[auth]\nkind = \"mcp_json\"\nmcp_json = \"tasks\"\n")
        .project_file(".mcp.json", &file.to_string())
}

fn entry(url: &str, authorization: &str) -> Value {
    json!({ "mcpServers": { "tasks": {
        "type": "http", "url": url, "headers": { "Authorization": authorization },
    } } })
}

#[test]
fn a2_the_token_of_the_named_server_is_sent() {
    let server = FaultServer::start(healthy);
    let file = entry(&server.mcp(), &format!("Bearer {TOKEN}"));
    let outcome = session(&server, &file).start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    let sent = server.requests()[0].header("authorization").map(str::to_owned);
    assert_eq!(sent, Some(format!("Bearer {TOKEN}")));
}

#[test]
fn a2_m07_a_token_of_another_origin_is_not_sent() {
    let (server, other) = (FaultServer::start(healthy), FaultServer::start(healthy));
    let same_host = format!("https://127.0.0.1:{}/mcp", server.port());
    for url in [other.mcp().as_str(), same_host.as_str(), "http://127.0.0.1/mcp", "", "not a url"] {
        let file = entry(url, &format!("Bearer {TOKEN}"));
        let outcome = session(&server, &file).start("startup");
        let notice = outcome.notice();
        assert!(notice.contains("(WS203)") && notice.contains("is not for"), "{url}: {outcome:?}");
    }
    assert_eq!((server.connections(), other.connections()), (0, 0));
}

#[test]
fn a2_an_entry_without_a_usable_token_asks_no_server() {
    let server = FaultServer::start(healthy);
    let url = server.mcp();
    let files = [
        // The host fills these in from its own environment; here they would be sent as they are.
        entry(&url, "Bearer ${TASKS_TOKEN}"),
        entry(&url, "Bearer ${TASKS_TOKEN:-mcp-json-canary-0123456789}"),
        entry(&url, "Bearer "),
        entry(&url, "Basic am9lOnBhc3N3b3Jk"),
        json!({ "mcpServers": { "tasks": { "type": "http", "url": url } } }),
        json!({ "mcpServers": { "other": {} } }),
        json!({}),
        json!([]),
    ];
    for file in files {
        let session = session(&server, &file).env("TASKS_TOKEN", TOKEN);
        let outcome = session.start("startup");
        assert!(outcome.notice().contains("(WS201)"), "{file}: {outcome:?}");
        assert!(outcome.notice().contains(".mcp.json"), "{file}: {outcome:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a2_a_project_that_is_not_trusted_cannot_ask_for_it() {
    let server = FaultServer::start(healthy);
    let file = entry(&server.mcp(), &format!("Bearer {TOKEN}"));
    let session = Session::with_server(&server.mcp())
        .deadline("15s")
        .guard(TOKEN)
        .project_file(".mcp.json", &file.to_string())
        .project_file(".claude/hooks.toml", "[auth]\nkind = \"mcp_json\"\nmcp_json = \"tasks\"\n");
    assert!(session.start("startup").context().contains("Mend the roof"));
    assert_eq!(server.requests()[0].header("authorization"), None);
}
