//! How fresh an entry is, by its age. Pure.

use std::time::Duration;

use crate::deadline::{StoredTime, Timestamp};

/// Whether an entry may be shown, by its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// There is no readable entry.
    Absent,
    /// Younger than the query's `ttl`.
    Fresh,
    /// Older than that, and younger than `cache.stale_max`.
    Stale,
    /// Older than `cache.stale_max`: never shown.
    Expired,
}

/// What a fallback strategy sees of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheView {
    pub freshness: Freshness,
    pub age: Option<Duration>,
}

impl CacheView {
    /// There is no entry.
    pub const ABSENT: CacheView = CacheView { freshness: Freshness::Absent, age: None };

    /// Whether the entry may be shown.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        matches!(self.freshness, Freshness::Fresh | Freshness::Stale)
    }

    /// The view at `now` of an entry written at `written`. One from the future (the clock went back)
    /// counts as stale, and as expired when it is further ahead than stale entries may be old.
    #[must_use]
    pub fn of(written: Timestamp, now: Timestamp, ttl: Duration, stale_max: Duration) -> Self {
        let (written, now) = (StoredTime::from(written), StoredTime::from(now));
        let age = written.age(now);
        let freshness = match age {
            Some(age) if age < ttl && age < stale_max => Freshness::Fresh,
            _ if written.distance(now) < stale_max => Freshness::Stale,
            _ => Freshness::Expired,
        };
        CacheView { freshness, age: Some(age.unwrap_or_default()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x12_fresh_stale_and_expired_differ_and_reading_deletes_nothing() {
        let (ttl, stale_max) = (Duration::from_secs(900), Duration::from_secs(3600));
        let at = |now| CacheView::of(Timestamp(1000), Timestamp(now), ttl, stale_max).freshness;
        let table = [
            (1000, Freshness::Fresh),
            (1899, Freshness::Fresh),
            (1900, Freshness::Stale),
            (4599, Freshness::Stale),
            (4600, Freshness::Expired),
            (996, Freshness::Fresh),
            (900, Freshness::Stale),
            (-9000, Freshness::Expired),
        ];
        for (now, expected) in table {
            assert_eq!(at(now), expected, "at {now}");
        }
        let zero = CacheView::of(Timestamp(5), Timestamp(5), Duration::ZERO, stale_max);
        assert_eq!(zero.freshness, Freshness::Stale, "x10: ttl 0 is never fresh");
    }
}
