//! How a query's answer is read: `items`, `map`, `words`, `none`, `page`, `narrow` and `max_pages` of
//! `[queries.NAME]`. Each is one value, never a mixture of layers.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::kind::Kind;
use super::parser::{
    Parse, Parsed, Parser, list, number, parser, read_list, read_table, toml_value, unknown_word,
};
use super::reader::Reader;
use super::value::Input;
use crate::task::{FieldMap, Numbers, Paging, Pointer, Rank, Reading, State, Vocabulary, folded};

/// Reads the settings of one query.
pub fn read(table: &Reader<'_>) -> Reading {
    Reading {
        items: table.get("items", pointers()),
        map: table.get("map", map()),
        words: table.get("words", words()),
        none: table.get("none", list()),
        page: table.get("page", page()),
        narrow: table.get("narrow", narrow()),
        max_pages: table.get("max_pages", number(1, 100)),
    }
}

fn pointers() -> Parser<impl Parse<Vec<Pointer>>> {
    parser(Kind::List(None), |value, _| {
        read_list(value)?.iter().map(|text| Pointer::parse(text)).collect()
    })
}

/// `{ title = ["/subject"], due = "/dates/due" }`: a pointer or a list of them for each field.
fn map() -> Parser<impl Parse<FieldMap>> {
    parser(Kind::Form("table of a field's name and JSON pointers into a task"), |value, _| {
        let field = |(name, places): (String, Value)| {
            let places = match places {
                Value::Array(places) => places.iter().map(pointer).collect::<Parsed<_>>()?,
                place => vec![pointer(&place)?],
            };
            Ok((name, places))
        };
        Ok(FieldMap { fields: read_table(value)?.into_iter().map(field).collect::<Parsed<_>>()? })
    })
}

fn words() -> Parser<impl Parse<Vocabulary>> {
    parser(Kind::Form("table with `status`, `priority` and `numbers`"), |value, _| {
        let mut words = Vocabulary::default();
        for (key, value) in read_table(value)? {
            match key.as_str() {
                "status" => words.states = meanings(&value, State::WORDS)?,
                "priority" => words.ranks = meanings(&value, Rank::WORDS)?,
                "numbers" => words.numbers = one_of(text(&value)?, NUMBERS)?,
                other => return Err(unknown_word(other, &["status", "priority", "numbers"])),
            }
        }
        Ok(words)
    })
}

const NUMBERS: &[(&str, Numbers)] = &[
    ("", Numbers::Unranked),
    ("low_first", Numbers::LowFirst),
    ("high_first", Numbers::HighFirst),
];

/// `{ doing = "in_progress" }`: the server's word and ours.
fn meanings<T: Copy>(value: &Value, table: &[(&str, T)]) -> Parsed<BTreeMap<String, T>> {
    let words = value.as_object().ok_or_else(|| format!("`{value}` is not a table"))?;
    let meaning = |(word, ours): (&String, &Value)| {
        one_of(text(ours)?, table).map(|meaning| (folded(word), meaning))
    };
    words.iter().map(meaning).collect()
}

fn one_of<T: Copy>(word: &str, table: &[(&str, T)]) -> Parsed<T> {
    let found = table.iter().find(|(name, _)| *name == word);
    let names = || table.iter().map(|(name, _)| *name).filter(|name| !name.is_empty());
    found
        .map(|(_, meaning)| *meaning)
        .ok_or_else(|| unknown_word(word, &names().collect::<Vec<_>>()))
}

fn page() -> Parser<impl Parse<Paging>> {
    parser(Kind::Form("table with `next`, `more`, `total` and `send`"), |value, _| {
        let mut page = Paging::default();
        for (key, value) in read_table(value)? {
            match key.as_str() {
                "next" => page.next = Some(pointer(&value)?),
                "more" => page.more = Some(pointer(&value)?),
                "total" => page.total = Some(pointer(&value)?),
                "send" => page.send = text(&value)?.to_owned(),
                other => return Err(unknown_word(other, &["next", "more", "total", "send"])),
            }
        }
        Ok(page)
    })
}

/// `[{ status = "todo" }]`: arguments, each laid over the query's own.
fn narrow() -> Parser<impl Parse<Vec<Map<String, Value>>>> {
    parser(Kind::Form("list of tables of arguments"), |value, _| {
        let json = match value {
            Input::Text(text) => toml_value(text).unwrap_or_default(),
            list => list.to_json(),
        };
        let tables = json.as_array().map(|list| list.iter().map(Value::as_object));
        let tables =
            tables.and_then(|list| list.map(Option::<&Map<String, Value>>::cloned).collect());
        tables.ok_or_else(|| {
            format!("`{}` is not a list like `[{{ status = \"todo\" }}]`", value.shown())
        })
    })
}

fn pointer(value: &Value) -> Parsed<String> {
    Pointer::parse(text(value)?).map(|pointer| pointer.as_str().to_owned())
}

fn text(value: &Value) -> Parsed<&str> {
    value.as_str().ok_or_else(|| format!("`{value}` is not a text in quotation marks"))
}
