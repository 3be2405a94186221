//! The run as it is recorded: what came of each hook, how long each stage took, and what was printed,
//! so that a resumed session need not be told again.

use std::time::Instant;

use super::{FinishedRun, millis};
use crate::deadline::Timestamp;
use crate::hook::SessionContext;
use crate::query::ServedFrom;
use crate::runs::{self, HookRun, Run};

/// Characters of a session's id.
const MAX_SESSION_CHARS: usize = 64;

/// The stages of a run and their milliseconds.
pub struct Stages {
    started: Instant,
    last: Instant,
    done: Vec<(String, u64)>,
}

impl Stages {
    /// Begins with the process.
    pub fn new(started: Instant) -> Self {
        Stages { started, last: started, done: Vec::with_capacity(6) }
    }

    /// Ends the stage that has been running.
    pub fn end(&mut self, name: &str) {
        self.done.push((name.to_owned(), millis(self.last)));
        self.last = Instant::now();
    }
}

/// A name for this run, for the log and the record.
pub fn id() -> String {
    format!("{:x}-{:x}", Timestamp::now().0, std::process::id())
}

/// The line of the record.
pub fn run(ended: &FinishedRun<'_>, stages: Stages) -> Run {
    let session = &ended.plan.session;
    let now = Timestamp::now();
    let hooks = ended.report.hooks.iter().map(|hook| HookRun {
        name: hook.name.clone(),
        supply: hook.result.served.word().to_owned(),
        millis: u64::try_from(hook.elapsed.as_millis()).unwrap_or(u64::MAX),
        cause: hook
            .result
            .failure
            .as_ref()
            .or(hook.result.reason.as_ref())
            .map(ToString::to_string),
    });
    let cached = ended
        .report
        .hooks
        .iter()
        .filter(|hook| matches!(hook.result.served, ServedFrom::Fresh | ServedFrom::Stale));
    let ages = cached.filter_map(|hook| hook.result.written?.age(now));
    let cause = ended.report.first_failure().or(ended.problems.first());
    Run {
        time: now,
        id: ended.id.clone(),
        source: session.event.source.word().to_owned(),
        session: session.event.session_id.as_deref().map(shortened),
        result: result(ended).to_owned(),
        cause: cause.map(ToString::to_string),
        cache_age: ages.max().map(|age| age.as_secs()),
        millis: millis(stages.started),
        stages: stages.done,
        hooks: hooks.collect(),
        chars: ended.context.text.chars().count(),
        digest: if ended.was_written { ended.context.digest.clone() } else { String::new() },
    }
}

fn result(ended: &FinishedRun<'_>) -> &'static str {
    if ended.report.must_fail() || !ended.was_written {
        "failed"
    } else if ended.report.first_failure().is_some() || !ended.problems.is_empty() {
        "degraded"
    } else if ended.context.text.is_empty() {
        "empty"
    } else {
        "ok"
    }
}

/// Whether the last words that this session was told are exactly these.
pub fn was_printed(session: &SessionContext, digest: &str) -> bool {
    let (Some(paths), Some(session)) = (&session.paths, &session.event.session_id) else {
        return false;
    };
    let last = runs::last_printed(&runs::file(paths), &shortened(session));
    last.is_some_and(|run| run.digest == digest)
}

/// The host's id; what is longer is none of any host's and would fill the record.
fn shortened(session: &str) -> String {
    session.chars().take(MAX_SESSION_CHARS).collect()
}
