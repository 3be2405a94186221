//! What to do when a source of tasks does not answer: a chain of strategies, each a pure decision.
//! No I/O, no clock, no configuration; `query` carries the verdicts out.
//!
//! To add one: a file here with a `BUILTIN`, `mod NAME;` and `&NAME::BUILTIN,` below.

use crate::cache::CacheView;
use crate::error::Failure;
use crate::task::Answer;

mod cache_then_error;
mod cache_then_skip;
mod skip;
mod stale_while_revalidate;

/// One step of a chain: looks at what happened and says what to do.
pub trait Strategy: Sync {
    /// Before the request, when the cache was not fresh enough to answer by itself: `None` leaves
    /// it to the next strategy of the chain.
    fn before(&self, _cache: &CacheView) -> Option<Serve> {
        None
    }

    /// After the request failed: `None` leaves it to the next step.
    fn after(&self, failure: &Failure, cache: &CacheView) -> Option<Verdict>;
}

/// What is served without asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serve {
    Cached,
    /// And ask in the background, for the next time.
    CachedThenRefresh,
}

/// What follows a failure.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Show the entry, labelled with its time.
    Cached,
    /// Ask another client, by its name in `[clients.NAME]`.
    Ask(String),
    /// Show this instead; it is never cached.
    Substitute(Answer),
    /// Begin the session without it.
    Skip,
    /// Tell the caller: the run ends with exit code 1.
    Fail,
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
