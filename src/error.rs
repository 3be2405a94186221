//! What can go wrong, as a value: a code that names the case, and a class that decides what follows.
//! Knows nothing of the modules whose errors it carries; each of them converts its own error here.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The families of failure. The class alone decides the exit code and the kind of advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A setting is missing, malformed or out of range.
    Config,
    /// No credentials, or credentials that were refused.
    Auth,
    /// Nobody answered in time, or the server is in trouble: it may work later.
    Unavailable,
    /// An answer came and could not be understood.
    Protocol,
    /// Our own files could not be read or written.
    Cache,
    /// A plugin misbehaved.
    Plugin,
    /// Something was asked for by a file or plugin that the user has not trusted.
    Trust,
    /// Our own mistake.
    Bug,
}

impl Class {
    /// Exit code of the commands that people call (never of `session-start`).
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Class::Config => 3,
            Class::Auth => 4,
            Class::Unavailable => 5,
            Class::Protocol => 6,
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
            Class::Bug => "bug",
        }
    }
}

/// The number behind `WS302`: one for each cause that has its own cure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(pub u16);

/// The codes, by family. Their causes and cures are told by `warmstart explain`.
#[rustfmt::skip]
impl Code {
    pub const CONFIG_UNREADABLE: Code = Code(101);
    pub const CONFIG_VALUE: Code = Code(102);
    pub const CONFIG_NEWER: Code = Code(103);
    pub const CONFIG_NAME: Code = Code(104);
    pub const CONFIG_URL: Code = Code(105);
    pub const SECRET_MISSING: Code = Code(201);
    pub const CLIENT_REFUSED: Code = Code(202);
    pub const TOKEN_REFUSED: Code = Code(203);
    pub const SERVICE_ACCOUNT_OFF: Code = Code(204);
    pub const FORBIDDEN: Code = Code(205);
    pub const REALM_UNKNOWN: Code = Code(206);
    pub const DNS: Code = Code(301);
    pub const REFUSED: Code = Code(302);
    pub const TIMEOUT: Code = Code(303);
    pub const TLS: Code = Code(304);
    pub const PROXY: Code = Code(305);
    pub const REDIRECT_LOOP: Code = Code(306);
    pub const REDIRECT_FOREIGN: Code = Code(307);
    pub const TOO_MANY_REQUESTS: Code = Code(321);
    pub const SERVER_ERROR: Code = Code(322);
    pub const RATE_LIMITED: Code = Code(323);
    pub const BREAKER_OPEN: Code = Code(324);
    pub const PLUGIN_UNAVAILABLE: Code = Code(325);
    pub const WRONG_ENDPOINT: Code = Code(401);
    pub const NOT_JSON: Code = Code(402);
    pub const TOOL_ERROR: Code = Code(403);
    pub const NOT_UNDERSTOOD: Code = Code(404);
    pub const TOO_LARGE: Code = Code(405);
    pub const STORE_UNUSABLE: Code = Code(501);
    pub const ENTRY_DAMAGED: Code = Code(502);
    pub const TOKEN_FILE_MODE: Code = Code(511);
    pub const TOKEN_FILE_DAMAGED: Code = Code(512);
    pub const PLUGIN_UNTRUSTED: Code = Code(601);
    pub const PLUGIN_UNLOADABLE: Code = Code(602);
    pub const PLUGIN_SYMBOL: Code = Code(603);
    pub const PLUGIN_VERSION: Code = Code(604);
    pub const PLUGIN_DIED: Code = Code(605);
    pub const PLUGIN_TIMEOUT: Code = Code(606);
    pub const PLUGIN_REPLY: Code = Code(607);
    pub const PLUGIN_CHANGED: Code = Code(608);
    pub const PLUGIN_PATH: Code = Code(609);
    pub const PLUGIN_ERROR: Code = Code(610);
    pub const FILE_UNTRUSTED: Code = Code(621);
    pub const EVENT: Code = Code(701);
    pub const DEADLINE: Code = Code(702);
    pub const FLAG: Code = Code(703);
    pub const HOOK: Code = Code(704);
    pub const INTERNAL: Code = Code(901);
}

impl Code {
    /// The family of this code.
    #[must_use]
    pub const fn class(self) -> Class {
        match self.0 {
            201..=299 => Class::Auth,
            301..=399 | 702 => Class::Unavailable,
            401..=499 => Class::Protocol,
            501..=599 => Class::Cache,
            601 | 608 | 621 => Class::Trust,
            602..=699 => Class::Plugin,
            901..=999 => Class::Bug,
            _ => Class::Config,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WS{}", self.0)
    }
}

/// One failure on its way to the log, the fallback chain and the person.
///
/// `message` is a lower-case fragment that names the thing in backticks. It has been through
/// `secret::scrub`, so it may be shown anywhere.
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
        let message = crate::secret::scrub(message.as_ref()).into_owned();
        Failure { code, message, hint: None, retry_after: None }
    }

    /// The same failure with a cure.
    #[must_use]
    pub fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(crate::secret::scrub(hint.as_ref()).into_owned());
        self
    }

    /// The family that decides what follows.
    #[must_use]
    pub const fn class(&self) -> Class {
        self.code.class()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for Failure {}
