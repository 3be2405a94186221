//! Background work after the answer, in a detached process: stale entries renewed, queries primed, caches
//! and records pruned. Not started when there is no work.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use crate::cache::{Cache, upkeep};
use crate::config;
use crate::deadline::{Deadline, Timestamp};
use crate::disk::Access;
use crate::hook::bindings;
use crate::plan::Plan;
use crate::query::QueryResult;
use crate::{logging, process, runs};

/// The hidden command.
pub const COMMAND: &str = "__refresh";
/// For the whole detached process.
pub const LIMIT: Duration = Duration::from_secs(30);
/// Variables that it gets beside those that every program gets and those that the configuration names.
const MORE_VARIABLES: &[&str] = &["SSL_CERT_FILE", "SSL_CERT_DIR", "CLAUDE_PLUGIN_DATA"];

/// The work of one run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackgroundWork {
    /// Queries to renew, fresh or not.
    pub renew: Vec<String>,
    /// Queries to fill where they have no fresh entry.
    pub prime: Vec<String>,
    pub upkeep: bool,
    /// `--config FILE` of the run: the same settings hold for its background work.
    pub file: Option<PathBuf>,
    /// `--set KEY=VALUE` of the run.
    pub set: Vec<(String, String)>,
}

impl BackgroundWork {
    /// The work that is due after the run.
    #[must_use]
    pub fn of(plan: &Plan, is_healthy: bool) -> Self {
        let session = &plan.session;
        let renew = session.queries.due();
        let hooks = plan.hooks.iter().filter_map(|hook| hook.hook.as_ref().ok());
        let prime: Vec<String> = hooks
            .flat_map(|hook| hook.primes())
            // A failing server gets no further requests.
            .filter(|_| is_healthy)
            .filter(|name| *name != bindings::BRANCHES || bindings::needs_branch_list(session))
            .filter(|name| match bindings::with_branch(session, name) {
                Ok(bindings) => session.queries.needs_priming(name, &bindings),
                Err(_) => false,
            })
            .cloned()
            .collect();
        BackgroundWork { renew, prime, upkeep: is_upkeep_due(plan), ..BackgroundWork::default() }
    }

    /// The same with queries that a run could not answer in time, where they have no fresh entry.
    #[must_use]
    pub fn with_unanswered<'a>(
        mut self,
        plan: &Plan,
        queries: impl Iterator<Item = &'a str>,
    ) -> Self {
        let session = &plan.session;
        let is_due = |name: &&str| {
            let bindings = bindings::with_branch(session, name);
            bindings.is_ok_and(|bindings| session.queries.needs_priming(name, &bindings))
        };
        for name in queries.filter(is_due) {
            if !self.renew.iter().any(|other| other == name) {
                self.renew.push(name.to_owned());
            }
        }
        self
    }

    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.renew.is_empty() && self.prime.is_empty() && !self.upkeep
    }
}

fn is_upkeep_due(plan: &Plan) -> bool {
    let session = &plan.session;
    let cache = Cache::new(&session.config.cache, session.paths.as_ref(), Access::ReadOnly);
    let interval = session.config.cache.cleanup_interval;
    let runs = session.paths.as_ref().map(runs::file);
    upkeep::is_due(&cache, interval, SystemTime::now())
        || runs.is_some_and(|file| runs::needs_prune(&file, session.config.log.runs))
}

/// The command of the detached process. It inherits no open files and only the listed variables.
#[must_use]
pub fn detached(program: &Path, work: &BackgroundWork, folder: &Path, plan: &Plan) -> Command {
    let plugins = &plan.session.config.plugins;
    let is_kept = |name: &str| {
        process::is_inherited(name)
            || MORE_VARIABLES.contains(&name)
            || config::is_ours(name)
            || plan.client_variables.iter().any(|variable| variable == name)
            || plugins.values().any(|plugin| plugin.env.iter().any(|variable| variable == name))
    };
    let mut command = Command::new(program);
    command.arg(COMMAND).current_dir(folder).env_clear();
    command.envs(plan.session.environment.iter().filter(|(name, _)| is_kept(name)));
    command.args(work.renew.iter().map(|name| format!("--renew={name}")));
    command.args(work.prime.iter().map(|name| format!("--prime={name}")));
    command.args(work.upkeep.then_some("--upkeep"));
    command.args(work.file.iter().flat_map(|file| ["--config".as_ref(), file.as_os_str()]));
    let set = work.set.iter().map(|(key, value)| format!("--set={key}={value}"));
    command.args(set);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts the detached process. A failure here costs only the next session a request.
pub fn spawn_detached(command: &mut Command) {
    process::close_on_exec();
    if let Err(error) = command.spawn() {
        tracing::warn!(%error, "the background refresh could not be started");
    }
}

/// Leaves the caller's process session, whose end would end this process.
pub fn detach() {
    #[cfg(unix)]
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!(%error, "the background refresh stays in its caller's session");
    }
}

/// Does the work, in the detached process.
pub async fn run(plan: &Plan, work: &BackgroundWork) {
    let deadline = Deadline::after(LIMIT);
    let mut branches = None;
    for name in work.renew.iter().chain(&work.prime) {
        let result = renew(plan, name, branches.as_ref(), deadline).await;
        if name == bindings::BRANCHES {
            branches = result;
        }
    }
    // The query of the next task needs the list of branches.
    if work.prime.iter().any(|name| name == bindings::BRANCHES) {
        let hooks = plan.hooks.iter().filter_map(|hook| hook.hook.as_ref().ok());
        for name in hooks.flat_map(|hook| hook.primes()).filter(|name| !work.prime.contains(name)) {
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
    let cache = Cache::new(&config.cache, session.paths.as_ref(), Access::ReadWrite);
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
