//! `http.rate_limit` for each origin, shared by all processes: a token bucket on disk.

use serde::{Deserialize, Serialize};

use super::state::OriginState;
use crate::deadline::now_millis;
use crate::error::{Code, Failure};

const MINUTE: f64 = 60_000.0;
const OWNER: &str = "limiter";

/// A bucket that fills evenly.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Bucket {
    tokens: f64,
    /// Milliseconds since 1970; 0: never used, so full.
    filled: i64,
}

impl Bucket {
    /// Takes one token at `now`; `false`: there is none.
    fn take(&mut self, now: i64, rate: u32) -> bool {
        let most = f64::from(rate);
        // A clock that went back neither fills nor empties the bucket.
        let passed = now.saturating_sub(self.filled).max(0);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of at most some days")]
        let gained = passed as f64 * most / MINUTE;
        self.tokens = if self.filled == 0 { most } else { (self.tokens + gained).min(most) };
        self.filled = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }
}

/// Takes one request out of this minute's limit.
///
/// # Errors
/// `WS323` when this minute's requests are used up.
pub fn take(state: &OriginState, origin: &str, rate: u32) -> Result<(), Failure> {
    let mut bucket: Bucket = state.read(OWNER);
    let is_taken = bucket.take(now_millis(), rate);
    state.write(OWNER, &bucket);
    if is_taken {
        return Ok(());
    }
    let text = format!("the limit of {rate} requests a minute to `{origin}` is reached");
    Err(Failure::new(Code::RateLimited, text).hint("wait a minute, or raise `http.rate_limit`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g08_x31_exactly_ten_of_twenty_are_allowed_and_the_bucket_fills_again() {
        let mut bucket = Bucket::default();
        let start = 1_000_000;
        let allowed = (0..20).filter(|_| bucket.take(start, 10)).count();
        assert_eq!(allowed, 10);
        assert!(!bucket.take(start + 5_999, 10));
        assert!(bucket.take(start + 6_001, 10));
        assert!(!bucket.take(start - 999_999, 10), "a clock that goes back gives nothing");
    }

    #[test]
    fn b9_a_bucket_never_holds_more_than_one_minute() {
        let mut bucket = Bucket::default();
        assert!(bucket.take(1_000_000, 10));
        let next_day = 1_000_000 + 86_400_000;
        assert_eq!((0..40).filter(|_| bucket.take(next_day, 10)).count(), 10);
    }

    #[test]
    fn b9_a_clock_that_goes_back_takes_nothing_away() {
        let mut bucket = Bucket::default();
        assert!(bucket.take(1_000_000, 10));
        assert_eq!((0..20).filter(|_| bucket.take(400_000, 10)).count(), 9);
        assert!(bucket.take(406_001, 10), "it fills again from the new time on");
    }
}
