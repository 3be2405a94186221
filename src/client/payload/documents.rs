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
    /// The blocks in order; for a REST server its body.
    blocks: Vec<Block>,
    /// Whether the result is marked as an error.
    is_error: bool,
}

/// The content of one block.
#[derive(Clone, Debug, PartialEq)]
enum Block {
    /// An object or list.
    Value(Value),
    Text(String),
}

impl Documents {
    /// Of a body that is one JSON value.
    #[must_use]
    pub fn of_body(value: Value) -> Self {
        Documents { blocks: vec![Block::Value(value)], ..Documents::default() }
    }

    /// Of the result of an MCP tool. A result without blocks and structured content is an empty list:
    /// SDKs that send one block an element send an empty list as none.
    #[must_use]
    pub fn of_tool_result(result: &Value) -> Self {
        let content = result.get("content").and_then(Value::as_array);
        let texts = content.into_iter().flatten().filter_map(text_of_block);
        let mut documents = Documents {
            structured: None,
            blocks: texts.map(Block::of_text).collect(),
            is_error: result.get("isError").and_then(Value::as_bool) == Some(true),
        };
        match result.get("structuredContent").map(unwrap) {
            Some(value @ (Value::Array(_) | Value::Object(_))) if !is_empty_object(value) => {
                documents.structured = Some(value.clone());
            }
            Some(Value::String(text)) if documents.blocks.is_empty() => {
                documents.blocks.push(Block::of_text(text));
            }
            _ if content.is_none() => documents.blocks.push(Block::Value(result.clone())),
            _ if content.is_some_and(Vec::is_empty) && !documents.is_error => {
                documents.blocks.push(Block::Value(Value::Array(Vec::new())));
            }
            _ => {}
        }
        documents
    }

    /// The values in which a list may be, the more exact ones first.
    pub fn candidates(&self) -> impl Iterator<Item = Vec<&Value>> {
        let groups = [self.structured.iter().collect(), self.values_of_blocks().collect()];
        groups.into_iter().filter(|values: &Vec<&Value>| !values.is_empty())
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.structured.iter().chain(self.values_of_blocks())
    }

    fn values_of_blocks(&self) -> impl Iterator<Item = &Value> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Value(value) => Some(value),
            Block::Text(_) => None,
        })
    }

    /// The texts that are not JSON.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Text(text) => Some(text.as_str()),
            Block::Value(_) => None,
        })
    }

    /// All blocks as text, in order; without blocks the structured content.
    #[must_use]
    pub fn to_text(&self) -> String {
        let parts: Vec<String> = match self.blocks.as_slice() {
            [] => self.structured.iter().map(shown).collect(),
            blocks => blocks.iter().map(Block::to_text).collect(),
        };
        parts.join("\n")
    }

    /// Why the tool failed, where its result reports that.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let reported = self.values().find_map(super::failure::in_value);
        let of_error = || super::failure::of_error(self.values().next(), self.texts().next());
        reported.or_else(|| self.is_error.then(of_error))
    }
}

impl Block {
    /// A text that is a JSON object or list, or holds one in a fence, counts as that.
    fn of_text(text: &str) -> Self {
        let json = |text: &str| parse(text.as_bytes(), "").ok().filter(is_container);
        match json(text).or_else(|| fenced(text).and_then(json)) {
            Some(value) => Block::Value(unwrap_owned(value)),
            None => Block::Text(text.to_owned()),
        }
    }

    fn to_text(&self) -> String {
        match self {
            Block::Value(value) => shown(value),
            Block::Text(text) => text.clone(),
        }
    }
}

/// A value as text: a text as it is, else JSON.
#[must_use]
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_json::to_string_pretty(other).unwrap_or_default(),
    }
}

/// The text of a block: of a text block, or of an embedded resource.
fn text_of_block(block: &Value) -> Option<&str> {
    let text = block.get("text").or_else(|| block.pointer("/resource/text"));
    text.and_then(Value::as_str)
}

/// The text between ```` ```json ```` and ```` ``` ````.
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
