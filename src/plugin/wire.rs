//! What is asked of a plugin and how its answer is read. Strict where a word decides something,
//! tolerant of fields that a later version may bring. Pure.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fault::{Fault, FaultKind};
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::secret::Secret;
use crate::task::{Task, Tasks};

/// Bytes of a whole request.
pub const MAX_REQUEST_BYTES: usize = 256 << 10;
/// Tasks that are kept of one answer; more can never be shown.
const MAX_TASKS: usize = 200;
const MAX_MESSAGE_CHARS: usize = 300;
const MAX_SECTIONS: usize = 20;
const MAX_SECTION_CHARS: usize = 20_000;

/// One request, before the plugin's own settings are added.
#[derive(Clone, Debug)]
pub struct PluginRequest {
    /// `describe`, `pending_tasks`, `before`, `after_failure` or `session_start`.
    pub op: String,
    /// The item of the library.
    pub item: String,
    /// The fields of this op.
    pub fields: Map<String, Value>,
    /// For a client that wants it.
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

    /// The question what the plugin is.
    #[must_use]
    pub fn describe() -> Self {
        PluginRequest::new("describe", "", Value::Null)
    }

    /// The whole request.
    #[must_use]
    pub fn to_json(
        &self,
        plugin: &str,
        config: &Map<String, Value>,
        root: &str,
        limit: Deadline,
    ) -> Value {
        let own = json!({
            "op": self.op,
            "plugin": plugin,
            "name": self.item,
            "config": config,
            "root": root,
            "deadline_ms": u64::try_from(limit.remaining().as_millis()).unwrap_or(u64::MAX),
        });
        let Value::Object(mut request) = own else { return own };
        // An author's own request may bring a configuration with it.
        request.extend(self.fields.clone());
        if let Some(token) = &self.token {
            request.insert("bearer_token".into(), token.expose().into());
        }
        Value::Object(request)
    }
}

/// An error that the plugin itself reported.
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

    /// Whether the plugin is not asked again in this run.
    #[must_use]
    pub const fn is_faulty(self) -> bool {
        matches!(self, PluginErrorKind::Internal | PluginErrorKind::Panic)
    }
}

impl PluginError {
    /// The complaint as a failure of the plugin `name`; its kind decides the class.
    #[must_use]
    pub fn failure(&self, name: &str) -> Failure {
        let (code, verb) = match self.kind {
            PluginErrorKind::Auth => (Code::TOKEN_REFUSED, "was refused"),
            PluginErrorKind::Config => (Code::CONFIG_VALUE, "is not set up"),
            PluginErrorKind::Unavailable => (Code::PLUGIN_UNAVAILABLE, "cannot answer now"),
            PluginErrorKind::NotSupported | PluginErrorKind::NotFound => {
                (Code::PLUGIN_UNAVAILABLE, "has no answer")
            }
            PluginErrorKind::Internal => (Code::PLUGIN_ERROR, "failed"),
            PluginErrorKind::Panic => (Code::PLUGIN_ERROR, "panicked"),
        };
        let mut failure =
            Failure::new(code, format!("the plugin `{name}` {verb}: {}", self.message));
        failure.retry_after = self.retry_after;
        if self.kind == PluginErrorKind::Config {
            return failure.hint(format!("mend the table `[plugins.{name}.config]`"));
        }
        failure
    }
}

/// What stands in a reply: `{"ok": {…}}` or `{"error": {…}}`.
///
/// # Errors
/// When it is neither, or names a kind of error that is not known.
pub fn read_reply(reply: Value) -> Result<Result<Value, PluginError>, Fault> {
    let Value::Object(mut reply) = reply else { return Err(invalid("replied with no object")) };
    if let Some(ok) = reply.remove("ok") {
        return if ok.is_object() {
            Ok(Ok(ok))
        } else {
            Err(invalid("replied `ok` with no object"))
        };
    }
    let Some(error) = reply.remove("error") else {
        return Err(invalid("replied neither `ok` nor `error`"));
    };
    let word = error.get("kind").and_then(Value::as_str).unwrap_or_default();
    let kind = PluginErrorKind::of(word);
    let kind =
        kind.ok_or_else(|| invalid(format!("reported the unknown error kind `{}`", plain(word))))?;
    let message = error.get("message").and_then(Value::as_str).unwrap_or("no reason given");
    let wait = error.get("retry_after_ms").and_then(Value::as_u64).map(Duration::from_millis);
    Ok(Err(PluginError { kind, message: plain(message), retry_after: wait }))
}

/// What a strategy decided.
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
    /// The word of the reply.
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
/// When the word is missing or not known, or what belongs to it is missing.
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
            None => return Err(invalid("decided to ask, and named no `client`")),
        },
        other => return Err(invalid(format!("made the unknown decision `{}`", plain(other)))),
    })
}

/// Reads `{"tasks": […]}`; entries without a title or an id are passed over.
///
/// # Errors
/// When there is no such list.
pub fn read_tasks(ok: &Value) -> Result<Tasks, Fault> {
    let list = ok.get("tasks").and_then(Value::as_array);
    let list = list.ok_or_else(|| invalid("replied without a list of `tasks`"))?;
    let found: Vec<Task> = list.iter().filter_map(Task::read).collect();
    let total = found.len();
    Ok(Tasks { list: found.into_iter().take(MAX_TASKS).collect(), total })
}

/// A piece of text for the context, as the plugin gave it.
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
    let text = |one: &Value, key: &str| {
        let text = one.get(key).and_then(Value::as_str).unwrap_or_default();
        text.chars().take(MAX_SECTION_CHARS).collect::<String>()
    };
    let priority =
        |one: &&Value| -one.get("priority").and_then(Value::as_i64).unwrap_or(0).max(-i64::MAX);
    let mut sorted: Vec<&Value> = list.iter().collect();
    sorted.sort_by_key(priority);
    let sections =
        sorted.iter().map(|one| Section { title: text(one, "title"), body: text(one, "body") });
    Ok(sections.filter(|one| !one.body.trim().is_empty()).take(MAX_SECTIONS).collect())
}

fn invalid(text: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Reply, text)
}

/// Text of a plugin for a message or a log line: one line without control characters.
#[must_use]
pub fn plain(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(MAX_MESSAGE_CHARS).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_or_named_as_what_they_are() {
        assert_eq!(read_reply(json!({ "ok": { "x": 1 }, "new": 2 })), Ok(Ok(json!({ "x": 1 }))));
        let error = json!({ "error": { "kind": "unavailable", "message": "a\u{1b}[31m\nb", "retry_after_ms": 500 } });
        let complaint = read_reply(error).unwrap().unwrap_err();
        assert_eq!(complaint.message, "a [31m b");
        assert_eq!(complaint.failure("x").retry_after, Some(Duration::from_millis(500)));
        let invalid = [
            (json!(7), "no object"),
            (json!({}), "neither"),
            (json!({ "ok": [] }), "no object"),
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
        assert_eq!((tasks.list.len(), tasks.total), (MAX_TASKS, 5000));
        let sections = json!({ "sections": [
            { "title": "low", "body": "x", "priority": i64::MIN }, { "title": "empty", "body": " " },
            { "title": "first", "body": "x" }, { "title": "second", "body": "x" }, 7,
        ]});
        let titles: Vec<_> =
            read_sections(&sections).unwrap().into_iter().map(|one| one.title).collect();
        assert_eq!(titles, ["first", "second", "low"]);
    }
}
