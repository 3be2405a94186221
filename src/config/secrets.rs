//! Which values must not be shown, and how they are shown instead.

use serde_json::Value;

use super::kind::Kind;
use super::value::Input;
use crate::secret::SafeUrl;

/// Whether a name is one that credentials usually have.
#[must_use]
pub fn is_credential(name: &str) -> bool {
    const WORDS: &[&str] =
        &["secret", "token", "password", "passwd", "authorization", "cookie", "api_key", "api-key"];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

/// The value with `****` for a literal secret, a header's value, a URL's user part, and whatever in a
/// table is named like a credential. The place where a secret is kept is shown.
pub fn masked(kind: Kind, value: Input<'_>) -> Value {
    match (kind, value) {
        (Kind::Secret, Input::Text("")) => "".into(),
        (Kind::Secret, form) if names_a_place(form) => form.to_json(),
        (Kind::Secret, _) => hidden(),
        (Kind::Headers, headers) => match headers.entries() {
            Some(entries) => {
                entries.iter().map(|(name, _)| ((*name).to_owned(), hidden())).collect()
            }
            None => hidden(),
        },
        (_, Input::Text(text)) => match SafeUrl::parse(text) {
            Ok(url) => url.to_string().into(),
            Err(_) if matches!(kind, Kind::Url | Kind::Form(_)) && text.contains('@') => hidden(),
            Err(_) => text.into(),
        },
        (_, other) => without_credentials(&other.to_json()),
    }
}

fn hidden() -> Value {
    Value::from("****")
}

/// Whether it is a form that names where a secret is kept; anything else may be a secret.
fn names_a_place(form: Input<'_>) -> bool {
    let is_form = |name: &str| matches!(name, "env" | "file" | "command");
    form.entries().is_some_and(|entries| entries.iter().all(|(name, _)| is_form(name)))
}

/// The value with `****` for each text in it that is named like a credential.
pub fn without_credentials(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), masked_entry(key, value))).collect()
        }
        Value::Array(list) => list.iter().map(without_credentials).collect(),
        other => other.clone(),
    }
}

/// The value of `key` in a table, with `****` for one that is named like a credential.
pub fn masked_entry(key: &str, value: &Value) -> Value {
    let is_text = value.as_str().is_some_and(|text| !text.is_empty());
    if is_text && is_credential(key) { hidden() } else { without_credentials(value) }
}
