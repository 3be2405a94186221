//! A circuit breaker for each origin, shared by all processes: after repeated failures no requests are
//! made for `breaker.open_for`, then one process probes. Also keeps a server's `Retry-After`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::retry::MAX_RETRY_AFTER;
use super::{Error, state};
use crate::config::BreakerConfig;
use crate::deadline::now_millis;
use crate::error::{Code, Failure};

/// How long the other processes make no request while one probes.
const PROBE_TIME: Duration = Duration::from_secs(5);

/// What is known of one origin. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Record {
    failures: u32,
    open_until: i64,
    /// The end of the server's `Retry-After`.
    away_until: i64,
}

impl Record {
    fn state_at(&self, now: i64, config: &BreakerConfig) -> BreakerState {
        if let Some(left) = left(self.away_until, now, MAX_RETRY_AFTER) {
            return BreakerState::Away(left);
        }
        if config.failures == 0 || self.failures < config.failures {
            return BreakerState::Closed;
        }
        match left(self.open_until, now, config.open_for.max(PROBE_TIME)) {
            Some(left) => BreakerState::Open { failures: self.failures, left },
            None => BreakerState::HalfOpen,
        }
    }
}

/// The time left until `until`. More than `most` was written while the clock was wrong, and would
/// block requests for as long as it was wrong: it counts as over.
fn left(until: i64, now: i64, most: Duration) -> Option<i64> {
    let left = until.saturating_sub(now);
    (left > 0 && left <= state::millis(most)).then_some(left)
}

#[derive(Debug, PartialEq)]
enum BreakerState {
    Closed,
    /// Failures in a row, and milliseconds left.
    Open {
        failures: u32,
        left: i64,
    },
    HalfOpen,
    Away(i64),
}

/// A permit for one request to an origin; its outcome is reported to `succeeded` or `failed`.
pub struct Breaker<'a> {
    path: Option<PathBuf>,
    config: &'a BreakerConfig,
    had_failures: bool,
}

impl<'a> Breaker<'a> {
    /// Gives the permit.
    ///
    /// # Errors
    /// `WS324` while the breaker is open, `WS321` during the server's `Retry-After`.
    pub fn check(
        folder: Option<&Path>,
        origin: &str,
        config: &'a BreakerConfig,
    ) -> Result<Self, Failure> {
        let path = folder.map(|folder| state::file(folder, "breaker", origin));
        let record: Record = path.as_deref().map(state::read).unwrap_or_default();
        let had_failures = record != Record::default();
        let permit = Breaker { path, config, had_failures };
        let current = match record.state_at(now_millis(), config) {
            BreakerState::HalfOpen => permit.claim_probe(),
            other => other,
        };
        match current {
            BreakerState::Closed | BreakerState::HalfOpen => Ok(permit),
            BreakerState::Open { failures, left } => Err(open(origin, failures, left)),
            BreakerState::Away(left) => Err(away(origin, left)),
        }
    }

    /// Of all processes that see a half-open breaker, the first to take the lock probes.
    fn claim_probe(&self) -> BreakerState {
        let Some(path) = self.path.as_deref() else { return BreakerState::HalfOpen };
        state::update(path, |record: &mut Record| {
            let now = now_millis();
            let current = record.state_at(now, self.config);
            if current == BreakerState::HalfOpen {
                record.open_until = now + state::millis(PROBE_TIME);
            }
            current
        })
    }

    /// The server answered.
    pub fn succeeded(&self) {
        if self.had_failures {
            self.update(|record| *record = Record::default());
        }
    }

    /// The request failed.
    pub fn failed(&self, error: &Error) {
        if let (Error::TooMany { .. }, Some(after)) = (error, error.retry_after()) {
            self.update(|record| record.away_until = now_millis() + state::millis(after));
        } else if error.is_outage() {
            self.update(|record| {
                record.failures = record.failures.saturating_add(1);
                if record.failures >= self.config.failures {
                    record.open_until = now_millis() + state::millis(self.config.open_for);
                }
            });
        }
    }

    fn update(&self, change: impl FnOnce(&mut Record)) {
        if let Some(path) = self.path.as_deref() {
            state::update(path, change);
        }
    }
}

fn open(origin: &str, failures: u32, left: i64) -> Failure {
    let seconds = seconds(left);
    let text = format!(
        "`{origin}` keeps failing ({failures} times in a row); next attempt in {seconds} s"
    );
    Failure::new(Code::BreakerOpen, text)
        .hint("wait, or ask now: `warmstart --set breaker.failures=0 tasks --live`")
}

fn away(origin: &str, left: i64) -> Failure {
    let seconds = seconds(left);
    let text = format!("`{origin}` is rate limiting; next attempt in {seconds} s");
    Failure::new(Code::TooManyRequests, text)
        .hint("wait: the server asked for this pause; a lower `http.rate_limit` avoids it")
}

/// Rounded up, so that an attempt after that time is allowed.
fn seconds(millis: i64) -> i64 {
    (millis + 999) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l12_n034_n035_it_opens_closes_and_half_opens() {
        let record = |failures, open_until| Record { failures, open_until, away_until: 0 };
        let table = [
            (record(0, 0), 3, BreakerState::Closed),
            (record(2, 0), 3, BreakerState::Closed),
            (record(3, 150), 3, BreakerState::Open { failures: 3, left: 50 }),
            (record(3, 100), 3, BreakerState::HalfOpen),
            (record(9, 900), 0, BreakerState::Closed),
            (Record { away_until: 130, ..record(0, 0) }, 3, BreakerState::Away(30)),
        ];
        for (record, failures, expected) in table {
            let config = BreakerConfig { failures, open_for: Duration::from_secs(30) };
            assert_eq!(record.state_at(100, &config), expected, "{record:?}");
        }
    }

    #[test]
    fn a018_a_clock_that_was_ahead_blocks_no_request() {
        let config = BreakerConfig { failures: 3, open_for: Duration::from_secs(30) };
        let years_ahead = 7_000_000_000_000;
        let open = Record { failures: 3, open_until: years_ahead, away_until: 0 };
        assert_eq!(open.state_at(100, &config), BreakerState::HalfOpen);
        let away = Record { away_until: years_ahead, ..Record::default() };
        assert_eq!(away.state_at(100, &config), BreakerState::Closed);
    }
}
