//! Failures that a tool reports in its result.

use serde_json::Value;

use crate::config::is_credential;
use crate::error::{Code, Failure};
use crate::text;

/// At most 200 characters on one line. It is the server's own text, and often the only diagnosis, so it is
/// shown and logged; but what is written as a credential (`password=hunter2`) is a secret of the server
/// that we cannot know, and is masked.
#[must_use]
pub fn brief(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace).map(|word| match word.split_once('=') {
        Some((name, value)) if is_credential(name) && !value.trim().is_empty() => {
            format!("{name}=**** ")
        }
        _ => word.to_owned(),
    });
    text::one_line(&words.collect::<String>(), 200)
}

/// The beginning of the message for an error that a tool reports.
pub const TOOL_FAILED: &str = "the tool failed: ";

/// The failure for an error that a tool reports.
#[must_use]
pub fn tool_failure(message: &str) -> Failure {
    Failure::new(Code::ToolError, format!("{TOOL_FAILED}{}", brief(message)))
        .hint("check the query's `tool` and `arguments`")
}

/// The failure of an object with `success: false`.
pub fn in_value(value: &Value) -> Option<Failure> {
    (value.get("success").and_then(Value::as_bool) == Some(false)).then(|| of_object(value))
}

/// The failure of a result that is marked as an error.
pub fn of_error(value: Option<&Value>, text: Option<&str>) -> Failure {
    match (value, text) {
        (Some(value), _) => of_object(value),
        (None, text) => tool_failure(text.unwrap_or("no reason given")),
    }
}

fn of_object(value: &Value) -> Failure {
    let error = value.get("error").unwrap_or(&Value::Null);
    let code = error.get("code").or_else(|| value.get("code")).and_then(Value::as_str);
    let message = message(value).map_or_else(|| error.to_string(), str::to_owned);
    match code {
        Some("AUTHENTICATION_ERROR") => Failure::new(
            Code::TokenRefused,
            format!("the server refused the token: {}", brief(&message)),
        ),
        Some("PERMISSION_DENIED") => Failure::new(
            Code::Forbidden,
            format!("the server denies access to the tool: {}", brief(&message)),
        )
        .hint("give the client the roles and scopes that the tool requires"),
        _ => tool_failure(&message),
    }
}

/// What an answer says in words: `error.message`, `message`, or `error` where that is a text.
#[must_use]
pub fn message(value: &Value) -> Option<&str> {
    let places = [value.pointer("/error/message"), value.get("message"), value.get("error")];
    places.into_iter().flatten().find_map(Value::as_str)
}
