//! Bytes that a fault server answers with: HTTP responses, and in them the answers of healthy MCP
//! and token endpoints.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use serde_json::{Value, json};

use super::{Act, Request};

/// A response with this status, these headers and this body.
pub fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {status} Reason\r\nContent-Length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let mut bytes = (head + "\r\n").into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// A response with a JSON body.
pub fn json_response(status: u16, body: &Value) -> Vec<u8> {
    response(status, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

/// The status alone, with a body that means nothing.
pub fn status(status: u16) -> Vec<Act> {
    vec![Act::Send(json_response(status, &json!({ "error": "injected" })))]
}

/// The head of a JSON response that promises `length` bytes.
pub fn head(length: usize) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ";
    format!("{head}{length}\r\n\r\n").into_bytes()
}

/// Three tasks, most urgent first in the server's own words.
pub fn three_tasks() -> Value {
    json!([
        { "id": "1", "title": "Mend the roof", "status": "todo", "priority": "high" },
        { "id": "2", "title": "Water the plants", "status": "todo", "priority": "medium" },
        { "id": "3", "title": "Read the post", "status": "todo", "priority": "low" },
    ])
}

/// The payload of a list of tasks.
pub fn payload(tasks: &Value) -> Value {
    let count = tasks.as_array().map_or(0, Vec::len);
    json!({ "success": true, "data": { "tasks": tasks, "count": count } })
}

/// A tool's result around a payload.
pub fn result(payload: &Value) -> Value {
    json!({
        "resultType": "complete",
        "isError": false,
        "content": [{ "type": "text", "text": payload.to_string() }],
        "structuredContent": payload,
    })
}

/// The JSON-RPC answer to this request.
pub fn rpc(request: &Request, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": request.json()["id"], "result": result })
}

/// The HTTP answer to this request with these tasks.
pub fn tasks(request: &Request, tasks: &Value) -> Vec<u8> {
    json_response(200, &rpc(request, &result(&payload(tasks))))
}

/// A healthy server: tokens for a token request, three tasks for everything else.
pub fn healthy(request: &Request) -> Vec<Act> {
    if is_token_request(request) {
        return vec![Act::Send(json_response(200, &token(300)))];
    }
    vec![Act::Send(tasks(request, &three_tasks()))]
}

/// Whether this is the client-credentials request.
pub fn is_token_request(request: &Request) -> bool {
    request.path.ends_with("/protocol/openid-connect/token")
}

/// A token response as Keycloak gives it, valid for so many seconds.
pub fn token(expires_in: i64) -> Value {
    json!({
        "access_token": access_token(expires_in),
        "expires_in": expires_in,
        "refresh_expires_in": 0,
        "token_type": "Bearer",
        "not-before-policy": 0,
        "scope": "profile email",
    })
}

/// A JWT-shaped token that ends in so many seconds, each a different one; its signature is not valid.
pub fn access_token(expires_in: i64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = i64::try_from(now.expect("after 1970").as_secs()).expect("before the year 10^11");
    let part =
        |value: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
    static ISSUED: AtomicU64 = AtomicU64::new(0);
    let claims = json!({
        "exp": now.saturating_add(expires_in),
        "iat": now,
        "jti": ISSUED.fetch_add(1, Ordering::SeqCst),
        "azp": "claude-hooks",
    });
    format!("{}.{}.c2lnbmF0dXJl", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims))
}
