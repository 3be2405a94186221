//! Test 35: the same tasks by plain REST.

use serde_json::json;

use super::{asking, live};
use crate::support::{or_skip, peer};

#[test]
fn p35_rest_is_one_request_and_the_same_tasks() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let modern = live(&asking(&server.mcp()));
    server.take_requests();
    for url in [server.origin().to_owned(), server.mcp()] {
        let session = asking(&url).env("WARMSTART_CLIENT__KIND", "rest");
        assert_eq!(live(&session), modern);
        let stats = server.stats();
        assert_eq!((stats.requests, stats.count("rest:POST")), (1, 1), "{url}");
        server.take_requests();
    }
}

#[test]
fn p35_rest_with_a_token_is_one_request_and_two_without() {
    let Some(identity) = or_skip(peer::oidc_server(&[])) else { return };
    let Some(server) = or_skip(peer::task_server(&["--auth", "jwks"])) else { return };
    server.set(&json!({ "issuer": format!("{}/realms/dhafnck", identity.origin()) }));
    let session = asking(server.origin()).env("WARMSTART_CLIENT__KIND", "rest").with_keycloak(
        identity.origin(),
        "claude-hooks",
        "claude-hooks-secret",
    );
    live(&session);
    assert_eq!((identity.stats().count("/token"), server.take_requests()), (1, 1));
    live(&session);
    assert_eq!((identity.stats().count("/token"), server.take_requests()), (1, 1));
}

#[test]
fn p35_rest_below_another_path() {
    let options = ["--mcp-path", "/api/mcp", "--rest-path", "/api/mcp"];
    let Some(server) = or_skip(peer::task_server(&options)) else { return };
    let url = format!("{}/api/mcp", server.origin());
    assert_eq!(live(&asking(&url).env("WARMSTART_CLIENT__KIND", "rest")), live(&asking(&url)));
}

#[test]
fn p35_manage_connection_by_rest() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(server.origin()).env("WARMSTART_CLIENT__KIND", "rest");
    let outcome = session.run(&["call", "--tool", "manage_connection"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.text().contains("healthy"), "{outcome:?}");
}

#[test]
fn p35_what_rest_refuses() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    for status in [400, 404, 405, 422] {
        server.faults(&json!([{ "match": "rest", "status": status, "body": { "detail": "no" } }]));
        let session = asking(server.origin()).env("WARMSTART_CLIENT__KIND", "rest");
        session.start("startup");
        let record = session.last("pending_tasks");
        assert!(record.cause.contains("(WS401)"), "{status}: {record:?}");
        assert_eq!(server.take_requests(), 1, "{status}");
    }
}
