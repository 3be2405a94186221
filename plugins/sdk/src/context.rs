//! The context of one call: settings, time limit, log.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::port::Port;
use crate::settings;

/// The level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Level {
    /// The session lost something.
    Error = 1,
    /// The user can fix it.
    Warn = 2,
    /// Worth a line in an ordinary log.
    Info = 3,
    /// For debugging.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

/// The context of one call. Nothing of it outlives the call.
pub struct Ctx<'a> {
    pub(crate) plugin: String,
    pub(crate) config: Map<String, Value>,
    pub(crate) root: PathBuf,
    pub(crate) bearer_token: Option<String>,
    pub(crate) deadline: Instant,
    pub(crate) port: Option<&'a Port>,
}

impl Ctx<'static> {
    /// For unit tests: no host, a limit of 10 seconds, the current folder as the root. `config` is
    /// the table `[plugins.test.config]`; anything but an object counts as an empty one.
    #[must_use]
    pub fn test(config: Value) -> Self {
        Ctx {
            plugin: "test".into(),
            config: match config {
                Value::Object(table) => table,
                _ => Map::new(),
            },
            root: ".".into(),
            bearer_token: None,
            deadline: Instant::now() + Duration::from_secs(10),
            port: None,
        }
    }

    /// For unit tests: the same with another root.
    #[must_use]
    pub fn with_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.root = root.into();
        self
    }
}

impl Ctx<'_> {
    /// Reads the table `[plugins.NAME.config]` into the plugin's own type.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Config`], naming `plugins.NAME.config.KEY` where the key is known.
    pub fn config<T: DeserializeOwned>(&self) -> Result<T> {
        settings::read(&self.config).map_err(|wrong| match wrong.key {
            Some(key) => self.wrong_setting(&key, wrong.message),
            None => Error::config(format!("`plugins.{}.config`: {}", self.plugin, wrong.message)),
        })
    }

    /// The error for a setting with an invalid value; the message has the setting's full name.
    #[must_use]
    pub fn wrong_setting(&self, key: &str, wrong: impl fmt::Display) -> Error {
        Error::config(format!("`plugins.{}.config.{key}`: {wrong}", self.plugin))
    }

    /// The repository's root; outside of a repository the session's folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `path` itself if it is absolute, else joined to [`Ctx::root`].
    #[must_use]
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// The token for the client's server. Only in a client's call, and only with
    /// `wants: ["bearer_token"]`, which the user confirmed when trusting the plugin.
    #[must_use]
    pub fn bearer_token(&self) -> Option<&str> {
        self.bearer_token.as_deref()
    }

    /// The time left before the process is killed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether 80 % of the time limit has passed: return the results so far.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.port.map_or_else(|| self.remaining().is_zero(), Port::cancelled)
    }

    /// Writes a line into warmstart's log, under this plugin's name. In a unit test it goes to
    /// standard error.
    pub fn log(&self, level: Level, line: impl AsRef<str>) {
        match self.port {
            Some(port) => port.log(level, line.as_ref()),
            None => eprintln!("{level:?}: {}", line.as_ref()),
        }
    }
}

/// Omits the token and the settings.
impl fmt::Debug for Ctx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = &mut f.debug_struct("Ctx");
        shown.field("plugin", &self.plugin).field("root", &self.root).finish_non_exhaustive()
    }
}
