//! Requests to a plugin and the parsing of its replies. Strict about fields that decide something,
//! tolerant of unknown ones, which a later version may add. Pure.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fault::{Fault, FaultKind, REPORT_IT};
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::secret::Secret;
use crate::task::{Rest, Task, Tasks};
use crate::text;

/// Bytes of a request.
pub const MAX_REQUEST_BYTES: usize = 256 << 10;
const MAX_MESSAGE_CHARS: usize = 300;
const MAX_SECTIONS: usize = 20;
const MAX_SECTION_CHARS: usize = 20_000;

/// A request without the plugin's name and settings.
#[derive(Clone, Debug)]
pub struct PluginRequest {
    /// `describe`, `pending_tasks`, `before`, `after_failure` or `session_start`.
    pub op: String,
    /// The item of the library.
    pub item: String,
    /// The fields of this op.
    pub fields: Map<String, Value>,
    /// For a client that requested it.
    pub token: Option<Secret>,
}

impl PluginRequest {
    /// A request with these fields; anything but an object counts as none.
    #[must_use]
    pub fn new(op: &str, item: &str, fields: Value) -> Self {
        let fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        PluginRequest { op: op.to_owned(), item: item.to_owned(), fields, token: None }
    }

    /// The request for the plugin's description.
    #[must_use]
    pub fn describe() -> Self {
        PluginRequest::new("describe", "", Value::Null)
    }

    /// The request as it is sent.
    #[must_use]
    pub fn to_json(
        &self,
        plugin: &str,
        config: &Map<String, Value>,
        root: &str,
        limit: Deadline,
    ) -> Value {
        let common = json!({
            "op": self.op,
            "plugin": plugin,
            "name": self.item,
            "config": config,
            "root": root,
            "deadline_ms": u64::try_from(limit.remaining().as_millis()).unwrap_or(u64::MAX),
        });
        let Value::Object(mut request) = common else { return common };
        // The request of `plugin call` may have a `config` of its own.
        request.extend(self.fields.clone());
        if let Some(token) = &self.token {
            request.insert("bearer_token".into(), token.expose().into());
        }
        Value::Object(request)
    }
}

/// An error that the plugin reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginError {
    pub kind: PluginErrorKind,
    pub message: String,
    pub retry_after: Option<Duration>,
}

/// The kinds of the SDK's errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PluginErrorKind {
    NotSupported,
    NotFound,
    Unavailable,
    Auth,
    Config,
    Internal,
    Panic,
}

impl PluginErrorKind {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "not_supported" => PluginErrorKind::NotSupported,
            "not_found" => PluginErrorKind::NotFound,
            "unavailable" => PluginErrorKind::Unavailable,
            "auth" => PluginErrorKind::Auth,
            "config" => PluginErrorKind::Config,
            "internal" => PluginErrorKind::Internal,
            "panic" => PluginErrorKind::Panic,
            _ => return None,
        })
    }

    /// Whether the plugin is not called again in this run.
    #[must_use]
    pub const fn is_faulty(self) -> bool {
        matches!(self, PluginErrorKind::Internal | PluginErrorKind::Panic)
    }
}

impl PluginError {
    /// The error as a failure of the plugin `name`; its kind decides the class.
    #[must_use]
    pub fn failure(&self, name: &str) -> Failure {
        let (code, verb) = match self.kind {
            PluginErrorKind::Auth => (Code::TokenRefused, "was refused"),
            PluginErrorKind::Config => (Code::ConfigValue, "has an invalid setting"),
            PluginErrorKind::Unavailable => (Code::PluginUnavailable, "cannot answer now"),
            PluginErrorKind::NotSupported | PluginErrorKind::NotFound => {
                (Code::PluginUnavailable, "has no answer")
            }
            PluginErrorKind::Internal => (Code::PluginFailed, "failed"),
            PluginErrorKind::Panic => (Code::PluginFailed, "panicked"),
        };
        let mut failure =
            Failure::new(code, format!("the plugin `{name}` {verb}: {}", self.message));
        failure.retry_after = self.retry_after;
        match self.kind {
            PluginErrorKind::Config => {
                failure.hint(format!("correct `[plugins.{name}.config]` in your hooks.toml"))
            }
            kind if kind.is_faulty() => failure.hint(REPORT_IT),
            _ => failure,
        }
    }
}

/// Reads `{"ok": {…}}` or `{"error": {…}}`.
///
/// # Errors
/// When it is neither, or has an unknown kind of error.
pub fn read_reply(reply: Value) -> Result<Result<Value, PluginError>, Fault> {
    let Value::Object(mut reply) = reply else {
        return Err(invalid("replied with JSON that is not an object"));
    };
    if let Some(ok) = reply.remove("ok") {
        return if ok.is_object() {
            Ok(Ok(ok))
        } else {
            Err(invalid("replied with an `ok` that is not an object"))
        };
    }
    let Some(error) = reply.remove("error") else {
        return Err(invalid("replied neither `ok` nor `error`"));
    };
    let word = error.get("kind").and_then(Value::as_str).unwrap_or_default();
    let kind = PluginErrorKind::of(word)
        .ok_or_else(|| invalid(format!("reported the unknown error kind `{}`", plain(word))))?;
    let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
    let wait = error.get("retry_after_ms").and_then(Value::as_u64).map(Duration::from_millis);
    Ok(Err(PluginError { kind, message: plain(message), retry_after: wait }))
}

/// The reply with known secrets masked in every text: a plugin may know a token, and its tasks and
/// sections are cached and shown to the model.
#[must_use]
pub fn masked(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text::masked(&text).into_owned()),
        Value::Array(list) => list.into_iter().map(masked).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(key, value)| (key, masked(value))).collect()
        }
        other => other,
    }
}

/// A strategy's decision.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    Cached,
    CachedThenRefresh,
    Ask(String),
    Substitute(Tasks),
    Skip,
    Fail,
    Decline,
}

impl Decision {
    /// As in the reply.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Decision::Cached => "cached",
            Decision::CachedThenRefresh => "cached_then_refresh",
            Decision::Ask(_) => "ask",
            Decision::Substitute(_) => "substitute",
            Decision::Skip => "skip",
            Decision::Fail => "fail",
            Decision::Decline => "decline",
        }
    }
}

/// Reads `{"decision": "…"}`.
///
/// # Errors
/// When the decision is missing or unknown, or one of its fields is missing.
pub fn read_decision(ok: &Value) -> Result<Decision, Fault> {
    let word = ok.get("decision").and_then(Value::as_str);
    Ok(match word.ok_or_else(|| invalid("replied without a `decision`"))? {
        "cached" => Decision::Cached,
        "cached_then_refresh" => Decision::CachedThenRefresh,
        "skip" => Decision::Skip,
        "fail" => Decision::Fail,
        "decline" => Decision::Decline,
        "substitute" => Decision::Substitute(read_tasks(ok)?),
        "ask" => match ok.get("client").and_then(Value::as_str) {
            Some(client) => Decision::Ask(plain(client)),
            None => return Err(invalid("decided `ask`, but named no `client`")),
        },
        other => return Err(invalid(format!("made the unknown decision `{}`", plain(other)))),
    })
}

/// Reads `{"tasks": […]}`; entries without a title are counted.
///
/// # Errors
/// When there is no such list.
pub fn read_tasks(ok: &Value) -> Result<Tasks, Fault> {
    let list = ok.get("tasks").and_then(Value::as_array);
    let list = list.ok_or_else(|| invalid("replied without a list of `tasks`"))?;
    let tasks: Vec<Task> = list.iter().filter_map(Task::read).collect();
    let unread = list.len() - tasks.len();
    Ok(Tasks::new(tasks, Rest::Nothing, unread))
}

/// A section of text for the context, unsanitised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub body: String,
}

/// Reads `{"sections": […]}`, the more important ones first.
///
/// # Errors
/// When there is no such list.
pub fn read_sections(ok: &Value) -> Result<Vec<Section>, Fault> {
    let list = ok.get("sections").and_then(Value::as_array);
    let list = list.ok_or_else(|| invalid("replied without a list of `sections`"))?;
    let text = |section: &Value, key: &str| {
        let text = section.get(key).and_then(Value::as_str).unwrap_or_default();
        text.chars().take(MAX_SECTION_CHARS).collect::<String>()
    };
    let rank = |section: &&Value| {
        // `i64::MIN` has no positive counterpart.
        -section.get("priority").and_then(Value::as_i64).unwrap_or(0).max(-i64::MAX)
    };
    let mut sorted: Vec<&Value> = list.iter().collect();
    sorted.sort_by_key(rank);
    let sections = sorted
        .iter()
        .map(|section| Section { title: text(section, "title"), body: text(section, "body") });
    Ok(sections.filter(|section| !section.body.trim().is_empty()).take(MAX_SECTIONS).collect())
}

fn invalid(text: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Reply, text)
}

/// Text of a plugin for a message or a log line.
#[must_use]
pub fn plain(text: &str) -> String {
    text::one_line(text, MAX_MESSAGE_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_or_refused_with_their_reason() {
        assert_eq!(read_reply(json!({ "ok": { "x": 1 }, "new": 2 })), Ok(Ok(json!({ "x": 1 }))));
        let error = json!({ "error": { "kind": "unavailable", "message": "a\u{1b}[31m\nb", "retry_after_ms": 500 } });
        let error = read_reply(error).unwrap().unwrap_err();
        assert_eq!(error.message, "a [31m b");
        assert_eq!(error.failure("x").retry_after, Some(Duration::from_millis(500)));
        let invalid = [
            (json!(7), "not an object"),
            (json!({}), "neither"),
            (json!({ "ok": [] }), "not an object"),
            (json!({ "error": { "kind": "bored" } }), "`bored`"),
            (json!({ "error": 7 }), "unknown error kind"),
        ];
        for (reply, expected) in invalid {
            assert!(read_reply(reply.clone()).unwrap_err().message.contains(expected), "{reply}");
        }
    }

    #[test]
    fn decisions_are_a_closed_list_of_words() {
        let read = |text: &str| read_decision(&serde_json::from_str(text).unwrap());
        assert_eq!(read(r#"{"decision":"skip","new":1}"#), Ok(Decision::Skip));
        assert_eq!(read(r#"{"decision":"ask","client":"b"}"#), Ok(Decision::Ask("b".into())));
        for text in [
            r#"{}"#,
            r#"{"decision":"panic"}"#,
            r#"{"decision":"ask"}"#,
            r#"{"decision":"substitute"}"#,
        ] {
            assert_eq!(read(text).unwrap_err().kind, FaultKind::Reply, "{text}");
        }
    }

    #[test]
    fn lists_are_cut_to_what_can_be_shown_and_sections_are_ordered() {
        let many = json!({ "tasks": vec![json!({ "title": "t" }); 5000] });
        let tasks = read_tasks(&many).unwrap();
        assert_eq!((tasks.list.len(), tasks.total()), (100, Some(5000)));
        let sections = json!({ "sections": [
            { "title": "low", "body": "x", "priority": i64::MIN }, { "title": "empty", "body": " " },
            { "title": "first", "body": "x" }, { "title": "second", "body": "x" }, 7,
        ]});
        let titles: Vec<_> =
            read_sections(&sections).unwrap().into_iter().map(|section| section.title).collect();
        assert_eq!(titles, ["first", "second", "low"]);
    }
}
