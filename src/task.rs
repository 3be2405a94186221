//! The domain: tasks, the named queries that ask for them, and answers.
//! Pure values; knows neither servers nor files.

use std::cmp::Ordering;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::text::masked;

/// One task of a server. Only fields that are shown or sorted by are typed; unknown values of status
/// and priority are kept unchanged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub priority: String,
    /// The other fields that `context.fields` may name, as text (lists joined by ", ").
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub more: Map<String, Value>,
}

impl Task {
    /// Reads one task, tolerant of scalars and lists; `None` if it has neither a title nor an id.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        let text = |name: &str| object.get(name).and_then(scalar).unwrap_or_default();
        let id = text("id");
        let title = Some(text("title")).filter(|title| !title.is_empty()).unwrap_or_else(|| {
            Some(text("name")).filter(|name| !name.is_empty()).unwrap_or_else(|| id.clone())
        });
        if title.is_empty() {
            return None;
        }
        let typed = ["id", "title", "status", "priority"];
        let more = object.iter().filter(|(name, _)| !typed.contains(&name.as_str()));
        let more = more
            .filter_map(|(name, value)| Some((masked(name).into_owned(), scalar(value)?.into())));
        Some(Task {
            id,
            title,
            status: text("status"),
            priority: text("priority"),
            more: more.collect(),
        })
    }
}

impl Task {
    /// Cuts every field to `chars` characters.
    pub fn shorten(&mut self, chars: usize) {
        for field in [&mut self.id, &mut self.title, &mut self.status, &mut self.priority] {
            *field = shortened(field, chars);
        }
        for field in self.more.values_mut() {
            *field = shortened(field.as_str().unwrap_or_default(), chars).into();
        }
    }
}

/// The order of every list of tasks that is shown: most important first; ties by id, shorter numbers
/// first, so that the order never depends on the server's.
#[must_use]
pub fn by_importance(left: &Task, right: &Task) -> Ordering {
    let key = |task: &Task| {
        let is_waiting = task.status != "in_progress";
        (rank(&task.priority), is_waiting, task.id.len())
    };
    key(left).cmp(&key(right)).then_with(|| (&left.id, &left.title).cmp(&(&right.id, &right.title)))
}

fn rank(priority: &str) -> u8 {
    match priority.to_ascii_lowercase().as_str() {
        "critical" | "urgent" | "highest" => 0,
        "high" => 1,
        "medium" | "normal" => 2,
        "low" | "lowest" => 4,
        _ => 3,
    }
}

/// Characters kept of one field: more can never be shown, and the cache entry stays small.
const MAX_FIELD_CHARS: usize = 500;

/// A field as text: strings, numbers, booleans, and lists of those joined by ", ".
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(value) => Some(shortened(&masked(value), MAX_FIELD_CHARS)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(list) => Some(joined(list)),
        Value::Null | Value::Object(_) => None,
    }
}

/// The elements that are fields, as far as the result can be kept.
fn joined(list: &[Value]) -> String {
    let mut text = String::new();
    for element in list.iter().filter_map(scalar) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&element);
        // Each character has at most four bytes.
        if text.len() > 4 * MAX_FIELD_CHARS {
            break;
        }
    }
    shortened(&text, MAX_FIELD_CHARS)
}

fn shortened(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// The form that a query's answer is read in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnswerKind {
    #[default]
    Tasks,
    Text,
}

/// An understood answer of a source of tasks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Possibly empty: an understood empty list is an answer.
    Tasks(Tasks),
    Text(String),
}

/// A list of tasks, cut to the most that can be shown; `total` is their number at the source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tasks {
    pub list: Vec<Task>,
    pub total: usize,
}

impl Answer {
    /// The tasks, if it is a list of them.
    #[must_use]
    pub fn tasks(&self) -> Option<&Tasks> {
        match self {
            Answer::Tasks(tasks) => Some(tasks),
            Answer::Text(_) => None,
        }
    }
}

/// A named question to a source of tasks, its placeholders filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// Its name in `[queries.NAME]`.
    pub name: String,
    pub tool: String,
    pub arguments: Map<String, Value>,
    /// JSON pointers into the answer; the first that exists leads to the tasks.
    pub items: Vec<String>,
    /// Only then may it be retried, kept or primed.
    pub read_only: bool,
    pub answer: AnswerKind,
    /// How long an answer counts as fresh.
    pub ttl: Duration,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mb_a_field_is_cut_also_when_it_is_a_list() {
        let long = "漢".repeat(2 * MAX_FIELD_CHARS);
        let words = vec!["word"; 100_000];
        for value in [json!(long), json!([long, long]), json!(words), json!([[words]])] {
            let text = scalar(&value).unwrap();
            assert_eq!(text.chars().count(), MAX_FIELD_CHARS);
        }
        assert_eq!(scalar(&json!(["a", null, 1, ["b", true]])).unwrap(), "a, 1, b, true");
        assert_eq!(scalar(&json!([])).unwrap(), "");
    }
}
