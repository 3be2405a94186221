//! Fills the placeholders of a configured query, such as `{branch.id}`.
//! A placeholder without a value is an error: it is never sent unfilled.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::config::QueryConfig;
use crate::error::{Code, Failure};
use crate::task::Query;

/// Values for the placeholders: `branch.id`, `git.branch`, …
pub type Bindings = BTreeMap<String, String>;

/// What a source adds to every question.
pub struct SourceParts<'a> {
    /// Sent as an argument if it is set.
    pub user_id: &'a str,
    /// The path of its requests, with placeholders; empty for a source without paths.
    pub path: &'a str,
}

/// The query `name` with its placeholders filled in.
pub fn query(
    name: &str,
    config: &QueryConfig,
    bindings: &Bindings,
    source: &SourceParts<'_>,
) -> Result<Query, Failure> {
    let missing = |placeholder: String| {
        Failure::new(
            Code::ConfigValue,
            format!("the query `{name}` uses `{{{placeholder}}}`, which has no value here"),
        )
        .hint(format!("change `queries.{name}.arguments`"))
    };
    if source.path.contains(TOOL) && config.tool.is_empty() {
        let text =
            format!("the query `{name}` has no `tool`, which the path `{}` needs", source.path);
        return Err(Failure::new(Code::ConfigValue, text)
            .hint(format!("set `queries.{name}.tool`, or write a `path` without `{TOOL}`")));
    }
    let mut arguments = Map::new();
    for (key, value) in &config.arguments {
        arguments.insert(key.clone(), fill(value, bindings).map_err(missing)?);
    }
    if !source.user_id.is_empty() && !arguments.contains_key("user_id") {
        arguments.insert("user_id".into(), source.user_id.into());
    }
    let path = path(source.path, &config.tool, bindings).map_err(missing)?;
    Ok(Query {
        name: name.to_owned(),
        tool: config.tool.clone(),
        arguments,
        path,
        read_only: config.read_only,
        answer: config.answer,
        reading: Arc::clone(&config.reading),
        ttl: config.ttl,
    })
}

/// In a path, the query's tool.
const TOOL: &str = "{tool}";

/// The path with its placeholders filled in, each as one segment.
fn path(template: &str, tool: &str, bindings: &Bindings) -> Result<String, String> {
    if template.is_empty() {
        return Ok(String::new());
    }
    let encoded = bindings.iter().map(|(name, value)| (name.clone(), path_segment(value)));
    fill_text(&template.replace(TOOL, &path_segment(tool)), &encoded.collect())
}

/// `text` as one segment of a URL's path (RFC 3986, section 3.3).
fn path_segment(text: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_unreserved(byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

fn fill(value: &Value, bindings: &Bindings) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => Value::String(fill_text(text, bindings)?),
        Value::Array(list) => {
            Value::Array(list.iter().map(|item| fill(item, bindings)).collect::<Result<_, _>>()?)
        }
        Value::Object(map) => {
            let pair = |(key, item): (&String, &Value)| Ok((key.clone(), fill(item, bindings)?));
            Value::Object(map.iter().map(pair).collect::<Result<_, String>>()?)
        }
        other => other.clone(),
    })
}

/// `Err` names the first placeholder without a value. Other braces are kept.
fn fill_text(text: &str, bindings: &Bindings) -> Result<String, String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let (before, inside) = rest.split_at(start);
        filled.push_str(before);
        let name = inside[1..].split_once('}').map(|(name, _)| name);
        match name.filter(|name| is_placeholder(name)) {
            Some(name) => {
                filled.push_str(bindings.get(name).ok_or_else(|| name.to_owned())?);
                rest = &inside[name.len() + 2..];
            }
            None => {
                filled.push('{');
                rest = &inside[1..];
            }
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

/// `branch.id` and the like: two words of lower-case letters with a dot.
fn is_placeholder(name: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    name.split_once('.').is_some_and(|(first, second)| is_word(first) && is_word(second))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn x37_placeholders_are_filled_or_refused_never_sent() {
        let bindings = Bindings::from([("branch.id".into(), "b-1".into())]);
        let table = [
            ("{branch.id}", Ok("b-1")),
            ("x-{branch.id}-{branch.id}!", Ok("x-b-1-b-1!")),
            ("{\"json\":1} {} {Branch.Id}", Ok("{\"json\":1} {} {Branch.Id}")),
            ("{git.branch}", Err("git.branch")),
            ("open {branch.id", Ok("open {branch.id")),
        ];
        for (text, expected) in table {
            let filled = fill_text(text, &bindings);
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(filled, expected, "{text}");
        }
    }

    #[test]
    fn b15_only_two_words_with_a_dot_are_a_placeholder() {
        let bindings = Bindings::from([(".".into(), "x".into()), ("a.".into(), "x".into())]);
        for text in ["{.}", "{a.}", "{.a}", "{a}", "{a.b.c}", "{a b.c}"] {
            assert_eq!(fill_text(text, &bindings).as_deref(), Ok(text));
        }
    }

    /// The arguments that are sent for these configured ones.
    fn sent(arguments: Value, user_id: &str) -> Result<Value, Failure> {
        let Value::Object(arguments) = arguments else { panic!("an object") };
        let config = QueryConfig {
            tool: "t".into(),
            arguments,
            client: String::new(),
            reading: Arc::default(),
            read_only: true,
            answer: crate::task::AnswerKind::Tasks,
            ttl: std::time::Duration::ZERO,
            fallback: None,
        };
        let bindings = Bindings::from([("branch.id".into(), "b-1".into())]);
        let source = SourceParts { user_id, path: "" };
        query("q", &config, &bindings, &source).map(|query| query.arguments.into())
    }

    #[test]
    fn b15_placeholders_in_lists_and_objects_are_filled_and_an_argument_beats_user_id() {
        let nested = json!({ "a": ["{branch.id}", 1, { "b": "x {branch.id}" }], "user_id": "me" });
        let expected = json!({ "a": ["b-1", 1, { "b": "x b-1" }], "user_id": "me" });
        assert_eq!(sent(nested, "other").unwrap(), expected);
        assert_eq!(
            sent(json!({ "a": true }), "u-1").unwrap(),
            json!({ "a": true, "user_id": "u-1" })
        );
        assert_eq!(sent(json!({}), "").unwrap(), json!({}));
        for missing in [json!({ "a": ["{git.branch}"] }), json!({ "a": { "b": "{git.branch}" } })] {
            let failure = sent(missing, "").unwrap_err();
            assert!(failure.message.contains("`{git.branch}`"), "{failure}");
        }
    }
}
