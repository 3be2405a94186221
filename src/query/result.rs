//! The result of a query, as a value for hooks, commands and the record.

use crate::cache::{Freshness, Lookup};
use crate::deadline::Timestamp;
use crate::error::Failure;
use crate::task::Answer;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServedFrom {
    /// From its source, in this run.
    Live,
    /// From the cache, within its `ttl`.
    Fresh,
    /// From the cache, older than that, because nothing newer is available.
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

/// The result of one query.
#[derive(Clone, Debug)]
pub struct QueryResult {
    pub answer: Option<Answer>,
    pub served: ServedFrom,
    /// When the source gave the answer.
    pub written: Option<Timestamp>,
    /// The label of its source: `task server http://localhost:8000/mcp`, `plugin my_strat`.
    pub origin: String,
    /// Why there is no newer answer, or none at all.
    pub failure: Option<Failure>,
    /// The chain decided that the run ends with exit code 1.
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

    /// The answer that the source just gave.
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

    /// The answer that a step of the chain supplied itself; it is never cached.
    #[must_use]
    pub fn substitute(answer: Answer, origin: String, failure: Failure) -> Self {
        QueryResult {
            answer: Some(answer),
            served: ServedFrom::Live,
            origin,
            ..QueryResult::nothing(failure)
        }
    }

    /// The cached answer; `None` if there is none that may be shown.
    #[must_use]
    pub fn cached(lookup: Lookup, failure: Option<Failure>) -> Option<Self> {
        let served = match lookup.view.freshness {
            Freshness::Fresh => ServedFrom::Fresh,
            Freshness::Stale => ServedFrom::Stale,
            Freshness::Absent | Freshness::Expired => return None,
        };
        let entry = lookup.entry?;
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
