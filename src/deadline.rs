//! Time, in its two kinds: `Deadline` (monotonic, for how long we may still take) and `Timestamp`
//! (UTC, for what is written to disk). Knows no stage; every stage gets one handed down.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// The moment at which the whole run must have answered. Copied down to every stage; no stage has
/// a total timeout of its own.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    at: Instant,
    limit: Limit,
}

/// What sets a deadline, so that the hint of a timeout names the setting that moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// The setting with this key.
    Setting(&'static str),
    /// Built into a command or a stage: no setting moves it.
    BuiltIn,
}

impl Limit {
    /// The deadline of a session start.
    pub const SESSION: Limit = Limit::Setting("session_start.deadline");

    /// A hint for a timeout by this limit: `advice`, and the setting to raise.
    #[must_use]
    pub fn hint(self, advice: &str) -> String {
        match self {
            Limit::Setting(key) => format!("{advice}, or raise `{key}`"),
            Limit::BuiltIn => format!("{advice}; no setting moves this time limit"),
        }
    }
}

impl Deadline {
    /// A deadline that far from now, built into its command.
    #[must_use]
    pub fn after(limit: Duration) -> Self {
        Deadline { at: Instant::now() + limit, limit: Limit::BuiltIn }
    }

    /// The same deadline, set by `limit`.
    #[must_use]
    pub fn set_by(self, limit: Limit) -> Self {
        Deadline { limit, ..self }
    }

    /// What sets it.
    #[must_use]
    pub fn limit(self) -> Limit {
        self.limit
    }

    /// What is left; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_over(self) -> bool {
        self.remaining().is_zero()
    }

    /// This deadline, or `time` from now if that is nearer.
    #[must_use]
    pub fn capped(self, time: Duration) -> Self {
        self.capped_by(time, Limit::BuiltIn)
    }

    /// The same, with what sets the nearer one.
    #[must_use]
    pub fn capped_by(self, time: Duration, limit: Limit) -> Self {
        let nearer = Instant::now() + time;
        if nearer < self.at { Deadline { at: nearer, limit } } else { self }
    }

    /// This deadline moved nearer by `margin`.
    #[must_use]
    pub fn earlier(self, margin: Duration) -> Self {
        Deadline { at: self.at.checked_sub(margin).unwrap_or(self.at), ..self }
    }

    /// The instant itself, for timers.
    #[must_use]
    pub fn instant(self) -> Instant {
        self.at
    }
}

/// Seconds since 1970 in UTC: the only time that is written to disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The present second; 0 if the clock stands before 1970.
    #[must_use]
    pub fn now() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
    }

    /// How old this is at `now`; `None` if it lies in the future (the clock went back).
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
        let whole = Deadline::after(Duration::from_secs(5));
        assert!(whole.capped(Duration::from_secs(9)).instant() == whole.instant());
        assert!(whole.capped(Duration::from_secs(1)).instant() < whole.instant());
        assert!(Deadline::after(Duration::ZERO).is_over());
    }

    #[test]
    fn a_deadline_names_the_limit_that_ends_first() {
        let second = Duration::from_secs(1);
        let whole = Deadline::after(5 * second).set_by(Limit::SESSION);
        let hook = Limit::Setting("hooks.x.timeout");
        assert_eq!(whole.capped_by(second, hook).limit(), hook);
        assert_eq!(whole.capped_by(9 * second, hook).limit(), Limit::SESSION);
        assert_eq!(whole.capped(second).earlier(second).limit(), Limit::BuiltIn);
    }
}
