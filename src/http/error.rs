//! The errors of a request, each with its code, message and hint.
//! Messages name hosts, never user parts, queries or bodies.

use std::time::Duration;

use crate::deadline::Limit;
use crate::error::{Code, Failure};

/// How far a request got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Connect,
    FirstByte,
    Body,
}

fn timed_out(origin: &str, phase: Phase) -> String {
    match phase {
        Phase::Connect => format!("`{origin}` did not accept the connection in time"),
        Phase::FirstByte => format!("`{origin}` did not answer in time"),
        Phase::Body => format!("`{origin}` did not finish its answer in time"),
    }
}

fn closed(origin: &str, phase: Phase) -> String {
    let moment = match phase {
        Phase::Connect => "while it was being opened",
        Phase::FirstByte => "before it answered",
        Phase::Body => "while sending the body",
    };
    format!("`{origin}` closed the connection {moment}")
}

/// A request that failed. `origin` is scheme, host and port.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    #[error("the host name of `{origin}` cannot be resolved")]
    Dns { origin: String },
    #[error("`{origin}` refused the connection")]
    Refused { origin: String },
    #[error("{}", timed_out(origin, *phase))]
    Timeout { origin: String, phase: Phase, limit: Limit },
    #[error("{}", closed(origin, *phase))]
    Broken { origin: String, phase: Phase },
    #[error("the connection to `{origin}` was lost: {reason}")]
    Lost { origin: String, reason: String },
    #[error("the TLS connection to `{origin}` failed: {reason}")]
    Tls { origin: String, reason: String },
    #[error("the proxy `{proxy}` for `{origin}` failed: {reason}")]
    Proxy { origin: String, proxy: String, reason: String },
    #[error("the proxy `{proxy}` for `{origin}` requires credentials (HTTP 407)")]
    ProxyLogin { origin: String, proxy: String },
    #[error("`{origin}` redirects in a loop")]
    RedirectLoop { origin: String },
    #[error("`{origin}` redirects to another origin, `{target}`, which was not followed")]
    RedirectForeign { origin: String, target: String },
    #[error("`{origin}` answered with a redirect (HTTP {status}) to `{target}`")]
    Redirected { origin: String, status: u16, target: String },
    #[error("`{origin}` is rate limiting (HTTP 429)")]
    TooMany { origin: String, after: Option<Duration> },
    #[error("`{origin}` answered HTTP {status}")]
    Server { origin: String, status: u16, after: Option<Duration> },
    #[error("the answer of `{origin}` is larger than {limit} bytes")]
    TooLarge { origin: String, limit: u64 },
    #[error("the answer of `{origin}` is not valid HTTP: {reason}")]
    NotHttp { origin: String, reason: String },
    #[error("the request to `{origin}` cannot be made: {reason}")]
    InvalidRequest { origin: String, reason: String },
    #[error("`{origin}` would receive the {credential} unencrypted: {reason}")]
    Unencrypted { origin: String, credential: &'static str, reason: String },
}

/// How a credential may be sent.
pub(super) const UNENCRYPTED_HINT: &str = "use https, a server on this machine, or name the host in `http.plain_hosts` of your own hooks.toml";

impl Error {
    /// Whether the same request may succeed when it is sent again.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Refused { .. }
            | Error::Broken { .. }
            | Error::Lost { .. }
            | Error::TooMany { .. } => true,
            Error::Timeout { phase, .. } => *phase == Phase::Connect,
            Error::Server { status, .. } => matches!(status, 408 | 502..=504),
            _ => false,
        }
    }

    /// Whether it counts as an outage for the breaker: the server cannot be reached, or fails. An answer
    /// of HTTP 400 to 499 is about the request.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(
            self,
            Error::Dns { .. }
                | Error::Refused { .. }
                | Error::Timeout { .. }
                | Error::Broken { .. }
                | Error::Lost { .. }
                | Error::Proxy { .. }
        ) || matches!(self, Error::Server { status, .. } if *status >= 500)
    }

    /// The server's `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::TooMany { after, .. } | Error::Server { after, .. } => *after,
            _ => None,
        }
    }

    /// The failure to report after that many attempts.
    #[must_use]
    pub fn failure(&self, attempts: u32) -> Failure {
        let (code, hint) = self.advice();
        let hint = match self {
            Error::Timeout { limit, .. } => limit.hint(hint),
            _ => hint.to_owned(),
        };
        let times = if attempts > 1 { format!(", {attempts} times") } else { String::new() };
        let failure = Failure::new(code, format!("{self}{times}")).hint(hint);
        Failure { retry_after: self.retry_after(), ..failure }
    }

    fn advice(&self) -> (Code, &'static str) {
        match self {
            Error::Dns { .. } => (Code::Dns, "fix the host name in the URL, or check your DNS"),
            Error::Refused { .. } => {
                (Code::Refused, "start the server, or fix host and port in the URL")
            }
            Error::Timeout { .. } => (Code::Timeout, "check the network and the server's load"),
            Error::Broken { .. } => (Code::Timeout, "check the server's log"),
            Error::Lost { .. } => (Code::Timeout, "check the network, also a VPN"),
            Error::Tls { .. } => (
                Code::Tls,
                "check the scheme of the URL and the certificate's name and dates; `http.ca_file` adds a private authority",
            ),
            Error::Proxy { .. } | Error::ProxyLogin { .. } => (
                Code::Proxy,
                "check `http.proxy` or the proxy variables, or name the host in NO_PROXY",
            ),
            Error::RedirectLoop { .. } => (Code::RedirectLoop, "fix the URL"),
            Error::RedirectForeign { .. } => (
                Code::RedirectForeign,
                "set the URL to the server's final address; credentials never follow a redirect to another origin",
            ),
            Error::Redirected { .. } => {
                (Code::WrongEndpoint, "set the URL to the endpoint's final address")
            }
            Error::TooMany { .. } => (Code::TooManyRequests, "wait, or lower `http.rate_limit`"),
            Error::Server { .. } => (Code::ServerError, "check the server's log"),
            Error::TooLarge { .. } => {
                (Code::TooLarge, "ask for fewer tasks, or raise `http.max_body`")
            }
            Error::NotHttp { .. } => (
                Code::NotJson,
                "check that the URL is the task server's, and its scheme (http or https)",
            ),
            Error::InvalidRequest { .. } => (Code::ConfigUrl, "check the URL and `http.headers`"),
            Error::Unencrypted { .. } => (Code::Unencrypted, UNENCRYPTED_HINT),
        }
    }
}
