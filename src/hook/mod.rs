//! Hooks: the parts of a session start. A hook gives text or tasks; it knows nothing of the other
//! hooks, of the order in the text or of its rendering.
//!
//! To add one: a file here with a `BUILTIN`, `mod NAME;` and `&NAME::BUILTIN,` below.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::config::{Config, HookConfig, QueryConfig, Reader};
use crate::deadline::{Deadline, Limit, Timestamp};
use crate::environment::Environment;
use crate::error::Failure;
use crate::event::SessionEvent;
use crate::paths::Paths;
use crate::process;
use crate::provenance::Provenance;
use crate::query::{Queries, Timeout};
use crate::repository::Repository;
use crate::task::{Rest, Tasks};

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

    /// What is missing before it can run, found without starting anything: for `config check`.
    fn missing(&self, _session: &SessionContext) -> Option<Failure> {
        None
    }

    /// The query that it shows.
    fn query(&self) -> Option<&str> {
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

impl SessionContext {
    /// The folder whose programs do not count as programs of the user.
    #[must_use]
    pub fn project(&self) -> Option<&Path> {
        let home = self.paths.as_ref().and_then(|paths| paths.home.as_deref());
        process::project(&self.root, home)
    }
}

/// The `timeout` of one hook.
#[derive(Clone, Debug)]
pub struct HookTimeout {
    hook: String,
    time: Duration,
}

impl HookTimeout {
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
    pub provenance: Provenance,
    /// Why there is no text, where that is not worth a notice: for `--explain` and the record.
    pub reason: Option<Failure>,
}

impl HookResult {
    /// No text, and no failure.
    #[must_use]
    pub fn nothing() -> Self {
        HookResult { parts: Vec::new(), provenance: Provenance::nothing(), reason: None }
    }

    /// What the source `origin` gave in this run.
    #[must_use]
    pub fn live(parts: Vec<Part>, origin: impl Into<String>) -> Self {
        HookResult { parts, provenance: Provenance::live(origin), reason: None }
    }

    /// No text, because of a failure.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        HookResult { provenance: Provenance::failed(failure), ..HookResult::nothing() }
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

impl Part {
    /// Whether it is understood that there is no task.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Part::Tasks { tasks, .. } if tasks.is_none())
    }

    /// The lines about what is not shown; `hidden` of its own lines are not.
    #[must_use]
    pub fn remarks(&self, hidden: usize) -> Vec<String> {
        match self {
            Part::Tasks { tasks, .. } => tasks.remarks(hidden),
            Part::Text { .. } => Rest::of(hidden).text().into_iter().collect(),
        }
    }
}

/// A built hook; `Err` for a setting that it cannot work with.
pub type Built = Result<Box<dyn Hook>, Failure>;

/// One entry of the registry.
pub struct Builtin {
    /// The word for `[hooks.NAME]` or its `kind`.
    pub name: &'static str,
    pub summary: &'static str,
    /// The keys of its table that an untrusted project's file may set.
    pub untrusted_keys: &'static [&'static str],
    /// Reads its own settings and builds it.
    pub build: fn(&HookInputs<'_>) -> Built,
}

/// What a hook is built from.
pub struct HookInputs<'a> {
    /// Its name in `[hooks.NAME]`.
    pub name: &'a str,
    pub config: &'a HookConfig,
    /// Its table, for the settings of its own.
    pub table: &'a Reader<'a>,
    pub queries: &'a BTreeMap<String, QueryConfig>,
}

impl HookInputs<'_> {
    /// The hook's `timeout`.
    #[must_use]
    pub fn timeout(&self) -> HookTimeout {
        HookTimeout { hook: self.name.to_owned(), time: self.config.timeout }
    }
}

/// Keys that decide when a hook runs and how much it adds, but not what it does.
pub const APPEARANCE: &[&str] = &["order", "enabled", "timeout", "max_chars", "sources"];

/// The hooks that need no plugin.
pub static BUILTINS: &[&Builtin] = &[
    &pending_tasks::BUILTIN,
    &next_task::BUILTIN,
    &git_context::BUILTIN,
    &notes::BUILTIN,
    &command::BUILTIN,
    &prime_cache::BUILTIN,
];

/// The keys of `[hooks.NAME]` that an untrusted project's file may set.
#[must_use]
pub fn untrusted_keys(name: &str) -> &'static [&'static str] {
    find(name).map_or(&[], |builtin| builtin.untrusted_keys)
}

/// The built-in hook of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().copied().find(|builtin| builtin.name == name)
}
