//! One value on its way into the configuration, borrowed from where it was written: a layer's
//! dictionary or the embedded defaults.

use figment::value::{Num, Value as LayerValue};
use serde_json::{Map, Value as Json};

/// A value of the embedded defaults, made by the build.
#[derive(Clone, Copy, Debug)]
pub enum Leaf {
    Text(&'static str),
    Integer(i64),
    Flag(bool),
    List(&'static [Leaf]),
    /// Keys in order.
    Table(&'static [(&'static str, Leaf)]),
}

impl Leaf {
    /// The value of `key`, if this is a table that has it.
    pub fn get(&self, key: &str) -> Option<&'static Leaf> {
        let Leaf::Table(entries) = self else { return None };
        entries.iter().find(|(name, _)| *name == key).map(|(_, leaf)| leaf)
    }

    /// The keys, if this is a table.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> + use<> {
        let entries: &[(&str, Leaf)] = match self {
            Leaf::Table(entries) => entries,
            _ => &[],
        };
        entries.iter().map(|(name, _)| *name)
    }
}

/// A value as the parsers take it.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    Text(&'a str),
    Integer(i64),
    Float(f64),
    Flag(bool),
    /// A list or a table.
    Layer(&'a LayerValue),
    Default(&'static Leaf),
}

impl<'a> From<&'a LayerValue> for Input<'a> {
    fn from(value: &'a LayerValue) -> Self {
        match value {
            LayerValue::String(_, text) => Input::Text(text),
            LayerValue::Bool(_, flag) => Input::Flag(*flag),
            LayerValue::Num(_, Num::F64(number)) => Input::Float(*number),
            LayerValue::Num(_, number) => match number.to_i128().map(i64::try_from) {
                Some(Ok(number)) => Input::Integer(number),
                _ => Input::Layer(value),
            },
            other => Input::Layer(other),
        }
    }
}

impl From<&'static Leaf> for Input<'_> {
    fn from(leaf: &'static Leaf) -> Self {
        match leaf {
            Leaf::Text(text) => Input::Text(text),
            Leaf::Integer(number) => Input::Integer(*number),
            Leaf::Flag(flag) => Input::Flag(*flag),
            table_or_list => Input::Default(table_or_list),
        }
    }
}

impl<'a> Input<'a> {
    /// The elements, if it is a list.
    pub fn elements(self) -> Option<Vec<Input<'a>>> {
        match self {
            Input::Layer(LayerValue::Array(_, list)) => {
                Some(list.iter().map(Input::from).collect())
            }
            Input::Default(Leaf::List(list)) => Some(list.iter().map(Input::from).collect()),
            _ => None,
        }
    }

    /// Keys and values, if it is a table.
    pub fn entries(self) -> Option<Vec<(&'a str, Input<'a>)>> {
        match self {
            Input::Layer(LayerValue::Dict(_, dict)) => {
                Some(dict.iter().map(|(key, value)| (key.as_str(), value.into())).collect())
            }
            Input::Default(Leaf::Table(entries)) => {
                Some(entries.iter().map(|(key, leaf)| (*key, leaf.into())).collect())
            }
            _ => None,
        }
    }

    /// Whether it is a table.
    pub fn is_table(self) -> bool {
        matches!(self, Input::Layer(LayerValue::Dict(..)) | Input::Default(Leaf::Table(_)))
    }

    /// The same value as JSON.
    pub fn to_json(self) -> Json {
        match self {
            Input::Text(text) => text.into(),
            Input::Integer(number) => number.into(),
            Input::Float(number) => number.into(),
            Input::Flag(flag) => flag.into(),
            Input::Layer(_) | Input::Default(_) => match (self.elements(), self.entries()) {
                (Some(list), _) => list.into_iter().map(Input::to_json).collect(),
                (_, Some(entries)) => Json::Object(to_map(entries)),
                _ => Json::Null,
            },
        }
    }

    /// The value for a message, cut to 60 characters.
    pub fn shown(self) -> String {
        let text = match self {
            Input::Text(text) => text.to_owned(),
            other => other.to_json().to_string(),
        };
        text.chars().take(60).collect()
    }
}

/// Entries as a JSON object.
pub fn to_map(entries: Vec<(&str, Input<'_>)>) -> Map<String, Json> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value.to_json())).collect()
}
