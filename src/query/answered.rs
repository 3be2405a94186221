//! What became of a query, as a value for hooks, commands and the record.

use crate::cache::{Freshness, Lookup};
use crate::deadline::Timestamp;
use crate::error::Failure;
use crate::task::Answer;

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

impl Answered {
    /// No answer, because of `failure`.
    #[must_use]
    pub fn nothing(failure: Failure) -> Self {
        Answered {
            answer: None,
            supply: Supply::Nothing,
            written: None,
            origin: String::new(),
            failure: Some(failure),
            must_fail: false,
        }
    }

    /// What the source said just now.
    #[must_use]
    pub fn live(answer: Answer, written: Timestamp, origin: String) -> Self {
        Answered {
            answer: Some(answer),
            supply: Supply::Live,
            written: Some(written),
            origin,
            failure: None,
            must_fail: false,
        }
    }

    /// What a step of the chain supplied itself; it is never cached.
    #[must_use]
    pub fn substitute(answer: Answer, failure: Failure) -> Self {
        Answered { answer: Some(answer), supply: Supply::Live, ..Answered::nothing(failure) }
    }

    /// What the cache held; `None` if that must not be shown.
    #[must_use]
    pub fn cached(found: Lookup, failure: Option<Failure>) -> Option<Self> {
        let supply = match found.view.freshness {
            Freshness::Fresh => Supply::Fresh,
            Freshness::Stale => Supply::Stale,
            Freshness::Absent | Freshness::Expired => return None,
        };
        let entry = found.entry?;
        Some(Answered {
            answer: Some(entry.answer),
            supply,
            written: Some(entry.written),
            origin: entry.origin,
            failure,
            must_fail: false,
        })
    }
}
