//! Time: `Deadline` (monotonic, for how long we may still take), `Timestamp` (UTC, for what is written to
//! disk), `StoredTime` (a time that was read from a file, so of a clock that may have been wrong), and the
//! one form in which durations are shown. Knows no stage; every stage gets a deadline handed down.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// The moment by which the whole run must have answered. Passed to every stage; no stage has a total
/// timeout of its own.
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

    /// Of a session that waits for the first answer of a source.
    pub const FIRST_ANSWER: Limit = Limit::Setting("session_start.first_deadline");

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

    /// The time that is left; zero once it has passed.
    #[must_use]
    pub fn remaining(self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }

    /// Whether no time is left.
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

    /// This deadline, or `other` if that is later.
    #[must_use]
    pub fn later(self, other: Deadline) -> Self {
        if other.at > self.at { other } else { self }
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
    /// The present second; 0 if the clock is before 1970.
    #[must_use]
    pub fn now() -> Self {
        Timestamp(now_millis() / 1000)
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

    /// For scripts: `2026-11-23T09:14:00Z`; the number itself where it is not a time.
    #[must_use]
    pub fn iso(self) -> String {
        jiff::Timestamp::from_second(self.0)
            .map_or_else(|_| self.0.to_string(), |time| time.to_string())
    }

    /// For a terminal: in the time zone of the system, by a `strftime` format.
    #[must_use]
    pub fn local(self, format: &str) -> String {
        match jiff::Timestamp::from_second(self.0) {
            Ok(time) => time.to_zoned(TimeZone::system()).strftime(format).to_string(),
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

/// A time that was read from a file, in milliseconds since 1970. The clock that it is of may have been
/// wrong, or another machine's, so it is judged from both sides: only `age` compares it with the present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredTime(i64);

/// The clocks of two machines that share a folder differ by less than this.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(5);

impl StoredTime {
    /// The present, to be written.
    #[must_use]
    pub fn now() -> Self {
        StoredTime(now_millis())
    }

    /// How old it is at `now`: zero if it is at most a few seconds ahead, `None` if it is further in the
    /// future. A wrong clock gave such a time, and it must hold nothing back.
    #[must_use]
    pub fn age(self, now: StoredTime) -> Option<Duration> {
        match u64::try_from(now.0.saturating_sub(self.0)) {
            Ok(millis) => Some(Duration::from_millis(millis)),
            Err(_) => (self.distance(now) <= CLOCK_TOLERANCE).then_some(Duration::ZERO),
        }
    }

    /// How far it is from `now`, on either side.
    #[must_use]
    pub fn distance(self, now: StoredTime) -> Duration {
        Duration::from_millis(self.0.abs_diff(now.0))
    }
}

impl From<Timestamp> for StoredTime {
    fn from(time: Timestamp) -> Self {
        StoredTime(time.0.saturating_mul(1000))
    }
}

/// The time of a file.
impl From<SystemTime> for StoredTime {
    fn from(time: SystemTime) -> Self {
        let millis = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        StoredTime(match time.duration_since(UNIX_EPOCH) {
            Ok(since) => millis(since),
            Err(before) => -millis(before.duration()),
        })
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

/// Milliseconds since 1970, for pauses that other processes keep too; 0 if the clock is before 1970.
#[must_use]
pub fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A duration as all screens and messages show it, rounded down: `350 ms`, `1.2 s`, `45 s`, `12 min`,
/// `1 h 5 min`, `2 d 3 h`.
#[must_use]
pub fn duration_text(duration: Duration) -> String {
    let (millis, seconds) = (duration.subsec_millis(), duration.as_secs());
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0 if millis > 0 => format!("{millis} ms"),
        1..10 if millis >= 100 => format!("{seconds}.{} s", millis / 100),
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => two_units(hours, "h", minutes % 60, "min"),
        _ => two_units(days, "d", hours % 24, "h"),
    }
}

fn two_units(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    match small {
        0 => format!("{large} {large_unit}"),
        _ => format!("{large} {large_unit} {small} {small_unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_one_form() {
        let cases = [
            (0, "0 s"),
            (350, "350 ms"),
            (1_000, "1 s"),
            (1_250, "1.2 s"),
            (9_999, "9.9 s"),
            (45_700, "45 s"),
            (59_999, "59 s"),
            (60_000, "1 min"),
            (3_599_000, "59 min"),
            (3_600_000, "1 h"),
            (3_900_000, "1 h 5 min"),
            (183_600_000, "2 d 3 h"),
        ];
        for (millis, expected) in cases {
            assert_eq!(duration_text(Duration::from_millis(millis)), expected, "{millis}");
        }
    }

    #[test]
    fn a_script_gets_iso_times() {
        assert_eq!(Timestamp(1_795_425_240).iso(), "2026-11-23T09:14:00Z");
        assert_eq!(Timestamp(i64::MAX).iso(), i64::MAX.to_string());
    }

    #[test]
    fn x17_times_are_absolute_and_never_negative() {
        assert_eq!(Timestamp(1_795_425_240).to_string(), "2026-11-23 09:14 UTC");
        assert_eq!(Timestamp(100).age(Timestamp(90)), None);
        assert_eq!(Timestamp(100).age(Timestamp(160)), Some(Duration::from_secs(60)));
        assert_eq!(Timestamp(i64::MAX).plus(Duration::MAX), Timestamp(i64::MAX));
    }

    #[test]
    fn b1_a_stored_time_is_judged_from_both_sides() {
        let now = StoredTime::from(Timestamp(1_795_425_240));
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        let table =
            [(-60, seconds(60)), (0, seconds(0)), (5, seconds(0)), (6, None), (365 * 86_400, None)];
        for (ahead, age) in table {
            let stored = StoredTime::from(Timestamp(1_795_425_240 + ahead));
            assert_eq!(stored.age(now), age, "{ahead} s ahead");
            assert_eq!(stored.distance(now), Duration::from_secs(ahead.unsigned_abs()));
        }
        for extreme in [i64::MIN, i64::MAX] {
            let stored = StoredTime::from(Timestamp(extreme));
            assert!(stored.distance(now) > Duration::from_secs(1 << 40));
        }
        assert_eq!(StoredTime::from(UNIX_EPOCH - Duration::from_secs(1)), StoredTime(-1000));
    }

    #[test]
    fn a_capped_deadline_is_never_later() {
        let deadline = Deadline::after(Duration::from_secs(5));
        assert!(deadline.capped(Duration::from_secs(9)).instant() == deadline.instant());
        assert!(deadline.capped(Duration::from_secs(1)).instant() < deadline.instant());
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
