//! What requests carry and replies are made of. Unknown fields of a request are ignored, so a plugin
//! goes on working with a newer host.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One task. Only `title` is needed; the host strips control characters and cuts long texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// The source's own name for it; may be empty.
    pub id: String,
    /// One line.
    pub title: String,
    /// `todo`, `in_progress`, `blocked`, …: any word; empty when unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// `urgent`, `high`, `medium`, `low`, …: any word; empty when unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub priority: String,
    /// Other fields, for `context.fields`: scalars, or lists of them.
    #[serde(flatten)]
    pub more: Map<String, Value>,
}

impl Task {
    /// A task with a title and nothing else.
    #[must_use]
    pub fn titled(title: impl Into<String>) -> Self {
        Task { title: title.into(), ..Task::default() }
    }
}

/// What is asked of a client, as the user wrote it in `[queries.NAME]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Query {
    /// `tasks`, `next`, or a name of the user's own.
    pub name: String,
    /// The tool that a task server would be asked for.
    pub tool: String,
    /// Its arguments, placeholders filled in.
    pub arguments: Map<String, Value>,
    /// How many tasks are wanted at the most.
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Query { name: "tasks".into(), tool: String::new(), arguments: Map::new(), limit: 20 }
    }
}

/// Why the request before failed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// `config`, `auth`, `unavailable`, `protocol`, `cache`, `plugin`, `trust` or `bug`; later
    /// hosts may know more words.
    pub class: String,
    /// The host's code, such as `WS302`.
    pub code: String,
    /// For people.
    pub message: String,
}

/// What the cache holds for the query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Cache {
    /// What its age makes of the entry.
    pub state: CacheState,
    /// Seconds since the answer was given, if there is one.
    pub age_s: Option<u64>,
}

impl Cache {
    /// Whether the entry may be shown.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self.state, CacheState::Fresh | CacheState::Stale)
    }
}

/// What the age of a cached answer makes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheState {
    /// Nothing is there.
    #[default]
    Absent,
    /// Within the query's `ttl`.
    Fresh,
    /// Older than that, and still allowed to be shown.
    Stale,
    /// Too old to be shown.
    Expired,
}

/// What a strategy answers before the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// Show the cached answer and do not ask.
    Cached,
    /// Show it, and renew it in the background.
    CachedThenRefresh,
}

/// What a strategy answers after a failure.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Show the cached answer, if there is a usable one; else the next step is asked.
    Cached,
    /// Ask the client of that name (`[clients.NAME]`).
    Ask(String),
    /// Show these tasks. They are never cached.
    Substitute(Vec<Task>),
    /// Begin the session without the tasks.
    Skip,
    /// End the run with exit code 1.
    Fail,
    /// Leave it to the next step of the chain.
    Decline,
}

/// The start of a session, as a hook sees it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Session {
    /// `startup`, `resume`, `clear`, `compact` or `fork`.
    pub source: String,
    /// The host's name for the session.
    pub session_id: Option<String>,
    /// The folder that the session was started in.
    pub cwd: Option<PathBuf>,
    /// Tasks that are known without asking a server.
    pub tasks: Vec<Task>,
}

/// A piece of text for the context of the session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// One short line; may be empty.
    pub title: String,
    /// Plain text. The same state must give the same bytes, so no clock and no random order.
    pub body: String,
    /// Higher ones come first; what does not fit is cut at the end.
    pub priority: i32,
}

impl Section {
    /// A section of ordinary priority.
    #[must_use]
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Section { title: title.into(), body: body.into(), priority: 0 }
    }
}
