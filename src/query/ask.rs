//! Asks a source once for any number of processes: the one that holds the lock asks; the others wait
//! for its entry or its failure, or fall back when their own time is up. What another process got is
//! recognised by its content: it differs from what this run saw first.

use std::time::{Duration, Instant};

use tracing::Instrument;

use super::fill::{self, SourceParts};
use super::{Bindings, PreparedQuery, Queries, QueryResult, TaskSource};
use crate::cache::{self, Freshness, Key};
use crate::client::Client;
use crate::config::QueryConfig;
use crate::deadline::{Deadline, Timestamp};
use crate::disk::TryLock;
use crate::error::{Code, Failure};
use crate::single_flight;
use crate::task::{Answer, Query};

/// A client ends this much earlier by itself, so that its own error is reported.
const NOTE_RESERVE: Duration = Duration::from_millis(15);

/// Whether a failure that another process noted ends this request too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NotedFailure {
    Counts,
    Ignored,
}

/// Why a query is asked in the background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// Its entry is to be replaced, fresh or not.
    Renew,
    /// It has no fresh entry.
    Prime,
}

fn asked_by_another(name: &str) -> Failure {
    Failure::new(Code::Timeout, format!("another process is asking for `{name}`, or just has"))
}

impl Queries {
    /// Asks `source` by `limit`, or takes the answer that another process just got. A new answer is kept.
    pub(super) async fn ask(
        &self,
        source: &TaskSource,
        query: &Query,
        limit: Deadline,
    ) -> Result<QueryResult, Failure> {
        self.ask_once(source, query, limit, NotedFailure::Counts).await
    }

    async fn ask_once(
        &self,
        source: &TaskSource,
        query: &Query,
        limit: Deadline,
        noted: NotedFailure,
    ) -> Result<QueryResult, Failure> {
        let is_of_user = !self.is_session_start() && noted == NotedFailure::Counts;
        if let Some(failure) = self.missing_tool(source, query).filter(|_| !is_of_user) {
            return Err(failure);
        }
        if !source.is_cached || !query.read_only {
            let answer = self.request(source, query, limit).await?;
            return Ok(QueryResult::live(answer, Timestamp::now(), source.label.clone()));
        }
        let key = Key::new(&source.identity, query);
        self.cache.look_before_waiting(&key);
        let lock = self.cache.lock_file(&key);
        let _guard = single_flight::wait(lock.as_deref(), limit, "the same").await?;
        if let Some(settled) = self.answered_by_another(source, query, &key, noted) {
            return settled;
        }
        let began = Instant::now();
        match self.request(source, query, limit).await {
            Ok(answer) => {
                if source.starts_program {
                    self.cache.note_time(&key, began.elapsed());
                }
                Ok(self.store(source, query, &key, answer))
            }
            Err(failure) => {
                self.cache.note_failure(&key, &failure);
                Err(failure)
            }
        }
    }

    /// Asks the client that a chain names, unless the cache has a fresh answer of it.
    pub(super) async fn ask_other(
        &self,
        name: &str,
        prepared: &PreparedQuery<'_>,
        deadline: Deadline,
    ) -> Result<QueryResult, Failure> {
        let source = self.others.get(name).ok_or_else(|| {
            Failure::new(Code::ConfigName, format!("there is no client `{name}`"))
                .hint(format!("add a table `[clients.{name}]` to hooks.toml"))
        })?;
        let named = prepared.named;
        let query = source.query(&prepared.query.name, &named.config, prepared.bindings)?;
        let cached = self.lookup(source, &query);
        if self.is_fresh_enough(&cached.view)
            && let Some(result) = QueryResult::cached(cached, None)
        {
            return Ok(result);
        }
        self.ask(source, &query, deadline).await
    }

    /// Asks in the background, without the chain; gives the new answer.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn renew(
        &self,
        name: &str,
        bindings: &Bindings,
        background: Background,
        deadline: Deadline,
    ) -> Result<QueryResult, Failure> {
        let prepared = self.prepare(name, bindings)?;
        let PreparedQuery { source, query, .. } = &prepared;
        if !source.is_cached || !query.read_only {
            let text = format!("`{name}` is not asked in the background: its answers are not kept");
            return Err(Failure::new(Code::ConfigValue, text));
        }
        let _lock = match self.cache.try_refresh_lock(&Key::new(&source.identity, query)) {
            TryLock::Busy => return Err(asked_by_another(name)),
            TryLock::Held(lock) => Some(lock),
            TryLock::Unsupported => None,
        };
        // Of many sessions that began together, each has started a process.
        if background == Background::Prime && !self.needs_priming(name, bindings) {
            return self.from_disk(name, bindings).ok_or_else(|| asked_by_another(name));
        }
        // The foreground run has just noted the failure that made this necessary: ignore it.
        self.ask_once(prepared.source, &prepared.query, deadline, NotedFailure::Ignored).await
    }

    /// The answer or the failure that another process got after this run first looked.
    fn answered_by_another(
        &self,
        source: &TaskSource,
        query: &Query,
        key: &Key,
        noted: NotedFailure,
    ) -> Option<Result<QueryResult, Failure>> {
        let cached = self.lookup(source, query);
        let is_new = cached.entry.as_ref().is_some_and(|entry| self.cache.is_new(key, entry));
        if is_new && cached.view.freshness == Freshness::Fresh {
            return QueryResult::cached(cached, None).map(Ok);
        }
        match noted {
            NotedFailure::Counts => self.cache.new_failure(key).map(Err),
            NotedFailure::Ignored => None,
        }
    }

    async fn request(
        &self,
        source: &TaskSource,
        query: &Query,
        limit: Deadline,
    ) -> Result<Answer, Failure> {
        let client = source.client().as_deref().map_err(Clone::clone)?;
        let at = tokio::time::Instant::from_std(limit.instant());
        let span = tracing::debug_span!("client", query = query.name, source = source.label);
        let asking = client.ask(query, limit.earlier(NOTE_RESERVE)).instrument(span);
        let result = tokio::time::timeout_at(at, asking).await.unwrap_or_else(|_| {
            let text = format!("{} did not answer in time", source.label);
            let hint = limit.limit().hint("check what it is waiting for");
            Err(Failure::new(Code::Timeout, text).hint(hint))
        });
        // Otherwise a server that is always slower than the deadline would never fill the cache.
        if source.is_cached && result.as_ref().is_err_and(|f| f.code == Code::Timeout) {
            self.note_due(query);
        }
        result
    }

    fn store(&self, source: &TaskSource, query: &Query, key: &Key, answer: Answer) -> QueryResult {
        let written = Timestamp::now();
        let mut entry = cache::Entry {
            written,
            id: cache::unique_id(),
            query: query.name.clone(),
            origin: source.label.clone(),
            answer,
        };
        // Got with another token than the last one, it belongs to that one's entry.
        let identity = (source.identity_now)();
        let failure = match identity == source.identity {
            true => self.cache.write(key, &mut entry).err(),
            false => self.cache.write(&Key::new(&identity, query), &mut entry).err(),
        };
        if let Some(failure) = &failure {
            tracing::warn!(%failure, "the answer is shown but not kept");
        }
        QueryResult::live(entry.answer, written, entry.origin).with_failure(failure)
    }
}

impl TaskSource {
    /// The question that `config` asks here.
    pub(super) fn query(
        &self,
        name: &str,
        config: &QueryConfig,
        bindings: &Bindings,
    ) -> Result<Query, Failure> {
        let parts = SourceParts { user_id: &self.user_id, path: &self.path };
        fill::query(name, config, bindings, &parts)
    }

    /// The client, built at the first use.
    pub(super) fn client(&self) -> &Result<Box<dyn Client>, Failure> {
        self.client.get_or_init(|| (self.build)())
    }
}
