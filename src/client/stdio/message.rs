//! The messages of a server's output, and what follows from those that answer us. Pure: the tables of
//! both eras without HTTP, where no status shows the era.

use serde_json::{Value, json};

use crate::client::payload;
use crate::client::wire::outcome::{self, CallOutcome, rpc_failure};
use crate::error::{Code, Failure};

/// One message of a server.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A result or an error. An error without an id answers what could not be read.
    Reply { id: Option<u64>, message: Value },
    /// It asks something: our answer.
    Request(Vec<u8>),
    /// It expects no answer.
    Notification,
}

/// Why a line gives no message.
#[derive(Clone, Debug, PartialEq)]
pub enum LineError {
    /// Text that does not belong there; skipped.
    NotAMessage,
    Refused(Failure),
}

/// The messages of one line: one, or several in a batch.
///
/// # Errors
/// See `LineError`.
pub fn read(line: &[u8]) -> Result<Vec<Incoming>, LineError> {
    let value = payload::parse(line, "").map_err(|failure| match failure.code {
        Code::TooLarge => LineError::Refused(failure),
        _ => LineError::NotAMessage,
    })?;
    let messages = match value {
        Value::Array(batch) => batch,
        message => vec![message],
    };
    let messages: Vec<Incoming> = messages.into_iter().filter_map(read_one).collect();
    if messages.is_empty() { Err(LineError::NotAMessage) } else { Ok(messages) }
}

fn read_one(message: Value) -> Option<Incoming> {
    let id = message.get("id");
    match message.get("method").and_then(Value::as_str) {
        Some(method) => Some(match id {
            Some(id) => Incoming::Request(answer(method, id)),
            None => Incoming::Notification,
        }),
        None if message.get("result").is_some() || message.get("error").is_some() => {
            let id = id.and_then(Value::as_u64);
            Some(Incoming::Reply { id, message })
        }
        None => None,
    }
}

/// Our answer to a server's request. We declare no capability, so that it may only ask for a `ping`;
/// `roots/list`, `sampling/createMessage`, `elicitation/create` and all others are refused.
fn answer(method: &str, id: &Value) -> Vec<u8> {
    let mut message = json!({ "jsonrpc": "2.0", "id": id });
    if method == "ping" {
        message["result"] = json!({});
    } else {
        let text = format!("warmstart does not support {}", payload::brief(method));
        message["error"] = json!({ "code": -32601, "message": text });
    }
    message.to_string().into_bytes()
}

/// What follows from the answer to a call of the modern era. Legacy servers refuse a call before the
/// handshake with whatever error: only what no legacy server sends counts as modern.
#[must_use]
pub fn to_modern(message: &Value) -> CallOutcome {
    if let Some(result) = message.get("result") {
        return outcome::of_result(result);
    }
    let error = message.get("error");
    match code(error) {
        Some(-32022) => outcome::of_versions(error),
        // -32603: the call may have been carried out.
        Some(-32021 | -32020 | -32603) => CallOutcome::Failed(rpc_failure(error)),
        _ => CallOutcome::Legacy,
    }
}

/// What follows from the answer to `initialize`, or to a call after it.
#[must_use]
pub fn to_legacy(message: &Value) -> CallOutcome {
    if let Some(result) = message.get("result") {
        return outcome::of_result(result);
    }
    let error = message.get("error");
    match code(error) {
        Some(-32022) => CallOutcome::RetryModern,
        _ => CallOutcome::Failed(rpc_failure(error)),
    }
}

fn code(error: Option<&Value>) -> Option<i64> {
    error?.get("code")?.as_i64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::wire::request::MODERN;

    #[test]
    fn each_kind_of_message_is_recognised() {
        let read = |value: Value| read(value.to_string().as_bytes());
        let reply = json!({ "id": 1, "result": {} });
        let of_reply =
            |message: &Value, id| Ok(vec![Incoming::Reply { id, message: message.clone() }]);
        assert_eq!(read(reply.clone()), of_reply(&reply, Some(1)));
        let error = json!({ "id": null, "error": { "code": -32700 } });
        assert_eq!(read(error.clone()), of_reply(&error, None));
        assert_eq!(read(json!({ "method": "notifications/x" })), Ok(vec![Incoming::Notification]));
        let batch = json!([{ "method": "notifications/x" }, reply]);
        assert_eq!(read(batch).map(|messages| messages.len()), Ok(2));
        for noise in [json!("text"), json!(3), json!({}), json!([])] {
            assert_eq!(read(noise.clone()), Err(LineError::NotAMessage), "{noise}");
        }
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(matches!(super::read(deep.as_bytes()), Err(LineError::Refused(_))));
    }

    #[test]
    fn a_ping_is_answered_and_other_requests_are_refused() {
        let answer = |method: &str| -> Value {
            let request = json!({ "jsonrpc": "2.0", "id": "a-7", "method": method });
            match read(request.to_string().as_bytes()).unwrap().remove(0) {
                Incoming::Request(bytes) => serde_json::from_slice(&bytes).unwrap(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(answer("ping"), json!({ "jsonrpc": "2.0", "id": "a-7", "result": {} }));
        for method in ["roots/list", "sampling/createMessage", "elicitation/create", "x"] {
            let answer = answer(method);
            assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("a-7"), &json!(-32601)));
        }
    }

    #[test]
    fn each_row_of_the_era_table_without_http() {
        let error = |code: i64, supported: &[&str]| json!({ "id": 1, "error": { "code": code, "message": "m", "data": { "supported": supported } } });
        let word = |outcome: CallOutcome| match outcome {
            CallOutcome::Result(_) => "result",
            CallOutcome::Legacy => "legacy",
            CallOutcome::RetryModern => "modern",
            CallOutcome::Failed(_) => "failed",
            _ => "other",
        };
        let table = [
            (json!({ "id": 1, "result": {} }), "result", "result"),
            (error(-32022, &[MODERN]), "modern", "modern"),
            (error(-32022, &["2025-06-18"]), "legacy", "modern"),
            (error(-32022, &["2031-01-01"]), "failed", "modern"),
            (error(-32021, &[]), "failed", "failed"),
            (error(-32020, &[]), "failed", "failed"),
            (error(-32603, &[]), "failed", "failed"),
            // mcp 1.30, before the handshake.
            (error(-32602, &[]), "legacy", "failed"),
            (error(-32600, &[]), "legacy", "failed"),
            (error(-32601, &[]), "legacy", "failed"),
            (error(-32000, &[]), "legacy", "failed"),
        ];
        for (message, modern, legacy) in table {
            assert_eq!(word(to_modern(&message)), modern, "{message}");
            assert_eq!(word(to_legacy(&message)), legacy, "{message}");
        }
    }
}
