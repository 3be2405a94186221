//! From what a tool returned to an understood answer: all the shapes that servers wrap their tasks in.
//! Pure: a JSON value in, an answer or the reason why not out. "Understood and empty" and "not
//! understood" are different things.

use serde_json::Value;

use crate::error::{Code, Failure};
use crate::task::{Answer, AnswerKind, Query, Task, Tasks};

/// More can never be shown; the count stays exact.
const MAX_TASKS: usize = 50;
/// Characters kept of an answer that is text.
const MAX_TEXT_CHARS: usize = 20_000;
/// Deeper nesting than this is an attack or a mistake.
const MAX_DEPTH: usize = 64;

/// Parses a body, refusing what is nested too deeply before anything is built.
///
/// # Errors
/// `WS402` when it is no JSON, `WS405` when it is too deep.
pub fn parse(body: &[u8], content_type: &str) -> Result<Value, Failure> {
    if depth(body) > MAX_DEPTH {
        return Err(Failure::new(Code::TOO_LARGE, "the answer is nested too deeply"));
    }
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}');
    serde_json::from_str(text).map_err(|_| {
        let begin: String = text.chars().filter(|c| !c.is_control()).take(80).collect();
        let kind = if content_type.is_empty() { "no content type" } else { content_type };
        Failure::new(Code::NOT_JSON, format!("the answer is not JSON ({kind}): {begin}"))
            .hint("check the URL: is a login page or a proxy in the way?")
    })
}

/// The deepest nesting of arrays and objects, strings left out.
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

/// What is inside an MCP tool result: structured content, else the first text block that is JSON,
/// else the text itself.
///
/// # Errors
/// `WS403` when the tool says that it failed.
pub fn of_tool_result(result: &Value) -> Result<Value, Failure> {
    let blocks = result.get("content").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let texts = || blocks.iter().filter_map(|block| block.get("text").and_then(Value::as_str));
    if result.get("isError").and_then(Value::as_bool) == Some(true) {
        let said = texts().next().unwrap_or("no reason given");
        return Err(tool_failure(said));
    }
    // A tool that returns a text has it repeated there in a wrapper: the text is better read below.
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

/// Reads the answer to `query` out of what the tool returned.
///
/// # Errors
/// `WS403` for `success: false`, `WS203` or `WS205` where that means a refused token or a missing
/// right, `WS404` when nothing of it is understood.
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

/// One wrapper called `result` is looked through.
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
            Code::TOKEN_REFUSED,
            format!("the server refused the token: {}", brief(&message)),
        ),
        Some("PERMISSION_DENIED") => Failure::new(
            Code::FORBIDDEN,
            format!("the server denies the tool: {}", brief(&message)),
        )
        .hint("give the client the roles and scopes that the tool needs"),
        _ => tool_failure(&message),
    })
}

/// A tool's own words of failure.
#[must_use]
pub fn tool_failure(said: &str) -> Failure {
    Failure::new(Code::TOOL_ERROR, format!("the tool failed: {}", brief(said)))
        .hint("check the tool's name and the query's `arguments`")
}

/// At most 200 characters on one line.
#[must_use]
pub fn brief(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let cut: String = plain.chars().take(200).collect();
    if cut.len() < plain.len() { format!("{cut}…") } else { cut }
}

fn tasks(query: &Query, value: &Value) -> Result<Tasks, Failure> {
    let found = query.items.iter().find_map(|pointer| value.pointer(pointer));
    let found = found.or_else(|| value.is_array().then_some(value));
    match found {
        Some(Value::Array(list)) => Ok(collect(list, list.len())),
        Some(one @ Value::Object(_)) => Ok(collect(std::slice::from_ref(one), 1)),
        Some(Value::Null) => Ok(Tasks::default()),
        // Servers that leave empty lists out say so by success alone.
        None if value.get("success").and_then(Value::as_bool) == Some(true) => Ok(Tasks::default()),
        _ => Err(not_understood(query, value)),
    }
}

fn collect(list: &[Value], length: usize) -> Tasks {
    let list: Vec<Task> = list.iter().take(MAX_TASKS).filter_map(Task::read).collect();
    Tasks { list, total: length }
}

fn not_understood(query: &Query, value: &Value) -> Failure {
    let keys = value
        .as_object()
        .map(|object| object.keys().take(8).map(String::as_str).collect::<Vec<_>>().join(", "));
    let keys = keys.filter(|keys| !keys.is_empty()).unwrap_or_else(|| "nothing".into());
    Failure::new(
        Code::NOT_UNDERSTOOD,
        format!(
            "the answer to `{}` holds no tasks where they were looked for; it has: {}",
            query.name,
            brief(&keys)
        ),
    )
    .hint(format!("set `queries.{}.items` to the JSON pointer of the list", query.name))
}

fn text(query: &Query, value: &Value) -> String {
    let found = query.items.iter().find_map(|pointer| value.pointer(pointer)).unwrap_or(value);
    let text = match found {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    };
    text.chars().take(MAX_TEXT_CHARS).collect()
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
        let one = json!({ "id": "1", "title": "a" });
        let a = || Ok(vec!["a".to_owned()]);
        let table = [
            (json!({ "structuredContent": { "data": { "tasks": [one] } } }), a()),
            (
                json!({ "structuredContent": { "result": { "success": true, "tasks": [one] } } }),
                a(),
            ),
            (as_text(&json!({ "success": true, "data": { "tasks": [one] } })), a()),
            (as_text(&json!({ "success": true, "data": { "tasks": one } })), a()),
            (as_text(&json!([one])), a()),
            (
                json!({
                    "content": [{ "type": "text", "text": json!({ "tasks": [one] }).to_string() }],
                    "structuredContent": { "result": json!({ "tasks": [one] }).to_string() },
                }),
                a(),
            ),
            (json!({ "structuredContent": { "result": [one] } }), a()),
            (as_text(&json!({ "success": true, "data": { "count": 0 } })), Ok(vec![])),
            (as_text(&json!({ "tasks": [] })), Ok(vec![])),
            (as_text(&json!({ "tasks": null })), Ok(vec![])),
            (as_text(&json!({ "hello": 1 })), Err(Code::NOT_UNDERSTOOD)),
            (as_text(&json!("prose")), Err(Code::NOT_UNDERSTOOD)),
            (json!({ "content": [], "isError": true }), Err(Code::TOOL_ERROR)),
        ];
        for (result, expected) in table {
            assert_eq!(titles(&result), expected, "{result}");
        }
    }

    #[test]
    fn p19_n078_success_false_is_a_failure_whatever_is_error_says() {
        let failed = |error: Value| titles(&as_text(&json!({ "success": false, "error": error })));
        assert_eq!(failed(json!("nope")), Err(Code::TOOL_ERROR));
        assert_eq!(failed(json!({ "message": { "why": 1 } })), Err(Code::TOOL_ERROR));
        assert_eq!(failed(json!({ "code": "AUTHENTICATION_ERROR" })), Err(Code::TOKEN_REFUSED));
        assert_eq!(failed(json!({ "code": "PERMISSION_DENIED" })), Err(Code::FORBIDDEN));
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
    fn n073_deep_nesting_is_refused_before_it_is_built() {
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes(), "").unwrap_err().code, Code::TOO_LARGE);
        assert!(parse(b"{\"a\":\"[[[[\\\"[[\"}", "").is_ok());
        assert_eq!(parse(b"<html>", "text/html").unwrap_err().code, Code::NOT_JSON);
    }
}
