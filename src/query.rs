//! The heart: one function answers one named query from cache, client and chain.
//! Hooks, `tasks`, the refresh and the diagnostics all call it; none of them talks to a client.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::deadline::{Deadline, Timestamp};
use crate::error::Failure;
use crate::task::Answer;

/// Values for the placeholders of a query's arguments: `branch.id`, `git.branch`, …
pub type Bindings = BTreeMap<String, String>;

/// How an answer was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Asked for just now.
    Live,
    /// From the cache, within its `ttl`.
    Fresh,
    /// From the cache, older than that, since nothing better was to be had.
    Stale,
    /// There is no answer.
    Nothing,
}

impl Supply {
    /// The word shown and logged.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Supply::Live => "live",
            Supply::Fresh => "fresh",
            Supply::Stale => "stale",
            Supply::Nothing => "none",
        }
    }
}

/// What became of one query.
#[derive(Clone, Debug)]
pub struct Answered {
    pub answer: Option<Answer>,
    pub supply: Supply,
    /// When the answer was given by its source.
    pub written: Option<Timestamp>,
    /// Who gave it, for people: `task server http://localhost:8000/mcp`, `TODO.md`.
    pub origin: String,
    /// Why there is nothing better.
    pub failure: Option<Failure>,
    /// The chain said that the run must end with exit code 1.
    pub must_fail: bool,
}

/// The queries of one run. (Implementation to follow; this is the contract.)
pub struct Queries;

impl Queries {
    /// The answer that needs no request: a fresh entry, or a stale one where the chain says so.
    /// `None`: it has to be asked for.
    #[must_use]
    pub fn from_disk(&self, _name: &str, _bindings: &Bindings) -> Option<Answered> {
        None
    }

    /// Asks the client for at most `timeout`, then runs the chain; ends by the deadline.
    pub async fn live(
        &self,
        name: &str,
        bindings: &Bindings,
        timeout: Duration,
        deadline: Deadline,
    ) -> Answered {
        let _ = (name, bindings, timeout, deadline);
        Answered {
            answer: None,
            supply: Supply::Nothing,
            written: None,
            origin: String::new(),
            failure: None,
            must_fail: false,
        }
    }

    /// A query that is not configured, or whose placeholders cannot be filled, is an error value.
    #[must_use]
    pub fn is_known(&self, _name: &str) -> bool {
        false
    }
}
