//! The layers as figment merges them: each is a list of settings with the place each was written at.
//! Knows how a value finds back to its place; not what the values mean.

use std::path::Path;

use figment::value::{Dict, Map as Profiles, Tag, Value as Merged};
use figment::{Figment, Metadata, Profile, Provider};
use serde_json::Value;

use crate::disk;
use crate::error::{Code, Failure};

/// A file larger than this is no configuration.
const LARGEST_FILE: u64 = 1 << 20;
/// Marks a table that is one value. figment unites tables key by key, which would mix a secret's
/// `env` of one layer with the `file` of another.
const WHOLE: &str = "\u{1}whole";

/// One setting of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub path: Vec<String>,
    pub value: Value,
    /// `hooks.toml:12`, or the exact name of a variable.
    pub place: String,
}

impl Setting {
    /// The path as it is written in messages.
    #[must_use]
    pub fn key(&self) -> String {
        self.path.join(".")
    }

    /// The path's words.
    #[must_use]
    pub fn words(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

/// One layer, weaker or stronger than the others by its place in their list.
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// What kind of layer it is, for people: `environment`, `user file`.
    pub name: &'static str,
    pub settings: Vec<Setting>,
}

impl Provider for &Layer {
    fn metadata(&self) -> Metadata {
        let places: Vec<(Vec<String>, String)> =
            self.settings.iter().map(|one| (one.path.clone(), one.place.clone())).collect();
        Metadata::named(self.name).interpolater(move |_, keys| {
            let found = places.iter().find(|(path, _)| path.iter().eq(keys.iter()));
            found.map(|(_, place)| place.clone()).unwrap_or_default()
        })
    }

    fn data(&self) -> figment::Result<Profiles<Profile, Dict>> {
        let mut root = Dict::new();
        for setting in &self.settings {
            put(&mut root, &setting.path, merged(&setting.value));
        }
        Ok(Profile::Default.collect(root))
    }
}

fn put(dict: &mut Dict, path: &[String], value: Merged) {
    match path {
        [] => {}
        [last] => drop(dict.insert(last.clone(), value)),
        [first, rest @ ..] => {
            let inner = dict.entry(first.clone()).or_insert_with(|| Dict::new().into());
            if let Merged::Dict(_, inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}

fn merged(value: &Value) -> Merged {
    match value {
        Value::String(text) => text.as_str().into(),
        Value::Bool(flag) => (*flag).into(),
        Value::Number(number) if number.is_i64() => number.as_i64().unwrap_or(0).into(),
        other => Merged::Array(Tag::Default, vec![WHOLE.into(), other.to_string().into()]),
    }
}

fn unmerged(value: &Merged) -> Option<Value> {
    match value {
        Merged::String(_, text) => Some(Value::from(text.as_str())),
        Merged::Bool(_, flag) => Some(Value::from(*flag)),
        Merged::Num(_, number) => {
            number.to_i128().and_then(|n| i64::try_from(n).ok()).map(Value::from)
        }
        Merged::Array(_, list) => match list.as_slice() {
            [mark, Merged::String(_, text)] if mark.as_str() == Some(WHOLE) => {
                serde_json::from_str(text).ok()
            }
            _ => None,
        },
        _ => None,
    }
}

/// What the layers come to, the last being the strongest: each setting once, ordered by path.
#[must_use]
pub fn merge(layers: &[Layer]) -> Vec<Setting> {
    let figment = layers.iter().filter(|layer| !layer.settings.is_empty());
    let figment = figment.fold(Figment::new(), Figment::merge);
    let mut settings = Vec::new();
    if let Ok(Merged::Dict(_, root)) = figment.find_value("") {
        walk(&figment, &mut Vec::new(), &root, &mut settings);
    }
    settings
}

fn walk(figment: &Figment, path: &mut Vec<String>, dict: &Dict, settings: &mut Vec<Setting>) {
    for (key, value) in dict {
        path.push(key.clone());
        if let Merged::Dict(_, inner) = value {
            walk(figment, path, inner, settings);
        } else if let Some(plain) = unmerged(value) {
            let words: Vec<&str> = path.iter().map(String::as_str).collect();
            let metadata = figment.get_metadata(value.tag());
            let place = metadata.map(|one| one.interpolate(&Profile::Default, &words));
            let place = place.unwrap_or_default();
            settings.push(Setting { path: path.clone(), value: plain, place });
        }
        path.pop();
    }
}

/// A file as it was read, so that what is parsed is what is judged.
pub struct File {
    /// As it is shown in messages.
    pub shown: String,
    pub text: String,
}

/// Reads a configuration file; `None` if there is none.
///
/// # Errors
/// `WS101` when it is there and cannot be read.
pub fn read(path: &Path) -> Result<Option<File>, Failure> {
    let shown = path.display().to_string();
    match disk::read_text(path, LARGEST_FILE) {
        Ok(text) => Ok(text.map(|text| File { shown, text })),
        Err(error) => Err(Failure::new(
            Code::CONFIG_UNREADABLE,
            format!("`{shown}` could not be read: {error}"),
        )),
    }
}

/// The settings of a file.
///
/// # Errors
/// `WS101` with line and column when it is not TOML.
pub fn parse(file: &File) -> Result<Vec<Setting>, Failure> {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let table = toml::de::DeTable::parse(text).map_err(|error| {
        let (line, column) = place(text, error.span().map_or(0, |span| span.start));
        let text = format!("{}:{line}:{column}: {}", file.shown, error.message());
        Failure::new(Code::CONFIG_UNREADABLE, text)
            .hint("the whole file is left out until it is mended")
    })?;
    let mut settings = Vec::new();
    flatten(file, text, &mut Vec::new(), table.get_ref(), &mut settings);
    Ok(settings)
}

fn flatten(
    file: &File,
    text: &str,
    path: &mut Vec<String>,
    table: &toml::de::DeTable<'_>,
    settings: &mut Vec<Setting>,
) {
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let is_setting = super::slots::find(&words).is_some();
        match value.get_ref() {
            toml::de::DeValue::Table(inner) if !is_setting => {
                flatten(file, text, path, inner, settings);
            }
            other => {
                let (line, _) = place(text, key.span().start);
                let place = format!("{}:{line}", file.shown);
                settings.push(Setting { path: path.clone(), value: plain(other), place });
            }
        }
        path.pop();
    }
}

fn plain(value: &toml::de::DeValue<'_>) -> Value {
    use toml::de::DeValue;
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(list) => list.iter().map(|one| plain(one.get_ref())).collect(),
        DeValue::Table(table) => table
            .iter()
            .map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref())))
            .collect(),
    }
}

/// Line and column of a byte, from 1.
fn place(text: &str, byte: usize) -> (usize, usize) {
    let before = &text.as_bytes()[..byte.min(text.len())];
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}
