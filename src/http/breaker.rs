//! A circuit breaker for each origin, shared by all processes: after repeated failures no requests are
//! made for `breaker.open_for`, then one process probes. Also keeps a server's `Retry-After`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Error;
use super::retry::MAX_RETRY_AFTER;
use super::state::{self, OriginState};
use crate::config::BreakerConfig;
use crate::deadline::now_millis;
use crate::error::{Code, Failure};

/// How long the other processes make no request while one probes.
const PROBE_TIME: Duration = Duration::from_secs(5);
const OWNER: &str = "breaker";

/// The failures of one origin. Times are milliseconds since 1970.
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

    fn note(&mut self, outcome: Result<(), &Error>, now: i64, config: &BreakerConfig) {
        match outcome {
            Ok(()) => *self = Record::default(),
            Err(error) => match server_pause(error) {
                Some(pause) => self.away_until = now + state::millis(pause),
                None if error.is_outage() => self.fail(now, config),
                None => {}
            },
        }
    }

    fn fail(&mut self, now: i64, config: &BreakerConfig) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= config.failures {
            self.open_until = now + state::millis(config.open_for);
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

/// A permit for one request to an origin.
#[derive(Clone, Copy)]
pub struct Permit {
    /// The breaker is half-open, and this request is to find out whether it can close.
    is_probe: bool,
    had_failures: bool,
}

impl Permit {
    /// For a process that keeps no state.
    pub const FREE: Permit = Permit { is_probe: false, had_failures: false };

    /// Gives the permit.
    ///
    /// # Errors
    /// `WS324` while the breaker is open, `WS321` during the server's `Retry-After`.
    pub fn check(
        state: &OriginState,
        origin: &str,
        config: &BreakerConfig,
    ) -> Result<Self, Failure> {
        let record: Record = state.read(OWNER);
        let had_failures = record != Record::default();
        match record.state_at(now_millis(), config) {
            BreakerState::Closed => Ok(Permit { is_probe: false, had_failures }),
            BreakerState::HalfOpen => Ok(Permit { is_probe: true, had_failures }),
            BreakerState::Open { failures, left } => Err(open(origin, failures, left)),
            BreakerState::Away(left) => Err(away(origin, left)),
        }
    }

    /// Keeps the other processes from probing, where this request is the probe.
    pub fn claim_probe(self, state: &OriginState) {
        if self.is_probe {
            let mut record: Record = state.read(OWNER);
            record.open_until = now_millis() + state::millis(PROBE_TIME);
            state.write(OWNER, &record);
        }
    }

    /// Whether `outcome` changes the record.
    pub fn is_changed_by(self, outcome: Result<(), &Error>) -> bool {
        match outcome {
            Ok(()) => self.had_failures,
            Err(error) => server_pause(error).is_some() || error.is_outage(),
        }
    }
}

/// Notes the outcome of a request.
pub fn note(state: &OriginState, outcome: Result<(), &Error>, config: &BreakerConfig) {
    let mut record: Record = state.read(OWNER);
    record.note(outcome, now_millis(), config);
    state.write(OWNER, &record);
}

/// The pause that the server asked for, with HTTP 429.
fn server_pause(error: &Error) -> Option<Duration> {
    error.retry_after().filter(|_| matches!(error, Error::TooMany { .. }))
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

    fn config(open_for: u64) -> BreakerConfig {
        BreakerConfig { failures: 2, open_for: Duration::from_secs(open_for) }
    }

    fn server(status: u16) -> Error {
        Error::Server { origin: "http://h:1".into(), status, after: None }
    }

    #[test]
    fn b12_it_opens_with_the_last_failure_and_for_the_configured_time() {
        let config = config(30);
        let mut record = Record::default();
        record.note(Err(&server(503)), 1_000, &config);
        assert_eq!(record, Record { failures: 1, open_until: 0, away_until: 0 });
        record.note(Err(&server(503)), 2_000, &config);
        assert_eq!(record.open_until, 32_000);
        assert_eq!(record.state_at(31_999, &config), BreakerState::Open { failures: 2, left: 1 });
        assert_eq!(record.state_at(32_000, &config), BreakerState::HalfOpen);
        record.note(Ok(()), 40_000, &config);
        assert_eq!(record, Record::default());
    }

    #[test]
    fn b12_only_an_outage_counts() {
        let origin = || "http://h:1".to_owned();
        let redirected = Error::Redirected { origin: origin(), status: 301, target: String::new() };
        let unencrypted =
            Error::Unencrypted { origin: origin(), credential: "token", reason: String::new() };
        let no_outage = [
            redirected,
            unencrypted,
            Error::TooLarge { origin: origin(), limit: 1 },
            Error::TooMany { origin: origin(), after: None },
            Error::ProxyLogin { origin: origin(), proxy: origin() },
            server(408),
        ];
        for error in no_outage {
            let mut record = Record::default();
            record.note(Err(&error), 1_000, &config(30));
            assert_eq!(record, Record::default(), "{error:?}");
            let permit = Permit { is_probe: false, had_failures: true };
            assert!(!permit.is_changed_by(Err(&error)), "{error:?}");
        }
        for error in [server(500), server(503), Error::Refused { origin: origin() }] {
            let mut record = Record::default();
            record.note(Err(&error), 1_000, &config(30));
            assert_eq!(record.failures, 1, "{error:?}");
            assert!(Permit::FREE.is_changed_by(Err(&error)), "{error:?}");
        }
    }

    #[test]
    fn b12_a_probe_blocks_the_others_longer_than_a_short_pause() {
        // `open_until` of a probe is 5 s ahead: with `open_for` of 1 s that does not mean a wrong clock.
        let probing = Record { failures: 2, open_until: 5_000, away_until: 0 };
        assert_eq!(
            probing.state_at(100, &config(1)),
            BreakerState::Open { failures: 2, left: 4_900 }
        );
    }

    #[test]
    fn b12_the_seconds_of_a_pause_are_rounded_up() {
        assert_eq!([1, 999, 1_000, 1_001].map(seconds), [1, 1, 1, 2]);
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
