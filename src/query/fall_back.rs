//! The chain of a query: the plugins that decide before the request, and the steps after a failure.

use super::{Advice, PreparedQuery, Queries, QueryResult};
use crate::cache::{CacheView, Freshness, Lookup};
use crate::deadline::Deadline;
use crate::error::{Class, Failure};
use crate::fallback::{Step, Verdict};
use crate::provenance::Provenance;
use crate::task::Query;

impl Queries {
    /// Asks the plugins that decide before the request, in the order of the chain.
    pub(super) async fn ask_advisors(
        &self,
        prepared: &PreparedQuery<'_>,
        deadline: Deadline,
    ) -> Advice {
        let mut advice = Advice::default();
        for step in &prepared.named.chain {
            let Step::Plugin(advisor) = step else { continue };
            if !advisor.has_before() {
                continue;
            }
            let cached = self.lookup(prepared.source, &prepared.query);
            match advisor.before(&prepared.query, cached.view, deadline).await {
                Ok(Some(serve)) => {
                    advice.served = self.serve(&prepared.query, serve, cached);
                    break;
                }
                Ok(None) => {}
                Err(failure) => {
                    tracing::warn!(step = advisor.name(), %failure, "a step of the chain failed");
                    advice.failure = advice.failure.or(misconfigured(failure));
                }
            }
        }
        advice
    }

    /// Runs the chain, forward only, with the last failure; after its last step there are no tasks.
    pub(super) async fn fall_back(
        &self,
        prepared: &PreparedQuery<'_>,
        failure: Failure,
        deadline: Deadline,
    ) -> QueryResult {
        tracing::warn!(query = prepared.query.name, code = %failure.code, %failure, "the source did not answer");
        let cached = self.lookup(prepared.source, &prepared.query);
        let mut last = failure;
        let mut config_failures = Vec::new();
        for step in &prepared.named.chain {
            let decided = decide(step, &prepared.query, &last, cached.view, deadline).await;
            tracing::debug!(step = step.name(), ?decided, "a step of the chain decided");
            match decided {
                Ok(None) => {}
                Ok(Some(Verdict::Cached)) if !cached.view.is_usable() => {}
                Ok(Some(Verdict::Ask(name))) => {
                    match self.ask_other(&name, prepared, deadline).await {
                        Ok(result) => {
                            let failure = Some(with_config_failures(last, &config_failures));
                            return result.with_failure(failure);
                        }
                        Err(failure) => last = failure,
                    }
                }
                Ok(Some(verdict)) => {
                    return self.settle(
                        verdict,
                        cached,
                        with_config_failures(last, &config_failures),
                    );
                }
                Err(failure) => config_failures.extend(misconfigured(failure)),
            }
        }
        let failure = with_config_failures(last, &config_failures);
        QueryResult::nothing(self.explain_expired(&cached.view, failure))
    }

    pub(super) fn settle(&self, verdict: Verdict, cached: Lookup, failure: Failure) -> QueryResult {
        let failure = self.explain_expired(&cached.view, failure);
        match verdict {
            Verdict::Cached => QueryResult::cached(cached, Some(failure.clone()))
                .unwrap_or_else(|| QueryResult::nothing(failure)),
            Verdict::Substitute { answer, origin } => {
                QueryResult::substitute(answer, origin, failure)
            }
            Verdict::Fail => {
                let provenance = Provenance { must_fail: true, ..Provenance::failed(failure) };
                QueryResult { answer: None, provenance }
            }
            Verdict::Skip | Verdict::Ask(_) => QueryResult::nothing(failure),
        }
    }

    /// Adds that there is a cached answer which is too old to be shown.
    pub(super) fn explain_expired(&self, view: &CacheView, mut failure: Failure) -> Failure {
        if view.freshness == Freshness::Expired {
            let limit = jiff::SignedDuration::try_from(self.cache.stale_max()).unwrap_or_default();
            let too_old = format!("; the cached answer is older than {limit:#}");
            failure.message.push_str(&too_old);
        }
        failure
    }
}

async fn decide(
    step: &Step,
    query: &Query,
    failure: &Failure,
    view: CacheView,
    deadline: Deadline,
) -> Result<Option<Verdict>, Failure> {
    match step {
        Step::Builtin(builtin) => Ok(builtin.strategy.after(failure, &view)),
        Step::Client(name) => Ok(Some(Verdict::Ask(name.clone()))),
        Step::Plugin(advisor) => {
            advisor.after(query, failure, view, deadline).await.inspect_err(|failure| {
                tracing::warn!(step = advisor.name(), %failure, "a step of the chain failed");
            })
        }
    }
}

/// The failure of a step, if the user has to fix its configuration; any other is only in the log.
fn misconfigured(failure: Failure) -> Option<Failure> {
    (failure.class() == Class::Config).then_some(failure)
}

/// `failure`, with what the user has to fix in the configuration of the steps that failed.
fn with_config_failures(mut failure: Failure, config_failures: &[Failure]) -> Failure {
    for config_failure in config_failures {
        failure.message.push_str(&format!("; and a step of the chain failed: {config_failure}"));
    }
    failure
}
