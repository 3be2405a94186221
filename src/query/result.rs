//! What became of a query, as a value for hooks, commands and the record.

use crate::cache::{Freshness, Lookup};
use crate::deadline::Timestamp;
use crate::error::Failure;
use crate::task::Answer;

/// How an answer was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServedFrom {
    /// Asked for just now.
    Live,
    /// From the cache, within its `ttl`.
    Fresh,
    /// From the cache, older than that, since nothing better was to be had.
    Stale,
    /// There is no answer.
    Nothing,
}

impl ServedFrom {
    /// The word shown and logged.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ServedFrom::Live => "live",
            ServedFrom::Fresh => "fresh",
            ServedFrom::Stale => "stale",
            ServedFrom::Nothing => "none",
        }
    }
}

/// What became of one query.
#[derive(Clone, Debug)]
pub struct QueryResult {
    pub answer: Option<Answer>,
    pub served: ServedFrom,
    /// When the answer was given by its source.
    pub written: Option<Timestamp>,
    /// Who gave it, for people: `task server http://localhost:8000/mcp`, `TODO.md`.
    pub origin: String,
    /// Why there is nothing better.
    pub failure: Option<Failure>,
    /// The chain said that the run must end with exit code 1.
    pub must_fail: bool,
}

impl QueryResult {
    /// No answer, because of `failure`.
    #[must_use]
    pub fn nothing(failure: Failure) -> Self {
        QueryResult {
            answer: None,
            served: ServedFrom::Nothing,
            written: None,
            origin: String::new(),
            failure: Some(failure),
            must_fail: false,
        }
    }

    /// What the source said just now.
    #[must_use]
    pub fn live(answer: Answer, written: Timestamp, origin: String) -> Self {
        QueryResult {
            answer: Some(answer),
            served: ServedFrom::Live,
            written: Some(written),
            origin,
            failure: None,
            must_fail: false,
        }
    }

    /// What a step of the chain supplied itself; it is never cached.
    #[must_use]
    pub fn substitute(answer: Answer, failure: Failure) -> Self {
        QueryResult {
            answer: Some(answer),
            served: ServedFrom::Live,
            ..QueryResult::nothing(failure)
        }
    }

    /// What the cache held; `None` if that must not be shown.
    #[must_use]
    pub fn cached(found: Lookup, failure: Option<Failure>) -> Option<Self> {
        let served = match found.view.freshness {
            Freshness::Fresh => ServedFrom::Fresh,
            Freshness::Stale => ServedFrom::Stale,
            Freshness::Absent | Freshness::Expired => return None,
        };
        let entry = found.entry?;
        Some(QueryResult {
            answer: Some(entry.answer),
            served,
            written: Some(entry.written),
            origin: entry.origin,
            failure,
            must_fail: false,
        })
    }
}
