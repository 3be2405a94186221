//! Settings put into the text of a `hooks.toml`, pure. Everything outside the edited lines stays as it
//! is, byte for byte: comments, order, layout and line ends.

use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value as TomlValue};

use super::diff::keep_lines;
use super::proposal::{Proposal, Setting, Value};

/// The text with the settings in it.
#[derive(Debug, PartialEq)]
pub struct Edited {
    pub text: String,
    /// The keys whose values were replaced.
    pub replaced: Vec<String>,
}

const HEADER: &str = "# Settings of warmstart. `warmstart config show` lists all of them.\n";

/// Puts the proposal into `old`.
///
/// # Errors
/// Why the text has no place for it.
pub fn edit(old: &str, proposal: &Proposal) -> Result<Edited, String> {
    let plain = old.trim_start_matches('\u{feff}').replace("\r\n", "\n");
    let mut document: DocumentMut =
        plain.parse().map_err(|error: toml_edit::TomlError| error.message().to_owned())?;
    let (mut replaced, mut missing) = (Vec::new(), Vec::new());
    for setting in &proposal.settings {
        let Setting { table, key, value } = setting;
        match document.get_mut(table) {
            None => missing.push(setting),
            Some(item) => {
                let table_like = item.as_table_like_mut();
                let entries = table_like.ok_or_else(|| format!("`{table}` is not a table"))?;
                if set(entries, key, value) {
                    replaced.push(format!("{table}.{key}"));
                }
            }
        }
    }
    let text = document.to_string();
    let text = append(text, &new_tables(&missing), &proposal.comments);
    Ok(Edited { text: keep_lines(old, &text), replaced })
}

/// Sets one key; gives whether another value was replaced.
fn set(entries: &mut dyn TableLike, key: &str, value: &Value) -> bool {
    let new = toml_value(value);
    let Some(item) = entries.get_mut(key) else {
        entries.insert(key, Item::Value(new));
        return false;
    };
    match item {
        Item::Value(old) if bare(old) == bare(&new) => false,
        Item::Value(old) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
            true
        }
        other => {
            *other = Item::Value(new);
            true
        }
    }
}

/// The value as text, without the blanks and comments around it.
fn bare(value: &TomlValue) -> String {
    let text: String = value.to_string();
    match value.as_str() {
        Some(content) => content.to_owned(),
        None => text.split_whitespace().collect(),
    }
}

fn toml_value(value: &Value) -> TomlValue {
    let form = |form: &str, text: &str| {
        let mut table = InlineTable::new();
        table.insert(form, text.into());
        TomlValue::InlineTable(table)
    };
    match value {
        Value::Text(text) => text.as_str().into(),
        Value::List(words) => words.iter().map(String::as_str).collect(),
        Value::SecretVariable(name) => form("env", name),
        Value::SecretFile(path) => form("file", path),
    }
}

/// The value in TOML, on one line.
pub fn shown(value: &Value) -> String {
    toml_value(value).to_string()
}

/// The tables that the text does not have.
fn new_tables(settings: &[&Setting]) -> String {
    let mut text = String::new();
    let mut table = "";
    for setting in settings {
        if setting.table != table {
            table = setting.table;
            text.push_str(&format!("\n[{table}]\n"));
        }
        text.push_str(&format!("{} = {}\n", setting.key, shown(&setting.value)));
    }
    text
}

fn append(mut text: String, tables: &str, comments: &[String]) -> String {
    if tables.is_empty() && comments.is_empty() {
        return text;
    }
    if text.trim().is_empty() {
        text = HEADER.to_owned() + &text;
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    text.push_str(tables);
    // Running it twice does not add the same comments again.
    let lines: String = comments.iter().map(|line| format!("# {line}\n")).collect();
    if !lines.is_empty() && !text.contains(&lines) {
        text.push('\n');
        text.push_str(&lines);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(table: &'static str, key: &'static str, value: &str) -> Setting {
        Setting { table, key, value: Value::Text(value.into()) }
    }

    fn proposal(settings: Vec<Setting>) -> Proposal {
        Proposal { settings, ..Proposal::default() }
    }

    fn url() -> Proposal {
        proposal(vec![text("client", "url", "http://new")])
    }

    #[test]
    fn the_edit_and_nothing_else() {
        let new_file = format!("{HEADER}\n[client]\nurl = \"http://new\"\n");
        let table = [
            ("", new_file.as_str(), 0),
            // Without a line end at the end.
            ("version = 1", "version = 1\n\n[client]\nurl = \"http://new\"\n", 0),
            // A table that exists: comments, order and odd layout stay.
            (
                "# a\n[http]  # b\nattempts=2\n\n  [client] # c\nera   =  \"auto\" # d\n# e\n\n[log]\n# f\n",
                "# a\n[http]  # b\nattempts=2\n\n  [client] # c\nera   =  \"auto\" # d\nurl = \"http://new\"\n# e\n\n[log]\n# f\n",
                0,
            ),
            // A value is replaced, its comment stays.
            (
                "[client]\nurl = 'http://old'   # why\nera = \"auto\"\n",
                "[client]\nurl = \"http://new\"   # why\nera = \"auto\"\n",
                1,
            ),
            // Dotted keys and inline tables.
            ("client.era = \"auto\"\n", "client.era = \"auto\"\nclient.url = \"http://new\"\n", 0),
            (
                "client = { era = \"auto\" }\n",
                "client = { era = \"auto\" , url = \"http://new\" }\n",
                0,
            ),
            // It is so already.
            ("[client]\nurl=  'http://new'# x\n", "[client]\nurl=  'http://new'# x\n", 0),
        ];
        for (old, new, replaced) in table {
            let edited = edit(old, &url()).unwrap();
            assert_eq!(edited.text, new);
            assert_eq!(edited.replaced.len(), replaced, "{old}");
            let crlf = old.replace('\n', "\r\n");
            let expected = if old.contains('\n') { new.replace('\n', "\r\n") } else { new.into() };
            assert_eq!(edit(&crlf, &url()).unwrap().text, expected, "CRLF");
            assert_eq!(edit(new, &url()).unwrap().text, new, "a second time");
        }
    }

    #[test]
    fn mixed_line_ends_and_a_byte_order_mark_stay() {
        let old = "\u{feff}a = 1\r\nb = \"\"\"\r\nx\n\"\"\"\n[client]\r\nera = \"auto\"\r\n";
        let edited = edit(old, &url()).unwrap().text;
        assert_eq!(edited, format!("{old}url = \"http://new\"\r\n"));
    }

    #[test]
    fn values_are_escaped() {
        let odd = "a\"b\\c\n\u{1b}";
        let settings = vec![
            text("client", "url", odd),
            Setting {
                table: "client",
                key: "command",
                value: Value::List(vec![odd.into(), "b".into()]),
            },
            Setting { table: "auth", key: "token", value: Value::SecretVariable("T".into()) },
        ];
        let edited = edit("", &proposal(settings)).unwrap().text;
        let read: toml::Table = edited.parse().unwrap();
        assert_eq!(read["client"]["url"].as_str(), Some(odd));
        assert_eq!(read["client"]["command"][0].as_str(), Some(odd));
        assert!(edited.ends_with("\n[auth]\ntoken = { env = \"T\" }\n"), "{edited}");
    }

    #[test]
    fn a_table_of_secrets_is_one_value() {
        let token =
            Setting { table: "auth", key: "token", value: Value::SecretVariable("T".into()) };
        for old in [
            "[auth]\ntoken = {env=\"T\"}\n",
            "[auth]\ntoken = {env=\"U\"}\n",
            "[auth.token]\nenv = \"U\"\n",
        ] {
            let edited = edit(old, &proposal(vec![token.clone()])).unwrap();
            let read: toml::Table = edited.text.parse().unwrap();
            assert_eq!(read["auth"]["token"]["env"].as_str(), Some("T"), "{old}");
            assert_eq!(edited.replaced.is_empty(), old.contains('T'), "{old}");
        }
    }

    #[test]
    fn what_is_not_a_table_is_refused() {
        assert_eq!(edit("client = 1\n", &url()), Err("`client` is not a table".into()));
        assert!(edit("[client\n", &url()).is_err());
    }

    #[test]
    fn comments_are_added_once() {
        let proposal = Proposal { comments: vec!["a".into(), "b".into()], ..Proposal::default() };
        let once = edit("x = 1\n", &proposal).unwrap().text;
        assert_eq!(once, "x = 1\n\n# a\n# b\n");
        assert_eq!(edit(&once, &proposal).unwrap().text, once);
    }
}
