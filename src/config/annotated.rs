//! A setting with all its values and where each was written, for `config show` and the references.

use serde_json::Value;

use super::kind::Kind;
use super::parser;
use super::secrets::{masked, without_credentials};
use super::value::Input;

/// One setting.
#[derive(Clone, Debug)]
pub struct AnnotatedSetting {
    pub path: Vec<String>,
    pub kind: Kind,
    /// The one in use first, then those that it hides, then those that could not be used.
    pub values: Vec<AnnotatedValue>,
}

/// One value of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotatedValue {
    /// As it may be shown: secrets are masked.
    pub value: Value,
    /// `hooks.toml:12`, a variable, `default`.
    pub origin: String,
    /// It could not be used; a weaker one is in use.
    pub is_ignored: bool,
}

impl AnnotatedSetting {
    /// The key as it is written in messages.
    #[must_use]
    pub fn key(&self) -> String {
        self.path.join(".")
    }
}

impl AnnotatedValue {
    pub(super) fn new(kind: Kind, input: Input<'_>, origin: String, is_ignored: bool) -> Self {
        AnnotatedValue { value: typed(kind, masked(kind, input), input), origin, is_ignored }
    }
}

/// A variable's text as the number, flag, list or table of its kind, as `hooks.toml` would have it.
fn typed(kind: Kind, masked: Value, input: Input<'_>) -> Value {
    let Input::Text(text) = input else { return masked };
    let typed = match kind {
        Kind::Number(..) => text.trim().parse::<i64>().ok().map(Value::from),
        Kind::Flag => parser::read_flag(input).ok().map(Value::from),
        Kind::List(_) | Kind::Paths => parser::read_list(input).ok().map(Value::from),
        Kind::Scopes => parser::read_scopes(input).ok().map(Value::from),
        Kind::Table => parser::read_table(input).ok().map(|map| without_credentials(&map.into())),
        Kind::Headers => Some("****".into()),
        _ => None,
    };
    typed.unwrap_or(masked)
}
