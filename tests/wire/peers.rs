//! The peers themselves: they start, count requests, reset, and give the same tasks.

use serde_json::json;

use crate::support::{control, or_skip, peer};

#[test]
fn task_server_counts_what_it_was_asked() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let asked = json!({ "action": "list", "status": "todo", "limit": 2 });
    let answer = control::post(server.origin(), "/mcp/manage_task", &asked);
    assert_eq!(answer["data"]["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(server.stats().count("rest:POST"), 1);
    server.set(&json!({ "tasks": 1 }));
    let answer = control::post(server.origin(), "/mcp/manage_task", &asked);
    assert_eq!(answer["data"]["tasks"].as_array().unwrap().len(), 1);
    assert_eq!(server.take_requests(), 2);
    assert_eq!(server.stats().requests, 0);
}

#[test]
fn identity_server_gives_tokens_to_those_it_knows() {
    let Some(server) = or_skip(peer::oidc_server(&[])) else { return };
    let path = "/realms/dhafnck/protocol/openid-connect/token";
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let body =
        "grant_type=client_credentials&client_id=claude-hooks&client_secret=claude-hooks-secret";
    let (status, answer) = control::request("POST", server.origin(), path, &form, body);
    assert_eq!(status, 200, "{answer}");
    let (status, _) = control::request("POST", server.origin(), path, &form, &body[..80]);
    assert_eq!(status, 401);
    assert_eq!(server.stats().count("/token"), 2);
}
