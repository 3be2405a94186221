//! Reads a table of settings with serde and keeps the name of the invalid key. `serde_json` alone
//! reports "expected a string" without the key.

use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

/// Why a table is invalid, and which of its keys.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub key: Option<String>,
    pub message: String,
}

/// Reads `table` into `T`.
pub fn read<T: DeserializeOwned>(table: &Map<String, Value>) -> Result<T, Wrong> {
    T::deserialize(Table(table))
}

struct Table<'a>(&'a Map<String, Value>);

impl<'de> de::Deserializer<'de> for Table<'de> {
    type Error = Wrong;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_map(Entries { rest: self.0.iter(), current: None })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Entries<'a> {
    rest: serde_json::map::Iter<'a>,
    current: Option<(&'a String, &'a Value)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        self.current = self.rest.next();
        let Some((key, _)) = self.current else { return Ok(None) };
        seed.deserialize(key.as_str().into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        let Some((key, value)) = self.current else {
            return Err(de::Error::custom("a value was requested before its key"));
        };
        seed.deserialize(value)
            .map_err(|error| Wrong { key: Some(key.clone()), message: error.to_string() })
    }
}

impl de::Error for Wrong {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Wrong { key: None, message: message.to_string() }
    }

    fn missing_field(field: &'static str) -> Self {
        Wrong { key: Some(field.to_owned()), message: "is not set".into() }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let known = if expected.is_empty() { "none".into() } else { expected.join(", ") };
        let message = format!("not a setting of this plugin; known: {known}");
        Wrong { key: Some(field.to_owned()), message }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Wrong {}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Settings {
        path: String,
        #[serde(default)]
        limits: Vec<u8>,
    }

    #[test]
    fn the_invalid_key_is_named() {
        let table = [
            (json!({ "path": "x" }), None),
            (json!({}), Some("path")),
            (json!({ "path": 7 }), Some("path")),
            (json!({ "path": "x", "limits": [1, 300] }), Some("limits")),
            (json!({ "path": "x", "pth": 1 }), Some("pth")),
        ];
        for (value, wrong) in table {
            let settings = read::<Settings>(value.as_object().unwrap());
            let key = settings.err().map(|wrong| wrong.key.unwrap());
            assert_eq!(key.as_deref(), wrong, "{value}");
        }
    }

    #[test]
    fn options_newtypes_and_units_read_a_table_too() {
        #[derive(Deserialize)]
        struct Wrapped(Settings);
        #[derive(Deserialize)]
        struct Nothing;
        let table = json!({ "path": "x" });
        let table = table.as_object().unwrap();
        assert_eq!(read::<Wrapped>(table).unwrap().0.path, "x");
        assert_eq!(read::<Option<Settings>>(table).unwrap().unwrap().path, "x");
        assert!(read::<Nothing>(table).is_ok());
    }
}
