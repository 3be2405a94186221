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
            match self.decide("before", fields, deadline.capped(BEFORE_TIMEOUT)).await? {
                Decision::Cached => Ok(Some(Serve::Cached)),
                Decision::CachedThenRefresh => Ok(Some(Serve::CachedThenRefresh)),
                Decision::Decline => Ok(None),
                other => Err(self.out_of_place(&other, "before a request")),
            }
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
            let limit = deadline.earlier(FALLBACK_RESERVE);
            Ok(match self.decide("after_failure", fields, limit).await? {
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

    fn out_of_place(&self, decision: &Decision, place: &str) -> Failure {
        let text = format!("decided `{}`, which has no meaning {place}", decision.word());
        self.named.plugin.reply_failure(&Fault::new(FaultKind::Reply, text))
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
