//! What went wrong inside a plugin. The kind steers what the host does next.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

/// What the host makes of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// This plugin does not do that: the next step of the chain is asked.
    NotSupported,
    /// There is nothing to read (no file, no project): the next step of the chain is asked.
    NotFound,
    /// It may work later: the fallback chain runs.
    Unavailable,
    /// Credentials are missing or refused: the fallback chain runs, and the person is told.
    Auth,
    /// A setting is wrong: the fallback chain runs, and the person is told.
    Config,
    /// A mistake of the plugin: the chain runs, and the plugin is not asked again in this run.
    Internal,
    /// Made by the panic barrier only; treated like `Internal`.
    Panic,
}

/// A failure with its kind and a lower-case message that names the thing, such as
/// ``"`TODO.md` is locked"``. Neither may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What follows from it.
    pub kind: ErrorKind,
    /// For the log and for people.
    pub message: String,
    /// How long to stay away, for `Unavailable`.
    pub retry_after: Option<Duration>,
}

/// What the functions of the three traits return.
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

    /// The same error, asking the host to stay away for that long (whole milliseconds).
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

/// A missing file is `NotFound`; everything else may work later and is `Unavailable`.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::NotFound => Error::not_found(error.to_string()),
            _ => Error::unavailable(error.to_string()),
        }
    }
}

/// Somebody else's JSON could not be read: `Unavailable`.
impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::unavailable(error.to_string())
    }
}
