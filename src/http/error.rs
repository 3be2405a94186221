//! What can go wrong between us and a server, and what each case is called for people.
//! Names hosts, never user parts, queries or bodies.

use std::time::Duration;

use crate::error::{Code, Failure};

/// How far a request had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connect,
    FirstByte,
    Body,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Phase::Connect => "connecting",
            Phase::FirstByte => "waiting for the first byte",
            Phase::Body => "reading the body",
        })
    }
}

/// A request that came to nothing. `origin` is scheme, host and port.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("the name of `{origin}` cannot be resolved")]
    Dns { origin: String },
    #[error("`{origin}` refused the connection")]
    Refused { origin: String },
    #[error("`{origin}` did not answer in time, while {phase}")]
    Timeout { origin: String, phase: Phase },
    #[error("`{origin}` broke the connection off, while {phase}")]
    Broken { origin: String, phase: Phase },
    #[error("the TLS connection to `{origin}` failed: {reason}")]
    Tls { origin: String, reason: String },
    #[error("the proxy `{proxy}` on the way to `{origin}` failed: {reason}")]
    Proxy { origin: String, proxy: String, reason: String },
    #[error("`{origin}` redirects in a circle")]
    RedirectLoop { origin: String },
    #[error("`{origin}` redirects to another origin, `{target}`, which was not followed")]
    RedirectForeign { origin: String, target: String },
    #[error("`{origin}` answered with a redirect (HTTP {status}) to `{target}`")]
    Redirected { origin: String, status: u16, target: String },
    #[error("`{origin}` asks for fewer requests (HTTP 429)")]
    TooMany { origin: String, after: Option<Duration> },
    #[error("`{origin}` is in trouble (HTTP {status})")]
    Server { origin: String, status: u16, after: Option<Duration> },
    #[error("the answer of `{origin}` is larger than {limit} bytes")]
    TooLarge { origin: String, limit: u64 },
    #[error("the answer of `{origin}` is not HTTP as it should be: {reason}")]
    NotHttp { origin: String, reason: String },
    #[error("the request to `{origin}` cannot be made: {reason}")]
    InvalidRequest { origin: String, reason: String },
}

impl Error {
    /// Whether the same request may succeed a moment later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Refused { .. } | Error::Broken { .. } | Error::TooMany { .. } => true,
            Error::Timeout { phase, .. } => *phase == Phase::Connect,
            Error::Server { status, .. } => matches!(status, 408 | 502..=504),
            _ => false,
        }
    }

    /// Whether it speaks against the server's health, for the breaker.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            Error::Dns { .. }
                | Error::Refused { .. }
                | Error::Timeout { .. }
                | Error::Broken { .. }
                | Error::Proxy { .. }
                | Error::Server { .. }
        )
    }

    /// How long the server asked us to stay away.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::TooMany { after, .. } | Error::Server { after, .. } => *after,
            _ => None,
        }
    }

    /// The failure for the chain and for people, after that many attempts.
    #[must_use]
    pub fn failure(&self, attempts: u32) -> Failure {
        let (code, hint) = self.advice();
        let times = if attempts > 1 { format!(", {attempts} times") } else { String::new() };
        let failure = Failure::new(code, format!("{self}{times}")).hint(hint);
        Failure { retry_after: self.retry_after(), ..failure }
    }

    fn advice(&self) -> (Code, &'static str) {
        match self {
            Error::Dns { .. } => (Code::DNS, "check the host name in the URL, and your DNS"),
            Error::Refused { .. } => {
                (Code::REFUSED, "start the server, or correct host and port of the URL")
            }
            Error::Timeout { .. } => (
                Code::TIMEOUT,
                "check the network and the server's load, or raise `session_start.deadline`",
            ),
            Error::Broken { .. } => (Code::TIMEOUT, "look into the server's log"),
            Error::Tls { .. } => (
                Code::TLS,
                "check the scheme of the URL and the certificate's name and dates; `http.ca_file` adds a private authority",
            ),
            Error::Proxy { .. } => (
                Code::PROXY,
                "check `http.proxy` or the proxy variables, or name the host in NO_PROXY",
            ),
            Error::RedirectLoop { .. } => (Code::REDIRECT_LOOP, "check the URL"),
            Error::RedirectForeign { .. } => (
                Code::REDIRECT_FOREIGN,
                "set the URL to where the server really is; credentials are not carried along",
            ),
            Error::Redirected { .. } => {
                (Code::WRONG_ENDPOINT, "set the URL to where the endpoint really is")
            }
            Error::TooMany { .. } => (Code::TOO_MANY_REQUESTS, "wait, or ask less often"),
            Error::Server { .. } => (Code::SERVER_ERROR, "look into the server's log"),
            Error::TooLarge { .. } => {
                (Code::TOO_LARGE, "ask for fewer tasks, or raise `http.max_body`")
            }
            Error::NotHttp { .. } => (Code::NOT_JSON, "check the URL: is that the task server?"),
            Error::InvalidRequest { .. } => (Code::CONFIG_URL, "check the URL and `http.headers`"),
        }
    }
}
