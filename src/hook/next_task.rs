//! The task that the server recommends for the checked-out branch. The server has its own ids of
//! branches: from `[branches]`, else from the `branches` query; without an id nothing is asked.

use super::{
    APPEARANCE, Built, Builtin, Hook, HookFuture, HookInputs, HookResult, HookTimeout,
    SessionContext, bindings, pending_tasks,
};
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::query::QueryResult;

pub static BUILTIN: Builtin = Builtin {
    name: "next_task",
    summary: "the task recommended for this branch",
    untrusted_keys: APPEARANCE,
    build,
};

const HEADING: &str = "Recommended next";

struct NextTask {
    query: String,
    timeout: HookTimeout,
}

fn build(inputs: &HookInputs<'_>) -> Built {
    let query = pending_tasks::query_of(inputs)?;
    Ok(Box::new(NextTask { query, timeout: inputs.timeout() }))
}

/// The recommended task; nothing when the list is empty.
fn to_result(answer: QueryResult) -> HookResult {
    let result = pending_tasks::to_result(answer, HEADING);
    let is_empty = result.parts.iter().all(|part| match part {
        super::Part::Tasks { tasks, .. } => tasks.list.is_empty(),
        super::Part::Text { .. } => false,
    });
    if is_empty { HookResult { parts: Vec::new(), ..result } } else { result }
}

/// Many servers have no branches: without an id there is no next task, and no notice about it.
fn no_branch(failure: Failure) -> HookResult {
    tracing::debug!(%failure, "no next task");
    HookResult { reason: Some(failure), ..HookResult::nothing() }
}

impl Hook for NextTask {
    fn from_disk(&self, session: &SessionContext) -> Option<HookResult> {
        if is_local(session, &self.query) {
            return Some(HookResult::nothing());
        }
        let bindings = match bindings::with_branch(session, &self.query) {
            Ok(bindings) => bindings,
            // The list of branches is fetched in the background, not while the session waits.
            Err(failure) => return Some(no_branch(failure)),
        };
        session.queries.from_disk(&self.query, &bindings).map(to_result)
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(async move {
            let bindings = match bindings::with_branch(session, &self.query) {
                Ok(bindings) => bindings,
                Err(failure) => return no_branch(failure),
            };
            let timeout = self.timeout.timeout();
            to_result(session.queries.live(&self.query, &bindings, timeout, deadline).await)
        })
    }

    fn from_cache_alone(&self, session: &SessionContext, failure: &Failure) -> Option<HookResult> {
        let bindings = bindings::with_branch(session, &self.query).ok()?;
        Some(to_result(session.queries.from_cache_alone(&self.query, &bindings, failure.clone())))
    }

    fn query(&self) -> Option<&str> {
        Some(&self.query)
    }
}

/// A local file recommends only tasks that are already listed as pending.
fn is_local(session: &SessionContext, query: &str) -> bool {
    !session.queries.source_of(query).is_cached
}
