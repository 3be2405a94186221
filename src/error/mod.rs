//! What can go wrong, as a value: a code that names the case, and a class that decides what follows.
//! Knows nothing of the modules whose errors it carries; each of them converts its own error here.

mod codes;
mod reference;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use codes::{Audience, Code, CodeInfo, TABLE};
pub use reference::markdown;

/// The families of failure. The class alone decides the exit code and the kind of advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A setting is missing, malformed or out of range.
    Config,
    /// No credentials, or credentials that were refused.
    Auth,
    /// No answer in time, or a server error: it may work later.
    Unavailable,
    /// An answer came and could not be understood.
    Protocol,
    /// Our own files could not be read or written.
    Cache,
    /// A plugin misbehaved.
    Plugin,
    /// Something was asked for by a file or plugin that the user has not trusted.
    Trust,
    /// A hook's own work failed: a program, a file of the project.
    Hook,
    /// Our own mistake.
    Bug,
}

impl Class {
    /// Exit code of commands (never of `session-start`).
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Class::Config => 3,
            Class::Auth => 4,
            Class::Unavailable => 5,
            Class::Protocol | Class::Hook => 6,
            Class::Cache => 7,
            Class::Trust => 8,
            Class::Plugin => 9,
            Class::Bug => 70,
        }
    }

    /// The word used in logs, runs and plugin requests.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Class::Config => "config",
            Class::Auth => "auth",
            Class::Unavailable => "unavailable",
            Class::Protocol => "protocol",
            Class::Cache => "cache",
            Class::Plugin => "plugin",
            Class::Trust => "trust",
            Class::Hook => "hook",
            Class::Bug => "bug",
        }
    }
}

/// An error with a stable code, a message and a hint.
///
/// `message` is a lower-case fragment that names the thing in backticks. It has been through
/// `text::masked`, so it may be shown anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub code: Code,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// How long the other side asked us to stay away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl Failure {
    /// Makes a failure; known secrets in `message` are masked.
    #[must_use]
    pub fn new(code: Code, message: impl AsRef<str>) -> Self {
        let message = crate::text::masked(message.as_ref()).into_owned();
        Failure { code, message, hint: None, retry_after: None }
    }

    /// The same failure with a cure.
    #[must_use]
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(crate::text::masked(hint.as_ref()).into_owned());
        self
    }

    /// The same failure with the role of the server at the beginning, where the message begins with its
    /// address.
    #[must_use]
    pub fn of(mut self, role: &str) -> Self {
        if self.message.starts_with('`') {
            self.message = format!("{role} {}", self.message);
        }
        self
    }

    /// The family that decides what follows.
    #[must_use]
    pub fn class(&self) -> Class {
        self.code.class()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Failure {}
