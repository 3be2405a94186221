//! Background work after the answer, in a detached process: stale entries renewed, queries primed, caches
//! and records cleaned up. Not started when there is no work, or when nothing of it could be kept.

mod clean_up;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub use clean_up::run as clean_up;

use crate::cache::Cache;
use crate::deadline::Deadline;
use crate::disk::Access;
use crate::hook::bindings;
use crate::plan::Plan;
use crate::query::{Background, QueryResult};
use crate::{config, process};

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
        let renew = plan.session.queries.due();
        // A failing server gets no further requests.
        let prime = if is_healthy { primed(plan) } else { Vec::new() };
        let upkeep = clean_up::is_due(plan);
        let has_requests = !renew.is_empty() || !prime.is_empty();
        if has_requests && !can_keep_answers(plan) {
            return BackgroundWork { upkeep, ..BackgroundWork::default() };
        }
        BackgroundWork { renew, prime, upkeep, ..BackgroundWork::default() }
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

/// The queries to prime.
fn primed(plan: &Plan) -> Vec<String> {
    let session = &plan.session;
    let is_needed = |name: &&String| match bindings::with_branch(session, name) {
        Ok(bindings) => session.queries.needs_priming(name, &bindings),
        Err(_) => false,
    };
    primes(plan)
        .filter(|name| *name != bindings::BRANCHES || bindings::needs_branch_list(session))
        .filter(is_needed)
        .cloned()
        .collect()
}

/// The queries that the hooks of this run name for priming.
fn primes(plan: &Plan) -> impl Iterator<Item = &String> {
    let hooks = plan.hooks.iter().filter_map(|hook| hook.hook.as_ref().ok());
    hooks.flat_map(|hook| hook.primes())
}

fn can_keep_answers(plan: &Plan) -> bool {
    let session = &plan.session;
    Cache::new(&session.config.cache, session.paths.as_ref(), Access::ReadOnly).is_writable()
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

/// Makes the requests, in the detached process.
pub async fn ask(plan: &Plan, work: &BackgroundWork) {
    let deadline = Deadline::after(LIMIT);
    let mut branches = None;
    let renewed = work.renew.iter().map(|name| (name, Background::Renew));
    let primed = work.prime.iter().map(|name| (name, Background::Prime));
    for (name, background) in renewed.chain(primed) {
        let result = renew(plan, name, background, branches.as_ref(), deadline).await;
        if name == bindings::BRANCHES {
            branches = result;
        }
    }
    // The query of the next task needs the list of branches.
    if work.prime.iter().any(|name| name == bindings::BRANCHES) {
        for name in primes(plan).filter(|name| !work.prime.contains(name)) {
            renew(plan, name, Background::Prime, branches.as_ref(), deadline).await;
        }
    }
}

/// Renews one query; `branches` is the list of branches, if this process has just asked for it.
async fn renew(
    plan: &Plan,
    name: &str,
    background: Background,
    branches: Option<&QueryResult>,
    deadline: Deadline,
) -> Option<QueryResult> {
    let session = &plan.session;
    let bindings = match branches {
        Some(branches) => bindings::with_branch_of(session, name, branches),
        None => bindings::with_branch(session, name),
    };
    let result = match bindings {
        Ok(bindings) => session.queries.renew(name, &bindings, background, deadline).await,
        Err(failure) => Err(failure),
    };
    match &result {
        Ok(_) => tracing::info!(query = name, "renewed in the background"),
        Err(failure) => tracing::warn!(query = name, %failure, "not renewed in the background"),
    }
    result.ok()
}
