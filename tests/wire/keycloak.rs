//! Test 39: the real Keycloak, at the root and at `/auth`, and each of its refusals.
//! Runs with `WARMSTART_TEST_KEYCLOAK=1`.

use serde_json::{Value, json};

use super::{OPEN, asking, live};
use crate::support::{control, or_skip, peer};

/// The notice of a session with these credentials.
fn refusal(url: &str, client: &str, secret: &str, realm: &str) -> String {
    let session = asking("http://127.0.0.1:9/mcp")
        .with_keycloak(url, client, secret)
        .env("KEYCLOAK_REALM", realm);
    let outcome = session.start("startup");
    outcome.notice()
}

/// Changes a switch of the realm through the admin interface.
fn set_realm(keycloak: &peer::Peer, prefix: &str, change: &Value) {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let login = "grant_type=password&client_id=admin-cli&username=admin&password=admin";
    let path = format!("{prefix}/realms/master/protocol/openid-connect/token");
    let (_, text) = control::request("POST", keycloak.origin(), &path, &form, login);
    let token: Value = serde_json::from_str(&text).expect("an administrator's token");
    let bearer = format!("Bearer {}", token["access_token"].as_str().unwrap());
    let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    let path = format!("{prefix}/admin/realms/dhafnck");
    let (status, text) =
        control::request("PUT", keycloak.origin(), &path, &headers, &change.to_string());
    assert_eq!(status, 204, "{text}");
}

fn whole_way(prefix: &str) {
    let path = if prefix.is_empty() { "/" } else { prefix };
    let Some(keycloak) = or_skip(peer::keycloak(path)) else { return };
    let issuer = format!("{}{prefix}/realms/dhafnck", keycloak.origin());
    for check in ["introspect", "jwks"] {
        let Some(server) = or_skip(peer::task_server(&["--auth", check])) else { return };
        server.set(&json!({ "issuer": issuer }));
        for url in [keycloak.origin().to_owned(), format!("{}/auth/", keycloak.origin())] {
            let session =
                asking(&server.mcp()).with_keycloak(&url, "claude-hooks", "claude-hooks-secret");
            assert_eq!(live(&session).len(), OPEN, "{check} {url}");
            server.take_requests();
            live(&session);
            assert_eq!(server.take_requests(), 1);
        }
        let odd = asking(&server.mcp()).with_keycloak(
            keycloak.origin(),
            "odd+secret client",
            "p@ss:w%rd+&=~",
        );
        let outcome = odd.start("startup");
        // Introspection also requires the audience, which this client does not have.
        assert!(check == "introspect" || outcome.notice().is_empty(), "{outcome:?}");
    }
    refusals(&keycloak, prefix);
}

fn refusals(keycloak: &peer::Peer, prefix: &str) {
    let rows = [
        ("claude-hooks", "p39-canary-of-a-wrong-secret-1", "dhafnck", "WS202", "secret"),
        ("unknown-client", "p39-canary-of-a-wrong-secret-2", "dhafnck", "WS202", "CLIENT_ID"),
        ("disabled-client", "disabled-client-secret", "dhafnck", "WS202", "disabled"),
        ("no-service-account", "no-service-account-secret", "dhafnck", "WS204", "service account"),
        ("public-client", "p39-canary-of-a-wrong-secret-3", "dhafnck", "WS204", "service account"),
        ("claude-hooks", "claude-hooks-secret", "nowhere", "WS206", "nowhere"),
    ];
    for (client, secret, realm, code, word) in rows {
        let notice = refusal(keycloak.origin(), client, secret, realm);
        assert!(notice.contains(code) && notice.contains(word), "{client} {realm}: {notice}");
    }
    set_realm(keycloak, prefix, &json!({ "realm": "dhafnck", "sslRequired": "all" }));
    let notice = refusal(keycloak.origin(), "claude-hooks", "claude-hooks-secret", "dhafnck");
    assert!(notice.contains("https"), "{notice}");
    let disabled = json!({ "realm": "dhafnck", "sslRequired": "external", "enabled": false });
    set_realm(keycloak, prefix, &disabled);
    let notice = refusal(keycloak.origin(), "claude-hooks", "claude-hooks-secret", "dhafnck");
    assert!(notice.contains("disabled") && notice.contains("WS206"), "{notice}");
}

#[test]
fn p39_keycloak_at_the_root_and_below_auth() {
    whole_way("");
    whole_way("/auth");
}
