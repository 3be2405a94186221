//! A plugin as a step of a chain. It may decide, or supply tasks itself; when it fails, the next step
//! decides.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Advisor, AdvisorFuture, Serve, Verdict};
use crate::cache::{CacheView, Freshness};
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::plugin::wire::{self, Decision, PluginRequest};
use crate::plugin::{Fault, FaultKind, PREFIX, ResolvedItem};
use crate::task::{Answer, Query};

/// The time limit of `before`: it delays every request.
const BEFORE_TIMEOUT: Duration = Duration::from_millis(100);
/// Kept free for the steps that follow.
const FALLBACK_RESERVE: Duration = Duration::from_millis(20);

/// The step that `word` of a chain names.
#[must_use]
pub fn step(word: &str, named: ResolvedItem) -> Box<dyn Advisor> {
    let has_before = named.pin.manifest.before.contains(&named.item);
    Box::new(PluginStep { word: word.to_owned(), has_before, named })
}

struct PluginStep {
    word: String,
    has_before: bool,
    named: ResolvedItem,
}

impl Advisor for PluginStep {
    fn name(&self) -> &str {
        &self.word
    }

    fn has_before(&self) -> bool {
        self.has_before
    }

    fn before<'a>(
        &'a self,
        query: &'a Query,
        cache: CacheView,
        deadline: Deadline,
    ) -> AdvisorFuture<'a, Serve> {
        Box::pin(async move {
            let fields = json!({ "query": question(query), "cache": view(cache) });
            let decision = self.decide("before", fields, before_limit(deadline)).await?;
            serve(&decision).map_err(|fault| self.named.plugin.reply_failure(&fault))
        })
    }

    fn after<'a>(
        &'a self,
        query: &'a Query,
        failure: &'a Failure,
        cache: CacheView,
        deadline: Deadline,
    ) -> AdvisorFuture<'a, Verdict> {
        Box::pin(async move {
            let failed = json!({
                "class": failure.class().word(),
                "code": failure.code.to_string(),
                "message": failure.message,
            });
            let fields =
                json!({ "query": question(query), "cache": view(cache), "failure": failed });
            Ok(match self.decide("after_failure", fields, after_limit(deadline)).await? {
                Decision::Cached | Decision::CachedThenRefresh => Some(Verdict::Cached),
                Decision::Ask(client) => Some(Verdict::Ask(client)),
                Decision::Substitute(tasks) => Some(Verdict::Substitute {
                    answer: Answer::Tasks(tasks),
                    origin: self.origin(),
                }),
                Decision::Skip => Some(Verdict::Skip),
                Decision::Fail => Some(Verdict::Fail),
                Decision::Decline => None,
            })
        })
    }
}

impl PluginStep {
    /// The label of the tasks that it supplies.
    fn origin(&self) -> String {
        format!("plugin {}", self.word.strip_prefix(PREFIX).unwrap_or(&self.word))
    }

    async fn decide(
        &self,
        op: &'static str,
        fields: Value,
        limit: Deadline,
    ) -> Result<Decision, Failure> {
        let plugin = &self.named.plugin;
        let request = PluginRequest::new(op, &self.named.item, fields);
        let ok = plugin.call(&request, limit).await?;
        wire::read_decision(&ok).map_err(|fault| plugin.reply_failure(&fault))
    }
}

fn before_limit(deadline: Deadline) -> Deadline {
    deadline.capped(BEFORE_TIMEOUT)
}

fn after_limit(deadline: Deadline) -> Deadline {
    deadline.earlier(FALLBACK_RESERVE)
}

/// What a decision before the request means; there, only the cache can be chosen.
fn serve(decision: &Decision) -> Result<Option<Serve>, Fault> {
    match decision {
        Decision::Cached => Ok(Some(Serve::Cached)),
        Decision::CachedThenRefresh => Ok(Some(Serve::CachedThenRefresh)),
        Decision::Decline => Ok(None),
        other => {
            let text = format!("decided `{}`, which has no meaning before a request", other.word());
            Err(Fault::new(FaultKind::Reply, text))
        }
    }
}

fn question(query: &Query) -> Value {
    json!({ "name": query.name, "tool": query.tool, "arguments": query.arguments })
}

fn view(cache: CacheView) -> Value {
    let state = match cache.freshness {
        Freshness::Absent => "absent",
        Freshness::Fresh => "fresh",
        Freshness::Stale => "stale",
        Freshness::Expired => "expired",
    };
    json!({ "state": state, "age_s": cache.age.map(|age| age.as_secs()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b17_a_plugin_gets_the_state_and_the_age_of_the_entry() {
        let table = [
            (Freshness::Absent, None, json!({ "state": "absent", "age_s": null })),
            (Freshness::Fresh, Some(0), json!({ "state": "fresh", "age_s": 0 })),
            (Freshness::Stale, Some(1200), json!({ "state": "stale", "age_s": 1200 })),
            (Freshness::Expired, Some(90_000), json!({ "state": "expired", "age_s": 90_000 })),
        ];
        for (freshness, age, expected) in table {
            let age = age.map(Duration::from_secs);
            assert_eq!(view(CacheView { freshness, age }), expected);
        }
    }

    #[test]
    fn b17_before_a_request_only_the_cache_can_be_chosen() {
        assert_eq!(serve(&Decision::Cached), Ok(Some(Serve::Cached)));
        assert_eq!(serve(&Decision::CachedThenRefresh), Ok(Some(Serve::CachedThenRefresh)));
        assert_eq!(serve(&Decision::Decline), Ok(None));
        for decision in [Decision::Skip, Decision::Fail, Decision::Ask("x".into())] {
            let fault = serve(&decision).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Reply);
            assert!(fault.message.contains("no meaning before a request"), "{fault}");
        }
    }

    #[test]
    fn b17_neither_call_may_use_up_the_deadline() {
        let deadline = Deadline::after(Duration::from_secs(60));
        assert!(before_limit(deadline).remaining() <= BEFORE_TIMEOUT);
        let left = deadline.remaining();
        assert!(after_limit(deadline).remaining() + FALLBACK_RESERVE <= left);
    }
}
