//! Questions that a source is known to refuse: it does not have the tool, or it refused the call. They
//! are not asked again for a day, except by a command of the user.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Bindings, Queries, TaskSource};
use crate::cache::Key;
use crate::error::{Code, Failure};
use crate::task::Query;

/// A query that failed in the background is not asked there again for this long.
const PRIMING_PAUSE: Duration = Duration::from_secs(600);
/// The same after a refusal: the same call is refused until the server or the question changes.
const REFUSAL_PAUSE: Duration = Duration::from_secs(86_400);

impl Queries {
    /// The failure of `query`, if the server reported within a day that it does not have the tool.
    pub(super) fn missing_tool(&self, source: &TaskSource, query: &Query) -> Option<Failure> {
        let client = source.client().as_ref().ok()?;
        client.missing_until(&query.tool).map(|_| crate::client::unknown_tool::no_tool(&query.tool))
    }

    /// Whether `key` failed so recently that the background does not ask it again.
    pub(super) fn is_paused(&self, key: &Key) -> bool {
        let Some(last) = self.cache.last_failure(key) else { return false };
        let pause = if is_refusal(&last) { REFUSAL_PAUSE } else { PRIMING_PAUSE };
        self.cache.failed_within(key, pause)
    }

    /// What the sources are known to refuse, once for a tool: for `config check`. Asks nothing.
    #[must_use]
    pub fn refusals(&self, bindings: &Bindings) -> Vec<Failure> {
        let mut of_tools: BTreeMap<(&str, String), (String, Vec<&str>)> = BTreeMap::new();
        let mut refused = Vec::new();
        for name in self.table.keys() {
            let Ok(prepared) = self.prepare(name, bindings) else { continue };
            let (source, query) = (prepared.source, &prepared.query);
            let client = source.client().as_ref().ok().filter(|_| source.is_cached);
            match client.and_then(|client| client.missing_until(&query.tool)) {
                Some(until) => {
                    let key = (source.label.as_str(), query.tool.clone());
                    let entry = of_tools.entry(key).or_insert((until.to_string(), Vec::new()));
                    entry.1.push(name);
                }
                None => refused.extend(self.refused_call(source, query)),
            }
        }
        let tools = of_tools.into_iter().map(|((label, tool), (until, names))| {
            let names = listed(&names);
            let text =
                format!("the {label} has no tool `{tool}`, so {names} not asked until {until}");
            Failure::new(Code::UnknownTool, text).hint(
                "`warmstart tools` lists its tools; set the query's `tool`, or disable its hook",
            )
        });
        tools.chain(refused).collect()
    }

    fn refused_call(&self, source: &TaskSource, query: &Query) -> Option<Failure> {
        let key = Key::new(&source.identity, query);
        if !self.cache.failed_within(&key, REFUSAL_PAUSE) {
            return None;
        }
        let failure = self.cache.last_failure(&key).filter(|last| last.code == Code::ToolError)?;
        let text = format!("the query `{}` was refused: {}", query.name, failure.message);
        Some(Failure { message: text, ..failure })
    }
}

/// Whether the source answered that it cannot do this.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.code, Code::ToolError | Code::UnknownTool)
}

/// ``the query `a` is`` or ``the queries `a`, `b` are``.
fn listed(names: &[&str]) -> String {
    match names {
        [name] => format!("the query `{name}` is"),
        names => format!("the queries `{}` are", names.join("`, `")),
    }
}
