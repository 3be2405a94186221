//! The layout of a JSON text, and new values written in it.

use super::json::Node;

/// A new value; unlike that of `serde_json`, its members keep their order.
#[derive(Clone, Debug)]
pub enum Json {
    Object(Vec<(&'static str, Json)>),
    Array(Vec<Json>),
    Text(String),
    Number(u64),
}

impl Json {
    pub fn text(text: impl Into<String>) -> Self {
        Json::Text(text.into())
    }
}

/// How a text is laid out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Style {
    pub newline: &'static str,
    /// One level of indentation.
    unit: String,
    /// Between a key and its value.
    colon: String,
    /// Whether the whole document is on one line.
    pub is_one_line: bool,
}

impl Style {
    /// That of a new file.
    pub fn of_new_file() -> Self {
        Style { newline: "\n", unit: "  ".into(), colon: ": ".into(), is_one_line: false }
    }

    /// The style of `text`, whose value is `root`.
    pub fn of(text: &str, root: &Node) -> Self {
        let inside = &text[root.range.clone()];
        let first = root.members().first();
        let colon = first.map(|member| &text[member.name.end..member.value.range.start]);
        let colon = colon.filter(|colon| !colon.contains(['\n', '\r'])).unwrap_or(": ");
        let unit = first.and_then(|member| own_line_indentation(text, member.name.start));
        let windows = text.matches("\r\n").count();
        let has_windows_ends = windows * 2 > text.matches('\n').count();
        Style {
            newline: if has_windows_ends { "\r\n" } else { "\n" },
            unit: unit.filter(|unit| !unit.is_empty()).unwrap_or("  ").to_owned(),
            colon: colon.to_owned(),
            is_one_line: first.is_some() && !inside.contains('\n'),
        }
    }

    /// The indentation one level below `indentation`.
    pub fn deeper(&self, indentation: &str) -> String {
        format!("{indentation}{}", self.unit)
    }

    /// Between two values of a line.
    pub fn comma(&self) -> &'static str {
        if self.colon.ends_with(' ') { ", " } else { "," }
    }

    /// The value on several lines, the first one at `indentation`; lists of plain values on one.
    pub fn lines(&self, value: &Json, indentation: &str) -> String {
        let inner = self.deeper(indentation);
        let items: Vec<String> = match value {
            Json::Object(members) => members
                .iter()
                .map(|(key, value)| self.member(key, &self.lines(value, &inner)))
                .collect(),
            Json::Array(elements) if elements.iter().any(is_container) => {
                elements.iter().map(|value| self.lines(value, &inner)).collect()
            }
            _ => return self.line(value),
        };
        let (open, close) = brackets(value);
        let newline = self.newline;
        let separator = format!(",{newline}{inner}");
        format!("{open}{newline}{inner}{}{newline}{indentation}{close}", items.join(&separator))
    }

    /// The value on one line.
    pub fn line(&self, value: &Json) -> String {
        let items: Vec<String> = match value {
            Json::Text(text) => return quoted(text),
            Json::Number(number) => return number.to_string(),
            Json::Object(members) => {
                members.iter().map(|(key, value)| self.member(key, &self.line(value))).collect()
            }
            Json::Array(elements) => elements.iter().map(|value| self.line(value)).collect(),
        };
        let (open, close) = brackets(value);
        format!("{open}{}{close}", items.join(self.comma()))
    }

    /// A member, its value already written.
    pub fn member(&self, key: &str, value: &str) -> String {
        format!("{}{}{value}", quoted(key), self.colon)
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn is_container(value: &Json) -> bool {
    matches!(value, Json::Object(_) | Json::Array(_))
}

fn brackets(value: &Json) -> (char, char) {
    if matches!(value, Json::Array(_)) { ('[', ']') } else { ('{', '}') }
}

/// The blanks before `at`, if nothing else is before it on its line and it is not on the first.
pub fn own_line_indentation(text: &str, at: usize) -> Option<&str> {
    let start = text[..at].rfind('\n')? + 1;
    let before = &text[start..at];
    before.chars().all(|c| c == ' ' || c == '\t').then_some(before)
}

/// The blanks at the begin of the line of `at`.
pub fn line_indentation(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
    let line = &text[start..at];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}
