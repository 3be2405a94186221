//! The two kinds of time: `Deadline` (monotonic, for the time that is left) and `Timestamp` (UTC, for
//! what is written to disk). Knows no stage; every stage gets its deadline from its caller.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The moment by which the whole run must have answered. Passed to every stage; no stage has a total
/// timeout of its own.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// A deadline that far from now.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Deadline(Instant::now() + limit)
    }

    /// The time that is left; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether no time is left.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.remaining().is_zero()
    }

    /// This deadline, or `limit` from now if that is nearer.
    #[must_use]
    pub fn capped(self, limit: Duration) -> Self {
        Deadline(self.0.min(Instant::now() + limit))
    }

    /// This deadline moved nearer by `margin`.
    #[must_use]
    pub fn earlier(self, margin: Duration) -> Self {
        Deadline(self.0.checked_sub(margin).unwrap_or(self.0))
    }

    /// The instant itself, for timers.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.0
    }
}

/// Seconds since 1970 in UTC: the only time that is written to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The present second; 0 if the clock is before 1970.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    /// How old this is at `now`; `None` if it is in the future (the clock was set back).
    #[must_use]
    pub fn age(self, now: Timestamp) -> Option<Duration> {
        u64::try_from(now.0.checked_sub(self.0)?).ok().map(Duration::from_secs)
    }

    /// To the second: `2026-11-23 09:14:00 UTC`.
    #[must_use]
    pub fn precise(self) -> String {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            Err(_) => String::from("an unknown time"),
        }
    }

    /// How much later this is than `earlier`; `None` if it is not.
    #[must_use]
    pub fn age_from(self, earlier: Timestamp) -> Option<Duration> {
        earlier.age(self)
    }

    /// This plus a duration, in whole seconds.
    #[must_use]
    pub fn plus(self, by: Duration) -> Self {
        Timestamp(self.0.saturating_add(i64::try_from(by.as_secs()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Display for Timestamp {
    /// `2026-11-23 09:14 UTC`: absolute, so that the same state gives the same text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => write!(f, "{}", time.strftime("%Y-%m-%d %H:%M UTC")),
            Err(_) => f.write_str("an unknown time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x17_times_are_absolute_and_never_negative() {
        assert_eq!(Timestamp(1_795_425_240).to_string(), "2026-11-23 09:14 UTC");
        assert_eq!(Timestamp(100).age(Timestamp(90)), None);
        assert_eq!(Timestamp(100).age(Timestamp(160)), Some(Duration::from_secs(60)));
        assert_eq!(Timestamp(i64::MAX).plus(Duration::MAX), Timestamp(i64::MAX));
    }

    #[test]
    fn a_capped_deadline_is_never_later() {
        let deadline = Deadline::after(Duration::from_secs(5));
        assert!(deadline.capped(Duration::from_secs(9)).instant() == deadline.instant());
        assert!(deadline.capped(Duration::from_secs(1)).instant() < deadline.instant());
        assert!(Deadline::after(Duration::ZERO).is_over());
    }
}
