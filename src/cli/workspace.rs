//! What every command needs before its own work: where we stand, and the configuration for there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Flags, Invocation};
use crate::config::{self, CacheRead, ConfigSources, Depth, LoadedConfig};
use crate::deadline::Timestamp;
use crate::event::SessionEvent;
use crate::logging;
use crate::paths::Paths;
use crate::plan::{self, Plan, PlanInputs};
use crate::repository::Repository;

/// Where we stand, and what is set there.
pub struct Workspace {
    pub paths: Option<Paths>,
    pub repository: Option<Repository>,
    /// The repository's root, or the folder itself.
    pub root: PathBuf,
    pub folder: PathBuf,
    pub loaded: LoadedConfig,
}

impl Workspace {
    /// Looks around from `folder`.
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
        let root = repository.as_ref().map_or_else(|| folder.clone(), |one| one.root.clone());
        let sources = ConfigSources {
            environment: Arc::new(environment.clone()),
            paths: paths.as_ref(),
            project: Some(&root),
            file: flags.config.clone(),
            flags: flags.set.clone(),
            depth,
        };
        let loaded = config::load(&sources);
        Workspace { paths, repository, root, folder, loaded }
    }

    /// The workspace of a command that a person gives, here, with its problems told.
    #[must_use]
    pub fn here(invocation: &Invocation) -> Self {
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let workspace = Workspace::at(folder, invocation, &invocation.flags);
        workspace.start_log();
        for problem in &workspace.loaded.problems {
            super::terminal::print_error(problem);
        }
        if let Some(failure) = &workspace.loaded.untrusted {
            super::terminal::print_note(failure);
        }
        workspace
    }

    /// Sends log lines where the configuration says.
    pub fn start_log(&self) {
        let config = &self.loaded.config.log;
        logging::start(config, logging::folder(config, self.paths.as_ref()));
    }

    /// The plan for `event`.
    #[must_use]
    pub fn plan(
        &self,
        event: SessionEvent,
        invocation: &Invocation,
        dry_run: bool,
        read: Option<CacheRead>,
    ) -> Plan {
        plan::build(PlanInputs {
            event,
            config: Arc::new(self.loaded.config.clone()),
            environment: Arc::new(invocation.environment.clone()),
            paths: self.paths.clone(),
            repository: self.repository.clone(),
            root: self.root.clone(),
            program: invocation.program.clone(),
            trusted: self.loaded.project_trusted,
            dry_run,
            now: Timestamp::now(),
            read,
        })
    }
}

/// The session's folder: the host's word, else the folder it was launched in, else ours.
#[must_use]
pub fn folder_of(event: &SessionEvent, invocation: &Invocation) -> PathBuf {
    let named = event.cwd.clone().filter(|folder| folder.is_dir());
    let launched =
        || invocation.environment.path("CLAUDE_PROJECT_DIR").filter(|path| path.is_dir());
    let own = || std::env::current_dir().ok();
    named.or_else(launched).or_else(own).unwrap_or_else(|| Path::new("/").to_path_buf())
}
