//! The agent programs that call `session-start`: how each one's event is recognised, the answer it
//! takes, and what it keeps. Pure tables, one file each, measured with the real programs.

mod claude;
mod codex;
mod copilot;
mod cursor;
mod detect;
mod gemini;
mod judge;
mod plain;
mod qwen;

pub use detect::{detect, is_of_a_host, is_other_event, remove_private};
use serde_json::{Map, Value, json};

/// The host that reads the answer. Hosts differ in the key that holds the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Agent {
    #[default]
    Claude,
    Codex,
    Gemini,
    Qwen,
    Copilot,
    Cursor,
    /// The text alone, for hosts that use all of standard output
    Plain,
}

/// What one host sends, takes and keeps.
struct Host {
    /// A variable that the host sets for its hooks; others may inherit it, so the event must match too.
    variable: Option<&'static str>,
    /// Whether an event is possible for this host when its variable is set.
    accepts: fn(&Map<String, Value>) -> bool,
    /// Whether an event can only be from this host.
    is_own: fn(&Map<String, Value>) -> bool,
    answer: Answer,
    /// Whether the host shows `systemMessage` to the user.
    shows_messages: bool,
    /// Whether a resumed session still has the text of its start.
    keeps_text: bool,
    /// Fields of the event that are never logged, cached or passed to a plugin.
    private: &'static [&'static str],
}

/// Where the text is in the answer.
enum Answer {
    /// In `hookSpecificOutput`.
    Nested,
    /// In this key of the object.
    TopLevel(&'static str),
    /// It is the whole of standard output.
    Text,
}

impl Agent {
    const fn host(self) -> &'static Host {
        match self {
            Agent::Claude => &claude::HOST,
            Agent::Codex => &codex::HOST,
            Agent::Gemini => &gemini::HOST,
            Agent::Qwen => &qwen::HOST,
            Agent::Copilot => &copilot::HOST,
            Agent::Cursor => &cursor::HOST,
            Agent::Plain => &plain::HOST,
        }
    }

    /// Whether the host shows `systemMessage` to the user.
    #[must_use]
    pub const fn shows_messages(self) -> bool {
        self.host().shows_messages
    }

    /// Whether a resumed session still has the text of its start.
    #[must_use]
    pub const fn keeps_text(self) -> bool {
        self.host().keeps_text
    }

    /// The bytes of the answer, with the line end. Codex refuses unknown keys and Claude drops the
    /// whole object for a missing one, so exactly the keys of the host's contract are written.
    #[must_use]
    pub fn encode(self, context: &str, message: Option<&str>) -> Vec<u8> {
        let mut object = Map::new();
        match self.host().answer {
            Answer::Text => return line(context),
            _ if context.is_empty() => {}
            Answer::TopLevel(key) => drop(object.insert(key.to_owned(), context.into())),
            Answer::Nested => {
                let nested =
                    json!({ "hookEventName": "SessionStart", "additionalContext": context });
                object.insert("hookSpecificOutput".to_owned(), nested);
            }
        }
        if let Some(message) = message.filter(|_| self.shows_messages()) {
            object.insert("systemMessage".to_owned(), message.into());
        }
        let mut bytes = Value::Object(object).to_string().into_bytes();
        bytes.push(b'\n');
        bytes
    }
}

fn line(context: &str) -> Vec<u8> {
    let text = context.trim_end();
    if text.is_empty() { Vec::new() } else { format!("{text}\n").into_bytes() }
}

#[cfg(test)]
mod tests;
