//! What every command needs before its own work: where we stand, and the configuration for there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Flags, Started};
use crate::config::{self, CacheRead, Loaded, Sources};
use crate::deadline::Timestamp;
use crate::event::SessionEvent;
use crate::logging;
use crate::paths::Paths;
use crate::plan::{self, Given, Plan};
use crate::repository::Repository;

/// Where we stand, and what is set there.
pub struct Setting {
    pub paths: Option<Paths>,
    pub repository: Option<Repository>,
    /// The repository's root, or the folder itself.
    pub root: PathBuf,
    pub folder: PathBuf,
    pub loaded: Loaded,
}

impl Setting {
    /// Looks around from `folder`.
    #[must_use]
    pub fn at(folder: PathBuf, started: &Started, flags: &Flags) -> Self {
        let environment = &started.environment;
        let paths = Paths::find(environment);
        let home = paths.as_ref().and_then(|paths| paths.home.as_deref());
        let repository = Repository::find(&folder, home);
        let root = repository.as_ref().map_or_else(|| folder.clone(), |one| one.root.clone());
        let sources = Sources {
            environment,
            paths: paths.as_ref(),
            project: Some(&root),
            file: flags.config.clone(),
            flags: flags.set.clone(),
        };
        let loaded = config::load(&sources);
        Setting { paths, repository, root, folder, loaded }
    }

    /// The setting of a command that a person gives, here, with its problems told.
    #[must_use]
    pub fn here(started: &Started) -> Self {
        let folder = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let setting = Setting::at(folder, started, &started.flags);
        setting.start_log();
        for problem in &setting.loaded.problems {
            super::outcome::complain(problem);
        }
        if let Some(failure) = &setting.loaded.untrusted {
            super::outcome::remark(failure);
        }
        setting
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
        started: &Started,
        dry_run: bool,
        read: Option<CacheRead>,
    ) -> Plan {
        plan::build(Given {
            event,
            config: Arc::new(self.loaded.config.clone()),
            environment: Arc::new(started.environment.clone()),
            paths: self.paths.clone(),
            repository: self.repository.clone(),
            root: self.root.clone(),
            program: started.program.clone(),
            trusted: self.loaded.project_trusted,
            dry_run,
            now: Timestamp::now(),
            read,
        })
    }
}

/// The session's folder: the host's word, else the folder it was launched in, else ours.
#[must_use]
pub fn folder_of(event: &SessionEvent, started: &Started) -> PathBuf {
    let named = event.cwd.clone().filter(|folder| folder.is_dir());
    let launched = || started.environment.path("CLAUDE_PROJECT_DIR").filter(|path| path.is_dir());
    let own = || std::env::current_dir().ok();
    named.or_else(launched).or_else(own).unwrap_or_else(|| Path::new("/").to_path_buf())
}
