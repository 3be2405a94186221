//! The hint for a tool that requires an argument which the query does not have: the line to write.

use serde_json::Value;

use crate::config::reference::toml_text;
use crate::error::{Code, Failure};
use crate::task::Query;

/// What the guide's server writes before the name.
const LEAD: &str = "Missing required field: ";

/// `failure`, with the line that sets the argument where it names a missing one.
pub fn advised(failure: Failure, query: &Query) -> Failure {
    let name = failure.message.split_once(LEAD).and_then(|(_, rest)| name_in(rest));
    match name
        .filter(|name| failure.code == Code::ToolError && !query.arguments.contains_key(*name))
    {
        Some(name) => {
            let hint = line(query, name);
            failure.hint(hint)
        }
        None => failure,
    }
}

/// The name at the beginning of `text`.
fn name_in(text: &str) -> Option<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    Some(&text[..end]).filter(|name| !name.is_empty())
}

fn line(query: &Query, name: &str) -> String {
    let mut arguments = query.arguments.clone();
    arguments.insert(name.to_owned(), "ID".into());
    let arguments = toml_text(&Value::Object(arguments));
    format!("set `[queries.{}] arguments = {arguments}`", query.name)
}
