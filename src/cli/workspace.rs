//! What every command needs before its own work: folder, repository and configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Flags, Invocation, terminal};
use crate::config::{self, ConfigSources, Depth, LoadedConfig};
use crate::deadline::Timestamp;
use crate::error::Failure;
use crate::event::SessionEvent;
use crate::hook;
use crate::logging::{self, Console};
use crate::paths::Paths;
use crate::plan::{self, Plan, PlanInputs, PlanOptions};
use crate::repository::Repository;

/// The folder that a command works in, and the configuration that holds there.
pub struct Workspace {
    pub paths: Option<Paths>,
    pub repository: Option<Repository>,
    /// The repository's root, or the folder itself.
    pub root: PathBuf,
    pub folder: PathBuf,
    pub loaded: LoadedConfig,
}

/// Whether the log file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    File,
    /// Only what `-v` prints.
    Console,
}

impl Workspace {
    /// The workspace around `folder`.
    #[must_use]
    pub fn at(folder: PathBuf, invocation: &Invocation, flags: &Flags) -> Self {
        Workspace::load(folder, invocation, flags, Depth::Winners)
    }

    /// The same, with the settings read as deep as `depth` says.
    #[must_use]
    pub fn load(folder: PathBuf, invocation: &Invocation, flags: &Flags, depth: Depth) -> Self {
        let environment = &invocation.environment;
        let paths = Paths::find(environment);
        let home = paths.as_ref().and_then(|paths| paths.home.as_deref());
        let repository = Repository::find(&folder, home);
        let root = repository
            .as_ref()
            .map_or_else(|| folder.clone(), |repository| repository.root.clone());
        let sources = ConfigSources {
            environment: Arc::clone(environment),
            paths: paths.as_ref(),
            project: Some(&root),
            file: flags.config.clone(),
            flags: flags.set.clone(),
            hook_keys: hook::untrusted_keys,
            depth,
        };
        let loaded = config::load(&sources);
        Workspace { paths, repository, root, folder, loaded }
    }

    /// The workspace of a command that a user calls, in the current folder. Problems of the
    /// configuration are printed as warnings, since the next weaker value takes their place.
    ///
    /// # Errors
    /// A flag that cannot be honoured: the user asked for it in this call.
    pub fn here(invocation: &Invocation) -> Result<Self, Failure> {
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let workspace = Workspace::at(folder, invocation, &invocation.flags);
        workspace.start_log(&invocation.flags, Log::File);
        workspace.require_flags()?;
        workspace.loaded.problems.iter().for_each(terminal::print_warning);
        if let Some(failure) = workspace.loaded.untrusted.as_ref().and_then(|file| file.notice()) {
            terminal::print_note_of(&failure);
        }
        Ok(workspace)
    }

    /// Refuses a flag that cannot be honoured.
    ///
    /// # Errors
    /// The first of `--config` and `--set` that was refused.
    pub fn require_flags(&self) -> Result<(), Failure> {
        self.loaded.refused_flags.first().cloned().map_or(Ok(()), Err)
    }

    /// Starts the log, as the configuration and `-v` ask for it.
    pub fn start_log(&self, flags: &Flags, log: Log) {
        let config = &self.loaded.config.log;
        let folder = match log {
            Log::File => logging::folder(config, self.paths.as_ref()),
            Log::Console => None,
        };
        logging::start(config, folder, console(flags));
    }

    /// The plan for `event`.
    #[must_use]
    pub fn plan(&self, event: SessionEvent, invocation: &Invocation, options: PlanOptions) -> Plan {
        plan::build(PlanInputs {
            event,
            loaded: &self.loaded,
            environment: Arc::clone(&invocation.environment),
            paths: self.paths.clone(),
            repository: self.repository.clone(),
            root: self.root.clone(),
            program: invocation.program.clone(),
            now: Timestamp::now(),
            options,
        })
    }
}

/// Starts the log of a command that writes none: what `-v` prints.
pub fn start_console(flags: &Flags) {
    if let Some(console) = console(flags) {
        logging::start_console(console);
    }
}

fn console(flags: &Flags) -> Option<Console> {
    Console::of_verbosity(flags.verbose, terminal::eprint_log)
}

/// The session's folder: the event's, else the folder that the host was started in, else the current
/// one.
#[must_use]
pub fn folder_of(event: &SessionEvent, invocation: &Invocation) -> PathBuf {
    let named = event.cwd.clone().filter(|folder| folder.is_dir());
    let launched =
        || invocation.environment.path("CLAUDE_PROJECT_DIR").filter(|path| path.is_dir());
    let current = || std::env::current_dir().ok();
    named.or_else(launched).or_else(current).unwrap_or_else(|| Path::new("/").to_path_buf())
}
