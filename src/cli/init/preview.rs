//! What a session would get with the proposed settings: the program's own plan, hooks and text. Nothing
//! is stored.

use std::path::Path;
use std::time::Duration;

use super::proposal::{Proposal, Setting};
use super::toml_file::shown;
use crate::cli::Invocation;
use crate::cli::workspace::Workspace;
use crate::config::CacheRead;
use crate::context;
use crate::deadline::Deadline;
use crate::engine::{self, Report};
use crate::error::Failure;
use crate::event::SessionEvent;
use crate::plan::{Plan, PlanOptions};

/// Longer than a session start: at a terminal there is time.
const TIMEOUT: Duration = Duration::from_secs(15);
/// So that a slow server is distinguished from one that does not answer, and one that failed before is
/// asked again.
const PATIENT: [(&str, &str); 2] = [("hook_defaults.timeout", "15s"), ("breaker.failures", "0")];

/// The first session with the proposed settings.
pub struct Preview {
    /// What the model would read; empty when there is nothing to show.
    pub text: String,
    /// Why the source gave no tasks.
    pub failure: Option<Failure>,
    /// Mistakes in the configuration.
    pub problems: Vec<Failure>,
    /// How long the source took.
    pub elapsed: Duration,
    /// What a session start allows it.
    pub limit: Duration,
    /// Whether the source is a program, for which the first session waits longer.
    pub starts_program: bool,
}

/// Asks the source.
pub fn ask(folder: &Path, invocation: &Invocation, proposal: &Proposal) -> Preview {
    let mut flags = invocation.flags.clone();
    let limit = limit(&plan(folder, invocation, &flags, proposal).1);
    flags.set.extend(PATIENT.map(|(key, value)| (key.into(), value.into())));
    let (workspace, plan) = plan(folder, invocation, &flags, proposal);
    let report = engine::execute(&plan, Deadline::after(TIMEOUT), |_| ());
    let body = context::body(&report, &plan.session.config.context);
    let (failure, elapsed) = source(&plan, &report);
    let problems = workspace.loaded.problems.iter().chain(&plan.problems);
    let problems = problems.filter(|problem| Some(*problem) != failure.as_ref()).cloned().collect();
    let starts_program = plan.session.queries.primary().starts_program;
    let text = context::finish(&body, None).text;
    Preview { text, failure, problems, elapsed, limit, starts_program }
}

fn plan(
    folder: &Path,
    invocation: &Invocation,
    flags: &crate::cli::Flags,
    proposal: &Proposal,
) -> (Workspace, Plan) {
    let mut flags = flags.clone();
    flags.set.extend(proposal.settings.iter().map(flag));
    let workspace = Workspace::at(folder.to_path_buf(), invocation, &flags);
    let options = PlanOptions {
        dry_run: true,
        read: Some(CacheRead::NetworkFirst),
        ..PlanOptions::default()
    };
    let plan = workspace.plan(SessionEvent::unknown(), invocation, options);
    (workspace, plan)
}

/// A setting as `--set KEY=VALUE`.
fn flag(setting: &Setting) -> (String, String) {
    let Setting { table, key, value } = setting;
    let text = match value {
        super::proposal::Value::Text(text) => text.clone(),
        other => shown(other),
    };
    (format!("{table}.{key}"), text)
}

const TASKS: &str = "pending_tasks";

/// The time that a session start has for the tasks.
fn limit(plan: &Plan) -> Duration {
    let timeout = plan.hooks.iter().find(|hook| hook.kind == TASKS).map(|hook| hook.timeout);
    timeout.unwrap_or(plan.budget).min(plan.budget)
}

/// The failure of the tasks' source, and how long it took.
fn source(plan: &Plan, report: &Report) -> (Option<Failure>, Duration) {
    let mut hooks = plan.hooks.iter().zip(&report.hooks);
    match hooks.find(|(planned, _)| planned.kind == TASKS) {
        Some((_, hook)) => (hook.result.provenance.failure.clone(), hook.elapsed),
        None => (report.first_failure().cloned(), Duration::ZERO),
    }
}
