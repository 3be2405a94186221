//! Resolves one named query through cache, client and chain.
//! Hooks, `tasks`, the refresh and the diagnostics all call this; none of them asks a client itself.

mod ask;
mod fall_back;
mod fill;
mod known;
mod result;
mod slow;

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use ask::Background;
pub use fill::Bindings;
pub use result::QueryResult;

use slow::Waiting;

use crate::cache::{Cache, CacheView, Freshness, Identity, Key, Lookup};
use crate::client::Client;
use crate::config::{CacheRead, QueryConfig};
use crate::deadline::{Deadline, Limit, Timestamp};
use crate::error::{Code, Failure};
use crate::fallback::{Serve, Step};
use crate::task::Query;

/// A source of tasks; its client is built only when it is asked.
pub struct TaskSource {
    /// For messages and source lines: `task server http://localhost:8000/mcp`.
    pub label: String,
    /// Identifies its entries in the cache.
    pub identity: Identity,
    /// The same, looked at again: the token may have changed since.
    pub identity_now: Box<dyn Fn() -> Identity>,
    /// Whether it has no tasks in this project (`client.only_in`): it is skipped silently.
    pub is_absent: bool,
    /// Answers of local files are never cached: reading them again costs less.
    pub is_cached: bool,
    /// Whether each question starts a program.
    pub starts_program: bool,
    /// The files that it looks for, in order; for a server none.
    pub files: Vec<std::path::PathBuf>,
    pub user_id: String,
    /// The path of its requests, with placeholders; empty for a source without paths.
    pub path: String,
    pub build: Box<dyn Fn() -> Result<Box<dyn Client>, Failure>>,
    pub client: OnceCell<Result<Box<dyn Client>, Failure>>,
}

/// A configured query with its chain resolved.
pub struct ConfiguredQuery {
    pub config: QueryConfig,
    pub chain: Vec<Step>,
}

/// The queries of one run, and the sources that answer them.
pub struct Queries {
    table: BTreeMap<String, ConfiguredQuery>,
    primary: TaskSource,
    others: BTreeMap<String, TaskSource>,
    cache: Cache,
    read: CacheRead,
    due: RefCell<BTreeSet<String>>,
    first: slow::FirstWait,
}

/// A query ready to be asked: its configuration, and the question with its placeholders filled in.
struct PreparedQuery<'a> {
    named: &'a ConfiguredQuery,
    source: &'a TaskSource,
    bindings: &'a Bindings,
    query: Query,
}

/// How long a caller waits for the client, and what sets that time.
#[derive(Clone, Copy, Debug)]
pub struct Timeout {
    pub time: Duration,
    pub limit: Limit,
}

impl Timeout {
    /// One that no setting moves.
    #[must_use]
    pub fn built_in(time: Duration) -> Self {
        Timeout { time, limit: Limit::BuiltIn }
    }

    /// `deadline`, or this timeout from now if that is nearer.
    #[must_use]
    pub fn cap(self, deadline: Deadline) -> Deadline {
        deadline.capped_by(self.time, self.limit)
    }
}

/// The advice of the plugins before a request.
#[derive(Default)]
struct Advice {
    served: Option<QueryResult>,
    /// What the user has to fix in a plugin's configuration.
    failure: Option<Failure>,
}

impl Queries {
    /// The queries of a run that begins now.
    #[must_use]
    pub fn new(
        table: BTreeMap<String, ConfiguredQuery>,
        primary: TaskSource,
        others: BTreeMap<String, TaskSource>,
        cache: Cache,
        read: CacheRead,
    ) -> Self {
        let (due, first) = (RefCell::default(), slow::FirstWait::default());
        Queries { table, primary, others, cache, read, due, first }
    }

    /// The names of the further sources.
    pub fn others(&self) -> impl Iterator<Item = &str> {
        self.others.keys().map(String::as_str)
    }

    /// The source that is asked first.
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

    /// Whether to ask `name` in the background: its answers are kept, none is fresh, and it did not
    /// fail recently.
    #[must_use]
    pub fn needs_priming(&self, name: &str, bindings: &Bindings) -> bool {
        let Ok(prepared) = self.prepare(name, bindings) else { return false };
        let source = prepared.source;
        if source.is_absent || !source.is_cached || !prepared.query.read_only {
            return false;
        }
        let key = Key::new(&prepared.source.identity, &prepared.query);
        let view = self.lookup(prepared.source, &prepared.query).view;
        view.freshness != Freshness::Fresh && !self.is_paused(&key)
    }

    /// The answer that needs no request: a fresh entry, or what the chain serves before asking.
    /// `None`: it has to be asked for.
    #[must_use]
    pub fn from_disk(&self, name: &str, bindings: &Bindings) -> Option<QueryResult> {
        let answer = self.answer_from_disk(name, bindings).ok();
        if answer.is_none() {
            self.expect_first_answer(name, bindings);
        }
        answer
    }

    /// The same; `Err` has the failure of the last request, unless an answer was stored since.
    ///
    /// # Errors
    /// `None` where no request has failed.
    pub fn from_disk_or_failure(
        &self,
        name: &str,
        bindings: &Bindings,
    ) -> Result<QueryResult, Option<Failure>> {
        self.answer_from_disk(name, bindings).map_err(|key| self.cache.last_failure(&key?))
    }

    /// `Err` has the key of the question, if its answers are kept.
    fn answer_from_disk(
        &self,
        name: &str,
        bindings: &Bindings,
    ) -> Result<QueryResult, Option<Key>> {
        let prepared = match self.prepare(name, bindings) {
            Ok(prepared) => prepared,
            Err(failure) => return Ok(QueryResult::nothing(failure)),
        };
        if prepared.source.is_absent {
            return Ok(QueryResult::skipped(&prepared.source.label));
        }
        if !prepared.source.is_cached {
            return Err(None);
        }
        let key = Key::new(&prepared.source.identity, &prepared.query);
        let cached = self.cache.lookup(&key, prepared.query.ttl, Timestamp::now());
        if self.is_fresh_enough(&cached.view) {
            return QueryResult::cached(cached, None).ok_or(Some(key));
        }
        let serve = prepared.named.chain.iter().find_map(|step| match step {
            Step::Builtin(builtin) => builtin.strategy.before(&cached.view),
            Step::Client(_) | Step::Plugin(_) => None,
        });
        serve.and_then(|serve| self.serve(&prepared.query, serve, cached)).ok_or(Some(key))
    }

    /// Asks the client for at most `timeout`, then runs the chain; ends by the deadline.
    pub async fn live(
        &self,
        name: &str,
        bindings: &Bindings,
        timeout: Timeout,
        deadline: Deadline,
    ) -> QueryResult {
        let prepared = match self.prepare(name, bindings) {
            Ok(prepared) => prepared,
            Err(failure) => return QueryResult::nothing(failure),
        };
        let advice = self.ask_advisors(&prepared, deadline).await;
        if let Some(served) = advice.served {
            return served;
        }
        let limit = match self.waiting(prepared.source, &prepared, timeout, deadline) {
            Waiting::Until(limit) => limit,
            Waiting::Answered(result) => return result.with_failure(advice.failure),
            Waiting::Nothing(failure) => return self.fall_back(&prepared, failure, deadline).await,
        };
        match self.ask(prepared.source, &prepared.query, limit).await {
            Ok(mut result) => {
                let provenance = &mut result.provenance;
                provenance.failure = provenance.failure.take().or(advice.failure);
                result
            }
            Err(failure) => {
                self.renew_after_timeout(&self.primary, &prepared.query, &failure);
                self.fall_back(&prepared, failure, deadline).await
            }
        }
    }

    /// The result of the chain after `failure` with the cache alone: for a run that must answer now.
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
        let cached = self.lookup(prepared.source, &prepared.query);
        for step in &prepared.named.chain {
            let Step::Builtin(builtin) = step else { continue };
            if let Some(verdict) = builtin.strategy.after(&failure, &cached.view) {
                return self.settle(verdict, cached, failure);
            }
        }
        QueryResult::nothing(self.explain_expired(&cached.view, failure))
    }

    fn prepare<'a>(
        &'a self,
        name: &str,
        bindings: &'a Bindings,
    ) -> Result<PreparedQuery<'a>, Failure> {
        let named = self.table.get(name).ok_or_else(|| {
            Failure::new(Code::ConfigName, format!("there is no query `{name}`"))
                .hint(format!("add a table `[queries.{name}]` to hooks.toml"))
        })?;
        let source = self.source(name, &named.config.client)?;
        let query = source.query(name, &named.config, bindings)?;
        Ok(PreparedQuery { named, source, bindings, query })
    }

    /// The source that answers the query `name` first: `[client]`, or the one of `[clients]` that the
    /// query names.
    fn source(&self, name: &str, client: &str) -> Result<&TaskSource, Failure> {
        if client.is_empty() {
            return Ok(&self.primary);
        }
        self.others.get(client).ok_or_else(|| {
            let text =
                format!("the query `{name}` names the client `{client}`, which does not exist");
            Failure::new(Code::ConfigName, text)
                .hint(format!("add a table `[clients.{client}]` to hooks.toml"))
        })
    }

    /// The source that is asked first for the query `name`; that of `[client]` for an unknown one.
    #[must_use]
    pub fn source_of(&self, name: &str) -> &TaskSource {
        let client = self.table.get(name).map_or("", |named| named.config.client.as_str());
        self.others.get(client).unwrap_or(&self.primary)
    }

    /// Looks at the present time: an entry that this run stored is not from its future.
    fn lookup(&self, source: &TaskSource, query: &Query) -> Lookup {
        if !source.is_cached {
            return Lookup { view: CacheView::ABSENT, entry: None };
        }
        self.cache.lookup(&Key::new(&source.identity, query), query.ttl, Timestamp::now())
    }

    fn is_fresh_enough(&self, view: &CacheView) -> bool {
        self.read == CacheRead::FreshFirst && view.freshness == Freshness::Fresh
    }

    fn serve(&self, query: &Query, serve: Serve, cached: Lookup) -> Option<QueryResult> {
        let result = QueryResult::cached(cached, None)?;
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
}
