//! The embedded defaults: `hooks.toml`, flattened by the build.

use serde_json::Value;

/// The text itself, for people.
pub const TEXT: &str = include_str!("../../hooks.toml");

/// One value of `hooks.toml`.
#[derive(Clone, Copy, Debug)]
pub enum Leaf {
    Text(&'static str),
    Number(i64),
    Flag(bool),
    List(&'static [&'static str]),
    Table(&'static [(&'static str, Leaf)]),
}

impl Leaf {
    /// As the readers take it.
    #[must_use]
    pub fn value(&self) -> Value {
        match self {
            Leaf::Text(text) => Value::from(*text),
            Leaf::Number(number) => Value::from(*number),
            Leaf::Flag(flag) => Value::from(*flag),
            Leaf::List(list) => Value::from(*list),
            Leaf::Table(table) => {
                table.iter().map(|(key, leaf)| (key.to_string(), leaf.value())).collect()
            }
        }
    }
}

/// Path (its words) and value of every default, ordered by path.
pub static DEFAULTS: &[(&[&str], Leaf)] = include!(concat!(env!("OUT_DIR"), "/defaults.rs"));

/// The default list at `path`; empty where none stands.
#[must_use]
pub fn list(path: &[&str]) -> &'static [&'static str] {
    match DEFAULTS.iter().find(|(known, _)| *known == path) {
        Some((_, Leaf::List(list))) => list,
        _ => &[],
    }
}
