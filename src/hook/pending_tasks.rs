//! The open tasks: one named query, as it is answered.

use super::{Builtin, Hook, HookFuture, HookResult, Part, SessionContext, bindings};
use crate::config::{Config, HookConfig};
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::query::QueryResult;
use crate::task::Answer;

pub static BUILTIN: Builtin =
    Builtin { name: "pending_tasks", summary: "the open tasks of a query", build };

struct PendingTasks {
    query: String,
    timeout: std::time::Duration,
}

fn build(own: &HookConfig, config: &Config) -> Result<Box<dyn Hook>, Failure> {
    let query = query_of(own, config)?;
    Ok(Box::new(PendingTasks { query, timeout: own.timeout }))
}

/// The query that a hook is bound to.
///
/// # Errors
/// `WS104` when it names none, or one that does not exist.
pub(super) fn query_of(own: &HookConfig, config: &Config) -> Result<String, Failure> {
    let name = own.query.clone().unwrap_or_default();
    if config.queries.contains_key(&name) {
        return Ok(name);
    }
    let known: Vec<&str> = config.queries.keys().map(String::as_str).collect();
    Err(Failure::new(Code::CONFIG_NAME, format!("the hook's query `{name}` does not exist"))
        .hint(format!("set `query` to one of: {}", known.join(", "))))
}

/// What an answer comes to as text; `heading` is ours.
pub(super) fn found(answered: QueryResult, heading: &str) -> HookResult {
    let part = match answered.answer {
        None => None,
        Some(Answer::Tasks(tasks)) => Some(Part::Tasks { heading: heading.to_owned(), tasks }),
        Some(Answer::Text(text)) if text.trim().is_empty() => None,
        Some(Answer::Text(text)) => Some(Part::Text { title: heading.to_owned(), text }),
    };
    HookResult {
        parts: part.into_iter().collect(),
        served: answered.served,
        written: answered.written,
        origin: answered.origin,
        failure: answered.failure,
        must_fail: answered.must_fail,
    }
}

impl PendingTasks {
    const HEADING: &'static str = "Open tasks";
}

impl Hook for PendingTasks {
    fn from_disk(&self, session: &SessionContext) -> Option<HookResult> {
        let bindings = bindings::known(session);
        session.queries.from_disk(&self.query, &bindings).map(|one| found(one, Self::HEADING))
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(async move {
            let bindings = bindings::known(session);
            let answered =
                session.queries.live(&self.query, &bindings, self.timeout, deadline).await;
            found(answered, Self::HEADING)
        })
    }

    fn from_cache_alone(&self, session: &SessionContext, failure: &Failure) -> Option<HookResult> {
        let bindings = bindings::known(session);
        let answered = session.queries.from_cache_alone(&self.query, &bindings, failure.clone());
        Some(found(answered, Self::HEADING))
    }
}
