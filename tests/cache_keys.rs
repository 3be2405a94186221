//! What an entry of the cache belongs to: with one part of the identity or of the question changed,
//! and the server gone, the answer to the other is never shown.

use std::fs;

use serde_json::json;

use crate::support::{Act, FaultServer, Outcome, Request, Session, mcp_reply, repository};

/// Tokens on one path, tasks on all others.
fn answer(request: &Request) -> Vec<Act> {
    if request.path.ends_with("/token") {
        let token = json!({ "access_token": "token-of-the-server", "expires_in": 300 });
        return vec![Act::Send(mcp_reply::json_response(200, &token))];
    }
    mcp_reply::healthy(request)
}

fn tasks(session: &Session, sets: &[&str], flags: &[&str]) -> Outcome {
    let mut arguments = vec!["tasks", "--json"];
    arguments.extend(flags);
    for set in sets {
        arguments.extend(["--set", set]);
    }
    session.run(&arguments)
}

/// Keeps an answer under `base`, stops the server, and expects it under `base` alone: no `change` of
/// one setting may find it.
#[track_caller]
fn differs(session: &Session, server: FaultServer, base: &[&str], changes: &[&str]) {
    let url = format!("client.url={}", server.mcp());
    let issuer = format!("auth.url={}", server.origin());
    let other = format!("client.url={}/other/mcp", server.origin());
    let fixed: Vec<&str> =
        [url.as_str(), issuer.as_str()].into_iter().chain(base.iter().copied()).collect();
    let live = tasks(session, &fixed, &[]);
    assert_eq!((live.code(), live.json()["supply"].clone()), (0, json!("live")), "{live:?}");
    drop(server);
    for change in changes.iter().copied().chain([other.as_str()]) {
        let sets: Vec<&str> = fixed.iter().copied().chain([change]).collect();
        let cached = tasks(session, &sets, &["--cached"]);
        assert!(cached.text().is_empty(), "{change}: {cached:?}");
        assert!(cached.stderr.contains("no cached tasks"), "{change}: {cached:?}");
    }
    let cached = tasks(session, &fixed, &["--cached"]);
    assert_eq!(cached.json()["supply"], "fresh", "{cached:?}");
}

#[test]
fn another_client_user_token_or_question_is_another_entry() {
    let session = Session::new().secret("TOKEN", "token-token-1").secret("OTHER", "token-token-2");
    differs(
        &session,
        FaultServer::start(answer),
        &["auth.token={ env = \"TOKEN\" }"],
        &[
            "client.kind=rest",
            "client.user_id=another",
            "auth.token={ env = \"OTHER\" }",
            "auth.kind=none",
            "queries.tasks.tool=list_tasks",
            "queries.tasks.arguments={\"action\":\"list\"}",
            "queries.tasks.items=/tasks",
            "queries.tasks.answer=text",
        ],
    );
}

#[test]
fn another_place_of_the_token_is_another_entry() {
    let session = Session::new();
    let file = session.home().join("token");
    fs::write(&file, "token-token-1").unwrap();
    let copy = session.home().join("copy");
    fs::copy(&file, &copy).unwrap();
    let set = |path: &std::path::Path| format!("auth.token={{ file = \"{}\" }}", path.display());
    differs(&session, FaultServer::start(answer), &[&set(&file)], &[&set(&copy)]);
    let session = Session::new();
    differs(
        &session,
        FaultServer::start(answer),
        &["auth.token={ command = [\"/bin/echo\", \"token-token-1\"] }"],
        &["auth.token={ command = [\"/bin/echo\", \"-n\", \"token-token-1\"] }"],
    );
}

#[test]
fn another_keycloak_login_is_another_entry() {
    let session = Session::new().secret("SECRET", "s3cret-s3cret");
    differs(
        &session,
        FaultServer::start(answer),
        &[
            "auth.realm=one",
            "auth.client_id=one",
            "auth.scope=one",
            "auth.client_secret={ env = \"SECRET\" }",
        ],
        &[
            "auth.url=http://localhost:1",
            "auth.realm=two",
            "auth.client_id=two",
            "auth.scope=two",
            "auth.kind=none",
        ],
    );
}

#[test]
fn another_server_of_mcp_json_is_another_entry() {
    let server = FaultServer::start(answer);
    let entry = |token: &str| {
        let header = json!({ "Authorization": format!("Bearer {token}") });
        json!({ "type": "http", "url": server.mcp(), "headers": header })
    };
    let servers = json!({ "one": entry("token-token-1"), "two": entry("token-token-2") });
    let session =
        Session::new().project_file(".mcp.json", &json!({ "mcpServers": servers }).to_string());
    differs(&session, server, &["auth.kind=mcp_json", "auth.mcp_json=one"], &["auth.mcp_json=two"]);
}

#[test]
fn another_repository_is_another_entry() {
    let server = FaultServer::start(answer);
    let session = Session::with_server(&server.mcp());
    assert_eq!(session.run(&["tasks"]).code(), 0);
    drop(server);
    let other = session.scratch();
    repository::plant(&other, "main");
    let cached = session.program(&["tasks", "--cached"]).current_dir(&other).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&cached.stdout), "");
    assert!(session.run(&["tasks", "--cached"]).text().contains("Mend the roof"));
}
