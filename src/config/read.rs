//! Reading one value: units, ranges, words, paths, secrets. Each function says what is wrong as a
//! fragment that fits behind the name of the key, and never repeats a secret.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use super::nearest::nearest;
use super::schema::SecretSource;
use crate::environment::Environment;
use crate::secret::{SafeUrl, Secret};

/// What a value may refer to.
pub struct ReadContext<'a> {
    pub environment: &'a Environment,
    pub home: Option<&'a std::path::Path>,
}

/// The value, or what is wrong with it.
pub type Read<T> = Result<T, String>;

/// Text, as it stands.
pub fn text(value: &Value) -> Read<String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err("must be text".into()),
    }
}

/// A whole number within `range`.
pub fn number(value: &Value, range: std::ops::RangeInclusive<i64>) -> Read<i64> {
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| format!("`{}` is not a whole number", shown(value)))?;
    if !range.contains(&number) {
        return Err(outside(&number, range.start(), range.end()));
    }
    Ok(number)
}

fn outside(
    value: &dyn std::fmt::Display,
    least: &dyn std::fmt::Display,
    most: &dyn std::fmt::Display,
) -> String {
    format!("`{value}` is out of range ({least} to {most})")
}

/// `true` or `false`.
pub fn flag(value: &Value) -> Read<bool> {
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Ok(true),
            "false" | "0" | "no" | "off" => Ok(false),
            _ => Err(format!("`{text}` is neither true nor false")),
        },
        _ => Err(format!("`{}` is neither true nor false", shown(value))),
    }
}

const SECOND: Duration = Duration::from_secs(1);
/// Units of a duration, the longer spellings first where one ends with another.
const UNITS: &[(&str, Duration)] = &[
    ("ms", Duration::from_millis(1)),
    ("s", SECOND),
    ("m", Duration::from_secs(60)),
    ("h", Duration::from_secs(3600)),
    ("d", Duration::from_secs(86_400)),
];

/// A duration such as `250ms`, within `least` and `most` (written the same way).
pub fn duration(value: &Value, least: &str, most: &str) -> Read<Duration> {
    let Value::String(text) = value else {
        return Err(format!("`{}` needs a unit, like `2s` or `250ms`", shown(value)));
    };
    let parsed = parse_duration(text).ok_or_else(|| {
        format!("`{text}` is not a duration; write it with a unit, like `2s` or `250ms`")
    })?;
    let bound = |text| parse_duration(text).unwrap_or_default();
    if parsed < bound(least) || parsed > bound(most) {
        return Err(outside(text, &least, &most));
    }
    Ok(parsed)
}

fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (unit, size) = UNITS.iter().find(|(unit, _)| {
        text.strip_suffix(unit).is_some_and(|number| number.ends_with(|c: char| c.is_ascii_digit()))
    })?;
    let number: u32 = text.strip_suffix(unit)?.parse().ok()?;
    size.checked_mul(number)
}

const SIZES: &[(&str, u64)] = &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// A number of bytes such as `50MiB`, within `least` and `most` (written the same way).
pub fn size(value: &Value, least: &str, most: &str) -> Read<u64> {
    let text = text(value)?;
    let parsed = parse_size(&text)
        .ok_or_else(|| format!("`{text}` is not a size; write it with a unit, like `50MiB`"))?;
    if parsed < parse_size(least).unwrap_or(0) || parsed > parse_size(most).unwrap_or(u64::MAX) {
        return Err(outside(&text, &least, &most));
    }
    Ok(parsed)
}

fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (unit, size) = SIZES.iter().find(|(unit, _)| text.ends_with(unit))?;
    text.strip_suffix(unit)?.trim().parse::<u64>().ok()?.checked_mul(*size)
}

/// One word of a closed list.
pub fn word<T: Copy>(value: &Value, words: &[(&str, T)]) -> Read<T> {
    let text = text(value)?;
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    found.ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        unknown_word(&text, &known)
    })
}

/// Says which words there are, and which one was probably meant.
pub fn unknown_word(text: &str, known: &[&str]) -> String {
    let meant = nearest(text, known).map(|near| format!("; did you mean `{near}`?"));
    format!("`{text}` is not one of {}{}", known.join(", "), meant.unwrap_or_default())
}

/// A list of texts. From the environment: a TOML list, or words with commas between.
pub fn list(value: &Value) -> Read<Vec<String>> {
    match value {
        Value::Array(list) => list.iter().map(text).collect(),
        Value::String(text) if text.trim_start().starts_with('[') => {
            let parsed = toml_value(text).ok_or("is not a list like `[\"a\", \"b\"]`")?;
            list(&parsed)
        }
        Value::String(text) => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            Ok(words.map(str::to_owned).collect())
        }
        _ => Err(format!("`{}` is not a list like `[\"a\", \"b\"]`", shown(value))),
    }
}

/// A table of values. From the environment: an inline TOML table or JSON.
pub fn table(value: &Value) -> Read<Map<String, Value>> {
    match value {
        Value::Object(map) => Ok(map.clone()),
        Value::String(text) => {
            let parsed = serde_json::from_str(text).ok().or_else(|| toml_value(text));
            match parsed {
                Some(Value::Object(map)) => Ok(map),
                _ => Err("is not a table like `{ key = \"value\" }`".into()),
            }
        }
        _ => Err("is not a table like `{ key = \"value\" }`".into()),
    }
}

fn toml_value(text: &str) -> Option<Value> {
    let parsed: toml::Table = format!("value = {text}").parse().ok()?;
    serde_json::to_value(parsed.get("value")?).ok()
}

/// An absolute path, `~/` standing for the home; empty: none.
pub fn path(value: &Value, context: &ReadContext<'_>) -> Read<Option<PathBuf>> {
    let text = text(value)?;
    if text.is_empty() {
        return Ok(None);
    }
    let path = match (text.strip_prefix("~/"), context.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(&text),
    };
    if path.is_absolute() {
        Ok(Some(path))
    } else {
        Err(format!("`{text}` is not an absolute path"))
    }
}

/// A list of absolute paths.
pub fn paths(value: &Value, context: &ReadContext<'_>) -> Read<Vec<PathBuf>> {
    let paths = list(value)?.into_iter().map(|one| path(&Value::String(one), context));
    Ok(paths.collect::<Read<Vec<_>>>()?.into_iter().flatten().collect())
}

/// A list of paths that may be relative to the repository's root.
pub fn files(value: &Value, context: &ReadContext<'_>) -> Read<Vec<PathBuf>> {
    let expand = |text: String| match (text.strip_prefix("~/"), context.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    };
    Ok(list(value)?.into_iter().map(expand).collect())
}

/// An `http` or `https` URL; empty: none.
pub fn url(value: &Value) -> Read<Option<SafeUrl>> {
    let text = text(value)?;
    if text.trim().is_empty() { Ok(None) } else { SafeUrl::parse(&text).map(Some) }
}

/// A secret: the value itself, or where it comes from. Errors never repeat it.
pub fn secret(value: &Value, context: &ReadContext<'_>) -> Read<Option<SecretSource>> {
    const FORMS: &str =
        "must be `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\"] }`";
    let map = match value {
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => return Ok(Some(SecretSource::Value(Secret::new(text.as_str())))),
        Value::Object(map) if map.is_empty() => return Ok(None),
        Value::Object(map) if map.len() == 1 => map,
        _ => return Err(FORMS.into()),
    };
    let (form, inner) = map.iter().next().ok_or(FORMS)?;
    match form.as_str() {
        "env" => {
            let name = text(inner)?;
            let found = context.environment.get(&name).map(Secret::new);
            let found =
                found.ok_or_else(|| format!("names the variable `{name}`, which is not set"))?;
            Ok(Some(SecretSource::Value(found)))
        }
        "file" => Ok(path(inner, context)?.map(SecretSource::File)),
        "command" => match list(inner)? {
            words if words.is_empty() => Err("has an empty command".into()),
            words => Ok(Some(SecretSource::Command(words))),
        },
        _ => Err(FORMS.into()),
    }
}

/// A value for a message; long ones are cut.
fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn x08_durations_and_sizes_carry_units_and_ranges() {
        let read = |text: &str| duration(&json!(text), "100ms", "1h");
        assert_eq!(read("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(read("15m"), Ok(Duration::from_secs(900)));
        for wrong in ["10", "s", "-1s", "1.5s", "1 year", "99999999999s", ""] {
            assert!(read(wrong).unwrap_err().contains("not a duration"), "{wrong}");
        }
        assert_eq!(read("2h").unwrap_err(), "`2h` is out of range (100ms to 1h)");
        assert!(duration(&json!(5), "1s", "1h").unwrap_err().contains("needs a unit"));
        assert_eq!(size(&json!("50MiB"), "1KiB", "1GiB"), Ok(50 << 20));
        assert!(size(&json!("50 potatoes"), "1KiB", "1GiB").is_err());
    }

    #[test]
    fn lists_and_tables_can_be_written_in_a_variable() {
        assert_eq!(list(&json!("a, b")), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(list(&json!(r#"["a,1", "b"]"#)), Ok(vec!["a,1".into(), "b".into()]));
        assert_eq!(table(&json!(r#"{ limit = 3 }"#)).unwrap()["limit"], 3);
        assert_eq!(table(&json!(r#"{"limit": 3}"#)).unwrap()["limit"], 3);
    }
}
