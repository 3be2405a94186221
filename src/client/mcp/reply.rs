//! The meaning of an answer over HTTP: the tables of both MCP eras as pure functions.
//! Errors are recognised by HTTP status and code, never by id: real servers answer with other ids.

use serde_json::Value;

use crate::client::wire::outcome::{self, CallOutcome, rpc_failure};
use crate::client::{payload, unknown_tool};
use crate::error::{Code, Failure};

/// An answer, with the message that concerns this request.
#[derive(Clone, Debug, PartialEq)]
pub struct RawReply {
    pub status: u16,
    pub content_type: String,
    /// The JSON-RPC message, if there is one.
    pub message: Option<Value>,
    /// The beginning of a body that is not a message.
    pub text: String,
}

/// How servers of older revisions refuse a modern call: HTTP status, JSON-RPC code (`None`: none, or one
/// of no other row), and where that was seen.
const OLDER: &[(u16, Option<i64>, &str)] = &[
    (400, Some(-32602), "rmcp (rust-sdk #1040, #1133), Python SDK (#2950): no `initialize` before"),
    (200, Some(-32601), "mso #42: the method needs a session"),
    (200, Some(-32600), "tower-mcp #839: not initialized"),
    (200, Some(-32004), "the draft's code for a version, without a list of versions"),
    (400, None, "Python SDK 1.9: no session id; TypeScript SDK 1.x: not initialized"),
    (404, None, "servers that route by session"),
    (405, None, "servers of the HTTP+SSE transport"),
    (406, None, "servers that accept only an event stream"),
    (415, None, "servers that compare the whole content type"),
    (422, None, "FastAPI's validation of the body"),
];

/// Reads the answer to a call of the modern era.
#[must_use]
pub fn to_modern(raw: &RawReply, place: &str) -> CallOutcome {
    if let Some(outcome) = common(raw, place) {
        return outcome;
    }
    let error = raw.message.as_ref().and_then(|message| message.get("error"));
    let code = error.and_then(|error| error.get("code")).and_then(Value::as_i64);
    let versions = error.and_then(|error| error.pointer("/data/supported")?.as_array());
    let has_versions = versions.is_some_and(|versions| !versions.is_empty());
    match (raw.status, code) {
        (400, Some(-32022)) => outcome::of_versions(error),
        (200 | 400, Some(-32004)) if has_versions => outcome::of_versions(error),
        (400, Some(-32020)) => CallOutcome::MissingHeader(rpc_failure(error)),
        (400, Some(-32021)) | (404, Some(-32601)) => CallOutcome::Failed(rpc_failure(error)),
        // The call itself was understood.
        _ if error.is_some_and(unknown_tool::is_refusal) => CallOutcome::Failed(rpc_failure(error)),
        (status, code) if is_older(status, code) => CallOutcome::Legacy,
        (200..=299, Some(_)) => CallOutcome::Failed(rpc_failure(error)),
        _ => CallOutcome::Failed(unexpected(raw, place)),
    }
}

fn is_older(status: u16, code: Option<i64>) -> bool {
    let mut rows = OLDER.iter().filter(|(of_row, ..)| *of_row == status);
    rows.any(|(_, of_row, _)| of_row.is_none() || *of_row == code)
}

/// The failure of a modern call whose refusal is also a usual answer to a wrong call: it is the one to
/// report when the handshake fails too.
#[must_use]
pub fn refusal(raw: &RawReply) -> Option<Failure> {
    let error = raw.message.as_ref()?.get("error")?;
    let is_invalid_call = error.get("code").and_then(Value::as_i64) == Some(-32602);
    (raw.status < 300 || is_invalid_call).then(|| rpc_failure(Some(error)))
}

/// The session that a legacy request was sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionAge {
    /// Of an earlier run: a request that the server refuses may succeed after a handshake.
    Kept,
    /// Of this run.
    New,
}

/// Reads the answer to a request of the legacy era.
#[must_use]
pub fn to_legacy(raw: &RawReply, place: &str, age: SessionAge) -> CallOutcome {
    let error = raw.message.as_ref().and_then(|message| message.get("error"));
    let code = error.and_then(|error| error.get("code")).and_then(Value::as_i64);
    let is_other_era = raw.status == 400 && matches!(code, Some(-32022..=-32020));
    if age == SessionAge::Kept && !is_other_era && matches!(raw.status, 400 | 402..=499) {
        return CallOutcome::SessionGone;
    }
    if let Some(outcome) = common(raw, place) {
        return outcome;
    }
    match (raw.status, code) {
        _ if is_other_era => CallOutcome::RetryModern,
        (_, Some(_)) => CallOutcome::Failed(rpc_failure(error)),
        _ => CallOutcome::Failed(unexpected(raw, place)),
    }
}

/// The answers that mean the same in both eras.
fn common(raw: &RawReply, place: &str) -> Option<CallOutcome> {
    match raw.status {
        401 => return Some(CallOutcome::Unauthorized),
        403 => return Some(CallOutcome::Failed(forbidden(raw, place))),
        _ => {}
    }
    let is_success = (200..300).contains(&raw.status);
    match &raw.message {
        Some(message) if is_success => message.get("result").map(outcome::of_result),
        None if is_success => Some(CallOutcome::Failed(unexpected(raw, place))),
        _ => None,
    }
}

fn forbidden(raw: &RawReply, place: &str) -> Failure {
    let reason = raw.message.as_ref().and_then(|message| message.pointer("/error/message"));
    let reason = reason.and_then(Value::as_str).map(|text| format!(": {}", payload::brief(text)));
    let reason = reason.unwrap_or_default();
    Failure::new(Code::Forbidden, format!("`{place}` denies access (HTTP 403){reason}"))
        .hint("give the client the roles and scopes that the tool requires (mcp:read, mcp-user, task-viewer)")
}

/// The failure for an answer that is not a message of the protocol.
#[must_use]
pub fn unexpected(raw: &RawReply, place: &str) -> Failure {
    let kind = if raw.content_type.is_empty() { "no content type" } else { &raw.content_type };
    let body = payload::brief(raw.text.trim());
    let text = match body.as_str() {
        "" => format!("`{place}` answered HTTP {} ({kind}) with an empty body", raw.status),
        body => format!("`{place}` answered HTTP {} ({kind}): {body}", raw.status),
    };
    match raw.status {
        200..=299 if body.is_empty() => Failure::new(Code::NotUnderstood, text)
            .hint("check that `client.url` is the MCP endpoint"),
        200..=299 => Failure::new(Code::NotJson, text)
            .hint("check that the URL is the task server's, not a login page's or a proxy's"),
        _ => Failure::new(Code::WrongEndpoint, text)
            .hint("check `client.url` (the MCP endpoint usually ends in /mcp) and `client.kind`"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::wire::request::MODERN;

    fn raw(status: u16, message: Value) -> RawReply {
        let message = Some(message).filter(|message| !message.is_null());
        RawReply { status, content_type: "application/json".into(), message, text: String::new() }
    }

    #[expect(clippy::needless_pass_by_value, reason = "reads better in the table")]
    fn error(code: i64, data: Value) -> Value {
        json!({ "jsonrpc": "2.0", "id": "server-error", "error": { "code": code, "message": "m", "data": data } })
    }

    fn word(outcome: &CallOutcome) -> &'static str {
        match outcome {
            CallOutcome::Result(_) => "result",
            CallOutcome::RetryWithState(_) => "again",
            CallOutcome::Unauthorized => "unauthorized",
            CallOutcome::Legacy => "legacy",
            CallOutcome::RetryModern => "once more",
            CallOutcome::MissingHeader(_) => "missing header",
            CallOutcome::SessionGone => "session gone",
            CallOutcome::Failed(_) => "failed",
        }
    }

    #[test]
    fn p11_p12_each_row_of_the_era_table() {
        let none = Value::Null;
        let table = [
            (raw(200, json!({ "id": 1, "result": { "content": [] } })), "result"),
            (raw(200, error(-32602, none.clone())), "failed"),
            (raw(200, error(-32022, json!({ "supported": [MODERN] }))), "failed"),
            (raw(400, error(-32022, json!({ "supported": [MODERN] }))), "once more"),
            (raw(400, error(-32022, json!({ "supported": ["2025-06-18"] }))), "legacy"),
            (raw(400, error(-32022, json!({ "supported": ["2031-01-01"] }))), "failed"),
            (raw(400, error(-32020, none.clone())), "missing header"),
            (raw(400, error(-32021, none.clone())), "failed"),
            (raw(404, error(-32601, none.clone())), "failed"),
            (raw(200, error(-32603, none.clone())), "failed"),
            (raw(200, error(-32004, json!({ "supported": [MODERN] }))), "once more"),
            (raw(200, error(-32004, json!({ "supported": ["2025-06-18"] }))), "legacy"),
            (raw(400, error(-32004, json!({ "supported": [MODERN] }))), "once more"),
            (raw(400, error(-32600, none.clone())), "legacy"),
            (raw(400, error(-32000, none.clone())), "legacy"),
            (raw(404, none.clone()), "legacy"),
            (raw(405, none.clone()), "legacy"),
            (raw(406, none.clone()), "legacy"),
            (raw(415, none.clone()), "legacy"),
            (raw(422, none.clone()), "legacy"),
            (raw(401, error(-32001, none.clone())), "unauthorized"),
            (raw(403, none.clone()), "failed"),
            (raw(200, none.clone()), "failed"),
            (raw(204, none), "failed"),
        ];
        for (raw, expected) in table {
            assert_eq!(word(&to_modern(&raw, "http://h")), expected, "{raw:?}");
        }
        for (status, code, seen) in OLDER {
            let message = code.map_or(Value::Null, |code| error(code, Value::Null));
            assert_eq!(word(&to_modern(&raw(*status, message), "h")), "legacy", "{seen}");
        }
        for (status, text) in [(200, "Unknown tool: x"), (400, "tool not found")] {
            let error = json!({ "code": -32602, "message": text });
            assert_eq!(word(&to_modern(&raw(status, json!({ "error": error })), "h")), "failed");
        }
    }

    #[test]
    fn p20_the_kinds_of_result() {
        let kinds = [
            (json!({ "resultType": "complete" }), "result"),
            (json!({ "resultType": "input_required", "requestState": "s" }), "again"),
            (
                json!({ "resultType": "input_required", "requestState": "s", "inputRequests": { "a": {} } }),
                "failed",
            ),
            (
                json!({ "resultType": "input_required", "requestState": "s", "inputRequests": [{}] }),
                "failed",
            ),
            (
                json!({ "resultType": "input_required", "requestState": "s", "inputRequests": [] }),
                "again",
            ),
            (json!({ "resultType": "input_required" }), "failed"),
            (json!({ "resultType": "task" }), "failed"),
            (json!({ "resultType": "surprise" }), "failed"),
        ];
        for (result, expected) in kinds {
            let raw = raw(200, json!({ "id": 1, "result": result }));
            assert_eq!(word(&to_modern(&raw, "http://h")), expected, "{raw:?}");
        }
    }

    #[test]
    fn n084_a_kept_session_that_is_gone_is_told_from_a_wrong_path() {
        assert_eq!(word(&to_legacy(&raw(404, Value::Null), "h", SessionAge::Kept)), "session gone");
        assert_eq!(word(&to_legacy(&raw(404, Value::Null), "h", SessionAge::New)), "failed");
        let not_initialized = raw(400, error(-32000, Value::Null));
        assert_eq!(word(&to_legacy(&not_initialized, "h", SessionAge::Kept)), "session gone");
        assert_eq!(word(&to_legacy(&raw(401, Value::Null), "h", SessionAge::Kept)), "unauthorized");
        let carried_out = raw(200, error(-32603, Value::Null));
        assert_eq!(word(&to_legacy(&carried_out, "h", SessionAge::Kept)), "failed");
        for code in [-32022, -32021, -32020] {
            let reply = raw(400, error(code, Value::Null));
            for age in [SessionAge::New, SessionAge::Kept] {
                assert_eq!(word(&to_legacy(&reply, "h", age)), "once more", "{code} {age:?}");
            }
        }
    }

    #[test]
    fn b20_an_empty_answer_is_not_called_a_page() {
        let with = |status, text: &str| RawReply { text: text.into(), ..raw(status, Value::Null) };
        let table = [
            (with(200, " \n"), Code::NotUnderstood),
            (with(204, ""), Code::NotUnderstood),
            (with(200, "<html>"), Code::NotJson),
            (with(404, ""), Code::WrongEndpoint),
        ];
        for (raw, expected) in table {
            assert_eq!(unexpected(&raw, "http://h").code, expected, "{raw:?}");
        }
    }
}
