//! Bytes to JSON, bounded before anything is built: a hostile answer may nest deeply, or hold so many
//! small values that they need two hundred times its size.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{Code, Failure};
use crate::text;

/// Deeper nesting than this is an attack or a mistake.
const MAX_DEPTH: usize = 64;
/// Objects and lists in one answer; each takes up to 700 bytes of memory.
const MAX_CONTAINERS: usize = 30_000;
/// Values in one answer, about 60 bytes each.
const MAX_VALUES: usize = 300_000;

/// Parses the body of an answer.
///
/// # Errors
/// `WS402` when it is not JSON, `WS405` when it is nested too deeply or has too many values.
pub fn parse(body: &[u8], content_type: &str) -> Result<Value, Failure> {
    let text = text_of(body);
    parse_text(&text).map_err(|error| match error {
        ParseError::TooDeep => Failure::new(Code::TooLarge, "the answer is nested too deeply"),
        ParseError::TooMany => Failure::new(Code::TooLarge, "the answer has too many values")
            .hint("ask for fewer tasks: a `limit` in the query's `arguments`"),
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
    TooMany,
    NotJson { line: usize, column: usize },
}

/// Parses JSON; refuses deep nesting and too many values before anything is built.
///
/// # Errors
/// See `ParseError`.
pub fn parse_text(text: &str) -> Result<Value, ParseError> {
    check_size(text)?;
    serde_json::from_str(text)
        .map_err(|error| ParseError::NotJson { line: error.line(), column: error.column() })
}

/// Refuses JSON texts, one or several, that nest deeply or hold too many values together.
///
/// # Errors
/// `TooDeep` or `TooMany`.
pub fn check_size(text: &str) -> Result<(), ParseError> {
    let size = Size::of(text.as_bytes());
    if size.depth > MAX_DEPTH {
        return Err(ParseError::TooDeep);
    }
    if size.containers > MAX_CONTAINERS || size.values > MAX_VALUES {
        return Err(ParseError::TooMany);
    }
    Ok(())
}

/// The bytes as text, without a byte order mark.
fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(bytes) {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        Cow::Owned(text) => Cow::Owned(text.trim_start_matches('\u{feff}').to_owned()),
    }
}

/// What a JSON text would need, counted outside of its strings.
#[derive(Default)]
struct Size {
    depth: usize,
    containers: usize,
    values: usize,
}

impl Size {
    fn of(body: &[u8]) -> Self {
        let mut size = Size::default();
        let mut depth = 0usize;
        let (mut in_string, mut escaped) = (false, false);
        for byte in body {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                b'[' | b'{' if !in_string => {
                    depth += 1;
                    size.containers += 1;
                    size.depth = size.depth.max(depth);
                }
                b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
                b',' if !in_string => size.values += 1,
                _ => {}
            }
        }
        size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n073_deep_nesting_is_refused_before_it_is_built() {
        let deep = "[".repeat(100_000);
        assert_eq!(parse(deep.as_bytes(), "").unwrap_err().code, Code::TooLarge);
        assert!(parse(b"{\"a\":\"[[[[\\\"[[\"}", "").is_ok());
        assert_eq!(parse(b"<html>", "text/html").unwrap_err().code, Code::NotJson);
    }

    #[test]
    fn mk_too_many_values_are_refused_before_they_are_built() {
        let many = |element: &str| format!("[{}]", vec![element; 120_000].join(","));
        for element in ["{\"a\":0}", "[]", "[0,0,0]"] {
            assert_eq!(parse_text(&many(element)), Err(ParseError::TooMany), "{element}");
        }
        assert!(parse_text(&many("0")).is_ok());
    }
}
