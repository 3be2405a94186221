//! What a session start prints: one JSON object, once, in the form of the host that reads it.
//! The only writer of standard output for `session-start`.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

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

/// What the host gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookOutput {
    /// For the model; empty: there is nothing to show.
    pub context: String,
    /// For the user.
    pub message: Option<String>,
}

impl HookOutput {
    /// The bytes for `agent`, with the line end. Codex refuses unknown keys and Claude drops the
    /// whole object for a missing one, so exactly the keys of the host's contract are written.
    #[must_use]
    pub fn encode(&self, agent: Agent) -> Vec<u8> {
        if agent == Agent::Plain {
            let text = self.context.trim_end();
            return if text.is_empty() { Vec::new() } else { format!("{text}\n").into_bytes() };
        }
        let mut object = serde_json::Map::new();
        if !self.context.is_empty() {
            let (key, value) = self.context_field(agent);
            object.insert(key.to_owned(), value);
        }
        let message = self.message.as_ref().filter(|_| agent.shows_messages());
        if let Some(message) = message {
            object.insert("systemMessage".to_owned(), message.as_str().into());
        }
        let mut bytes = Value::Object(object).to_string().into_bytes();
        bytes.push(b'\n');
        bytes
    }

    fn context_field(&self, agent: Agent) -> (&'static str, Value) {
        match agent {
            Agent::Copilot => ("additionalContext", self.context.as_str().into()),
            Agent::Cursor => ("additional_context", self.context.as_str().into()),
            _ => (
                "hookSpecificOutput",
                json!({ "hookEventName": "SessionStart", "additionalContext": self.context }),
            ),
        }
    }
}

impl Agent {
    /// Whether the host shows `systemMessage` to the user.
    #[must_use]
    pub const fn shows_messages(self) -> bool {
        !matches!(self, Agent::Copilot | Agent::Cursor | Agent::Plain)
    }
}

/// Whether standard output takes a whole answer without waiting, as far as the system knows.
#[must_use]
pub fn stdout_is_ready() -> bool {
    is_ready(&std::io::stdout())
}

#[cfg(unix)]
fn is_ready(stream: &impl std::os::fd::AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut polled = [PollFd::new(stream, PollFlags::OUT)];
    poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

#[cfg(not(unix))]
fn is_ready<T>(_: &T) -> bool {
    false
}

/// The one answer of this process: the first caller writes it, later ones write nothing.
#[derive(Debug, Default)]
pub struct ResponseGuard {
    claimed: AtomicBool,
}

impl ResponseGuard {
    /// Writes `output` in one piece, unless there is an answer already. Returns whether it was written
    /// whole. Errors of a closed or full standard output are ignored: the host does not read it.
    pub fn write_once(&self, output: &HookOutput, agent: Agent) -> bool {
        if self.claimed.swap(true, Ordering::SeqCst) {
            return false;
        }
        let mut stdout = std::io::stdout().lock();
        let bytes = output.encode(agent);
        let was_written = stdout.write_all(&bytes).and_then(|()| stdout.flush()).is_ok();
        if !agent.shows_messages() {
            output.write_message();
        }
        was_written
    }

    /// Whether there is an answer.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.claimed.load(Ordering::SeqCst)
    }
}

impl HookOutput {
    /// The message on standard error, for hosts whose answer has no place for it; never waited for.
    fn write_message(&self) {
        let stderr = std::io::stderr();
        if let Some(message) = &self.message
            && is_ready(&stderr)
        {
            let _ = stderr.lock().write_all(format!("{message}\n").as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s02_every_host_gets_exactly_its_keys() {
        let full = HookOutput { context: "a\nb".into(), message: Some("m".into()) };
        let empty = HookOutput::default();
        let text = |output: &HookOutput, agent| String::from_utf8(output.encode(agent)).unwrap();
        let nested = r#"{"hookSpecificOutput":{"additionalContext":"a\nb","hookEventName":"SessionStart"},"systemMessage":"m"}"#;
        for agent in [Agent::Claude, Agent::Codex, Agent::Gemini, Agent::Qwen] {
            assert_eq!(text(&full, agent), format!("{nested}\n"));
            assert_eq!(text(&empty, agent), "{}\n");
        }
        assert_eq!(text(&full, Agent::Copilot), "{\"additionalContext\":\"a\\nb\"}\n");
        assert_eq!(text(&full, Agent::Cursor), "{\"additional_context\":\"a\\nb\"}\n");
        assert_eq!(text(&full, Agent::Plain), "a\nb\n");
        assert_eq!(text(&empty, Agent::Plain), "");
    }
}
