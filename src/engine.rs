//! Executes a plan: first from disk, then, for the unanswered hooks, all at once inside one deadline.
//! It cannot fail: failures are in the report, and a hook's failure does not touch the other hooks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;
use tracing::Instrument;

use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::hook::HookResult;
use crate::plan::{Plan, PlannedHook};

/// The results of a run, in the order of the text.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub hooks: Vec<HookReport>,
}

/// The result of one hook.
#[derive(Clone, Debug)]
pub struct HookReport {
    /// Its name in `[hooks.NAME]`.
    pub name: String,
    pub order: i64,
    /// Its character budget.
    pub max_chars: usize,
    pub result: HookResult,
    pub elapsed: Duration,
}

impl Report {
    /// Whether the fallback chain of some query asks for exit code 1.
    #[must_use]
    pub fn must_fail(&self) -> bool {
        self.hooks.iter().any(|hook| hook.result.provenance.must_fail)
    }

    /// The first failure, in the order of the text.
    #[must_use]
    pub fn first_failure(&self) -> Option<&Failure> {
        self.hooks.iter().find_map(|hook| hook.result.provenance.failure.as_ref())
    }
}

/// A hook's line of the report.
fn report(planned: &PlannedHook, result: HookResult, elapsed: Duration) -> HookReport {
    HookReport {
        name: planned.name.clone(),
        order: planned.order,
        max_chars: planned.max_chars,
        result,
        elapsed,
    }
}

/// Runs every hook of the plan. `provisional` gets the best report that is available without waiting;
/// the watchdog prints it at the deadline.
pub fn execute(plan: &Plan, deadline: Deadline, provisional: impl FnOnce(Report)) -> Report {
    let first: Vec<Option<HookReport>> =
        plan.hooks.iter().map(|hook| from_disk(plan, hook)).collect();
    if first.iter().all(Option::is_some) {
        return Report { hooks: first.into_iter().flatten().collect() };
    }
    provisional(Report { hooks: with_fallbacks(plan, first.clone()) });
    Report { hooks: live(plan, first, deadline) }
}

/// The reports, with the fallback of each hook that has none.
fn with_fallbacks(plan: &Plan, reports: Vec<Option<HookReport>>) -> Vec<HookReport> {
    let late = |hook| report(hook, fallback_result(plan, hook), Duration::ZERO);
    let hooks = reports.into_iter().zip(&plan.hooks);
    hooks.map(|(report, hook)| report.unwrap_or_else(|| late(hook))).collect()
}

/// The first pass. A panic is this hook's failure alone.
fn from_disk(plan: &Plan, planned: &PlannedHook) -> Option<HookReport> {
    let began = Instant::now();
    let result = match &planned.hook {
        Err(failure) => Some(HookResult::failed(failure.clone())),
        Ok(hook) => catch_unwind(AssertUnwindSafe(|| hook.from_disk(&plan.session)))
            .unwrap_or_else(|_| Some(HookResult::failed(panicked(&planned.name)))),
    };
    result.map(|result| report(planned, result, began.elapsed()))
}

/// The second pass, for the hooks that the first left unanswered.
fn live(plan: &Plan, first: Vec<Option<HookReport>>, deadline: Deadline) -> Vec<HookReport> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = built else {
        return with_fallbacks(plan, first);
    };
    let all = LocalSet::new();
    let reports = all.block_on(&runtime, async {
        let mut running = Vec::new();
        for (result, planned) in first.into_iter().zip(&plan.hooks) {
            running.push(match result {
                Some(report) => Running::Done(Box::new(report)),
                None => Running::Task(start(plan, planned, deadline)),
            });
        }
        let mut reports = Vec::with_capacity(running.len());
        // A source that is asked for the first time may take longer; hooks end by `deadline` without it.
        let until =
            plan.session.queries.first_wait().map_or(deadline, |until| until.later(deadline));
        for (hook, planned) in running.into_iter().zip(&plan.hooks) {
            reports.push(finish(plan, hook, planned, until).await);
        }
        reports
    });
    // A name lookup cannot be cancelled, and the end must not wait for its thread.
    drop(all);
    runtime.shutdown_background();
    reports
}

enum Running {
    Done(Box<HookReport>),
    Task(tokio::task::JoinHandle<(HookResult, Duration)>),
}

fn start(
    plan: &Plan,
    planned: &PlannedHook,
    deadline: Deadline,
) -> tokio::task::JoinHandle<(HookResult, Duration)> {
    let session = Rc::clone(&plan.session);
    let hook = planned.hook.as_ref().ok().cloned();
    let span = tracing::debug_span!("hook", name = planned.name);
    let task = async move {
        let began = Instant::now();
        let result = match hook {
            Some(hook) => hook.live(&session, deadline).await,
            None => HookResult::nothing(),
        };
        (result, began.elapsed())
    };
    tokio::task::spawn_local(task.instrument(span).in_current_span())
}

async fn finish(
    plan: &Plan,
    running: Running,
    planned: &PlannedHook,
    deadline: Deadline,
) -> HookReport {
    let task = match running {
        Running::Done(report) => return *report,
        Running::Task(task) => task,
    };
    let at = tokio::time::Instant::from_std(deadline.instant());
    match tokio::time::timeout_at(at, task).await {
        Ok(Ok((result, elapsed))) => report(planned, result, elapsed),
        Ok(Err(_)) => report(planned, HookResult::failed(panicked(&planned.name)), Duration::ZERO),
        Err(_) => report(planned, fallback_result(plan, planned), plan.budget),
    }
}

/// The result of a hook that missed the deadline: its fallback, from disk alone.
fn fallback_result(plan: &Plan, planned: &PlannedHook) -> HookResult {
    let text = format!("the hook `{}` was not ready at the deadline", planned.name);
    let failure = Failure::new(Code::Deadline, text)
        .hint("raise `session_start.deadline`, or lower the hook's `timeout`");
    let Ok(hook) = &planned.hook else { return HookResult::failed(failure) };
    match catch_unwind(AssertUnwindSafe(|| hook.from_cache_alone(&plan.session, &failure))) {
        Ok(result) => result.unwrap_or_else(|| HookResult::failed(failure)),
        Err(_) => HookResult::failed(panicked(&planned.name)),
    }
}

fn panicked(name: &str) -> Failure {
    Failure::new(Code::Internal, format!("the hook `{name}` panicked"))
        .hint("please report it with the lines of `warmstart logs show`")
}
