//! Recognises that a server does not have a tool, by the words of the common SDKs. Pure.

use serde_json::Value;

use super::payload;
use super::wire::outcome;
use crate::error::{Code, Failure};

/// What SDKs write before the reason, in lower case.
const LEADS: &[&str] = &["error: ", "mcp error ", "-32602: ", "-32601: ", "-32603: "];

/// Whether a JSON-RPC error is about a tool that does not exist: the call itself was understood.
#[must_use]
pub fn is_refusal(error: &Value) -> bool {
    error.get("message").and_then(Value::as_str).is_some_and(|text| missing_name(text).is_some())
}

/// `failure`, or `WS406` where its text means that the server has no tool `tool`. A tool that calls other
/// tools reports their names: only the name of this one counts. A JSON-RPC error may have no name.
#[must_use]
pub fn recognised(failure: Failure, tool: &str) -> Failure {
    if failure.code != Code::ToolError {
        return failure;
    }
    let of_refusal = failure.message.strip_prefix(outcome::REFUSED);
    let of_tool = failure.message.strip_prefix(payload::TOOL_FAILED);
    let name = of_refusal.or(of_tool).and_then(missing_name);
    let is_nameless =
        |name: &str| of_refusal.is_some() && (name.is_empty() || name.starts_with('('));
    match name {
        Some(name) if first_word(name) == tool || is_nameless(name) => no_tool(tool),
        _ => failure,
    }
}

/// The failure of a tool that the server does not have.
#[must_use]
pub fn no_tool(tool: &str) -> Failure {
    let text = format!("the server has no tool `{}`", payload::brief(tool));
    Failure::new(Code::UnknownTool, text)
        .hint("`warmstart tools` lists its tools; check the query's `tool`")
}

/// Without quotes and punctuation.
fn first_word(text: &str) -> &str {
    let word = text.split_whitespace().next().unwrap_or_default();
    word.trim_matches(['\'', '"', '`', '.', ',', ':'])
}

/// The text from the name on, where `text` reports that a tool does not exist.
fn missing_name(text: &str) -> Option<&str> {
    let mut text = text.trim();
    while let Some(rest) = LEADS.iter().find_map(|lead| without(text, lead)) {
        text = rest;
    }
    if let Some(rest) = ["unknown tool", "tool not found", "no such tool"]
        .iter()
        .find_map(|lead| without(text, lead))
    {
        return Some(rest.trim_start_matches([':', ' ']));
    }
    // `Tool NAME not found`, `Tool 'NAME' does not exist`.
    let rest = without(text, "tool ")?;
    let mut words = rest.split_whitespace().skip(1).map(str::to_ascii_lowercase);
    let verb = [words.next()?, words.next()?];
    (verb == ["not", "found"] || verb == ["does", "not"]).then_some(rest)
}

/// `text` without `lead`, whatever its case.
fn without<'a>(text: &'a str, lead: &str) -> Option<&'a str> {
    let begin = text.get(..lead.len())?;
    begin.eq_ignore_ascii_case(lead).then(|| &text[lead.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_common_sdks_are_recognised_and_others_are_not() {
        let table = [
            // In a result: Python SDK 1 and 2, fastmcp; TypeScript SDK 1; C#.
            ("the tool failed: Unknown tool: t", true),
            ("the tool failed: Unknown tool: 't'", true),
            ("the tool failed: MCP error -32602: Tool t not found", true),
            ("the tool failed: Error: Tool 't' does not exist", true),
            // As an error: Python SDK 2, TypeScript SDK 2, rmcp, Go SDK, Java SDK.
            ("the server refused the call: Unknown tool: t (-32602)", true),
            ("the server refused the call: Tool t not found (-32602)", true),
            ("the server refused the call: tool not found (-32602)", true),
            ("the server refused the call: unknown tool \"t\" (-32602)", true),
            ("the server refused the call: Tool not found: t (-32602)", true),
            ("the tool failed: Unknown tool: other", false),
            ("the tool failed: unknown tool", false),
            ("the tool failed: Tool t: project not found", false),
            ("the tool failed: task t not found", false),
            ("the server refused the call: broken inside (-32603)", false),
            ("the server refused the call: Unknown tool: other (-32602)", false),
        ];
        for (message, expected) in table {
            let failure = recognised(Failure::new(Code::ToolError, message), "t");
            assert_eq!(failure.code == Code::UnknownTool, expected, "{message}");
        }
        let other = Failure::new(Code::Refused, "the tool failed: Unknown tool: t");
        assert_eq!(recognised(other.clone(), "t"), other);
    }
}
