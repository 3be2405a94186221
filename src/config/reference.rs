//! The references of all settings, joined from two sources: a setting's sentence is its comment in
//! `hooks.toml`, its kind and range are its parser's.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Value, json};

use super::Config;
use super::annotated::AnnotatedSetting;
use super::defaults::TEXT;
use super::kind::Kind;
use super::layer::is_named_table;
use super::secrets::{masked, masked_entry};
use super::stack::{Depth, Stack};
use super::value::Input;

/// A stack of the defaults alone that notes every setting that is read from it.
#[must_use]
pub fn description() -> Stack {
    let stack = Stack::new(Vec::new(), Arc::default(), None, Depth::Description);
    Config::read(&stack.root());
    stack
}

/// The value at `path` as it may be shown, and whether there is such a setting.
#[must_use]
pub fn shown(settings: &[AnnotatedSetting], path: &[String], value: Input<'_>) -> (Value, bool) {
    let kind = (1..=path.len()).rev().find_map(|length| {
        let setting = settings.iter().find(|setting| is_same(&setting.path, &path[..length]))?;
        Some((setting.kind, length == path.len()))
    });
    match kind {
        Some((kind, true)) => (masked(kind, value), true),
        // A key inside a table that is one value.
        Some((Kind::Headers, _)) => ("****".into(), true),
        Some((Kind::Secret | Kind::Table, _)) => {
            let key = path.last().map(String::as_str).unwrap_or_default();
            (masked_entry(key, &value.to_json()), true)
        }
        _ => (masked(Kind::Text, value), path.len() == 2 && path[0] == "branches"),
    }
}

/// Whether two paths are one setting; the names of the user's own entries do not matter.
fn is_same(path: &[String], other: &[String]) -> bool {
    let is_named = path.first().is_some_and(|table| is_named_table(table));
    let same = |(at, (a, b)): (usize, (&String, &String))| a == b || at == 1 && is_named;
    path.len() == other.len() && path.iter().zip(other).enumerate().all(same)
}

/// The JSON schema of `hooks.toml` (draft 2020-12).
#[must_use]
pub fn schema(settings: &[AnnotatedSetting]) -> Value {
    let comments = comments();
    let mut root = table_schema(false);
    root["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    root["title"] = "hooks.toml of warmstart".into();
    for setting in settings {
        let Some((key, tables)) = setting.path.split_last() else { continue };
        let mut place = &mut root;
        for (depth, table) in tables.iter().enumerate() {
            place = if depth == 1 && is_named_table(&tables[0]) {
                // All entries of a table whose entries the user names have one schema.
                &mut place["additionalProperties"]
            } else {
                &mut place["properties"][table]
            };
            if !place.is_object() {
                *place = table_schema(depth == 0 && table == "branches");
            }
        }
        place["properties"][key] = setting.kind.schema();
        if let Some(comment) = comment(&comments, &setting.path) {
            place["properties"][key]["description"] = comment.into();
        }
    }
    root
}

fn table_schema(has_other_keys: bool) -> Value {
    json!({ "type": "object", "additionalProperties": has_other_keys })
}

/// The settings reference as Markdown.
#[must_use]
pub fn markdown(settings: &[AnnotatedSetting]) -> String {
    let comments = comments();
    let mut text = String::from(
        "# Settings\n\nEvery key, its kind and range, and its default. `warmstart config schema` prints the \
         same as JSON schema.\n",
    );
    for (table, rows) in rows(settings, &comments) {
        let title = if table.is_empty() { "Top level".into() } else { format!("`[{table}]`") };
        let _ = write!(
            text,
            "\n## {title}\n\n| key | value | default | meaning |\n|---|---|---|---|\n"
        );
        text.extend(rows);
    }
    text
}

/// The rows of each table, in the order of `hooks.toml`.
fn rows(
    settings: &[AnnotatedSetting],
    comments: &BTreeMap<String, String>,
) -> Vec<(String, Vec<String>)> {
    let mut tables = BTreeMap::<_, Vec<String>>::new();
    for setting in settings.iter().filter(|setting| is_listed(setting)) {
        let Some((key, parents)) = setting.path.split_last() else { continue };
        let table = parents.join(".");
        let row = row(key, setting, comment(comments, &setting.path).unwrap_or_default());
        tables.entry((place(&table), table)).or_default().push(row);
    }
    tables.into_iter().map(|((_, table), rows)| (table, rows)).collect()
}

/// Where a table is in `hooks.toml`; entries that the user names come behind the others.
fn place(table: &str) -> (Option<usize>, usize) {
    let find = |table: &str| TEXT.find(&format!("\n[{table}]"));
    if table.is_empty() {
        return (None, 0);
    }
    let first = table.split('.').next().unwrap_or_default();
    let group = TEXT.find(&format!("\n[{first}")).unwrap_or(TEXT.len());
    (Some(group), find(table).unwrap_or(TEXT.len()))
}

fn row(key: &str, setting: &AnnotatedSetting, comment: &str) -> String {
    let default = setting.values.first().map(|value| format!("`{}`", toml_text(&value.value)));
    let cells = [
        format!("`{key}`"),
        setting.kind.describe(),
        default.unwrap_or_default(),
        comment.to_owned(),
    ];
    format!("| {} |\n", cells.map(|cell| cell.replace('|', "\\|")).join(" | "))
}

/// Whether a setting gets a row: an entry that `hooks.toml` has is shown with what it sets, and the
/// keys that every such entry may have are shown once.
fn is_listed(setting: &AnnotatedSetting) -> bool {
    !setting.values.is_empty() || setting.path.iter().any(|part| part == "NAME")
}

/// The sentence of a setting: its own, else that of the table whose values it inherits.
fn comment<'a>(comments: &'a BTreeMap<String, String>, path: &[String]) -> Option<&'a str> {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    let inherited = match parts.as_slice() {
        ["hooks", _, key] => format!("hook_defaults.{key}"),
        ["queries", _, key] => format!("query_defaults.{key}"),
        ["plugins", _, key] => format!("plugin_defaults.{key}"),
        ["clients", _, "auth", key] => format!("auth.{key}"),
        ["clients", _, key] => format!("client.{key}"),
        _ => String::new(),
    };
    // The sentence of a key of one hook or query is written where it comes first.
    let is_sibling = |(key, text): &(&String, &String)| {
        let key: Vec<&str> = key.split('.').collect();
        !text.is_empty() && key.len() == 3 && key[0] == parts[0] && parts.last() == key.last()
    };
    let of = |key: &str| comments.get(key).filter(|text| !text.is_empty());
    of(&path.join("."))
        .or_else(|| of(&inherited))
        .or_else(|| comments.iter().find(is_sibling).map(|(_, text)| text))
        .map(String::as_str)
}

/// A value as it is written in `hooks.toml`, on one line.
#[must_use]
pub fn toml_text(value: &Value) -> String {
    let written = toml::Value::try_from(value).map(|value| value.to_string());
    match (value, written) {
        (Value::Object(map), _) if map.is_empty() => "{}".into(),
        (_, Ok(text)) if !text.contains('\n') => text,
        (Value::Object(map), _) => {
            let entries = map.iter();
            let entry = |(key, value): (&String, &Value)| {
                format!("{} = {}", Value::from(key.as_str()), toml_text(value))
            };
            format!("{{ {} }}", entries.map(entry).collect::<Vec<_>>().join(", "))
        }
        // JSON's strings and lists are TOML too.
        (other, _) => other.to_string(),
    }
}

/// The comment beside each key of the embedded file, by key; continuation lines joined.
fn comments() -> BTreeMap<String, String> {
    let mut comments = BTreeMap::new();
    let (mut table, mut last) = (String::new(), None::<String>);
    for line in TEXT.lines() {
        let line = line.strip_prefix("# ").filter(|line| is_example(line)).unwrap_or(line);
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            table = format!("{}.", name.0);
            last = None;
        } else if let Some(more) =
            line.trim_start().strip_prefix('#').filter(|_| line.starts_with([' ', '#']))
        {
            if let Some(text) = last.as_ref().and_then(|key| comments.get_mut(key)) {
                append(text, more);
            }
        } else if let Some((key, value)) = line.split_once(" = ") {
            let key = format!("{table}{key}");
            let mut text = String::new();
            if let Some(comment) = comment_of(value) {
                append(&mut text, comment);
            }
            comments.insert(key.clone(), text);
            last = Some(key);
        } else {
            last = None;
        }
    }
    comments
}

/// Whether a commented line is an example of a setting or table, not prose.
fn is_example(line: &str) -> bool {
    let word = line.split([' ', ']']).next().unwrap_or_default();
    let is_key = word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    line.starts_with('[') || is_key && line[word.len()..].starts_with(" = ")
}

/// What follows the value of a line.
fn comment_of(value: &str) -> Option<&str> {
    let mut in_string = false;
    for (at, c) in value.char_indices() {
        match c {
            '"' => in_string = !in_string,
            '#' if !in_string => return Some(&value[at + 1..]),
            _ => {}
        }
    }
    None
}

fn append(text: &mut String, more: &str) {
    let more = more.trim().trim_start_matches("(P)").trim();
    if !text.is_empty() && !more.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is wrong with the comment of a setting: there is none, or it has a range, which is its
    /// parser's.
    fn fault(comments: &BTreeMap<String, String>, setting: &AnnotatedSetting) -> Option<String> {
        let text = comment(comments, &setting.path).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_bound = |word: &str| word.starts_with(|first: char| first.is_ascii_digit());
        let has_range = words.windows(3).any(|w| w[1] == "to" && is_bound(w[0]) && is_bound(w[2]));
        let is_example = setting.path.iter().any(|part| part == "NAME");
        let fault = match (text, has_range) {
            ("", _) if !is_example => "has no comment",
            (_, true) => "repeats its range",
            _ => return None,
        };
        Some(format!("`{}` {fault}", setting.key()))
    }

    #[test]
    fn only_a_table_of_the_users_own_keys_is_open_in_the_schema() {
        let tables = &schema(&crate::resolve::settings())["properties"];
        assert_eq!(tables["branches"]["additionalProperties"], true);
        assert_eq!(tables["cache"]["additionalProperties"], false);
        // `[queries.branches]` is an entry like any other.
        assert_eq!(tables["queries"]["additionalProperties"]["additionalProperties"], false);
    }

    #[test]
    fn every_setting_has_a_comment_and_its_range_is_its_parsers() {
        let (settings, comments) = (crate::resolve::settings(), comments());
        let listed = settings.iter().filter(|setting| is_listed(setting));
        let faults: Vec<String> = listed.filter_map(|setting| fault(&comments, setting)).collect();
        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn mg_a_value_stays_on_one_line_and_is_toml() {
        let table = [
            (json!("a\nb = \"c\"\\\u{1b}"), r#""a\nb = \"c\"\\\u001b""#),
            (json!(["a\nb", "c"]), r#"["a\nb","c"]"#),
            (json!({ "k l": "a\nb", "m": {} }), r#"{ "k l" = "a\nb", "m" = {} }"#),
            (json!(["a", "b"]), r#"["a", "b"]"#),
            (json!({}), "{}"),
        ];
        for (value, expected) in table {
            let text = toml_text(&value);
            assert_eq!(text, expected);
            let read: toml::Table = toml::from_str(&format!("x = {text}")).unwrap();
            assert_eq!(serde_json::to_value(&read["x"]).unwrap(), value);
        }
    }
}
