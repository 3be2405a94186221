//! The work of the detached process that a run starts after its answer, or at its deadline.

use std::process::Command;

use super::FinishedRun;
use crate::cli::Invocation;
use crate::cli::workspace::Workspace;
use crate::engine::{HookReport, Report};
use crate::error::{Class, Code};
use crate::plan::Plan;
use crate::refresh::{self, BackgroundWork};

/// What is due after a run that has answered.
pub fn work_of(finished: &FinishedRun<'_>) -> BackgroundWork {
    let is_healthy = !finished.report.hooks.iter().any(|hook| {
        hook.result.provenance.failure.as_ref().is_some_and(|failure| {
            matches!(failure.class(), Class::Unavailable | Class::Auth | Class::Protocol)
        })
    });
    BackgroundWork::of(finished.plan, is_healthy)
}

/// The detached process of a run that ends at its deadline with the report `early`.
pub fn unanswered(
    plan: &Plan,
    early: &Report,
    workspace: &Workspace,
    invocation: &Invocation,
) -> Option<Command> {
    let is_late = |hook: &HookReport| {
        let failure = hook.result.provenance.failure.as_ref();
        failure.is_some_and(|failure| failure.code == Code::Deadline)
    };
    let hooks = plan.hooks.iter().zip(&early.hooks).filter(|(_, report)| is_late(report));
    let queries = hooks.filter_map(|(planned, _)| planned.hook.as_ref().ok()?.query());
    // A local list is read each time.
    let queries = queries.filter(|name| plan.session.queries.source_of(name).is_cached);
    let queries: Vec<&str> = queries.collect();
    if queries.is_empty() {
        return None;
    }
    let work = BackgroundWork::of(plan, false).with_unanswered(plan, queries.into_iter());
    detached(work, plan, workspace, invocation)
}

/// The detached process for `work`, if there is any.
pub fn detached(
    mut work: BackgroundWork,
    plan: &Plan,
    workspace: &Workspace,
    invocation: &Invocation,
) -> Option<Command> {
    if work.is_empty() || workspace.paths.is_none() {
        return None;
    }
    let flags = &invocation.flags;
    work.file = flags.config.as_ref().and_then(|file| std::path::absolute(file).ok());
    // A refused value may be a secret: every process can read the arguments of another.
    let stack = &workspace.loaded.stack;
    work.set = flags.set.iter().filter(|(key, _)| !stack.refuses_flag(key)).cloned().collect();
    Some(refresh::detached(&invocation.program, &work, &workspace.folder, plan))
}
