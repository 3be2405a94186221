//! The result of a query, as a value for hooks, commands and the record.

use crate::cache::{Freshness, Lookup};
use crate::deadline::Timestamp;
use crate::error::Failure;
use crate::provenance::{Provenance, ServedFrom};
use crate::task::Answer;

/// The result of one query.
#[derive(Clone, Debug)]
pub struct QueryResult {
    pub answer: Option<Answer>,
    pub provenance: Provenance,
}

impl QueryResult {
    /// No answer, because of `failure`.
    #[must_use]
    pub fn nothing(failure: Failure) -> Self {
        QueryResult { answer: None, provenance: Provenance::failed(failure) }
    }

    /// The answer that the source just gave.
    #[must_use]
    pub fn live(answer: Answer, written: Timestamp, origin: String) -> Self {
        let provenance = Provenance { written: Some(written), ..Provenance::live(origin) };
        QueryResult { answer: Some(answer), provenance }
    }

    /// The result of a source that does not belong to this project: an empty text, which shows nothing.
    #[must_use]
    pub fn skipped(origin: &str) -> Self {
        let provenance = Provenance::live(origin);
        QueryResult { answer: Some(Answer::Text(String::new())), provenance }
    }

    /// The answer that a step of the chain supplied itself; it is never cached.
    #[must_use]
    pub fn substitute(answer: Answer, origin: String, failure: Failure) -> Self {
        let provenance = Provenance { failure: Some(failure), ..Provenance::live(origin) };
        QueryResult { answer: Some(answer), provenance }
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
        let provenance = Provenance {
            served,
            written: Some(entry.written),
            origin: entry.origin,
            failure,
            must_fail: false,
        };
        Some(QueryResult { answer: Some(entry.answer), provenance })
    }

    /// The same answer, with `failure` as the reason why there is no newer one.
    #[must_use]
    pub fn with_failure(mut self, failure: Option<Failure>) -> Self {
        self.provenance.failure = failure;
        self
    }
}
