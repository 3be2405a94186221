//! Where our own files are. Knows the platform's folders; touches the disk only under sudo.

mod sudo;

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::error::{Code, Failure};

/// The format of the files in the cache; each format has a folder of its own.
pub const CACHE_FORMAT: &str = "v2";
/// The formats of earlier versions, whose folders are removed once they are no longer used.
pub const OLD_CACHE_FORMATS: [&str; 1] = ["v1"];

/// The folders of one user, all private (0700) and made when they are needed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The user's home, where the platform gives one.
    pub home: Option<PathBuf>,
    /// The user's own `hooks.toml`.
    pub config_file: PathBuf,
    /// Cached answers, which a server can give again.
    pub cache: PathBuf,
    /// Tokens, runs, logs.
    pub state: PathBuf,
    /// What the user agreed to: trust in files, pins of plugins. It is written from a terminal and read
    /// in a hook, so the host's variables, which only the hook sees, must not move it.
    pub agreements: PathBuf,
    /// The user's plugin folder.
    pub data: PathBuf,
}

impl Paths {
    /// `WARMSTART_HOME` moves all; as a Claude Code plugin `CLAUDE_PLUGIN_DATA` holds cache and
    /// state; else the platform's folders. `None` without a home of this user: then nothing is kept.
    #[must_use]
    pub fn find(environment: &Environment) -> Option<Self> {
        let paths = Paths::of_environment(environment)?;
        let folders = [&paths.config_file, &paths.cache, &paths.state, &paths.agreements];
        (!sudo::is_in_home_of_invoker(environment, &folders)).then_some(paths)
    }

    fn of_environment(environment: &Environment) -> Option<Self> {
        // `directories` takes HOME, so no other variable may replace one that is unusable.
        let name = if cfg!(windows) { "USERPROFILE" } else { "HOME" };
        let home = environment.path(name);
        if let Some(root) = environment.path("WARMSTART_HOME") {
            return Some(Paths::below(&root, home));
        }
        let mut paths = Paths::of_platform(home)?;
        if let Some(root) = environment.path("CLAUDE_PLUGIN_DATA") {
            paths.cache = root.join("cache");
            paths.state = root.join("state");
        }
        Some(paths)
    }

    /// The folders, for what cannot be done without them.
    ///
    /// # Errors
    /// `WS501` without a home.
    pub fn required<T>(folders: Option<T>) -> Result<T, Failure> {
        folders.ok_or_else(|| {
            Failure::new(
                Code::StoreUnusable,
                "there is no home folder of this user, so nothing is kept",
            )
            .hint("set HOME or WARMSTART_HOME to an absolute path; under sudo, run `sudo -H`")
        })
    }

    /// When the state of each project last changed.
    #[must_use]
    pub fn revisions(&self) -> PathBuf {
        self.state.join("revisions")
    }

    /// The last commits of each repository.
    #[must_use]
    pub fn commits(&self) -> PathBuf {
        self.cache.join(CACHE_FORMAT).join("git")
    }

    fn below(root: &Path, home: Option<PathBuf>) -> Self {
        Paths {
            home,
            config_file: root.join("hooks.toml"),
            cache: root.join("cache"),
            state: root.join("state"),
            agreements: root.join("state"),
            data: root.join("data"),
        }
    }

    // Without HOME `directories` would ask the password database, which a stripped environment
    // does not expect.
    fn of_platform(home: Option<PathBuf>) -> Option<Self> {
        home.as_ref()?;
        let folders = directories::ProjectDirs::from("", "", "warmstart")?;
        let state = folders.state_dir().map(Path::to_path_buf);
        // macOS and Windows have no folder for state.
        let state = state.unwrap_or_else(|| folders.data_local_dir().join("state"));
        Some(Paths {
            home,
            config_file: folders.config_dir().join("hooks.toml"),
            cache: folders.cache_dir().to_path_buf(),
            agreements: state.clone(),
            state,
            data: folders.data_dir().to_path_buf(),
        })
    }
}
