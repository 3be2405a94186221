//! Whether and when a request is retried: a pure decision, within the deadline.

use std::time::{Duration, SystemTime};

use super::Error;
use crate::config::HttpConfig;
use crate::deadline::Deadline;

/// With less time than this a session is waiting: one retry at most.
const SHORT_DEADLINE: Duration = Duration::from_secs(5);
/// Must remain for the attempt itself after a pause.
const MIN_ATTEMPT_TIME: Duration = Duration::from_millis(50);
/// A longer `Retry-After` is cut to this.
pub(super) const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// Whether a request may be sent again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It changes nothing on the server.
    Safe,
    /// It may have been carried out before it failed.
    Never,
}

/// How often and after which pauses one request is retried.
pub struct Policy {
    attempts: u32,
    delay: Duration,
}

impl Policy {
    /// The settings, bounded by the time left; one attempt if the request may not be repeated.
    pub fn new(config: &HttpConfig, repeat: Repeat, deadline: Deadline) -> Self {
        let is_short = deadline.remaining() <= SHORT_DEADLINE;
        let attempts = match (repeat, is_short) {
            (Repeat::Never, _) => 1,
            (Repeat::Safe, true) => config.attempts.min(2),
            (Repeat::Safe, false) => config.attempts,
        };
        Policy { attempts, delay: config.retry_delay }
    }

    /// How long to wait after the failed attempt number `attempt`; `None`: give up.
    pub fn pause(&self, attempt: u32, error: &Error, deadline: Deadline) -> Option<Duration> {
        if attempt >= self.attempts || !error.is_transient() {
            return None;
        }
        let pause = match error.retry_after() {
            Some(after) => after,
            // A 429 without `Retry-After` is not retried.
            None if matches!(error, Error::TooMany { .. }) => return None,
            None => jitter(self.longest_pause(attempt)),
        };
        (pause.checked_add(MIN_ATTEMPT_TIME)? < deadline.remaining()).then_some(pause)
    }

    /// Doubled for each attempt.
    fn longest_pause(&self, attempt: u32) -> Duration {
        self.delay.saturating_mul(1 << (attempt - 1).min(8))
    }
}

/// Full jitter: a random time up to `most`.
fn jitter(most: Duration) -> Duration {
    most.mul_f64(fastrand::f64())
}

/// Reads `Retry-After` in both forms (RFC 9110, section 10.2.3); an unreadable value counts as absent.
pub fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) if value.bytes().all(|byte| byte.is_ascii_digit()) && !value.is_empty() => {
            MAX_RETRY_AFTER
        }
        Err(_) => {
            let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
            SystemTime::from(date).duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn n056_x28_retry_after_in_every_form() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_425_240);
        let table = [
            ("1", Some(1)),
            (" 30 ", Some(30)),
            ("3601", Some(3600)),
            ("36000", Some(3600)),
            ("Mon, 23 Nov 2026 19:14:00 GMT", Some(3600)),
            ("99999999999999999999", Some(3600)),
            ("Mon, 23 Nov 2026 09:14:10 GMT", Some(10)),
            ("Mon, 23 Nov 2020 09:14:10 GMT", Some(0)),
            ("-5", None),
            ("soon", None),
            ("", None),
        ];
        for (text, seconds) in table {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn rt_b11_the_attempts_follow_from_the_setting_the_request_and_the_time_left() {
        let config = HttpConfig { attempts: 6, ..HttpConfig::default() };
        let once = HttpConfig { attempts: 1, ..HttpConfig::default() };
        let table = [
            (&config, Repeat::Safe, 60, 6),
            (&config, Repeat::Safe, 4, 2),
            (&config, Repeat::Never, 60, 1),
            (&config, Repeat::Never, 4, 1),
            (&once, Repeat::Safe, 60, 1),
            (&once, Repeat::Safe, 4, 1),
        ];
        for (config, repeat, seconds, attempts) in table {
            let deadline = Deadline::after(Duration::from_secs(seconds));
            let policy = Policy::new(config, repeat, deadline);
            assert_eq!(policy.attempts, attempts, "{repeat:?} {seconds} s");
        }
    }

    #[test]
    fn rt_b11_the_pause_before_each_attempt_is_twice_as_long_at_most() {
        let policy = Policy { attempts: 20, delay: Duration::from_millis(250) };
        let millis = [1, 2, 3, 9, 10, 15].map(|attempt| policy.longest_pause(attempt).as_millis());
        assert_eq!(millis, [250, 500, 1_000, 64_000, 64_000, 64_000]);
    }

    #[test]
    fn x38_only_passing_troubles_are_repeated_and_never_past_the_deadline() {
        let policy = Policy { attempts: 2, delay: Duration::from_millis(10) };
        let origin = || "http://h:1".to_owned();
        let long = Deadline::after(Duration::from_secs(4));
        let refused = Error::Refused { origin: origin() };
        assert!(policy.pause(1, &refused, long).is_some_and(|p| p <= Duration::from_millis(10)));
        assert_eq!(policy.pause(2, &refused, long), None);
        assert_eq!(policy.pause(1, &refused, Deadline::after(Duration::from_millis(20))), None);
        let many = |after| Error::TooMany { origin: origin(), after };
        assert_eq!(policy.pause(1, &many(None), long), None);
        assert_eq!(policy.pause(1, &many(Some(Duration::from_secs(60))), long), None);
        let second = Some(Duration::from_secs(1));
        assert_eq!(policy.pause(1, &many(second), long), second);
        let server = |status| Error::Server { origin: origin(), status, after: None };
        assert!(policy.pause(1, &server(503), long).is_some());
        assert_eq!(policy.pause(1, &server(500), long), None);
    }
}
