//! The domain: tasks, the named queries that ask for them, and answers.
//! Pure values; knows neither servers nor files.

mod explanation;
mod reading;
mod words;

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use explanation::Explanation;
pub use reading::{Field, FieldMap, Found, Paging, Pointer, Reading};
pub use words::{Numbers, Rank, State, Vocabulary, folded};

/// One task. Only fields that are shown or sorted by are typed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    pub title: String,
    /// The server's own word; `state` is its meaning.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// The server's own word; `rank` is its meaning.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub priority: String,
    #[serde(default)]
    pub state: State,
    #[serde(default)]
    pub rank: Rank,
    /// Orders tasks of one rank by a number of the server; smaller first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub order: i64,
    /// The other fields that `context.fields` may name, as text (lists joined by ", ").
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub more: Map<String, Value>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Task {
    /// Reads one task in the common form; `None` if it has no title.
    #[must_use]
    pub fn read(value: &Value) -> Option<Self> {
        FieldMap::default().read(Found { value, key: None }, &Vocabulary::default())
    }

    /// Cuts every field to `chars` characters.
    pub fn shorten(&mut self, chars: usize) {
        for field in [&mut self.id, &mut self.title, &mut self.status, &mut self.priority] {
            *field = reading::shortened(field, chars);
        }
        for field in self.more.values_mut() {
            *field = reading::shortened(field.as_str().unwrap_or_default(), chars).into();
        }
    }
}

/// The order of every list of tasks that is shown: most important first, and what was begun before
/// what was not. To be used with a stable sort: otherwise the server's order holds.
#[must_use]
pub fn by_importance(left: &Task, right: &Task) -> Ordering {
    let key = |task: &Task| (task.rank, task.order, task.state != State::InProgress);
    key(left).cmp(&key(right))
}

/// Characters kept of one field: more can never be shown, and the cache entry stays small.
const MAX_FIELD_CHARS: usize = 500;

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

/// What is known of the open tasks that are not in a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rest {
    /// The list is complete.
    #[default]
    Nothing,
    /// So many more.
    Known(usize),
    /// At least so many more; the source did not give the number of all.
    AtLeast(usize),
}

impl Rest {
    /// Both remainders together.
    #[must_use]
    pub fn and(self, other: Rest) -> Rest {
        match (self, other) {
            (Rest::Nothing, rest) | (rest, Rest::Nothing) => rest,
            (Rest::Known(a), Rest::Known(b)) => Rest::Known(a.saturating_add(b)),
            (Rest::Known(a) | Rest::AtLeast(a), Rest::Known(b) | Rest::AtLeast(b)) => {
                Rest::AtLeast(a.saturating_add(b))
            }
        }
    }

    /// A known number of further tasks.
    #[must_use]
    pub fn of(number: usize) -> Rest {
        if number == 0 { Rest::Nothing } else { Rest::Known(number) }
    }

    /// `3 more`, `possibly more`; nothing for a complete list.
    #[must_use]
    pub fn text(self) -> Option<String> {
        /// A source may claim any number.
        const MAX_MORE: usize = 9_999_999;
        match self {
            Rest::Nothing => None,
            Rest::Known(number) => Some(format!("{} more", number.min(MAX_MORE))),
            Rest::AtLeast(0) => Some("possibly more".into()),
            Rest::AtLeast(number) => Some(format!("at least {} more", number.min(MAX_MORE))),
        }
    }
}

/// The open tasks of a source, most important first, cut to the most that can be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tasks {
    pub list: Vec<Task>,
    /// What the list lacks.
    #[serde(default)]
    pub rest: Rest,
    /// Elements of the answer that have no title, and so could not be read.
    #[serde(default)]
    pub unread: usize,
    /// How it was read, where it has just been.
    #[serde(skip)]
    pub explanation: Option<Box<Explanation>>,
}

/// More tasks than this are never shown.
const MAX_TASKS: usize = 100;

impl Tasks {
    /// The open ones of `tasks`, sorted before they are cut; `rest` is what the source did not send.
    #[must_use]
    pub fn new(tasks: impl IntoIterator<Item = Task>, rest: Rest, unread: usize) -> Self {
        let mut list: Vec<Task> = tasks.into_iter().filter(|task| task.state.is_open()).collect();
        list.sort_by(by_importance);
        let mut tasks = Tasks { list, rest, unread, explanation: None };
        tasks.cut(MAX_TASKS);
        tasks
    }

    /// Keeps the first `limit`, and counts the others.
    pub fn cut(&mut self, limit: usize) {
        let hidden = self.list.len().saturating_sub(limit);
        self.list.truncate(limit);
        self.rest = self.rest.and(Rest::of(hidden));
    }

    /// What a reader has to know of the tasks that are not shown, a line each; the last `hidden` of the
    /// list are not.
    #[must_use]
    pub fn remarks(&self, hidden: usize) -> Vec<String> {
        let unread = match self.unread {
            0 => None,
            1 => Some("1 entry without a title".into()),
            number => Some(format!("{number} entries without a title")),
        };
        self.rest.and(Rest::of(hidden)).text().into_iter().chain(unread).collect()
    }

    /// Whether it is understood that there is no open task.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.list.is_empty() && self.rest == Rest::Nothing && self.unread == 0
    }

    /// The number of all open tasks, if it is known.
    #[must_use]
    pub fn total(&self) -> Option<usize> {
        match self.rest {
            Rest::Nothing if self.unread == 0 => Some(self.list.len()),
            Rest::Known(more) if self.unread == 0 => Some(self.list.len().saturating_add(more)),
            _ => None,
        }
    }
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
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Its name in `[queries.NAME]`.
    pub name: String,
    pub tool: String,
    pub arguments: Map<String, Value>,
    /// The path of the request at a REST server that has paths of its own; else empty.
    pub path: String,
    /// Only then may it be retried, kept or primed.
    pub read_only: bool,
    pub answer: AnswerKind,
    /// How its answer is read.
    pub reading: Arc<Reading>,
    /// How long an answer counts as fresh.
    pub ttl: Duration,
}
