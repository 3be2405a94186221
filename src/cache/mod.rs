//! Answers kept between runs: one entry for each identity and question, private, whole or absent.
//! Knows how old an entry is and what that makes it; decides nothing about its use.

use std::time::Duration;

/// What the age of an entry makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// Nothing there, or nothing that could be read.
    Absent,
    /// Younger than the query's `ttl`.
    Fresh,
    /// Older than that, and younger than `cache.stale_max`.
    Stale,
    /// Older than `cache.stale_max`: never shown.
    Expired,
}

/// All that a fallback strategy may see of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheView {
    pub freshness: Freshness,
    pub age: Option<Duration>,
}

impl CacheView {
    /// Whether the entry may be shown.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        matches!(self.freshness, Freshness::Fresh | Freshness::Stale)
    }
}
