//! Where an answer came from: from which source, when, and why there is no newer one. One value on its
//! way from the query through the hook to the text, the explanation and the record.

use serde::{Deserialize, Serialize};

use crate::deadline::Timestamp;
use crate::error::Failure;

/// Where an answer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServedFrom {
    /// From its source, in this run.
    Live,
    /// From the cache, within its `ttl`.
    Fresh,
    /// From the cache, older than that, because nothing newer is available.
    Stale,
    /// There is no answer.
    #[serde(rename = "none")]
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

/// The provenance of one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    pub served: ServedFrom,
    /// When the source gave the answer.
    pub written: Option<Timestamp>,
    /// The label of its source, for the source line: `task server http://localhost:8000/mcp`,
    /// `plugin my_strat`.
    pub origin: String,
    /// Why there is no newer answer, or none at all.
    pub failure: Option<Failure>,
    /// The chain decided that the run ends with exit code 1.
    pub must_fail: bool,
}

impl Provenance {
    /// Nothing was asked for, and nothing failed.
    #[must_use]
    pub const fn nothing() -> Self {
        Provenance {
            served: ServedFrom::Nothing,
            written: None,
            origin: String::new(),
            failure: None,
            must_fail: false,
        }
    }

    /// There is no answer, because of `failure`.
    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Provenance { failure: Some(failure), ..Provenance::nothing() }
    }

    /// The source `origin` answered in this run.
    #[must_use]
    pub fn live(origin: impl Into<String>) -> Self {
        Provenance { served: ServedFrom::Live, origin: origin.into(), ..Provenance::nothing() }
    }

    /// How old a cached answer is at `now`.
    #[must_use]
    pub fn cache_age(&self, now: Timestamp) -> Option<std::time::Duration> {
        let is_cached = matches!(self.served, ServedFrom::Fresh | ServedFrom::Stale);
        self.written.filter(|_| is_cached)?.age(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_has_the_same_words_as_the_screen() {
        use ServedFrom::{Fresh, Live, Nothing, Stale};
        for served in [Live, Fresh, Stale, Nothing] {
            assert_eq!(serde_json::to_value(served).unwrap(), served.word());
        }
    }
}
