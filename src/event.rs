//! The host's event at the start of a session: the JSON of its SessionStart hook.
//! Pure: bytes in, `SessionEvent` out. Tolerant, since a new field must not break a session.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Why the session starts, in the host's terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Startup,
    Resume,
    Clear,
    Compact,
    Fork,
}

impl Source {
    /// All of them, in the host's order.
    pub const ALL: [Source; 5] =
        [Source::Startup, Source::Resume, Source::Clear, Source::Compact, Source::Fork];

    /// The host's name for it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Source::Startup => "startup",
            Source::Resume => "resume",
            Source::Clear => "clear",
            Source::Compact => "compact",
            Source::Fork => "fork",
        }
    }

    /// The source of that name.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Source::ALL.into_iter().find(|source| source.word() == word)
    }
}

/// One start of a session.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionEvent {
    /// An unknown or missing source counts as `startup`.
    pub source: Source,
    pub session_id: Option<String>,
    /// The session's folder, if the host named an absolute one.
    pub cwd: Option<PathBuf>,
    pub agent_type: Option<String>,
    /// All fields of the event, known or not.
    pub raw: Map<String, Value>,
}

/// What was wrong with the input; the session counts as a `startup` all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("no event on standard input")]
    Empty,
    #[error("the event on standard input is not a JSON object")]
    NotJson,
    #[error("the event on standard input is larger than 1 MiB")]
    TooLarge,
    #[error("the event on standard input was not complete within 250 ms")]
    Late,
    #[error("the event is not a SessionStart")]
    OtherEvent,
}

impl SessionEvent {
    /// A start without an event.
    #[must_use]
    pub fn unknown() -> Self {
        SessionEvent::from_object(Map::new())
    }

    /// Reads the host's bytes; unreadable ones are an unknown start and a problem.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> (Self, Option<Problem>) {
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if text.trim_ascii().is_empty() {
            return (SessionEvent::unknown(), Some(Problem::Empty));
        }
        // The first value only: some hosts write more behind it.
        let mut values = serde_json::Deserializer::from_slice(text).into_iter::<Value>();
        match values.next() {
            Some(Ok(Value::Object(object))) => (SessionEvent::from_object(object), None),
            _ => (SessionEvent::unknown(), Some(Problem::NotJson)),
        }
    }

    fn from_object(raw: Map<String, Value>) -> Self {
        let text = |names: &[&str]| {
            let value = names.iter().find_map(|name| raw.get(*name)).and_then(Value::as_str);
            value.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let source = text(&["source"]).and_then(|word| Source::from_word(&word));
        SessionEvent {
            source: source.unwrap_or(Source::Startup),
            session_id: text(&["session_id", "sessionId"]),
            cwd: folder(&raw),
            agent_type: text(&["agent_type"]),
            raw,
        }
    }

    /// The host's name for the event; empty when it gives none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.raw.get("hook_event_name").and_then(Value::as_str).unwrap_or_default()
    }
}

/// `cwd`; Cursor sends `workspace_roots` instead, of which the first counts.
fn folder(raw: &Map<String, Value>) -> Option<PathBuf> {
    let first_root = || raw.get("workspace_roots")?.as_array()?.first()?.as_str();
    let named = raw.get("cwd").and_then(Value::as_str).filter(|text| !text.is_empty());
    named.or_else(first_root).map(PathBuf::from).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ts_low_the_folder_is_cwd_or_the_first_workspace_root() {
        let table = [
            (r#"{"cwd":"/a","workspace_roots":["/b"]}"#, Some("/a")),
            (r#"{"workspace_roots":["/b","/c"]}"#, Some("/b")),
            (r#"{"cwd":"","workspace_roots":["/b"]}"#, Some("/b")),
            (r#"{"workspace_roots":["relative"]}"#, None),
            (r#"{"workspace_roots":[]}"#, None),
            (r#"{"workspace_roots":"/b"}"#, None),
        ];
        for (json, expected) in table {
            let (event, _) = SessionEvent::parse(json.as_bytes());
            assert_eq!(event.cwd, expected.map(PathBuf::from), "{json}");
        }
    }

    #[test]
    fn s01_every_source_is_read_and_unknown_fields_are_kept() {
        for source in Source::ALL {
            let json = format!(r#"{{"source":"{}","cwd":"/w","future":[1]}}"#, source.word());
            let (event, problem) = SessionEvent::parse(json.as_bytes());
            assert_eq!((event.source, problem), (source, None));
            assert!(event.raw.contains_key("future"));
        }
    }

    #[test]
    fn s004_s006_what_cannot_be_read_is_a_startup() {
        let cases: [(&[u8], Option<Problem>); 7] = [
            (b"", Some(Problem::Empty)),
            (b" \n", Some(Problem::Empty)),
            (b"garbage", Some(Problem::NotJson)),
            (b"[1]", Some(Problem::NotJson)),
            (b"{\"cwd\":", Some(Problem::NotJson)),
            (b"\xff\xfe", Some(Problem::NotJson)),
            (br#"{"source":"new","cwd":7,"session_id":null}"#, None),
        ];
        for (bytes, problem) in cases {
            let (event, reported) = SessionEvent::parse(bytes);
            assert_eq!((event.source, reported), (Source::Startup, problem), "{bytes:?}");
        }
    }
}
