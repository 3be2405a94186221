//! Fallback: a chain of strategies for a source of tasks that does not answer, each a pure decision.
//! No I/O, no clock, no configuration; `query` carries out the verdicts.
//!
//! To add one: a file here with a `BUILTIN`, `mod NAME;` and `&NAME::BUILTIN,` below.

use std::future::Future;
use std::pin::Pin;

use crate::cache::CacheView;
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::task::{Answer, Query};

mod cache_then_error;
mod cache_then_skip;
pub mod plugin;
mod skip;
mod stale_while_revalidate;

/// One step of a chain: decides what follows a failure.
pub trait Strategy: Sync {
    /// Before the request, when the cache has no fresh entry: `None` leaves the decision to the next
    /// strategy of the chain.
    fn before(&self, _cache: &CacheView) -> Option<Serve> {
        None
    }

    /// After the request failed: `None` leaves the decision to the next step.
    fn after(&self, failure: &Failure, cache: &CacheView) -> Option<Verdict>;
}

/// What is served without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    Cached,
    /// And ask in the background, for the next session.
    CachedThenRefresh,
}

/// What follows a failure of the request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Show the entry, labelled with its time.
    Cached,
    /// Ask another client, by its name in `[clients.NAME]`.
    Ask(String),
    /// Show this answer of `origin` instead; it is never cached.
    Substitute { answer: Answer, origin: String },
    /// Begin the session without an answer.
    Skip,
    /// End the run with exit code 1.
    Fail,
}

/// A strategy that has to be awaited: a plugin.
pub trait Advisor {
    /// As it is written in the chain.
    fn name(&self) -> &str;

    /// Whether it decides before the request too.
    fn has_before(&self) -> bool;

    /// As `Strategy::before`; a failure leaves the decision to the next step.
    fn before<'a>(
        &'a self,
        query: &'a Query,
        cache: CacheView,
        deadline: Deadline,
    ) -> AdvisorFuture<'a, Serve>;

    /// As `Strategy::after`; a failure leaves the decision to the next step.
    fn after<'a>(
        &'a self,
        query: &'a Query,
        failure: &'a Failure,
        cache: CacheView,
        deadline: Deadline,
    ) -> AdvisorFuture<'a, Verdict>;
}

/// What an advisor's methods return.
pub type AdvisorFuture<'a, T> = Pin<Box<dyn Future<Output = Result<Option<T>, Failure>> + 'a>>;

/// One step of a chain, resolved.
pub enum Step {
    Builtin(&'static Builtin),
    /// `client:NAME`.
    Client(String),
    /// `plugin:LIBRARY[/ITEM]`.
    Plugin(Box<dyn Advisor>),
}

impl Step {
    /// As it is written in a chain.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Step::Builtin(builtin) => builtin.name.to_owned(),
            Step::Client(name) => format!("client:{name}"),
            Step::Plugin(advisor) => advisor.name().to_owned(),
        }
    }
}

/// One entry of the registry.
pub struct Builtin {
    /// The word for `fallback.chain`.
    pub name: &'static str,
    pub summary: &'static str,
    pub strategy: &'static dyn Strategy,
}

/// The strategies that need no plugin.
pub static BUILTINS: &[&Builtin] = &[
    &cache_then_skip::BUILTIN,
    &cache_then_error::BUILTIN,
    &skip::BUILTIN,
    &stale_while_revalidate::BUILTIN,
];

/// The built-in strategy of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().copied().find(|builtin| builtin.name == name)
}
