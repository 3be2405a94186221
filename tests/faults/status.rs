//! N040–N063: status lines.

use std::time::Duration;

use serde_json::json;

use super::row::{Out, Row};
use crate::support::mcp_reply::{self, healthy, json_response, response};
use crate::support::{Act, FaultServer, Request};

fn redirect(status: u16, location: &str) -> Vec<Act> {
    vec![Act::Send(response(status, &[("Location", location)], b""))]
}

/// Answers the first request with `first`, all others as a healthy server.
fn once(first: Vec<Act>) -> impl Fn(&Request) -> Vec<Act> {
    move |request| if request.n == 0 { first.clone() } else { healthy(request) }
}

#[test]
fn n040_307_and_308_on_the_same_origin_are_followed() {
    for status in [307, 308] {
        let (server, ..) = Row::live().check_seen(once(redirect(status, "/moved/mcp")));
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{status}");
        assert_eq!(
            (requests[1].method.as_str(), requests[1].path.as_str()),
            ("POST", "/moved/mcp")
        );
        assert_eq!(requests[1].body, requests[0].body);
    }
}

#[test]
fn n040_301_and_302_would_lose_the_body_and_are_refused() {
    for status in [301, 302] {
        let row = Row::stale("(WS401)");
        let (server, ..) = row.check_seen(move |_| redirect(status, "/moved/mcp"));
        assert_eq!(server.requests().len(), 1, "{status} was followed");
    }
}

#[test]
fn n041_p34_another_origin_gets_nothing() {
    for status in [302, 307, 308] {
        let elsewhere = FaultServer::start(healthy);
        let location = elsewhere.mcp();
        Row::stale("WS307")
            .env("MCP_AUTH_TOKEN", "n041-canary-0123456789-abcdef")
            .check(move |_| redirect(status, &location));
        assert_eq!(elsewhere.connections(), 0, "{status}");
    }
}

#[test]
fn n043_redirects_in_a_circle() {
    let (server, ..) = Row::stale("WS306").check_seen(|_| redirect(307, "/mcp"));
    assert!(server.requests().len() <= 12, "{}", server.requests().len());
}

#[test]
fn n044_a_login_page() {
    Row::stale("WS402").check(|_| {
        vec![Act::Send(response(200, &[("Content-Type", "text/html")], b"<html>Log in</html>"))]
    });
}

#[test]
fn n045_400_is_not_repeated() {
    // Once as the modern call, once as `initialize`: a 400 may come from an older server.
    let (server, ..) = Row::stale("WS401").check_seen(|_| mcp_reply::status(400));
    assert_eq!(server.requests().len(), 2);
}

/// A session with a token from Keycloak, both on one server.
fn with_keycloak(
    row: Row,
    fault: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
) -> FaultServer {
    let server = FaultServer::start(healthy);
    let row = row
        .env("KEYCLOAK_URL", server.origin())
        .env("KEYCLOAK_REALM", "dhafnck")
        .env("KEYCLOAK_CLIENT_SECRET", "status-canary-0123456789-abc");
    let session = row.session(&server.mcp(), Some(&server)).guard("status-canary-0123456789-abc");
    server.becomes(fault);
    row.run(&session);
    server
}

#[test]
fn n046_401_once_costs_one_token() {
    let server = with_keycloak(Row::live(), |request| match request.n {
        1 => mcp_reply::status(401),
        _ => healthy(request),
    });
    assert_eq!((server.count("/token"), server.count("/mcp")), (2, 2));
}

#[test]
fn n047_401_again_ends_it() {
    let server = with_keycloak(Row::stale("WS203"), |request| {
        if mcp_reply::is_token_request(request) {
            return healthy(request);
        }
        mcp_reply::status(401)
    });
    assert_eq!((server.count("/token"), server.count("/mcp")), (1, 2));
}

#[test]
fn n048_the_token_endpoint_refuses_the_client() {
    let refused = json!({ "error": "invalid_client", "error_description": "Invalid client or Invalid client credentials" });
    let server = with_keycloak(Row::without("WS202"), move |request| {
        if mcp_reply::is_token_request(request) {
            return vec![Act::Send(json_response(401, &refused))];
        }
        healthy(request)
    });
    assert_eq!(server.count("/mcp"), 0);
}

#[test]
fn n049_403() {
    let (server, ..) = Row::stale("WS205").check_seen(|_| mcp_reply::status(403));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn n050_404() {
    Row::stale("WS401").check(|_| mcp_reply::status(404));
}

#[test]
fn n051_405() {
    Row::stale("WS401").check(|_| mcp_reply::status(405));
}

#[test]
fn n052_408_once() {
    let (server, ..) = Row::live().check_seen(once(mcp_reply::status(408)));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn n053_413_414_431() {
    for status in [413, 414, 431] {
        let (server, ..) = Row::stale("WS401").check_seen(move |_| mcp_reply::status(status));
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

fn too_many(retry_after: &str) -> Vec<Act> {
    vec![Act::Send(response(429, &[("Retry-After", retry_after)], b"{}"))]
}

#[test]
fn n054_p14_429_that_can_be_waited_for() {
    let server = FaultServer::start(once(too_many("1")));
    let row = Row::live();
    let session = row.session(&server.mcp(), None);
    let outcome = row.run(&session);
    assert!(outcome.elapsed >= Duration::from_secs(1), "{outcome:?}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn n055_p14_429_for_an_hour_is_remembered() {
    let row = Row::stale("WS321");
    let (server, session, _) = row.check_seen(|_| too_many("3600"));
    assert_eq!(server.requests().len(), 1);
    server.becomes(healthy);
    row.run(&session);
    assert_eq!(server.requests().len(), 1, "the second run makes no request");
}

#[test]
fn n056_429_with_odd_times() {
    for odd in ["-5", "soon", "100000000000000000000", "Wed, 21 Oct 2099 07:28:00 GMT", ""] {
        Row::stale("WS321").check(move |_| too_many(odd));
    }
}

#[test]
fn n057_each_server_error() {
    for status in [500, 502, 503, 504] {
        let (server, ..) = Row::stale("WS322").check_seen(move |_| mcp_reply::status(status));
        let asked = server.requests();
        assert!(asked.iter().all(|one| one.json()["method"] == "tools/call"), "no `initialize`");
    }
}

#[test]
fn n058_503_once() {
    let (server, ..) = Row::live().check_seen(once(mcp_reply::status(503)));
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn n059_500_and_error_wanted() {
    Row::without("WS322")
        .chain("cache_then_error")
        .out(Out::Failed)
        .check(|_| mcp_reply::status(500));
}

#[test]
fn n060_nothing_in_a_success() {
    Row::stale("(WS404)").check(|_| vec![Act::Send(response(200, &[], b""))]);
    Row::stale("(WS404)").check(|_| vec![Act::Send(b"HTTP/1.1 204 No Content\r\n\r\n".into())]);
}

#[test]
fn n061_not_modified_unasked() {
    Row::stale("(WS401)").check(|_| vec![Act::Send(b"HTTP/1.1 304 Not Modified\r\n\r\n".into())]);
}

#[test]
fn n062_early_hints_first() {
    Row::live().check(|request| {
        let hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(20);
        [vec![Act::Send(hints.into_bytes())], healthy(request)].concat()
    });
}

#[test]
fn n063_no_http_at_all() {
    Row::stale("(WS402)")
        .check(|_| vec![Act::Send(b"220 mail.example ESMTP\r\n".into()), Act::Close]);
}

#[test]
fn n063_headers_without_measure() {
    Row::stale("(WS402)").check(|_| {
        let many = "X-Header: value\r\n".repeat(10_000);
        let head = format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 2\r\n\r\n{{}}");
        vec![Act::Send(head.into_bytes()), Act::Close]
    });
    Row::stale("(WS402)").check(|_| {
        let long = "x".repeat(1 << 20);
        let head = format!("HTTP/1.1 200 OK\r\nX-Long: {long}\r\nContent-Length: 2\r\n\r\n{{}}");
        vec![Act::Send(head.into_bytes()), Act::Close]
    });
}
