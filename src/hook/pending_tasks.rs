//! The open tasks: the answer to one named query.

use super::{
    APPEARANCE, Built, Builtin, Hook, HookFuture, HookInputs, HookResult, HookTimeout, Part,
    SessionContext, bindings,
};
use crate::config::parser::text;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::query::QueryResult;
use crate::task::Answer;

pub static BUILTIN: Builtin = Builtin {
    name: "pending_tasks",
    summary: "the open tasks of a query",
    untrusted_keys: APPEARANCE,
    build,
};

struct PendingTasks {
    query: String,
    timeout: HookTimeout,
}

fn build(inputs: &HookInputs<'_>) -> Built {
    Ok(Box::new(PendingTasks { query: query_of(inputs)?, timeout: inputs.timeout() }))
}

/// The query that a hook is bound to.
///
/// # Errors
/// `WS104` when it names none, or one that does not exist.
pub(super) fn query_of(inputs: &HookInputs<'_>) -> Result<String, Failure> {
    let HookInputs { name, table, queries, .. } = inputs;
    let query: String = table.get("query", text());
    if queries.contains_key(&query) {
        return Ok(query);
    }
    let names: Vec<&str> = queries.keys().map(String::as_str).collect();
    let text = match query.as_str() {
        "" => format!("`hooks.{name}.query` is not set"),
        _ => format!("{}`hooks.{name}.query`: there is no query `{query}`", table.place("query")),
    };
    Err(Failure::new(Code::ConfigName, text)
        .hint(format!("set it to one of: {}", names.join(", "))))
}

/// An answer as a part of the text, under `heading`.
pub(super) fn to_result(answered: QueryResult, heading: &str) -> HookResult {
    let part = match answered.answer {
        None => None,
        Some(Answer::Tasks(tasks)) => Some(Part::Tasks { heading: heading.to_owned(), tasks }),
        Some(Answer::Text(text)) if text.trim().is_empty() => None,
        Some(Answer::Text(text)) => Some(Part::Text { title: heading.to_owned(), text }),
    };
    let parts = part.into_iter().collect();
    HookResult { parts, provenance: answered.provenance, reason: None }
}

impl PendingTasks {
    const HEADING: &'static str = "Open tasks";
}

impl Hook for PendingTasks {
    fn from_disk(&self, session: &SessionContext) -> Option<HookResult> {
        let bindings = bindings::of_session(session);
        let result = session.queries.from_disk(&self.query, &bindings);
        result.map(|result| to_result(result, Self::HEADING))
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(async move {
            let bindings = bindings::of_session(session);
            let timeout = self.timeout.timeout();
            let result = session.queries.live(&self.query, &bindings, timeout, deadline).await;
            to_result(result, Self::HEADING)
        })
    }

    fn from_cache_alone(&self, session: &SessionContext, failure: &Failure) -> Option<HookResult> {
        let bindings = bindings::of_session(session);
        let result = session.queries.from_cache_alone(&self.query, &bindings, failure.clone());
        Some(to_result(result, Self::HEADING))
    }

    fn query(&self) -> Option<&str> {
        Some(&self.query)
    }
}
