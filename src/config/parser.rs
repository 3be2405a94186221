//! Parsers: each reads one value and knows its kind and range. An error is a fragment that follows the
//! name of the key, and never repeats a secret.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value};

use super::kind::Kind;
use super::nearest::nearest;
use super::secret_source::{self, SecretSource};
use super::value::{Input, to_map};
use crate::environment::Environment;
use crate::secret::{SafeUrl, Secret};
use crate::text;

/// What a value may refer to.
#[derive(Clone, Copy)]
pub struct ReadContext<'a> {
    pub environment: &'a Environment,
    pub home: Option<&'a Path>,
}

/// The value, or what is wrong with it.
pub type Parsed<T> = Result<T, String>;

/// A function that reads one value.
pub trait Parse<T>: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T> {}

impl<T, F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>> Parse<T> for F {}

/// A parser with the kind of value that it reads.
pub struct Parser<F> {
    pub kind: Kind,
    pub parse: F,
}

/// A type with a closed list of words.
pub trait Words: Copy + 'static {
    const WORDS: WordList<Self>;
}

/// Each word with its meaning.
pub type WordList<T> = &'static [(&'static str, T)];

fn words_of<T: Words>() -> Vec<&'static str> {
    T::WORDS.iter().map(|(word, _)| *word).collect()
}

/// A parser of `kind` made of a function.
pub const fn parser<T, F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>>(
    kind: Kind,
    parse: F,
) -> Parser<F> {
    Parser { kind, parse }
}

/// Text, unchanged; a whole number counts as its digits.
pub fn text() -> Parser<impl Parse<String>> {
    parser(Kind::Text, |value, _| match value {
        Input::Integer(number) => Ok(number.to_string()),
        other => read_text(other).map(str::to_owned),
    })
}

/// `true` or `false`; in a variable also 1, 0, yes, no, on, off.
pub fn flag() -> Parser<impl Parse<bool>> {
    parser(Kind::Flag, |value, _| read_flag(value))
}

/// A whole number within both ends.
pub fn number<T: TryFrom<i64>>(least: i64, most: i64) -> Parser<impl Parse<T>> {
    parser(Kind::Number(least, most), move |value, _| {
        let number = read_number(value, least, most)?;
        T::try_from(number).map_err(|_| format!("`{number}` is out of range"))
    })
}

/// A duration such as `250ms`, within both ends (written the same way).
pub fn duration(least: &'static str, most: &'static str) -> Parser<impl Parse<Duration>> {
    parser(Kind::Duration(least, most), move |value, _| {
        let Input::Text(text) = value else {
            return Err(format!("`{}` needs a unit, like `2s` or `250ms`", value.shown()));
        };
        let duration = within(text, [least, most], parse_duration);
        duration.unwrap_or_else(|| {
            Err(format!("`{text}` is not a duration; write it with a unit, like `2s` or `250ms`"))
        })
    })
}

/// A number of bytes such as `50MiB`, within both ends (written the same way).
pub fn size(least: &'static str, most: &'static str) -> Parser<impl Parse<u64>> {
    parser(Kind::Size(least, most), move |value, _| {
        let text = read_text(value)?;
        let size = within(text, [least, most], parse_size);
        size.unwrap_or_else(|| {
            Err(format!("`{text}` is not a size; write it with a unit, like `50MiB`"))
        })
    })
}

/// The parsed text, if it can be parsed, and whether it is within both ends, which are written alike.
fn within<T: PartialOrd>(
    text: &str,
    [least, most]: [&str; 2],
    parse: fn(&str) -> Option<T>,
) -> Option<Parsed<T>> {
    let value = parse(text)?;
    let is_within = parse(least)? <= value && value <= parse(most)?;
    let wrong = || format!("`{text}` is out of range ({least} to {most})");
    Some(if is_within { Ok(value) } else { Err(wrong()) })
}

/// One word of a closed list.
pub fn word<T: Words>() -> Parser<impl Parse<T>> {
    parser(Kind::Word(words_of::<T>), |value, _| read_word(read_text(value)?))
}

/// A list of words of a closed list.
pub fn word_list<T: Words>() -> Parser<impl Parse<Vec<T>>> {
    parser(Kind::List(Some(words_of::<T>)), |value, _| {
        read_list(value)?.iter().map(|text| read_word(text)).collect()
    })
}

/// A list of texts. In a variable: a TOML list, or words separated by commas.
pub fn list() -> Parser<impl Parse<Vec<String>>> {
    parser(Kind::List(None), |value, _| read_list(value))
}

/// Scopes: a list, or texts separated by blanks or commas, as OAuth and the guide write them.
pub fn scopes() -> Parser<impl Parse<Vec<String>>> {
    parser(Kind::Scopes, |value, _| read_scopes(value))
}

/// A table. In a variable: an inline TOML table or JSON.
pub fn table() -> Parser<impl Parse<Map<String, Value>>> {
    parser(Kind::Table, |value, _| read_table(value))
}

/// An absolute path, `~/` meaning the home folder; empty: none.
pub fn path() -> Parser<impl Parse<Option<PathBuf>>> {
    parser(Kind::Path, |value, context| read_path(read_text(value)?, context))
}

/// A list of absolute paths.
pub fn paths() -> Parser<impl Parse<Vec<PathBuf>>> {
    parser(Kind::Paths, |value, context| {
        let paths = read_list(value)?.into_iter().map(|text| read_path(&text, context));
        Ok(paths.collect::<Parsed<Vec<_>>>()?.into_iter().flatten().collect())
    })
}

/// A list of paths, relative ones from the repository's root.
pub fn files() -> Parser<impl Parse<Vec<PathBuf>>> {
    parser(Kind::List(None), |value, context| {
        Ok(read_list(value)?.iter().map(|text| below_home(text, context)).collect())
    })
}

/// An `http` or `https` URL; empty: none.
pub fn url() -> Parser<impl Parse<Option<SafeUrl>>> {
    parser(Kind::Url, |value, _| read_url(read_text(value)?))
}

/// A secret: where it is kept, or the secret itself.
pub fn secret() -> Parser<impl Parse<Option<SecretSource>>> {
    parser(Kind::Secret, secret_source::read)
}

/// Names and values of HTTP headers. Each value may be a credential, whatever the name.
pub fn headers() -> Parser<impl Parse<BTreeMap<String, Secret>>> {
    parser(Kind::Headers, |value, _| read_table(value)?.into_iter().map(header).collect())
}

/// The text of a value; a number counts as its text.
pub fn read_text<'a>(value: Input<'a>) -> Parsed<&'a str> {
    match value {
        Input::Text(text) => Ok(text),
        other => Err(format!("`{}` is not a text in quotation marks", other.shown())),
    }
}

/// See [`number`].
pub fn read_number(value: Input<'_>, least: i64, most: i64) -> Parsed<i64> {
    let number = match value {
        Input::Integer(number) => Some(number),
        Input::Text(text) => text.trim().parse().ok(),
        _ => None,
    };
    let wrong = match number {
        Some(number) if (least..=most).contains(&number) => return Ok(number),
        Some(_) => "out of range",
        None => "not a whole number",
    };
    Err(format!("`{}` is {wrong} ({least} to {most})", value.shown()))
}

/// See [`flag`].
pub fn read_flag(value: Input<'_>) -> Parsed<bool> {
    let word = match value {
        Input::Flag(flag) => return Ok(flag),
        Input::Text(text) => text.trim().to_ascii_lowercase(),
        _ => String::new(),
    };
    match word.as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(format!("`{}` is neither true nor false", value.shown())),
    }
}

/// Units of a duration in milliseconds, the longer ones first where one ends with another.
const UNITS: &[(&str, u64)] =
    &[("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
/// Units of a size in bytes.
const SIZES: &[(&str, u64)] = &[("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("B", 1)];

/// What is before the unit, and the unit's worth.
fn split_unit<'a>(text: &'a str, units: &[(&str, u64)]) -> Option<(&'a str, u64)> {
    units.iter().find_map(|(unit, worth)| Some((text.trim().strip_suffix(unit)?, *worth)))
}

fn parse_duration(text: &str) -> Option<Duration> {
    let (digits, millis) = split_unit(text, UNITS)?;
    let number: u32 = digits.parse().ok()?;
    Some(Duration::from_millis(u64::from(number).checked_mul(millis)?))
}

fn parse_size(text: &str) -> Option<u64> {
    let (digits, bytes) = split_unit(text, SIZES)?;
    digits.trim().parse::<u64>().ok()?.checked_mul(bytes)
}

fn read_word<T: Words>(text: &str) -> Parsed<T> {
    let matching = T::WORDS.iter().find(|(word, _)| *word == text);
    matching.map(|(_, meaning)| *meaning).ok_or_else(|| unknown_word(text, &words_of::<T>()))
}

/// Names the words there are, and the one that was probably meant.
pub fn unknown_word(text: &str, words: &[&str]) -> String {
    let meant = nearest(text, words).map(|near| format!("; did you mean `{near}`?"));
    format!("`{text}` is not one of {}{}", words.join(", "), meant.unwrap_or_default())
}

/// See [`list`].
pub fn read_list(value: Input<'_>) -> Parsed<Vec<String>> {
    const FORM: &str = "is not a list like `[\"a\", \"b\"]`";
    match value {
        Input::Text(text) if text.trim_start().starts_with('[') => match toml_value(text) {
            Some(Value::Array(list)) => list.iter().map(json_text).collect(),
            _ => Err(FORM.into()),
        },
        Input::Text(text) => {
            let words = text.split(',').map(str::trim).filter(|word| !word.is_empty());
            Ok(words.map(str::to_owned).collect())
        }
        other => {
            let elements = other.elements().ok_or_else(|| format!("`{}` {FORM}", other.shown()))?;
            elements.into_iter().map(|element| read_text(element).map(str::to_owned)).collect()
        }
    }
}

/// See [`scopes`].
pub fn read_scopes(value: Input<'_>) -> Parsed<Vec<String>> {
    match value {
        Input::Text(text) if !text.trim_start().starts_with('[') => {
            Ok(text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        other => read_list(other),
    }
}

fn json_text(value: &Value) -> Parsed<String> {
    value
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("`{value}` is not a text in quotation marks"))
}

/// See [`table`].
pub fn read_table(value: Input<'_>) -> Parsed<Map<String, Value>> {
    const FORM: &str = "is not a table like `{ key = \"value\" }`";
    if let Some(entries) = value.entries() {
        return Ok(to_map(entries));
    }
    let Input::Text(text) = value else { return Err(FORM.into()) };
    match serde_json::from_str(text).ok().or_else(|| toml_value(text)) {
        Some(Value::Object(map)) => Ok(map),
        _ => Err(FORM.into()),
    }
}

/// A value written in TOML, in a variable or a flag.
pub fn toml_value(text: &str) -> Option<Value> {
    let parsed: toml::Table = format!("value = {text}").parse().ok()?;
    serde_json::to_value(parsed.get("value")?).ok()
}

fn below_home(text: &str, context: ReadContext<'_>) -> PathBuf {
    match (text.strip_prefix("~/"), context.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(text),
    }
}

pub(super) fn read_path(text: &str, context: ReadContext<'_>) -> Parsed<Option<PathBuf>> {
    if text.is_empty() {
        return Ok(None);
    }
    let path = below_home(text, context);
    if path.is_absolute() {
        Ok(Some(path))
    } else {
        Err(format!("`{text}` is not an absolute path"))
    }
}

/// See [`url`].
pub fn read_url(text: &str) -> Parsed<Option<SafeUrl>> {
    if text.trim().is_empty() { Ok(None) } else { SafeUrl::parse(text).map(Some) }
}

fn header((name, value): (String, Value)) -> Parsed<(String, Secret)> {
    if reqwest::header::HeaderName::try_from(name.as_str()).is_err() {
        return Err(format!("`{name}` is not the name of a header"));
    }
    let value = json_text(&value)?;
    let is_plain = value.chars().all(|c| c == '\t' || (' '..='~').contains(&c));
    if !is_plain {
        return Err("has a character that no header may have".into());
    }
    // Behind any scheme (`Key abc`), not only behind those that `text` knows.
    if let Some((_, credential)) = value.trim().split_once(' ') {
        text::register(credential.trim());
    }
    Ok((name, Secret::new(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::needless_pass_by_value, reason = "a parser is made where it is used")]
    fn read<T>(parser: Parser<impl Parse<T>>, value: Input<'_>) -> Parsed<T> {
        let environment = Environment::default();
        (parser.parse)(value, ReadContext { environment: &environment, home: None })
    }

    #[test]
    fn x08_durations_and_sizes_carry_units_and_ranges() {
        let read_duration = |text: &str| read(duration("100ms", "1h"), Input::Text(text));
        assert_eq!(read_duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(read_duration("15m"), Ok(Duration::from_secs(900)));
        for wrong in ["10", "s", "-1s", "1.5s", "1 year", "99999999999s", ""] {
            assert!(read_duration(wrong).unwrap_err().contains("not a duration"), "{wrong}");
        }
        assert_eq!(read_duration("2h").unwrap_err(), "`2h` is out of range (100ms to 1h)");
        assert!(
            read(duration("1s", "1h"), Input::Integer(5)).unwrap_err().contains("needs a unit")
        );
        assert_eq!(read(size("1KiB", "1GiB"), Input::Text("50MiB")), Ok(50 << 20));
        assert!(read(size("1KiB", "1GiB"), Input::Text("50 potatoes")).is_err());
    }

    #[test]
    fn lists_and_tables_can_be_written_in_a_variable() {
        assert_eq!(read(list(), Input::Text("a, b")), Ok(vec!["a".into(), "b".into()]));
        assert_eq!(
            read(list(), Input::Text(r#"["a,1", "b"]"#)),
            Ok(vec!["a,1".into(), "b".into()])
        );
        assert_eq!(read(table(), Input::Text("{ limit = 3 }")).unwrap()["limit"], 3);
        assert_eq!(read(table(), Input::Text(r#"{"limit": 3}"#)).unwrap()["limit"], 3);
    }
}
