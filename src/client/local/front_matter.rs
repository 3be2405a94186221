//! The front matter of a Markdown file: a block of YAML between two lines `---` at its beginning. Only
//! the forms of task files are read: keys with scalars or simple lists. Every value is text; other YAML
//! (tables in tables, anchors, tags) gives no field.

use serde_json::{Map, Value};

/// More keys are not read.
const MAX_KEYS: usize = 200;

/// The fields; `None` without a complete block.
pub fn read(text: &str) -> Option<Map<String, Value>> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines();
    lines.next().filter(|line| line.trim_end() == "---")?;
    let mut block = Vec::new();
    for line in lines {
        if matches!(line.trim_end(), "---" | "...") {
            return Some(fields(&block));
        }
        block.push(line);
    }
    None
}

/// A key begins a line; the lines up to the next key belong to its value.
fn fields(block: &[&str]) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut lines = block;
    while let [line, rest @ ..] = lines {
        let length = rest.iter().take_while(|line| is_continuation(line)).count();
        let (value, next) = rest.split_at(length);
        if let Some((key, first)) = key_of(line).filter(|_| fields.len() < MAX_KEYS) {
            fields.insert(key, self::value(first, value));
        }
        lines = next;
    }
    fields
}

/// Lists may begin at the same column as their key.
fn is_continuation(line: &str) -> bool {
    line.is_empty() || line.starts_with([' ', '\t']) || item_of(line).is_some()
}

/// `key: rest`, the key plain or in quotation marks.
fn key_of(line: &str) -> Option<(String, &str)> {
    let (key, rest) = line.split_once(':')?;
    let is_key = rest.is_empty() || rest.starts_with([' ', '\t']);
    let key = key.trim().trim_matches(['"', '\'']);
    (is_key && !key.is_empty() && !key.starts_with('#')).then(|| (key.to_owned(), rest.trim()))
}

fn value(first: &str, more: &[&str]) -> Value {
    match first.chars().next() {
        Some(style @ ('>' | '|')) => block_text(style == '>', more).into(),
        Some('[') => flow_list(&joined(first, more)),
        None | Some('#') if more.iter().any(|line| item_of(line.trim_start()).is_some()) => {
            let items = more.iter().filter_map(|line| item_of(line.trim_start()));
            items.map(scalar).collect()
        }
        _ => scalar(&joined(first, more)),
    }
}

/// The rest of `- rest`.
fn item_of(line: &str) -> Option<&str> {
    match line.strip_prefix('-')? {
        "" => Some(""),
        rest => rest.strip_prefix([' ', '\t']).map(str::trim),
    }
}

/// The text of a value that continues on further lines.
fn joined(first: &str, more: &[&str]) -> String {
    let lines = more.iter().map(|line| line.trim()).filter(|line| !line.is_empty());
    [first].into_iter().filter(|line| !line.is_empty()).chain(lines).collect::<Vec<_>>().join(" ")
}

/// `>` joins the lines by blanks, `|` keeps them.
fn block_text(is_folded: bool, lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(if is_folded { " " } else { "\n" }).trim().to_owned()
}

/// `[a, "b, c"]`; commas in quotation marks separate nothing.
fn flow_list(text: &str) -> Value {
    let inner = text.trim_start_matches('[');
    let mut items = Vec::new();
    let mut rest = inner.rsplit_once(']').map_or(inner, |(inner, _)| inner);
    while !rest.trim().is_empty() {
        let end = end_of_item(rest);
        items.push(scalar(rest[..end].trim()));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    items.into()
}

fn end_of_item(text: &str) -> usize {
    let mut quote = None;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (None, ',') => return index,
            (None, '"' | '\'') if text[..index].trim().is_empty() => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    text.len()
}

fn scalar(text: &str) -> Value {
    match text.chars().next() {
        Some('\'') => single_quoted(&text[1..]).into(),
        Some('"') => double_quoted(&text[1..]).into(),
        Some('{' | '&' | '*' | '!') => Value::Null,
        _ => match without_comment(text) {
            "" | "~" | "null" => Value::Null,
            plain => plain.into(),
        },
    }
}

/// A comment begins with `#` after a blank.
fn without_comment(text: &str) -> &str {
    let comment = if text.starts_with('#') { Some(0) } else { text.find(" #") };
    text[..comment.unwrap_or(text.len())].trim()
}

/// A doubled mark is one mark.
fn single_quoted(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\'' && characters.next_if_eq(&'\'').is_none() {
            break;
        }
        plain.push(character);
    }
    plain
}

fn double_quoted(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => plain.extend(escaped(&mut characters)),
            other => plain.push(other),
        }
    }
    plain
}

/// The character of an escape whose backslash was read.
fn escaped(characters: &mut std::str::Chars<'_>) -> Option<char> {
    let digits = match characters.next()? {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        other => return Some(other),
    };
    let code: String = characters.by_ref().take(digits).collect();
    u32::from_str_radix(&code, 16).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(text: &str) -> Value {
        read(text).map_or(Value::Null, Value::Object)
    }

    /// As Backlog.md 1.52.0 writes it.
    #[test]
    fn scalars_and_lists_of_a_task_file() {
        let text = "---\nid: TASK-1\ntitle: 'First: with colon \"quoted\" & ''single'' # hash'\n\
            status: In Progress\nassignee:\n  - '@me'\n  - \"@you\"\ncreated_date: '2026-11-24 12:28'\n\
            labels: []\ndependencies: [a, 'b, c', \"d\"]\nlong: >-\n  one line that\n  continues\n\
            keep: |\n  two\n  lines\nordinal: 1000\nnothing: null\nempty:\n---\ntitle: not this\n";
        let expected = json!({ "id": "TASK-1",
            "title": "First: with colon \"quoted\" & 'single' # hash", "status": "In Progress",
            "assignee": ["@me", "@you"], "created_date": "2026-11-24 12:28", "labels": [],
            "dependencies": ["a", "b, c", "d"], "long": "one line that continues",
            "keep": "two\nlines", "ordinal": "1000", "nothing": null, "empty": null });
        assert_eq!(fields(text), expected);
    }

    #[test]
    fn other_writers_of_yaml() {
        let table = [
            ("title: plain # a comment", json!("plain")),
            ("title: a#b", json!("a#b")),
            ("title: plain text that\n  continues", json!("plain text that continues")),
            ("title: 'quoted that\n  continues'", json!("quoted that continues")),
            (r#"title: "\u00fc \U0001F389 \x41 \\ \" \n.""#, json!("ü 🎉 A \\ \" \n.")),
            ("\"title\": x", json!("x")),
            ("title:\n- a\n- b", json!(["a", "b"])),
            ("title: [a,\n  b]", json!(["a", "b"])),
            ("title: {a: 1}", json!(null)),
            ("title: &anchor x", json!(null)),
            ("title:\n  inner: x", json!("inner: x")),
            ("title: 'not closed", json!("not closed")),
            ("title: \"\\uD800\\", json!("")),
        ];
        for (block, expected) in table {
            let text = format!("\u{feff}---\r\n{}\r\n---\r\n", block.replace('\n', "\r\n"));
            assert_eq!(fields(&text)["title"], expected, "{block}");
        }
    }

    #[test]
    fn an_incomplete_block_is_none() {
        for text in ["", "title: x", "---", "---\ntitle: x\n", "# Title\n---\ntitle: x\n---\n"] {
            assert_eq!(read(text), None, "{text}");
        }
        let many: String = (0..1000).map(|n| format!("k{n}: v\n")).collect();
        assert_eq!(read(&format!("---\n{many}---\n")).unwrap().len(), MAX_KEYS);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_within_bounds(block in "([a-z\u{fc}:'\"\\\\,#>|\\[\\]{}&*! \t-]{0,12}\n){0,40}") {
            let length = read(&format!("---\n{block}---\n")).map_or(0, |fields| fields.len());
            proptest::prop_assert!(length <= MAX_KEYS);
        }
    }
}
