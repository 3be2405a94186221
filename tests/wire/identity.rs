//! Tests 22–28, 32, 33: tokens from the identity server, checked by the task server.

use std::time::Duration;

use serde_json::json;

use super::{OPEN, asking, live};
use crate::support::{Session, or_skip, peer};

const CLIENT: &str = "claude-hooks";
const SECRET: &str = "claude-hooks-secret";

/// Both servers; the task server trusts the identity server.
fn pair() -> Option<(peer::Peer, peer::Peer)> {
    let identity = or_skip(peer::oidc_server(&[]))?;
    let server = or_skip(peer::task_server(&["--auth", "jwks"]))?;
    server.set(&json!({ "issuer": format!("{}/realms/dhafnck", identity.origin()) }));
    Some((identity, server))
}

fn session(identity: &peer::Peer, server: &peer::Peer) -> Session {
    asking(&server.mcp()).with_keycloak(identity.origin(), CLIENT, SECRET)
}

#[test]
fn p22_two_requests_without_a_token_and_one_with() {
    let Some((identity, server)) = pair() else { return };
    let session = session(&identity, &server);
    assert_eq!(live(&session).len(), OPEN);
    // Discovery and keys are the task server's own requests.
    assert_eq!((identity.stats().count("/token"), server.take_requests()), (1, 1));
    live(&session);
    assert_eq!((identity.stats().count("/token"), server.take_requests()), (1, 1));
}

#[test]
fn p22_a_short_life_is_used_to_its_half_and_renewed_in_time() {
    let Some((identity, server)) = pair() else { return };
    identity.set(&json!({ "ttl": 10 }));
    let session = session(&identity, &server).env("TOKEN_REFRESH_BEFORE_EXPIRY", "300");
    live(&session);
    live(&session);
    assert_eq!(identity.stats().count("/token"), 1, "the margin does not eat the token");
    std::thread::sleep(Duration::from_millis(8500));
    live(&session);
    assert_eq!(identity.stats().count("/token"), 2);
    assert!(server.stats().log.iter().all(|one| one["status"] == 200), "renewed before a 401");
}

#[test]
fn p23_x02_one_401_costs_one_token_and_one_repeat() {
    let Some((identity, server)) = pair() else { return };
    let session = session(&identity, &server);
    live(&session);
    server.take_requests();
    server.faults(&json!([{ "match": "mcp", "do": "status", "status": 401, "times": 1 }]));
    live(&session);
    assert_eq!((identity.stats().count("/token"), server.take_requests()), (2, 2));
    server.faults(&json!([{ "match": "mcp", "do": "status", "status": 401, "times": 9 }]));
    session.start("startup");
    assert!(session.last("pending_tasks").cause.contains("WS203"));
    assert_eq!((identity.stats().count("/token"), server.take_requests()), (3, 2), "no loop");
}

#[test]
fn p24_a_refusal_without_a_challenge() {
    let Some((_identity, server)) = pair() else { return };
    server.set(&json!({ "auth_style": "agenthub" }));
    let session = asking(&server.mcp()).secret("MCP_AUTH_TOKEN", "p24-canary-0123456789-abcdef");
    session.start("startup");
    let record = session.last("pending_tasks");
    assert!(record.cause.contains("WS203"), "{record:?}");
    assert_eq!(server.stats().requests, 1, "a static token cannot be renewed");
}

/// The notice of a session with these credentials.
fn diagnosis(identity: &peer::Peer, client: &str, secret: &str, realm: &str) -> String {
    let session = asking("http://127.0.0.1:9/mcp")
        .with_keycloak(identity.origin(), client, secret)
        .env("KEYCLOAK_REALM", realm);
    let outcome = session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "none");
    outcome.notice()
}

#[test]
fn p25_every_refusal_is_told_apart() {
    let Some(identity) = or_skip(peer::oidc_server(&[])) else { return };
    let rows = [
        ("claude-hooks", "p25-canary-of-a-wrong-secret-1", "dhafnck", "WS202", "secret"),
        ("unknown-client", "p25-canary-of-a-wrong-secret-2", "dhafnck", "WS202", "CLIENT_ID"),
        ("disabled-client", "disabled-secret", "dhafnck", "WS202", "disabled"),
        ("no-service-account", "no-service-account-secret", "dhafnck", "WS204", "service account"),
        ("public-client", "p25-canary-of-a-wrong-secret-3", "dhafnck", "WS204", "service account"),
        ("claude-hooks", "claude-hooks-secret", "nowhere", "WS206", "nowhere"),
    ];
    for (client, secret, realm, code, word) in rows {
        let notice = diagnosis(&identity, client, secret, realm);
        assert!(notice.contains(code) && notice.contains(word), "{client} {realm}: {notice}");
    }
    identity.set(&json!({ "https-required": "on" }));
    let notice = diagnosis(&identity, CLIENT, SECRET, "dhafnck");
    assert!(notice.contains("https"), "{notice}");
}

#[test]
fn p25_a_scope_that_the_realm_does_not_have() {
    let Some((identity, server)) = pair() else { return };
    let session = session(&identity, &server).env("KEYCLOAK_SERVICE_SCOPES", "openid nope");
    let notice = session.start("startup").notice();
    assert!(notice.contains("scope"), "{notice}");
}

#[test]
fn p26_m31_a_secret_full_of_signs_is_sent_as_it_is() {
    let Some((identity, server)) = pair() else { return };
    let odd = asking(&server.mcp()).with_keycloak(
        identity.origin(),
        "odd+secret client",
        "p@ss:w%rd+&=~",
    );
    live(&odd);
}

#[test]
fn m31_secrets_that_look_like_values_are_taken_literally() {
    let Some((identity, server)) = pair() else { return };
    for odd in ["12345678", "0123", "true", "{a=1}", "[a,b]", "\"quoted\"", "null", "1e9"] {
        identity.rotate(CLIENT, odd);
        let session = asking(&server.mcp()).with_keycloak(identity.origin(), CLIENT, odd);
        live(&session);
    }
}

#[test]
fn p27_the_prefix_is_found_either_way_and_remembered() {
    for (options, configured) in [(&["--prefix", "/auth"][..], ""), (&[][..], "/auth")] {
        let Some(identity) = or_skip(peer::oidc_server(options)) else { return };
        let Some(server) = or_skip(peer::task_server(&["--auth", "jwks"])) else { return };
        let prefix = options.last().unwrap_or(&"");
        server.set(&json!({ "issuer": format!("{}{prefix}/realms/dhafnck", identity.origin()) }));
        let url = format!("{}{configured}/", identity.origin());
        let session = asking(&server.mcp()).with_keycloak(&url, CLIENT, SECRET);
        live(&session);
        assert_eq!(identity.stats().count("/token"), 2, "the other form was tried once");
        session.age_tokens(Duration::from_secs(600));
        live(&session);
        assert_eq!(identity.stats().count("/token"), 3, "and is remembered");
    }
}

#[test]
fn p27_a_wrong_realm_is_no_wrong_prefix() {
    let Some(identity) = or_skip(peer::oidc_server(&[])) else { return };
    diagnosis(&identity, CLIENT, SECRET, "nowhere");
    assert_eq!(identity.stats().count("/token"), 1);
}

#[test]
fn p28_the_resource_is_named_and_may_be_demanded() {
    let Some((identity, server)) = pair() else { return };
    identity.set(&json!({ "resource": "honour" }));
    server.set(&json!({ "audience": server.mcp() }));
    let session = session(&identity, &server);
    live(&session);
    let asked = identity.stats().log.into_iter().find(|one| one["client"] == CLIENT).unwrap();
    assert_eq!(asked["resource"], server.mcp());
    let session = session.env("WARMSTART_AUTH__RESOURCE", "off");
    session.start("startup");
    let record = session.last("pending_tasks");
    assert!(record.cause.contains("WS203"), "{record:?}");
}

#[test]
fn p32_a_secret_that_is_rotated_while_tokens_live() {
    let Some((identity, server)) = pair() else { return };
    let mut session = session(&identity, &server);
    live(&session);
    identity.rotate(CLIENT, "p32-another-secret-0123456789");
    live(&session);
    session.age_tokens(Duration::from_secs(600));
    session.start("startup");
    assert!(session.last("pending_tasks").cause.contains("WS202"));
    session.set("KEYCLOAK_CLIENT_SECRET", "p32-another-secret-0123456789");
    live(&session.guard("p32-another-secret-0123456789"));
}

#[test]
fn p33_nothing_secret_in_the_clear() {
    let session = asking("http://127.0.0.1:9/mcp").with_keycloak(
        "http://0.0.0.0:9",
        CLIENT,
        "p33-canary-0123456789-abcdef",
    );
    let notice = session.start("startup").notice();
    assert!(notice.contains("WS106") && notice.contains("https"), "{notice}");
    let session =
        asking("http://0.0.0.0:9/mcp").secret("MCP_AUTH_TOKEN", "p33-canary-9876543210-abcdef");
    let notice = session.start("startup").notice();
    assert!(notice.contains("WS106") && notice.contains("https"), "{notice}");
}

#[test]
fn x15_a_token_is_bound_to_its_server() {
    let Some((identity, server)) = pair() else { return };
    let mut session = session(&identity, &server);
    live(&session);
    let elsewhere = crate::support::FaultServer::start(crate::support::mcp_reply::healthy);
    session.set("MCP_SERVER_URL", elsewhere.mcp());
    live(&session);
    assert_eq!(identity.stats().count("/token"), 2, "the other server gets a token of its own");
}
