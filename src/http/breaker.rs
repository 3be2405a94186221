//! A server that keeps failing is left alone for a while, by all processes together; then one of
//! them tries again. Also remembers how long a server asked us to stay away.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::retry::MAX_RETRY_AFTER;
use super::{Error, state};
use crate::config::BreakerConfig;
use crate::error::{Code, Failure};

/// While one process tries whether the server is back, the others wait this long.
const PROBE_TIME: Duration = Duration::from_secs(5);

/// What is known of one origin. Times are milliseconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Record {
    failures: u32,
    open_until: i64,
    /// The server's own word (`Retry-After`).
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
            Some(left) => BreakerState::Open(left),
            None => BreakerState::HalfOpen,
        }
    }
}

/// What is left until `until`. More than `most` was written while the clock stood elsewhere, and
/// would keep us away for as long as the clock was wrong.
fn left(until: i64, now: i64, most: Duration) -> Option<i64> {
    let left = until.saturating_sub(now);
    (left > 0 && left <= state::millis(most)).then_some(left)
}

#[derive(Debug, PartialEq)]
enum BreakerState {
    Closed,
    Open(i64),
    HalfOpen,
    Away(i64),
}

/// The leave to ask an origin, and the duty to say what became of it.
pub struct Breaker<'a> {
    path: Option<PathBuf>,
    config: &'a BreakerConfig,
    had_failures: bool,
}

impl<'a> Breaker<'a> {
    /// Asks for leave.
    ///
    /// # Errors
    /// `WS324` while the origin is left alone, `WS321` while it asked us to stay away.
    pub fn check(
        folder: Option<&Path>,
        origin: &str,
        config: &'a BreakerConfig,
    ) -> Result<Self, Failure> {
        let path = folder.map(|folder| state::file(folder, "breaker", origin));
        let record: Record = path.as_deref().map(state::read).unwrap_or_default();
        let had_failures = record != Record::default();
        let leave = Breaker { path, config, had_failures };
        let state_at = match record.state_at(state::now(), config) {
            BreakerState::HalfOpen => leave.claim(),
            state_at => state_at,
        };
        match state_at {
            BreakerState::Closed | BreakerState::HalfOpen => Ok(leave),
            BreakerState::Open(left) => {
                Err(refused(Code::BREAKER_OPEN, origin, "failed again and again", left))
            }
            BreakerState::Away(left) => {
                Err(refused(Code::TOO_MANY_REQUESTS, origin, "asked for a pause", left))
            }
        }
    }

    /// Of all who see that the time is over, one tries: who it is, the lock decides.
    fn claim(&self) -> BreakerState {
        let Some(path) = self.path.as_deref() else { return BreakerState::HalfOpen };
        state::update(path, |record: &mut Record| {
            let now = state::now();
            let state_at = record.state_at(now, self.config);
            if state_at == BreakerState::HalfOpen {
                record.open_until = now + state::millis(PROBE_TIME);
            }
            state_at
        })
    }

    /// The server answered.
    pub fn succeeded(&self) {
        if self.had_failures {
            self.update(|record| *record = Record::default());
        }
    }

    /// It did not.
    pub fn failed(&self, error: &Error) {
        if let (Error::TooMany { .. }, Some(after)) = (error, error.retry_after()) {
            self.update(|record| record.away_until = state::now() + state::millis(after));
        } else if error.is_outage() {
            self.update(|record| {
                record.failures = record.failures.saturating_add(1);
                if record.failures >= self.config.failures {
                    record.open_until = state::now() + state::millis(self.config.open_for);
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

fn refused(code: Code, origin: &str, why: &str, left: i64) -> Failure {
    let seconds = (left + 999) / 1000;
    Failure::new(code, format!("`{origin}` {why}; it is not asked for {seconds} s more"))
        .hint("`warmstart tasks` says when it answers again")
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
            (record(3, 150), 3, BreakerState::Open(50)),
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
    fn a018_a_clock_that_was_ahead_keeps_nobody_away() {
        let config = BreakerConfig { failures: 3, open_for: Duration::from_secs(30) };
        let years_ahead = 7_000_000_000_000;
        let open = Record { failures: 3, open_until: years_ahead, away_until: 0 };
        assert_eq!(open.state_at(100, &config), BreakerState::HalfOpen);
        let away = Record { away_until: years_ahead, ..Record::default() };
        assert_eq!(away.state_at(100, &config), BreakerState::Closed);
    }
}
