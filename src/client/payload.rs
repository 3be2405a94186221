//! From a tool's result to an understood answer: all the shapes that servers wrap their tasks in.
//! Pure: a JSON value in, an answer or a failure out. "Understood and empty" and "not understood" are
//! different results.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{Code, Failure};
use crate::task::{Answer, AnswerKind, Query, Task, Tasks};
use crate::text;

/// More can never be shown; the total stays exact.
const MAX_TASKS: usize = 50;
/// A server's own count is not believed beyond this.
const MAX_TOTAL: u64 = 1_000_000;
/// Characters kept of an answer that is text.
const MAX_TEXT_CHARS: usize = 20_000;
/// Deeper nesting than this is an attack or a mistake.
const MAX_DEPTH: usize = 64;

/// Parses the body of an answer.
///
/// # Errors
/// `WS402` when it is not JSON, `WS405` when it is nested too deeply.
pub fn parse(body: &[u8], content_type: &str) -> Result<Value, Failure> {
    let text = text_of(body);
    parse_text(&text).map_err(|error| match error {
        ParseError::TooDeep => Failure::new(Code::TooLarge, "the answer is nested too deeply"),
        ParseError::NotJson { .. } => {
            let begin: String = text::one_line(&text, 80);
            let kind = if content_type.is_empty() { "no content type" } else { content_type };
            Failure::new(Code::NotJson, format!("the answer is not JSON ({kind}): {begin}"))
                .hint("check that the URL is the task server's, not a login page's or a proxy's")
        }
    })
}

/// Why a text is not read as JSON.
#[derive(Debug, PartialEq, Eq)]
pub enum ParseError {
    TooDeep,
    NotJson { line: usize, column: usize },
}

/// Parses JSON; refuses deep nesting before anything is built.
///
/// # Errors
/// See `ParseError`.
pub fn parse_text(text: &str) -> Result<Value, ParseError> {
    if depth(text.as_bytes()) > MAX_DEPTH {
        return Err(ParseError::TooDeep);
    }
    serde_json::from_str(text)
        .map_err(|error| ParseError::NotJson { line: error.line(), column: error.column() })
}

/// The bytes as text, without a byte order mark.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        Cow::Owned(text) => Cow::Owned(text.trim_start_matches('\u{feff}').to_owned()),
    }
}

/// The deepest nesting of arrays and objects outside strings.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0usize, 0usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The payload of an MCP tool result: structured content, else the first text block that is JSON,
/// else the text itself.
///
/// # Errors
/// `WS403` when the tool reports an error.
pub fn of_tool_result(result: &Value) -> Result<Value, Failure> {
    let blocks = result.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let texts = || blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str));
    if result.get("isError").and_then(Value::as_bool) == Some(true) {
        return Err(tool_failure(texts().next().unwrap_or("no reason given")));
    }
    // A tool that returns a text repeats it there in a wrapper: the text block below is used instead.
    let structured = result.get("structuredContent").filter(|value| match unwrap(value) {
        Value::Object(object) => !object.is_empty(),
        value => value.is_array(),
    });
    if let Some(structured) = structured {
        return Ok(structured.clone());
    }
    let json = texts().find_map(|text| {
        let value = parse(text.as_bytes(), "").ok()?;
        (value.is_object() || value.is_array()).then_some(value)
    });
    if let Some(json) = json {
        return Ok(json);
    }
    match texts().next() {
        Some(text) => Ok(Value::from(text)),
        None => Ok(result.clone()),
    }
}

/// Reads the answer to `query` from a payload.
///
/// # Errors
/// `WS403` for `success: false`, `WS203` or `WS205` where that means a refused token or a missing
/// right, `WS404` when it is not understood.
pub fn read(query: &Query, value: &Value) -> Result<Answer, Failure> {
    let value = unwrap(value);
    check_success(value)?;
    match query.answer {
        AnswerKind::Text => Ok(Answer::Text(text(query, value))),
        AnswerKind::Tasks => tasks(query, value).map(Answer::Tasks),
    }
}

/// Why the tool failed, where its result reports that.
#[must_use]
pub fn failure_in(result: &Value) -> Option<Failure> {
    of_tool_result(result).and_then(|value| check_success(unwrap(&value))).err()
}

/// The value inside a single wrapper called `result`.
fn unwrap(value: &Value) -> &Value {
    match value.as_object() {
        Some(object) if object.len() == 1 => object.get("result").unwrap_or(value),
        _ => value,
    }
}

fn check_success(value: &Value) -> Result<(), Failure> {
    if value.get("success").and_then(Value::as_bool) != Some(false) {
        return Ok(());
    }
    let error = value.get("error").unwrap_or(&Value::Null);
    let code = error.get("code").or_else(|| value.get("code")).and_then(Value::as_str);
    let message = error.get("message").or_else(|| value.get("message")).unwrap_or(error);
    let message = message.as_str().map_or_else(|| message.to_string(), str::to_owned);
    Err(match code {
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
    })
}

/// The failure for an error that a tool reports.
#[must_use]
pub fn tool_failure(message: &str) -> Failure {
    Failure::new(Code::ToolError, format!("the tool failed: {}", brief(message)))
        .hint("check the query's `tool` and `arguments`")
}

/// At most 200 characters on one line.
#[must_use]
pub fn brief(text: &str) -> String {
    text::one_line(text, 200)
}

fn tasks(query: &Query, value: &Value) -> Result<Tasks, Failure> {
    let pointer = query.items.iter().find(|pointer| value.pointer(pointer).is_some());
    let items = pointer.and_then(|pointer| value.pointer(pointer));
    match items.or_else(|| value.is_array().then_some(value)) {
        Some(Value::Array(list)) => {
            let counted = pointer.and_then(|pointer| count_beside(value, pointer)).unwrap_or(0);
            Ok(collect(list, counted.max(list.len())))
        }
        Some(task @ Value::Object(_)) => Ok(collect(std::slice::from_ref(task), 1)),
        Some(Value::Null) => Ok(Tasks::default()),
        // Servers that omit an empty list answer with `success` alone.
        None if value.get("success").and_then(Value::as_bool) == Some(true) => Ok(Tasks::default()),
        _ => Err(not_understood(query, value)),
    }
}

/// The server's own count of the tasks, beside the list that `pointer` leads to: servers send one page.
fn count_beside(value: &Value, pointer: &str) -> Option<usize> {
    let (parent, _) = pointer.rsplit_once('/')?;
    let parent = value.pointer(parent)?;
    let counts = ["/pagination/total", "/total", "/count"];
    let largest = counts.iter().filter_map(|count| parent.pointer(count)?.as_u64()).max()?;
    usize::try_from(largest.min(MAX_TOTAL)).ok()
}

fn collect(list: &[Value], total: usize) -> Tasks {
    let list: Vec<Task> = list.iter().take(MAX_TASKS).filter_map(Task::read).collect();
    Tasks { list, total }
}

fn not_understood(query: &Query, value: &Value) -> Failure {
    let keys = value
        .as_object()
        .map(|object| object.keys().take(8).map(String::as_str).collect::<Vec<_>>().join(", "));
    let keys = keys.filter(|keys| !keys.is_empty()).unwrap_or_else(|| "nothing".into());
    Failure::new(
        Code::NotUnderstood,
        format!(
            "the answer to `{}` has no list of tasks at {}; it has: {}",
            query.name,
            places(&query.items),
            brief(&keys)
        ),
    )
    .hint(format!("set `queries.{}.items` to the JSON pointer of the list", query.name))
}

fn places(items: &[String]) -> String {
    match items {
        [] => "its top level".into(),
        items => items.iter().map(|item| format!("`{item}`")).collect::<Vec<_>>().join(", "),
    }
}

fn text(query: &Query, value: &Value) -> String {
    let items = query.items.iter().find_map(|pointer| value.pointer(pointer)).unwrap_or(value);
    let text = match items {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    text::masked(&text).chars().take(MAX_TEXT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    fn query() -> Query {
        Query {
            name: "tasks".into(),
            tool: "manage_task".into(),
            arguments: serde_json::Map::new(),
            items: vec!["/data/tasks".into(), "/tasks".into()],
            read_only: true,
            answer: AnswerKind::Tasks,
            ttl: Duration::ZERO,
        }
    }

    fn titles(result: &Value) -> Result<Vec<String>, Code> {
        let value = of_tool_result(result).map_err(|failure| failure.code)?;
        let answer = read(&query(), &value).map_err(|failure| failure.code)?;
        Ok(answer.tasks().unwrap().list.iter().map(|task| task.title.clone()).collect())
    }

    fn as_text(value: &Value) -> Value {
        json!({ "content": [{ "type": "text", "text": value.to_string() }], "isError": false })
    }

    #[test]
    fn p18_x30_every_shape_of_a_result_gives_the_same_tasks() {
        let task = json!({ "id": "1", "title": "a" });
        let a = || Ok(vec!["a".to_owned()]);
        let table = [
            (json!({ "structuredContent": { "data": { "tasks": [task] } } }), a()),
            (
                json!({ "structuredContent": { "result": { "success": true, "tasks": [task] } } }),
                a(),
            ),
            (as_text(&json!({ "success": true, "data": { "tasks": [task] } })), a()),
            (as_text(&json!({ "success": true, "data": { "tasks": task } })), a()),
            (as_text(&json!([task])), a()),
            (
                json!({
                    "content": [{ "type": "text", "text": json!({ "tasks": [task] }).to_string() }],
                    "structuredContent": { "result": json!({ "tasks": [task] }).to_string() },
                }),
                a(),
            ),
            (json!({ "structuredContent": { "result": [task] } }), a()),
            (as_text(&json!({ "success": true, "data": { "count": 0 } })), Ok(vec![])),
            (as_text(&json!({ "tasks": [] })), Ok(vec![])),
            (as_text(&json!({ "tasks": null })), Ok(vec![])),
            (as_text(&json!({ "hello": 1 })), Err(Code::NotUnderstood)),
            (as_text(&json!("prose")), Err(Code::NotUnderstood)),
            (json!({ "content": [], "isError": true }), Err(Code::ToolError)),
        ];
        for (result, expected) in table {
            assert_eq!(titles(&result), expected, "{result}");
        }
    }

    #[test]
    fn p19_n078_success_false_is_a_failure_whatever_is_error_says() {
        let failed = |error: Value| titles(&as_text(&json!({ "success": false, "error": error })));
        assert_eq!(failed(json!("nope")), Err(Code::ToolError));
        assert_eq!(failed(json!({ "message": { "why": 1 } })), Err(Code::ToolError));
        assert_eq!(failed(json!({ "code": "AUTHENTICATION_ERROR" })), Err(Code::TokenRefused));
        assert_eq!(failed(json!({ "code": "PERMISSION_DENIED" })), Err(Code::Forbidden));
    }

    #[test]
    fn n076_odd_tasks_are_read_as_far_as_they_go() {
        let list = json!({ "tasks": [{ "id": 7 }, {}, "x", { "title": "t", "status": null,
            "priority": 3, "assignees": ["a", "b"] }] });
        let Ok(Answer::Tasks(tasks)) = read(&query(), &list) else { panic!() };
        assert_eq!((tasks.list.len(), tasks.total), (2, 4));
        assert_eq!((tasks.list[0].title.as_str(), tasks.list[1].priority.as_str()), ("7", "3"));
        assert_eq!(tasks.list[1].more["assignees"], "a, b");
    }

    #[test]
    fn the_total_is_the_servers_count_when_it_is_larger_than_the_list() {
        let list = json!([{ "title": "a" }, { "title": "b" }]);
        let page =
            |total: Value| json!({ "data": { "tasks": list, "pagination": { "total": total } } });
        let table = [
            (page(json!(12)), 12),
            (json!({ "data": { "tasks": list, "total": 7 } }), 7),
            (json!({ "tasks": list, "count": 9 }), 9),
            (json!({ "tasks": list, "count": 2, "total": 5 }), 5),
            (json!({ "tasks": list, "total": 1 }), 2),
            (json!({ "tasks": list, "total": -3 }), 2),
            (json!({ "tasks": list, "total": "many" }), 2),
            (page(json!(u64::MAX)), 1_000_000),
            (list.clone(), 2),
        ];
        for (value, total) in table {
            let Ok(Answer::Tasks(tasks)) = read(&query(), &value) else { panic!("{value}") };
            assert_eq!((tasks.list.len(), tasks.total), (2, total), "{value}");
        }
    }

    #[test]
    fn n073_deep_nesting_is_refused_before_it_is_built() {
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes(), "").unwrap_err().code, Code::TooLarge);
        assert!(parse(b"{\"a\":\"[[[[\\\"[[\"}", "").is_ok());
        assert_eq!(parse(b"<html>", "text/html").unwrap_err().code, Code::NotJson);
    }
}
