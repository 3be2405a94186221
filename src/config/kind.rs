//! What a setting's value may be, as data: for messages, the JSON schema and the settings reference.

use serde_json::{Value, json};

use super::value::Input;
use super::{parser, secrets};
use crate::secret::SafeUrl;

/// The kind and range of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    Text,
    Flag,
    /// Whole numbers, both ends included.
    Number(i64, i64),
    /// With units, both ends included, written as in `hooks.toml`.
    Duration(&'static str, &'static str),
    Size(&'static str, &'static str),
    /// One of a closed list.
    Word(fn() -> Vec<&'static str>),
    /// A list of texts; the words it may hold, if they are a closed list.
    List(Option<fn() -> Vec<&'static str>>),
    /// A list of texts, or texts separated by blanks or commas.
    Scopes,
    /// A list of absolute paths.
    Paths,
    /// An absolute path.
    Path,
    Url,
    /// A table that is one value: the strongest layer's, never a mixture.
    Table,
    /// Where a secret is kept, or the secret itself.
    Secret,
    /// Names and values of HTTP headers.
    Headers,
    /// Text in a form of its own, in words.
    Form(&'static str),
}

impl Kind {
    /// Whether a value can hold a secret, so that it matters which layer it comes from.
    pub const fn can_hold_secret(self) -> bool {
        matches!(self, Kind::Secret | Kind::Headers | Kind::Url)
    }

    /// Whether the value itself is or holds a secret, not only the place where one is kept.
    pub fn holds_secret(self, value: Input<'_>) -> bool {
        match (self, value) {
            (Kind::Secret, Input::Text(text)) => !text.is_empty(),
            (Kind::Headers, headers) => parser::read_table(headers)
                .is_ok_and(|table| table.keys().any(|name| secrets::is_credential(name))),
            (Kind::Url, Input::Text(text)) => {
                SafeUrl::parse(text).is_ok_and(|url| url.url().password().is_some())
            }
            _ => false,
        }
    }

    /// The kind in words: `duration, 100ms to 60s`.
    pub fn describe(self) -> String {
        let quoted = |words: Vec<&str>| {
            words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        };
        match self {
            Kind::Text => "text".into(),
            Kind::Flag => "`true` or `false`".into(),
            Kind::Number(least, most) => format!("whole number, {least} to {most}"),
            Kind::Duration(least, most) => format!("duration, {least} to {most}"),
            Kind::Size(least, most) => format!("size, {least} to {most}"),
            Kind::Word(words) => quoted(words()),
            Kind::List(None) | Kind::Scopes => "list of texts".into(),
            Kind::List(Some(words)) => format!("list of {}", quoted(words())),
            Kind::Paths => "list of absolute paths".into(),
            Kind::Path => "absolute path".into(),
            Kind::Url => "http or https URL".into(),
            Kind::Table => "table".into(),
            Kind::Secret => "secret: `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\"] }`".into(),
            Kind::Headers => "table of header names and values".into(),
            Kind::Form(words) => words.into(),
        }
    }

    /// The value as JSON schema (draft 2020-12).
    pub fn schema(self) -> Value {
        match self {
            Kind::Flag => json!({ "type": "boolean" }),
            Kind::Number(least, most) => {
                json!({ "type": "integer", "minimum": least, "maximum": most })
            }
            Kind::Duration(..) => json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" }),
            Kind::Size(..) => json!({ "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB)$" }),
            Kind::Word(words) => json!({ "type": "string", "enum": words() }),
            Kind::List(None) | Kind::Scopes | Kind::Paths => {
                json!({ "type": "array", "items": { "type": "string" } })
            }
            Kind::List(Some(words)) => json!({ "type": "array", "items": { "enum": words() } }),
            Kind::Table | Kind::Headers => json!({ "type": "object" }),
            Kind::Secret => json!({ "type": ["string", "object"] }),
            Kind::Form(_) => json!({ "type": ["string", "array", "object"] }),
            Kind::Text | Kind::Path | Kind::Url => json!({ "type": "string" }),
        }
    }
}
