//! The heart: one function answers one named query from cache, client and chain.
//! Hooks, `tasks`, the refresh and the diagnostics all call it; none of them talks to a client.

mod ask;
mod fill;
mod result;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

pub use fill::Bindings;
pub use result::{QueryResult, ServedFrom};

use crate::cache::{Cache, CacheView, Freshness, Identity, Key, Lookup};
use crate::client::Client;
use crate::config::{CacheRead, QueryConfig};
use crate::deadline::{Deadline, Timestamp};
use crate::error::{Code, Failure};
use crate::fallback::{Serve, Step, Verdict};
use crate::task::Query;

/// File times come from a coarser clock than ours; what was written this shortly before the run
/// began counts as written during it.
const CLOCK_GRAIN: Duration = Duration::from_millis(10);

/// What failed in the background is not asked there again for this long.
const PRIMING_PAUSE: Duration = Duration::from_secs(600);

/// A source of tasks, built only when it is asked.
pub struct TaskSource {
    /// For people: `task server http://localhost:8000/mcp`, `TODO.md`.
    pub label: String,
    /// Whose entries in the cache are its own.
    pub identity: Identity,
    /// Answers of local files are never cached: reading them again costs less.
    pub is_cached: bool,
    pub user_id: String,
    pub build: Box<dyn Fn() -> Result<Box<dyn Client>, Failure>>,
    pub client: OnceCell<Result<Box<dyn Client>, Failure>>,
}

/// A query as it is configured, with its chain resolved.
pub struct ConfiguredQuery {
    pub config: QueryConfig,
    pub chain: Vec<Step>,
}

/// What one run may ask, and of whom.
pub struct Queries {
    table: BTreeMap<String, ConfiguredQuery>,
    primary: TaskSource,
    others: BTreeMap<String, TaskSource>,
    cache: Cache,
    read: CacheRead,
    now: Timestamp,
    started: SystemTime,
    due: RefCell<BTreeSet<String>>,
}

/// One query made ready: its configuration and its words with the placeholders filled in.
struct PreparedQuery<'a> {
    named: &'a ConfiguredQuery,
    query: Query,
}

impl Queries {
    /// The queries of one run that began at `now`.
    #[must_use]
    pub fn new(
        table: BTreeMap<String, ConfiguredQuery>,
        primary: TaskSource,
        others: BTreeMap<String, TaskSource>,
        cache: Cache,
        read: CacheRead,
        now: Timestamp,
    ) -> Self {
        let started = SystemTime::now() - CLOCK_GRAIN;
        Queries { table, primary, others, cache, read, now, started, due: RefCell::default() }
    }

    /// The source that is asked first, for people.
    #[must_use]
    pub fn primary(&self) -> &TaskSource {
        &self.primary
    }

    /// The source of `[clients.NAME]`.
    #[must_use]
    pub fn other(&self, name: &str) -> Option<&TaskSource> {
        self.others.get(name)
    }

    /// Whether there is a query of that name.
    #[must_use]
    pub fn is_known(&self, name: &str) -> bool {
        self.table.contains_key(name)
    }

    /// The queries and their chains, by name.
    pub fn table(&self) -> impl Iterator<Item = (&str, &ConfiguredQuery)> {
        self.table.iter().map(|(name, named)| (name.as_str(), named))
    }

    /// The queries whose entries should be renewed in the background.
    #[must_use]
    pub fn due(&self) -> Vec<String> {
        self.due.borrow().iter().cloned().collect()
    }

    /// Whether asking `name` in the background is worth a request: it is kept, has no fresh entry,
    /// and did not fail a short while ago.
    #[must_use]
    pub fn needs_priming(&self, name: &str, bindings: &Bindings) -> bool {
        let Ok(prepared) = self.prepare(name, bindings) else { return false };
        if !self.primary.is_cached || !prepared.query.read_only {
            return false;
        }
        let key = Key::new(&self.primary.identity, &prepared.query);
        let view = self.lookup(&self.primary, &prepared.query, self.now).view;
        view.freshness != Freshness::Fresh
            && self.cache.failure_since(&key, self.started - PRIMING_PAUSE).is_none()
    }

    /// The answer that needs no request: a fresh entry, or what the chain serves before asking.
    /// `None`: it has to be asked for.
    #[must_use]
    pub fn from_disk(&self, name: &str, bindings: &Bindings) -> Option<QueryResult> {
        let prepared = match self.prepare(name, bindings) {
            Ok(prepared) => prepared,
            Err(failure) => return Some(QueryResult::nothing(failure)),
        };
        if !self.primary.is_cached {
            return None;
        }
        let found = self.lookup(&self.primary, &prepared.query, self.now);
        if self.is_fresh_enough(&found.view) {
            return QueryResult::cached(found, None);
        }
        let serve = prepared.named.chain.iter().find_map(|step| match step {
            Step::Builtin(builtin) => builtin.strategy.before(&found.view),
            Step::Client(_) | Step::Plugin(_) => None,
        });
        self.serve(&prepared.query, serve?, found)
    }

    /// Asks the client for at most `timeout`, then runs the chain; ends by the deadline.
    pub async fn live(
        &self,
        name: &str,
        bindings: &Bindings,
        timeout: Duration,
        deadline: Deadline,
    ) -> QueryResult {
        let prepared = match self.prepare(name, bindings) {
            Ok(prepared) => prepared,
            Err(failure) => return QueryResult::nothing(failure),
        };
        if let Some(served) = self.advised_before(&prepared, deadline).await {
            return served;
        }
        let limit = deadline.capped(timeout);
        match self.ask(&self.primary, &prepared.query, limit).await {
            Ok(result) => result,
            Err(failure) => self.fall_back(&prepared, failure, deadline).await,
        }
    }

    /// What the chain makes of `failure` with the cache alone: for a run that must answer now.
    #[must_use]
    pub fn from_cache_alone(
        &self,
        name: &str,
        bindings: &Bindings,
        failure: Failure,
    ) -> QueryResult {
        let prepared = match self.prepare(name, bindings) {
            Ok(prepared) => prepared,
            Err(failure) => return QueryResult::nothing(failure),
        };
        let found = self.lookup(&self.primary, &prepared.query, Timestamp::now());
        for step in &prepared.named.chain {
            let Step::Builtin(builtin) = step else { continue };
            if let Some(verdict) = builtin.strategy.after(&failure, &found.view) {
                return self.settle(verdict, found, failure);
            }
        }
        QueryResult::nothing(self.explain_expired(&found.view, failure))
    }

    fn prepare(&self, name: &str, bindings: &Bindings) -> Result<PreparedQuery<'_>, Failure> {
        let named = self.table.get(name).ok_or_else(|| {
            Failure::new(Code::CONFIG_NAME, format!("there is no query `{name}`"))
                .hint(format!("add a table `[queries.{name}]` to hooks.toml"))
        })?;
        let query = fill::query(name, &named.config, bindings, &self.primary.user_id)?;
        Ok(PreparedQuery { named, query })
    }

    fn lookup(&self, source: &TaskSource, query: &Query, now: Timestamp) -> Lookup {
        if !source.is_cached {
            return Lookup { view: CacheView::ABSENT, entry: None };
        }
        self.cache.lookup(&Key::new(&source.identity, query), query.ttl, now)
    }

    fn is_fresh_enough(&self, view: &CacheView) -> bool {
        self.read == CacheRead::FreshFirst && view.freshness == Freshness::Fresh
    }

    fn serve(&self, query: &Query, serve: Serve, found: Lookup) -> Option<QueryResult> {
        let result = QueryResult::cached(found, None)?;
        if serve == Serve::CachedThenRefresh {
            self.note_due(query);
        }
        Some(result)
    }

    /// Notes that `query` should be renewed in the background.
    fn note_due(&self, query: &Query) {
        if query.read_only {
            self.due.borrow_mut().insert(query.name.clone());
        }
    }

    /// Plugins that want to be asked before the request, in the order of the chain.
    async fn advised_before(
        &self,
        prepared: &PreparedQuery<'_>,
        deadline: Deadline,
    ) -> Option<QueryResult> {
        for step in &prepared.named.chain {
            let Step::Plugin(advisor) = step else { continue };
            if !advisor.has_before() {
                continue;
            }
            let found = self.lookup(&self.primary, &prepared.query, self.now);
            match advisor.before(&prepared.query, found.view, deadline).await {
                Ok(Some(serve)) => return self.serve(&prepared.query, serve, found),
                Ok(None) => {}
                Err(failure) => {
                    tracing::warn!(step = advisor.name(), %failure, "a step of the chain failed");
                }
            }
        }
        None
    }

    /// Runs the chain: forward only, carrying the last failure; at its end the tasks are left out.
    async fn fall_back(
        &self,
        prepared: &PreparedQuery<'_>,
        failure: Failure,
        deadline: Deadline,
    ) -> QueryResult {
        tracing::warn!(query = prepared.query.name, code = %failure.code, %failure, "the source did not answer");
        let found = self.lookup(&self.primary, &prepared.query, Timestamp::now());
        let mut last = failure;
        for step in &prepared.named.chain {
            let verdict = decide(step, &prepared.query, &last, found.view, deadline).await;
            tracing::debug!(step = step.name(), ?verdict, "a step of the chain decided");
            match verdict {
                None => {}
                Some(Verdict::Cached) if !found.view.is_usable() => {}
                Some(Verdict::Ask(name)) => match self.ask_other(&name, prepared, deadline).await {
                    Ok(result) => return QueryResult { failure: Some(last), ..result },
                    Err(failure) => last = failure,
                },
                Some(verdict) => return self.settle(verdict, found, last),
            }
        }
        QueryResult::nothing(self.explain_expired(&found.view, last))
    }

    fn settle(&self, verdict: Verdict, found: Lookup, failure: Failure) -> QueryResult {
        let failure = self.explain_expired(&found.view, failure);
        match verdict {
            Verdict::Cached => QueryResult::cached(found, Some(failure.clone()))
                .unwrap_or_else(|| QueryResult::nothing(failure)),
            Verdict::Substitute(answer) => QueryResult::substitute(answer, failure),
            Verdict::Fail => QueryResult { must_fail: true, ..QueryResult::nothing(failure) },
            Verdict::Skip | Verdict::Ask(_) => QueryResult::nothing(failure),
        }
    }

    /// Says that there would have been something, had it not been too old.
    fn explain_expired(&self, view: &CacheView, mut failure: Failure) -> Failure {
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
) -> Option<Verdict> {
    match step {
        Step::Builtin(builtin) => builtin.strategy.after(failure, &view),
        Step::Client(name) => Some(Verdict::Ask(name.clone())),
        Step::Plugin(advisor) => match advisor.after(query, failure, view, deadline).await {
            Ok(verdict) => verdict,
            Err(failure) => {
                tracing::warn!(step = advisor.name(), %failure, "a step of the chain failed");
                None
            }
        },
    }
}
