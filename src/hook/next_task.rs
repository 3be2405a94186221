//! The task that the server recommends for the checked-out branch. The server knows branches by ids
//! of its own: from `[branches]`, else from the `branches` query; without one nothing is asked.

use super::{Builtin, Hook, HookFuture, HookResult, SessionContext, bindings, pending_tasks};
use crate::config::{Config, HookConfig};
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::query::QueryResult;

pub static BUILTIN: Builtin =
    Builtin { name: "next_task", summary: "the task recommended for this branch", build };

const HEADING: &str = "Recommended next";

struct NextTask {
    query: String,
    timeout: std::time::Duration,
}

fn build(own: &HookConfig, config: &Config) -> Result<Box<dyn Hook>, Failure> {
    let query = pending_tasks::query_of(own, config)?;
    Ok(Box::new(NextTask { query, timeout: own.timeout }))
}

/// A list of one; an empty one has nothing to recommend and says nothing.
fn found(answered: QueryResult) -> HookResult {
    let found = pending_tasks::found(answered, HEADING);
    let is_empty = found.parts.iter().all(|part| match part {
        super::Part::Tasks { tasks, .. } => tasks.list.is_empty(),
        super::Part::Text { .. } => false,
    });
    if is_empty { HookResult { parts: Vec::new(), ..found } } else { found }
}

/// Without a branch that the server knows there is simply no next task: no reason to worry anybody.
fn no_branch(failure: &Failure) -> HookResult {
    tracing::debug!(%failure, "no next task");
    HookResult::nothing()
}

impl Hook for NextTask {
    fn from_disk(&self, session: &SessionContext) -> Option<HookResult> {
        if is_local(session) {
            return Some(HookResult::nothing());
        }
        let known = match bindings::with_branch(session, &self.query) {
            Ok(known) => known,
            // The list of branches is fetched in the background, not while somebody waits.
            Err(failure) => return Some(no_branch(&failure)),
        };
        session.queries.from_disk(&self.query, &known).map(found)
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(async move {
            let known = match bindings::with_branch(session, &self.query) {
                Ok(known) => known,
                Err(failure) => return no_branch(&failure),
            };
            found(session.queries.live(&self.query, &known, self.timeout, deadline).await)
        })
    }

    fn from_cache_alone(&self, session: &SessionContext, failure: &Failure) -> Option<HookResult> {
        let known = bindings::with_branch(session, &self.query).ok()?;
        Some(found(session.queries.from_cache_alone(&self.query, &known, failure.clone())))
    }
}

/// A local file recommends nothing that is not already listed as pending.
fn is_local(session: &SessionContext) -> bool {
    !session.queries.primary().is_cached
}
