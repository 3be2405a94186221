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

/// Keeps an answer, stops the server, and expects nothing of it after `change`.
#[track_caller]
fn is_gone_after(session: &Session, server: FaultServer, change: impl Fn()) {
    let live = session.run(&["tasks"]);
    assert_eq!(live.code(), 0, "{live:?}");
    let cached = session.run(&["tasks", "--cached"]);
    assert!(cached.text().contains("Mend the roof"), "{cached:?}");
    assert_eq!(server.count("/mcp"), 1, "the first answer is kept");
    drop(server);
    change();
    let cached = session.run(&["tasks", "--cached"]);
    assert_eq!(cached.text(), "", "{cached:?}");
}

#[test]
fn i09_another_content_of_a_token_file_is_another_entry() {
    let server = FaultServer::start(answer);
    let session = Session::with_server(&server.mcp());
    let file = session.home().join("token");
    fs::write(&file, "token-token-1").unwrap();
    let session =
        session.hooks_toml(&format!("[auth]\ntoken = {{ file = \"{}\" }}\n", file.display()));
    is_gone_after(&session, server, || fs::write(&file, "token-token-2").unwrap());
}

#[test]
fn i09_another_content_of_mcp_json_is_another_entry() {
    let server = FaultServer::start(answer);
    let file = |token: &str| {
        let header = json!({ "Authorization": format!("Bearer {token}") });
        let entry = json!({ "type": "http", "url": server.mcp(), "headers": header });
        json!({ "mcpServers": { "one": entry } }).to_string()
    };
    let (first, second) = (file("token-token-1"), file("token-token-2"));
    let session = Session::with_server(&server.mcp())
        .hooks_toml("[auth]\nkind = \"mcp_json\"\nmcp_json = \"one\"\n")
        .project_file(".mcp.json", &first);
    let path = session.project().join(".mcp.json");
    is_gone_after(&session, server, || fs::write(&path, &second).unwrap());
}

#[test]
fn i09_another_header_is_another_entry() {
    let server = FaultServer::start(answer);
    let session = Session::with_server(&server.mcp());
    let file = session.home().join(".config/warmstart/hooks.toml");
    let text = |user: &str| format!("[http]\nheaders = {{ X-User = \"{user}\" }}\n");
    let session = session.hooks_toml(&text("someone"));
    is_gone_after(&session, server, || fs::write(&file, text("another")).unwrap());
}

/// A program that gives another token later: what the first one was given is not shown to the second,
/// and the other way round.
#[test]
fn i09_another_output_of_a_token_command_is_another_entry() {
    let server = FaultServer::start(answer);
    let session = Session::with_server(&server.mcp());
    let file = session.home().join("token");
    fs::write(&file, "token-token-1").unwrap();
    let session = session.hooks_toml(&format!(
        "[auth]\ntoken = {{ command = [\"/bin/cat\", \"{}\"] }}\n",
        file.display()
    ));
    assert_eq!(session.run(&["tasks"]).code(), 0);
    assert_eq!(session.run(&["tasks"]).code(), 0);
    assert_eq!(server.count("/mcp"), 1, "a fresh answer starts nothing");
    fs::write(&file, "token-token-2").unwrap();
    server.becomes(|request| {
        vec![Act::Send(mcp_reply::tasks(request, &json!([{ "title": "of the second" }])))]
    });
    assert!(session.run(&["tasks", "--live"]).text().contains("of the second"));
    drop(server);
    let cached = session.run(&["tasks", "--cached"]);
    assert!(cached.text().contains("of the second"), "{cached:?}");
    assert!(!cached.text().contains("Mend the roof"), "{cached:?}");
}
