//! What is done after the answer, by a detached process that holds nothing of the caller's: stale
//! entries renewed, queries primed, the caches and records kept small. Not started when nothing is due.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::cache::{Cache, upkeep};
use crate::config::{self, LoadedConfig};
use crate::deadline::{Deadline, Timestamp};
use crate::environment::Environment;
use crate::hook::bindings;
use crate::plan::Plan;
use crate::query::QueryResult;
use crate::{logging, runs};

/// The hidden command.
pub const COMMAND: &str = "__refresh";
/// The whole detached process.
pub const LIMIT: Duration = Duration::from_secs(30);
/// Variables that it gets beside those that the configuration names.
const INHERITED: &[&str] = &[
    "HOME",
    "USERPROFILE",
    "PATH",
    "LANG",
    "TMPDIR",
    "TEMP",
    "SYSTEMROOT",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
    "XDG_STATE_HOME",
    "XDG_DATA_HOME",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CLAUDE_PLUGIN_DATA",
];

/// What there is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackgroundWork {
    /// Queries to renew whatever their entries are like.
    pub renew: Vec<String>,
    /// Queries to fill where they have no fresh entry.
    pub prime: Vec<String>,
    pub upkeep: bool,
    /// `--config FILE` of the run: the same settings hold for what it left to do.
    pub file: Option<PathBuf>,
    /// `--set KEY=VALUE` of the run.
    pub set: Vec<(String, String)>,
}

impl BackgroundWork {
    /// Looks at what the run left.
    #[must_use]
    pub fn of(plan: &Plan, is_healthy: bool) -> Self {
        let session = &plan.session;
        let renew = session.queries.due();
        let primed = plan.hooks.iter().filter_map(|hook| hook.hook.as_ref().ok());
        // A server in trouble is not asked for more.
        let primed = primed.flat_map(|hook| hook.primes()).filter(|_| is_healthy);
        let prime: Vec<String> = primed
            .filter(|name| *name != bindings::BRANCHES || bindings::needs_branch_list(session))
            .filter(|name| match bindings::with_branch(session, name) {
                Ok(known) => session.queries.needs_priming(name, &known),
                Err(_) => false,
            })
            .cloned()
            .collect();
        BackgroundWork { renew, prime, upkeep: is_upkeep_due(plan), ..BackgroundWork::default() }
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.renew.is_empty() && self.prime.is_empty() && !self.upkeep
    }
}

fn is_upkeep_due(plan: &Plan) -> bool {
    let session = &plan.session;
    let cache = Cache::new(&session.config.cache, session.paths.as_ref(), true);
    let interval = session.config.cache.cleanup_interval;
    let runs = session.paths.as_ref().map(runs::file);
    upkeep::is_due(&cache, interval, SystemTime::now())
        || runs.is_some_and(|file| runs::needs_prune(&file, session.config.log.runs))
}

/// Starts the detached process: no pipe of ours, no variable that it does not need. What goes wrong
/// here costs the next session a request, not this one anything.
pub fn spawn_detached(
    program: &Path,
    work: &BackgroundWork,
    folder: &Path,
    environment: &Environment,
    loaded: &LoadedConfig,
) {
    let secrets: Vec<&str> = loaded.config.secret_variables().collect();
    let plugins = &loaded.config.plugins;
    let is_kept = |name: &str| {
        INHERITED.contains(&name)
            || config::is_ours(name)
            || secrets.contains(&name)
            || plugins.values().any(|plugin| plugin.env.iter().any(|one| one == name))
    };
    let mut command = Command::new(program);
    command.arg(COMMAND).current_dir(folder).env_clear();
    command.envs(environment.iter().filter(|(name, _)| is_kept(name)));
    command.args(work.renew.iter().map(|name| format!("--renew={name}")));
    command.args(work.prime.iter().map(|name| format!("--prime={name}")));
    command.args(work.upkeep.then_some("--upkeep"));
    command.args(work.file.iter().flat_map(|file| ["--config".as_ref(), file.as_os_str()]));
    let set = work.set.iter().map(|(key, value)| format!("--set={key}={value}"));
    command.args(set);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        tracing::warn!(%error, "the background refresh could not be started");
    }
}

/// Leaves the caller's session, so that its end does not end us.
pub fn detach() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "the background refresh stays in its caller's session");
    }
}

/// Does what is due, in the detached process.
pub async fn run(plan: &Plan, work: &BackgroundWork) {
    let deadline = Deadline::after(LIMIT);
    let mut branches = None;
    for name in work.renew.iter().chain(&work.prime) {
        let result = renew(plan, name, branches.as_ref(), deadline).await;
        if name == bindings::BRANCHES {
            branches = result;
        }
    }
    // With the list of branches there the next task can be asked for.
    if work.prime.iter().any(|name| name == bindings::BRANCHES) {
        let again = plan.hooks.iter().filter_map(|hook| hook.hook.as_ref().ok());
        for name in again.flat_map(|hook| hook.primes()).filter(|name| !work.prime.contains(name)) {
            renew(plan, name, branches.as_ref(), deadline).await;
        }
    }
    if work.upkeep {
        prune_all(plan);
    }
}

/// Renews one query; `branches` is the list of branches, if this process has just asked for it.
async fn renew(
    plan: &Plan,
    name: &str,
    branches: Option<&QueryResult>,
    deadline: Deadline,
) -> Option<QueryResult> {
    let session = &plan.session;
    let bindings = match branches {
        Some(branches) => bindings::with_branch_of(session, name, branches),
        None => bindings::with_branch(session, name),
    };
    let result = match bindings {
        Ok(bindings) => session.queries.renew(name, &bindings, deadline).await,
        Err(failure) => Err(failure),
    };
    match &result {
        Ok(_) => tracing::info!(query = name, "renewed in the background"),
        Err(failure) => tracing::warn!(query = name, %failure, "not renewed in the background"),
    }
    result.ok()
}

fn prune_all(plan: &Plan) {
    let session = &plan.session;
    let config = &session.config;
    let cache = Cache::new(&config.cache, session.paths.as_ref(), false);
    let removed = upkeep::clean(&cache, config.cache.max_size, SystemTime::now());
    if let Some(folder) = logging::folder(&config.log, session.paths.as_ref()) {
        logging::prune(&folder, config.log.keep, Timestamp::now());
    }
    if let Some(paths) = &session.paths {
        let _ = runs::prune(&runs::file(paths), config.log.runs);
        upkeep::forget(&paths.revisions(), SystemTime::now());
        upkeep::forget(&paths.commits(), SystemTime::now());
    }
    tracing::info!(removed, "cleaned up");
}
