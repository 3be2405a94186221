//! Hooks: the parts of a session start. A hook gives text or tasks; it knows nothing of the other
//! hooks, of the order in the text or of its rendering.
//!
//! To add one: a file here with a `BUILTIN`, `mod NAME;` and `&NAME::BUILTIN,` below.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, HookConfig};
use crate::deadline::{Deadline, Limit, Timestamp};
use crate::environment::Environment;
use crate::error::Failure;
use crate::event::SessionEvent;
use crate::paths::Paths;
use crate::query::{Queries, ServedFrom, Timeout};
use crate::repository::Repository;
use crate::task::Tasks;

pub mod bindings;
mod command;
mod git_context;
mod next_task;
mod notes;
mod pending_tasks;
pub mod plugin;
mod prime_cache;

/// What a live pass returns.
pub type HookFuture<'a> = Pin<Box<dyn Future<Output = HookResult> + 'a>>;

/// A part of the session start, in two passes.
#[expect(clippy::wrong_self_convention, reason = "the passes are named for where they read")]
pub trait Hook {
    /// First pass: from disk alone, synchronous. `None`: the second pass is needed.
    fn from_disk(&self, session: &SessionContext) -> Option<HookResult>;

    /// Second pass, only if the first gave `None`; ends by the deadline.
    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a>;

    /// The result without the second pass, when there is no time for it: for a query, that of its
    /// chain after `failure` with the cache alone.
    fn from_cache_alone(
        &self,
        _session: &SessionContext,
        _failure: &Failure,
    ) -> Option<HookResult> {
        None
    }

    /// The queries to fill in the background.
    fn primes(&self) -> &[String] {
        &[]
    }
}

/// What every hook of a run can use.
pub struct SessionContext {
    pub event: SessionEvent,
    /// The repository around the session's folder, if there is one.
    pub repository: Option<Repository>,
    /// The repository's root, or the session's folder.
    pub root: PathBuf,
    /// Whether the user trusted this project: only then may its own programs run.
    pub trusted: bool,
    pub config: Arc<Config>,
    pub environment: Arc<Environment>,
    pub paths: Option<Paths>,
    pub queries: Queries,
    pub now: Timestamp,
    /// `--dry-run`: nothing on disk may change.
    pub dry_run: bool,
}

/// The `timeout` of one hook.
#[derive(Clone, Debug)]
pub struct HookTimeout {
    hook: String,
    time: Duration,
}

impl HookTimeout {
    /// That of the hook with this name.
    #[must_use]
    pub fn new(hook: &str, config: &HookConfig) -> Self {
        HookTimeout { hook: hook.to_owned(), time: config.timeout }
    }

    /// This timeout with the key of its setting. A `Limit` is `Copy`, so the key is never freed: one
    /// short text for each hook of a run.
    #[must_use]
    pub fn timeout(&self) -> Timeout {
        let key = format!("hooks.{}.timeout", self.hook);
        Timeout { time: self.time, limit: Limit::Setting(Box::leak(key.into_boxed_str())) }
    }

    /// `deadline`, or this timeout from now if that is nearer.
    #[must_use]
    pub fn cap(&self, deadline: Deadline) -> Deadline {
        self.timeout().cap(deadline)
    }
}

/// The result of one hook.
#[derive(Clone, Debug)]
pub struct HookResult {
    pub parts: Vec<Part>,
    pub served: ServedFrom,
    /// When stale: the time that the data is from.
    pub written: Option<Timestamp>,
    /// The label of the source, for the source line.
    pub origin: String,
    pub failure: Option<Failure>,
    /// Why there is no text, where that is not worth a notice: for `--explain` and the record.
    pub reason: Option<Failure>,
    /// The fallback chain asks for exit code 1.
    pub must_fail: bool,
}

impl HookResult {
    /// No text, and no failure.
    #[must_use]
    pub fn nothing() -> Self {
        HookResult {
            parts: Vec::new(),
            served: ServedFrom::Nothing,
            written: None,
            origin: String::new(),
            failure: None,
            reason: None,
            must_fail: false,
        }
    }

    /// No text, because of a failure.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        HookResult { failure: Some(failure), ..HookResult::nothing() }
    }
}

/// One part of the text, not yet sanitised or cut.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// `heading` is ours; the tasks are the source's data.
    Tasks { heading: String, tasks: Tasks },
    /// `title` is ours; the text is data.
    Text { title: String, text: String },
}

/// A built hook; `Err` for a setting that it cannot work with.
pub type Built = Result<Box<dyn Hook>, Failure>;

/// One entry of the registry.
pub struct Builtin {
    /// The word for `[hooks.NAME]` or its `kind`.
    pub name: &'static str,
    pub summary: &'static str,
    /// Builds the hook of that name in `[hooks.NAME]`.
    pub build: fn(&str, &HookConfig, &Config) -> Built,
}

/// The hooks that need no plugin.
pub static BUILTINS: &[&Builtin] = &[
    &pending_tasks::BUILTIN,
    &next_task::BUILTIN,
    &git_context::BUILTIN,
    &notes::BUILTIN,
    &command::BUILTIN,
    &prime_cache::BUILTIN,
];

/// The built-in hook of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().copied().find(|builtin| builtin.name == name)
}
