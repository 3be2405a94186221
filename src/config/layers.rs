//! The layers, and what they come to: each is a list of settings with the place each was written at.
//! figment decides which layer wins, key by key; what it merges are the positions of the settings, so
//! that no value passes through it (it would mix two tables that are one value each).

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use figment::value::{Dict, Map as Profiles, Value as Merged};
use figment::{Figment, Metadata, Profile, Provider};
use serde_json::Value;

use crate::disk;
use crate::error::{Code, Failure};

/// A file larger than this is no configuration.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// Nor is one with more settings: checking each would take a session's time.
const MAX_SETTINGS: usize = 2000;

/// One setting of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub path: Vec<String>,
    pub value: Value,
    pub place: Origin,
}

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// The exact name of a variable, or of the flag.
    Name(String),
    /// The line of a file, from 1.
    Line(Arc<str>, usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Name(name) => f.write_str(name),
            Origin::Line(file, line) => write!(f, "{file}:{line}"),
        }
    }
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
    /// Of two settings of one key the later is the stronger.
    pub settings: Vec<Setting>,
}

/// A layer as figment takes it: in the place of each value the setting's position.
struct Positions<'a> {
    layer: &'a Layer,
    /// The number of settings in the weaker layers.
    before: usize,
}

impl Provider for Positions<'_> {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.layer.name)
    }

    fn data(&self) -> figment::Result<Profiles<Profile, Dict>> {
        let mut root = Dict::new();
        for (at, setting) in self.layer.settings.iter().enumerate() {
            put(&mut root, &setting.path, (self.before + at).into());
        }
        Ok(Profile::Default.collect(root))
    }
}

fn put(dict: &mut Dict, path: &[String], position: Merged) {
    match path {
        [] => {}
        [last] => drop(dict.insert(last.clone(), position)),
        [first, rest @ ..] => match dict.get_mut(first) {
            Some(Merged::Dict(_, inner)) => put(inner, rest, position),
            // A file cannot say both; of two variables the later replaces what is no table.
            _ => {
                let mut inner = Dict::new();
                put(&mut inner, rest, position);
                dict.insert(first.clone(), inner.into());
            }
        },
    }
}

/// What the layers come to, the last being the strongest: each setting once, ordered by path.
#[must_use]
pub fn merge(layers: &[Layer]) -> Vec<&Setting> {
    let (mut figment, mut before) = (Figment::new(), 0);
    for layer in layers.iter().filter(|layer| !layer.settings.is_empty()) {
        figment = figment.merge(Positions { layer, before });
        before += layer.settings.len();
    }
    let mut positions = Vec::new();
    if let Ok(Merged::Dict(_, root)) = figment.find_value("") {
        collect(&root, &mut positions);
    }
    let all: Vec<&Setting> = layers.iter().flat_map(|layer| &layer.settings).collect();
    positions.into_iter().filter_map(|at| all.get(at).copied()).collect()
}

fn collect(dict: &Dict, positions: &mut Vec<usize>) {
    for value in dict.values() {
        match value {
            Merged::Dict(_, inner) => collect(inner, positions),
            other => {
                let number = other.to_u128().and_then(|number| usize::try_from(number).ok());
                positions.extend(number);
            }
        }
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
    match disk::read_text(path, MAX_FILE_BYTES) {
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
        let (starts, at) = (line_starts(text), error.span().map_or(0, |span| span.start));
        let line = line(&starts, at);
        let before = text.get(starts[line - 1]..at).unwrap_or_default();
        let column = before.chars().count() + 1;
        let text = format!("{}:{line}:{column}: {}", file.shown, error.message());
        Failure::new(Code::CONFIG_UNREADABLE, text)
            .hint("the whole file is left out until it is mended")
    })?;
    let (shown, lines) = (Arc::from(file.shown.as_str()), line_starts(text));
    let mut walk = Walk { shown, lines, path: Vec::new(), found: Vec::new() };
    walk.table(table.get_ref());
    if walk.found.len() > MAX_SETTINGS {
        let text = format!("`{}` holds more than {MAX_SETTINGS} settings", file.shown);
        return Err(Failure::new(Code::CONFIG_UNREADABLE, text).hint("the whole file is left out"));
    }
    Ok(walk.found)
}

/// The way through a file's tables.
struct Walk {
    shown: Arc<str>,
    lines: Vec<usize>,
    path: Vec<String>,
    found: Vec<Setting>,
}

impl Walk {
    fn table(&mut self, table: &toml::de::DeTable<'_>) {
        for (key, value) in table {
            if self.found.len() > MAX_SETTINGS {
                return;
            }
            self.path.push(key.get_ref().to_string());
            let words: Vec<&str> = self.path.iter().map(String::as_str).collect();
            let is_setting = super::slots::find(&words).is_some();
            match value.get_ref() {
                toml::de::DeValue::Table(inner) if !is_setting => self.table(inner),
                other => {
                    let line = line(&self.lines, key.span().start);
                    let place = Origin::Line(Arc::clone(&self.shown), line);
                    let path = self.path.clone();
                    self.found.push(Setting { path, value: plain(other), place });
                }
            }
            self.path.pop();
        }
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

/// The bytes at which lines begin.
fn line_starts(text: &str) -> Vec<usize> {
    let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after).collect()
}

/// The line of a byte, from 1.
fn line(starts: &[usize], byte: usize) -> usize {
    starts.partition_point(|start| *start <= byte)
}
