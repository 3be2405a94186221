//! All that a result holds: structured content, and every content block, whichever form servers put
//! their tasks in.

use serde_json::Value;

use super::json::{parse, parse_text};
use crate::error::Failure;

/// The parts of one answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Documents {
    /// The structured content of a tool's result; it repeats the blocks, and is more exact.
    structured: Option<Value>,
    /// The JSON values in the blocks, in order; for a REST server its body.
    values: Vec<Value>,
    /// The other texts of the blocks, in order.
    texts: Vec<String>,
    /// Whether the result is marked as an error.
    is_error: bool,
}

impl Documents {
    /// Of a body that is one JSON value.
    #[must_use]
    pub fn of_body(value: Value) -> Self {
        Documents { values: vec![value], ..Documents::default() }
    }

    /// Of the result of an MCP tool. A result without blocks and structured content is an empty list:
    /// SDKs that send one block an element send an empty list as none.
    #[must_use]
    pub fn of_tool_result(result: &Value) -> Self {
        let mut documents = Documents {
            is_error: result.get("isError").and_then(Value::as_bool) == Some(true),
            ..Documents::default()
        };
        let structured = result.get("structuredContent").map(unwrap);
        let blocks = result.get("content").and_then(Value::as_array);
        for text in blocks.into_iter().flatten().filter_map(text_of_block) {
            documents.add_text(text);
        }
        match structured {
            Some(value @ (Value::Array(_) | Value::Object(_))) if !is_empty_object(value) => {
                documents.structured = Some(value.clone());
            }
            Some(Value::String(text)) if documents.is_without_blocks() => documents.add_text(text),
            _ if blocks.is_none() => documents.values.push(result.clone()),
            _ if blocks.is_some_and(Vec::is_empty) && !documents.is_error => {
                documents.values.push(Value::Array(Vec::new()));
            }
            _ => {}
        }
        documents
    }

    /// A text that is a JSON object or list, or holds one in a fence, counts as that.
    fn add_text(&mut self, text: &str) {
        let json = |text: &str| parse(text.as_bytes(), "").ok().filter(is_container);
        match json(text).or_else(|| fenced(text).and_then(json)) {
            Some(value) => self.values.push(unwrap_owned(value)),
            None => self.texts.push(text.to_owned()),
        }
    }

    fn is_without_blocks(&self) -> bool {
        self.values.is_empty() && self.texts.is_empty()
    }

    /// The values in which a list may be, the more exact ones first.
    pub fn candidates(&self) -> impl Iterator<Item = &[Value]> {
        let structured = self.structured.as_slice();
        [structured, self.values.as_slice()].into_iter().filter(|values| !values.is_empty())
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.structured.iter().chain(&self.values)
    }

    /// The texts that are not JSON.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Why the tool failed, where its result reports that.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let reported = self.values().find_map(super::failure::in_value);
        let of_error = || super::failure::of_error(self.values().next(), &self.texts);
        reported.or_else(|| self.is_error.then(of_error))
    }
}

/// The text of a block: of a text block, or of an embedded resource.
fn text_of_block(block: &Value) -> Option<&str> {
    let text = block.get("text").or_else(|| block.pointer("/resource/text"));
    text.and_then(Value::as_str)
}

/// What stands between ```` ```json ```` and ```` ``` ````.
fn fenced(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("```json")?;
    let (inside, _) = after.split_once("```")?;
    Some(inside.trim())
}

fn is_container(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

fn is_empty_object(value: &Value) -> bool {
    value.as_object().is_some_and(serde_json::Map::is_empty)
}

/// The value inside a single wrapper called `result`; where that is a JSON text, what it holds.
pub fn unwrap(value: &Value) -> &Value {
    match value.as_object() {
        Some(object) if object.len() == 1 => object.get("result").unwrap_or(value),
        _ => value,
    }
}

fn unwrap_owned(value: Value) -> Value {
    let inner = match &value {
        Value::Object(object) if object.len() == 1 => object.get("result").cloned(),
        _ => None,
    };
    match inner {
        Some(Value::String(text)) => parse_text(&text).ok().filter(is_container).unwrap_or(value),
        Some(inner) if is_container(&inner) => inner,
        _ => value,
    }
}
