//! One layer of the configuration: its values as a figment provider, and where each was written.

use std::fmt;
use std::sync::Arc;

use figment::value::{Dict, Map as Profiles, Value};
use figment::{Metadata, Profile, Provider};

use super::defaults::DEFAULTS;
use super::problem;
use super::value::{Input, Leaf};
use crate::error::Failure;

/// Whether the user names the entries of this table.
pub fn is_named_table(name: &str) -> bool {
    matches!(name, "clients" | "queries" | "hooks" | "plugins")
}

/// What a layer is read from; decides what it may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Preset,
    UserFile,
    ProjectFile,
    PluginOption,
    Environment,
    Flag,
}

impl Kind {
    /// Whether it is written in TOML: then tables can be values.
    pub const fn is_file(self) -> bool {
        matches!(self, Kind::Preset | Kind::UserFile | Kind::ProjectFile)
    }
}

/// Where a setting was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The exact name of a variable, or of the flag.
    Name(String),
    /// File and line, from 1.
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

/// One value before it enters a layer. Tables are split into their values.
#[derive(Clone, Debug)]
pub struct Setting {
    pub path: Vec<String>,
    pub value: Value,
    pub origin: Origin,
}

impl Setting {
    /// The path as it is written in messages.
    pub fn key(&self) -> String {
        self.path.join(".")
    }
}

/// The values of one source.
#[derive(Clone, Debug)]
pub struct Layer {
    pub kind: Kind,
    dict: Dict,
    origins: Vec<(Vec<String>, Origin)>,
}

impl Layer {
    /// An empty layer.
    pub fn new(kind: Kind) -> Self {
        Layer { kind, dict: Dict::new(), origins: Vec::new() }
    }

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        self.dict.is_empty()
    }

    /// Adds a setting, replacing an earlier one of the same key.
    ///
    /// # Errors
    /// When a value is given for a table, or a key below a value; the layer is unchanged.
    pub fn set(&mut self, setting: Setting) -> Result<(), Failure> {
        if is_table(&setting.path) && !Input::from(&setting.value).is_table() {
            return Err(problem::value_for_a_table(&setting));
        }
        if !put(&mut self.dict, &setting.path, setting.value.clone()) {
            return Err(problem::unknown_key(&setting.origin, &setting.key(), None));
        }
        self.origins.push((setting.path, setting.origin));
        Ok(())
    }

    /// Whether exactly this key is set.
    pub fn has(&self, path: &[String]) -> bool {
        self.origins.iter().any(|(written, _)| written == path)
    }

    /// The value at `path` in this layer alone.
    pub fn get(&self, path: &[&str]) -> Option<&Value> {
        let (key, tables) = path.split_last()?;
        let mut dict = &self.dict;
        for table in tables {
            dict = dict.get(*table)?.as_dict()?;
        }
        dict.get(*key)
    }

    /// Where `path` was written; for a table, its first value.
    pub fn origin(&self, path: &[&str]) -> Option<&Origin> {
        self.below(path).next().map(|(_, origin)| origin)
    }

    /// The settings that are `path` or below it, with their origins, in the order they were set.
    pub fn below<'a>(&'a self, path: &[&str]) -> impl Iterator<Item = (&'a [String], &'a Origin)> {
        let is_below = move |written: &[String]| {
            written.len() >= path.len()
                && written.iter().zip(path).all(|(part, other)| part == other)
        };
        let matching = self.origins.iter().filter(move |(written, _)| is_below(written));
        matching.map(|(written, origin)| (written.as_slice(), origin))
    }

    /// The dictionary, for walks over all keys.
    pub fn dict(&self) -> &Dict {
        &self.dict
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::default()
    }

    fn data(&self) -> figment::Result<Profiles<Profile, Dict>> {
        Ok(Profile::Default.collect(self.dict.clone()))
    }
}

/// Whether `path` is a table in every configuration.
fn is_table(path: &[String]) -> bool {
    match path {
        [table] => is_named_table(table) || matches!(DEFAULTS.get(table), Some(Leaf::Table(_))),
        [table, _] => is_named_table(table),
        [clients, _, auth] => clients == "clients" && auth == "auth",
        _ => false,
    }
}

/// Puts `value` at `path`; `false` if a value is in the way.
fn put(dict: &mut Dict, path: &[String], value: Value) -> bool {
    match path {
        [] => false,
        [last] => {
            dict.insert(last.clone(), value);
            true
        }
        [first, rest @ ..] => {
            let inner = dict.entry(first.clone()).or_insert_with(|| Dict::new().into());
            match inner {
                Value::Dict(_, inner) => put(inner, rest, value),
                _ => false,
            }
        }
    }
}
