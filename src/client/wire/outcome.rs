//! What follows from an answer, whatever it came over: results and JSON-RPC errors of both eras. Pure.

use serde_json::Value;

use super::request::{LEGACY_ALL, MODERN};
use crate::client::payload;
use crate::error::{Code, Failure};

/// What follows from an answer to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum CallOutcome {
    /// The tool's result.
    Result(Value),
    /// Repeat the call with this state (MRTR).
    RetryWithState(String),
    /// The token is not accepted.
    Unauthorized,
    /// The server does not speak the modern era: do the handshake.
    Legacy,
    /// Modern, and our version is among those that it speaks.
    RetryModern,
    /// Modern, and a header that mirrors an argument is missing.
    MissingHeader(Failure),
    /// The server no longer knows the kept session.
    SessionGone,
    Failed(Failure),
}

/// A result; without `resultType` it is complete, as in older revisions.
#[must_use]
pub fn of_result(result: &Value) -> CallOutcome {
    let kind = result.get("resultType").and_then(Value::as_str).unwrap_or("complete");
    let state = result.get("requestState").and_then(Value::as_str);
    let wants_input = result.get("inputRequests").is_some_and(|requests| match requests {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        other => !other.is_null(),
    });
    match (kind, state) {
        ("complete", _) => CallOutcome::Result(result.clone()),
        ("input_required", Some(state)) if !wants_input => {
            CallOutcome::RetryWithState(state.to_owned())
        }
        ("input_required", _) => CallOutcome::Failed(Failure::new(
            Code::ToolError,
            "the tool asks for input, which cannot be given without a user",
        )),
        ("task", _) => CallOutcome::Failed(Failure::new(
            Code::ToolError,
            "the tool answered with a long-running task instead of a result",
        )),
        (other, _) => CallOutcome::Failed(Failure::new(
            Code::NotUnderstood,
            format!("the result is of an unknown kind, `{}`", payload::brief(other)),
        )),
    }
}

/// `-32022`: which versions the server speaks instead.
#[must_use]
pub fn of_versions(error: Option<&Value>) -> CallOutcome {
    let supported =
        error.and_then(|error| error.pointer("/data/supported")).and_then(Value::as_array);
    let supported: Vec<&str> =
        supported.map(|list| list.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
    if supported.contains(&MODERN) {
        return CallOutcome::RetryModern;
    }
    if supported.iter().any(|version| LEGACY_ALL.contains(version)) {
        return CallOutcome::Legacy;
    }
    let text = format!(
        "the server and warmstart have no protocol version in common: it speaks {}, warmstart {MODERN}, {}",
        payload::brief(&supported.join(", ")),
        LEGACY_ALL.join(", ")
    );
    CallOutcome::Failed(Failure::new(Code::WrongEndpoint, text).hint("update the older of the two"))
}

/// The beginning of the message for a JSON-RPC error.
pub const REFUSED: &str = "the server refused the call: ";

/// The failure for a JSON-RPC error object.
#[must_use]
pub fn rpc_failure(error: Option<&Value>) -> Failure {
    let code = error.and_then(|error| error.get("code")).and_then(Value::as_i64).unwrap_or(0);
    let message = error.and_then(|error| error.get("message"));
    let message = message.map_or_else(
        || "no reason given".into(),
        |text| text.as_str().map_or_else(|| text.to_string(), str::to_owned),
    );
    let message = payload::brief(&message);
    Failure::new(Code::ToolError, format!("{REFUSED}{message} ({code})"))
        .hint("check the query's `tool` and `arguments`")
}

/// The protocol version that the server chose in the handshake.
///
/// # Errors
/// `WS401` for one that warmstart does not speak.
pub fn negotiated(result: &Value) -> Result<String, Failure> {
    let version = result.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
    if LEGACY_ALL.contains(&version) {
        return Ok(version.to_owned());
    }
    let text = format!(
        "the server chose protocol version `{}`, which warmstart does not speak",
        payload::brief(version)
    );
    Err(Failure::new(Code::WrongEndpoint, text).hint("update the older of the two"))
}
