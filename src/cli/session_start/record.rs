//! The record of the run: the result of each hook, how long each stage took, and the digest of what
//! was printed, so that a resumed session does not get it again.

use std::time::Instant;

use super::{FinishedRun, millis};
use crate::context::Context;
use crate::deadline::Timestamp;
use crate::engine::{HookReport, Report};
use crate::error::Failure;
use crate::event::{SessionEvent, Source};
use crate::hook::SessionContext;
use crate::runs::{self, HookRun, Run, RunResult};

/// Characters of a session's id. No host has a longer one.
const MAX_SESSION_CHARS: usize = 64;
/// Characters of a cause, which may repeat what a server or a file has: it would fill the record.
const MAX_CAUSE_CHARS: usize = 500;

/// The stages of a run and their milliseconds.
pub struct Stages {
    started: Instant,
    last: Instant,
    done: Vec<(String, u64)>,
}

impl Stages {
    /// The first stage began with the process.
    pub fn new(started: Instant) -> Self {
        Stages { started, last: started, done: Vec::with_capacity(6) }
    }

    /// Ends the running stage.
    pub fn end(&mut self, name: &str) {
        self.done.push((name.to_owned(), millis(self.last)));
        self.last = Instant::now();
    }
}

/// The name of this run in the log and the record.
pub fn id() -> String {
    format!("{:x}-{:x}", Timestamp::now().0, std::process::id())
}

/// The record of a run that has only begun, in case that it ends at its deadline.
pub fn begun(id: &str) -> Run {
    Run {
        time: Timestamp::now(),
        id: id.to_owned(),
        source: Source::Startup.word().to_owned(),
        session: None,
        result: RunResult::Ended,
        cause: None,
        cache_age: None,
        millis: 0,
        stages: Vec::new(),
        hooks: Vec::new(),
        chars: 0,
        digest: String::new(),
    }
}

/// Adds what the event says.
pub fn set_event(run: &mut Run, event: &SessionEvent) {
    event.source.word().clone_into(&mut run.source);
    run.session = event.session_id.as_deref().map(session_name);
}

/// Adds the report that is printed if the run ends at its deadline.
pub fn set_report(run: &mut Run, report: &Report, context: &Context) {
    run.hooks = report.hooks.iter().map(hook_run).collect();
    run.chars = context.text.chars().count();
    run.digest.clone_from(&context.digest);
}

/// The line of the record.
pub fn run(finished: &FinishedRun<'_>, stages: Stages) -> Run {
    let session = &finished.plan.session;
    let now = Timestamp::now();
    let hooks = &finished.report.hooks;
    let ages = hooks.iter().filter_map(|hook| hook.result.provenance.cache_age(now));
    let cause = finished.report.first_failure().or(finished.problems.first());
    Run {
        time: now,
        id: finished.id.clone(),
        source: session.event.source.word().to_owned(),
        session: session.event.session_id.as_deref().map(session_name),
        result: result(finished),
        cause: cause.map(short_cause),
        cache_age: ages.max().map(|age| age.as_secs()),
        millis: millis(stages.started),
        stages: stages.done,
        hooks: hooks.iter().map(hook_run).collect(),
        chars: finished.context.text.chars().count(),
        digest: if finished.was_written { finished.context.digest.clone() } else { String::new() },
    }
}

fn hook_run(hook: &HookReport) -> HookRun {
    let result = &hook.result;
    let cause = result.provenance.failure.as_ref().or(result.reason.as_ref());
    HookRun {
        name: hook.name.clone(),
        supply: result.provenance.served,
        millis: u64::try_from(hook.elapsed.as_millis()).unwrap_or(u64::MAX),
        cause: cause.map(short_cause),
    }
}

fn result(finished: &FinishedRun<'_>) -> RunResult {
    if finished.report.must_fail() || !finished.was_written {
        RunResult::Failed
    } else if finished.report.first_failure().is_some() || !finished.problems.is_empty() {
        RunResult::Degraded
    } else if finished.context.text.is_empty() {
        RunResult::Empty
    } else {
        RunResult::Ok
    }
}

/// Whether the last text that this session got is exactly this one.
pub fn was_printed(session: &SessionContext, digest: &str) -> bool {
    let (Some(paths), Some(session)) = (&session.paths, &session.event.session_id) else {
        return false;
    };
    let last = runs::last_printed(&runs::file(paths), &session_name(session));
    last.is_some_and(|run| run.digest == digest)
}

fn session_name(session: &str) -> String {
    session.chars().take(MAX_SESSION_CHARS).collect()
}

fn short_cause(failure: &Failure) -> String {
    let text = failure.to_string();
    let short: String = text.chars().take(MAX_CAUSE_CHARS).collect();
    if short.len() < text.len() { short + "…" } else { text }
}
