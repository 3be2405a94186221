//! Where every value comes from, for `config show`: the layers with their places, strongest first.

use serde_json::{Map, Value};

use super::defaults::{DEFAULTS, Leaf};
use super::layers::Setting;
use super::load::LoadedConfig;
use super::{keys, read, slots};
use crate::secret::SafeUrl;

/// One setting and all that was said about it.
#[derive(Clone, Debug)]
pub struct AnnotatedSetting {
    pub key: String,
    /// The one in use first, then what it shadows, then what could not be used.
    pub values: Vec<AnnotatedValue>,
}

/// One value at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct AnnotatedValue {
    /// As it may be shown: secrets are masked.
    pub value: Value,
    /// `hooks.toml:12`, a variable, `default`.
    pub place: String,
    /// It could not be used, and a weaker one stands in.
    pub is_ignored: bool,
}

/// Every setting that has a value, ordered by key.
#[must_use]
pub fn of(loaded: &LoadedConfig) -> Vec<AnnotatedSetting> {
    let mut paths: Vec<Vec<&str>> = DEFAULTS.iter().map(|(path, _)| path.to_vec()).collect();
    let said = loaded.layers.iter().flat_map(|layer| &layer.settings);
    paths.extend(said.map(Setting::words).filter(|path| slots::find(path).is_some()));
    paths.sort_unstable();
    paths.dedup();
    paths.into_iter().map(|path| origin(&path, loaded)).collect()
}

fn origin(path: &[&str], loaded: &LoadedConfig) -> AnnotatedSetting {
    let said = loaded.layers.iter().rev().flat_map(|layer| layer.settings.iter().rev());
    let mut values: Vec<AnnotatedValue> = said
        .filter(|one| one.words() == path)
        .map(|one| AnnotatedValue {
            value: masked(path, &typed(path, &one.value)),
            place: one.place.to_string(),
            is_ignored: loaded
                .ignored
                .iter()
                .any(|(other, at)| *other == one.path && *at == one.place),
        })
        .collect();
    if let Some((_, leaf)) = DEFAULTS.iter().find(|(known, _)| *known == path) {
        let value = masked(path, &leaf.value());
        values.push(AnnotatedValue { value, place: "default".into(), is_ignored: false });
    }
    values.sort_by_key(|said| said.is_ignored);
    AnnotatedSetting { key: path.join("."), values }
}

/// A variable's text as the number, flag, list or table that its key takes, so that it reads like a line of
/// `hooks.toml`. Keys of one name are of one kind in all tables.
fn typed(path: &[&str], value: &Value) -> Value {
    let Value::String(text) = value else { return value.clone() };
    if slots::is_secret(path) {
        return value.clone();
    }
    let kind = DEFAULTS.iter().find(|(known, _)| known.last() == path.last());
    let typed = match kind.map(|(_, leaf)| leaf) {
        Some(Leaf::Number(_)) => text.trim().parse::<i64>().ok().map(Value::from),
        Some(Leaf::Flag(_)) => read::flag(value).ok().map(Value::from),
        Some(Leaf::List(_)) if path.last() == Some(&"scope") => {
            keys::scope(value).ok().map(Value::from)
        }
        Some(Leaf::List(_)) => read::list(value).ok().map(Value::from),
        Some(Leaf::Table(_)) => read::table(value).ok().map(Value::from),
        None if path.last() == Some(&"config") => read::table(value).ok().map(Value::from),
        _ => None,
    };
    typed.unwrap_or_else(|| value.clone())
}

/// The value with `****` for a literal secret, a header's value, a URL's user part, and whatever in
/// a table is called like a credential. Where a secret is kept is no secret.
#[must_use]
pub fn masked(path: &[&str], value: &Value) -> Value {
    let hidden = || Value::from("****");
    match value {
        Value::String(text) if slots::is_secret(path) && !text.is_empty() => hidden(),
        Value::String(text) => match SafeUrl::parse(text) {
            Ok(url) => url.to_string().into(),
            Err(_) if is_url(path) && text.contains('@') => hidden(),
            Err(_) => value.clone(),
        },
        Value::Object(map) if path == ["http", "headers"] => {
            map.keys().map(|name| (name.clone(), hidden())).collect()
        }
        Value::Object(map) if slots::is_secret(path) => value_or_hidden(map),
        other => without_credentials(other),
    }
}

fn is_url(path: &[&str]) -> bool {
    matches!(path.last(), Some(&("url" | "proxy" | "resource")))
}

/// The forms that say where a secret is kept; anything else may be one.
fn value_or_hidden(map: &Map<String, Value>) -> Value {
    let is_form = map.keys().all(|form| matches!(form.as_str(), "env" | "file" | "command"));
    if is_form { Value::Object(map.clone()) } else { Value::from("****") }
}

fn without_credentials(value: &Value) -> Value {
    let hidden = |(name, inner): (&String, &Value)| {
        let text = inner.as_str().is_some_and(|text| !text.is_empty());
        let inner = if text && slots::is_credential(name) {
            Value::from("****")
        } else {
            without_credentials(inner)
        };
        (name.clone(), inner)
    };
    match value {
        Value::Object(map) => map.iter().map(hidden).collect(),
        Value::Array(list) => list.iter().map(without_credentials).collect(),
        other => other.clone(),
    }
}
