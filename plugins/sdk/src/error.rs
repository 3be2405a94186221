//! A plugin's errors. The kind decides what the host does next.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// The kind of an [`Error`], which decides what the host does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// This plugin does not implement that: the next step of the chain runs.
    NotSupported,
    /// There is nothing to read (no file, no project): the next step of the chain runs.
    NotFound,
    /// It may work later: the fallback chain runs.
    Unavailable,
    /// Credentials are missing or refused: the fallback chain runs, and the user is notified.
    Auth,
    /// A setting is invalid: the fallback chain runs, and the user is notified.
    Config,
    /// A bug of the plugin: the chain runs, and the plugin is not called again in this run.
    Internal,
    /// A caught panic; treated like `Internal`.
    Panic,
}

/// An error with its kind and a lower-case message that names the thing, such as
/// ``"`TODO.md` is locked"``. The message must not contain a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Decides what the host does next.
    pub kind: ErrorKind,
    /// Shown in the log and to the user.
    pub message: String,
    /// For `Unavailable`: when to try again.
    pub retry_after: Option<Duration>,
}

/// The result type of the three traits' functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of any kind.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), retry_after: None }
    }

    /// [`ErrorKind::NotSupported`].
    #[must_use]
    pub fn not_supported(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::NotSupported, message)
    }

    /// [`ErrorKind::NotFound`].
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::NotFound, message)
    }

    /// [`ErrorKind::Unavailable`].
    #[must_use]
    pub fn unavailable(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Unavailable, message)
    }

    /// [`ErrorKind::Auth`].
    #[must_use]
    pub fn auth(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Auth, message)
    }

    /// [`ErrorKind::Config`].
    #[must_use]
    pub fn config(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Config, message)
    }

    /// [`ErrorKind::Internal`].
    #[must_use]
    pub fn internal(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Internal, message)
    }

    /// The same error with the time after which to try again (whole milliseconds).
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// A missing file is `NotFound`; every other I/O error may be temporary and is `Unavailable`.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Error::not_found(error.to_string()),
            _ => Error::unavailable(error.to_string()),
        }
    }
}

/// Invalid JSON from another program or server is `Unavailable`.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::unavailable(error.to_string())
    }
}
