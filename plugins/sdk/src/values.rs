//! The values in requests and replies. Unknown fields of a request are ignored, so a plugin
//! continues to work with a newer host.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One task. Only `title` is required; the host strips control characters and cuts long texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Task {
    /// The source's identifier; may be empty.
    pub id: String,
    /// One line.
    pub title: String,
    /// Free text, such as `todo`, `in_progress`, `blocked`; empty when unknown.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub status: String,
    /// Free text, such as `urgent`, `high`, `medium`, `low`; empty when unknown.
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

/// A query for a client, from `[queries.NAME]`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default)]
pub struct Query {
    /// `tasks`, `next`, or another name from the configuration.
    pub name: String,
    /// The tool that a task server would be called with.
    pub tool: String,
    /// Its arguments, placeholders filled in.
    pub arguments: Map<String, Value>,
    /// The maximum number of tasks.
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Query { name: "tasks".into(), tool: String::new(), arguments: Map::new(), limit: 20 }
    }
}

/// Why the request failed.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Failure {
    /// `config`, `auth`, `unavailable`, `protocol`, `cache`, `plugin`, `trust` or `bug`; later
    /// hosts may have more.
    pub class: String,
    /// The host's code, such as `WS302`.
    pub code: String,
    /// Human-readable.
    pub message: String,
}

/// The cached answer to the query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Cache {
    /// Its freshness.
    pub state: CacheState,
    /// Its age in seconds, if there is one.
    pub age_s: Option<u64>,
}

impl Cache {
    /// Whether the entry may be shown.
    #[must_use]
    pub fn is_usable(self) -> bool {
        matches!(self.state, CacheState::Fresh | CacheState::Stale)
    }
}

/// The freshness of a cached answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheState {
    /// There is none.
    #[default]
    Absent,
    /// Within the query's `ttl`.
    Fresh,
    /// Older than that, but may still be shown.
    Stale,
    /// Too old to be shown.
    Expired,
}

/// A strategy's answer before the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    /// Show the cached answer and make no request.
    Cached,
    /// Show it, and renew it in the background.
    CachedThenRefresh,
}

/// A strategy's answer after a failure.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// Show the cached answer if there is a usable one; otherwise the next step runs.
    Cached,
    /// Query the client of that name (`[clients.NAME]`).
    Ask(String),
    /// Show these tasks. They are never cached.
    Substitute(Vec<Task>),
    /// Start the session without the tasks.
    Skip,
    /// End the run with exit code 1.
    Fail,
    /// Continue with the next step of the chain.
    Decline,
}

/// The start of a session, as passed to a hook.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Session {
    /// `startup`, `resume`, `clear`, `compact` or `fork`.
    pub source: String,
    /// The agent's identifier of the session.
    pub session_id: Option<String>,
    /// The folder in which the session was started.
    pub cwd: Option<PathBuf>,
    /// Tasks that are known without a request to a server.
    pub tasks: Vec<Task>,
}

/// A section of text for the session's context.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Section {
    /// One short line; may be empty.
    pub title: String,
    /// Plain text. The same state must give the same bytes, so no clock and no random order.
    pub body: String,
    /// Higher ones come first; text beyond the size limit is cut at the end.
    pub priority: i32,
}

impl Section {
    /// A section with priority 0.
    #[must_use]
    pub fn new(title: impl Into<String>, body: impl Into<String>) -> Self {
        Section { title: title.into(), body: body.into(), priority: 0 }
    }
}
