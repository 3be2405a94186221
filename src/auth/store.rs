//! Tokens between runs: one private file for each identity, replaced as a whole, with an absolute expiry.
//! Also keeps which path of the identity server worked, and the backoff after a failure.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deadline::Timestamp;
use crate::digest;
use crate::disk;
use crate::error::{Code, Failure};
use crate::secret::Secret;

const MAX_FILE_BYTES: u64 = 256 << 10;

/// The stored state of one identity.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Stored {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    obtained: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Timestamp>,
    /// The URL before `/realms` that worked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Why the last request for a token failed, and when the next one is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
}

/// A request for a token that failed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Backoff {
    pub failure: Failure,
    /// Milliseconds since 1970.
    pub until: i64,
    /// The pause, in seconds: doubled each time.
    pub pause: u64,
    /// A fingerprint of the secret that was refused: another one may be tried at once.
    #[serde(default)]
    pub secret_fingerprint: String,
}

/// A longer backoff was written while the clock was wrong.
const MAX_BACKOFF_MS: i64 = 3_600_000;

impl Backoff {
    /// The failure, while requests with this secret are paused.
    #[must_use]
    pub fn active(&self, now: i64, secret_fingerprint: &str) -> Option<Failure> {
        let left = self.until.saturating_sub(now);
        let active =
            left > 0 && left <= MAX_BACKOFF_MS && self.secret_fingerprint == secret_fingerprint;
        active.then(|| self.failure.clone())
    }
}

impl Stored {
    /// The token, unless it expires within `margin`. The margin is at most half of the lifetime, so that
    /// a token of 30 seconds can be used, and shrinks by a random part, so that many sessions do not
    /// renew at the same moment.
    #[must_use]
    pub fn valid(&self, margin: Duration, now: Timestamp) -> Option<Secret> {
        let (token, obtained, expires) = (self.token.as_ref()?, self.obtained?, self.expires?);
        // A clock before the time of issue makes the expiry meaningless.
        let lifetime = expires.age_from(obtained)?;
        now.age_from(obtained)?;
        let margin = margin.mul_f64(1.0 - fastrand::f64() / 2.0).min(lifetime / 2);
        (now.plus(margin) < expires).then(|| Secret::new(token.as_str()))
    }

    /// Stores a token; one without a known expiry is not stored.
    pub fn set_token(&mut self, token: &Secret, now: Timestamp, expires: Option<Timestamp>) {
        self.backoff = None;
        let expires = expires.filter(|expires| *expires > now);
        self.token = expires.map(|_| token.expose().to_owned());
        self.obtained = expires.map(|_| now);
        self.expires = expires;
    }

    /// Removes the token if it is `refused`.
    pub fn drop_refused(&mut self, refused: Option<&Secret>) {
        if refused.is_some_and(|refused| self.token.as_deref() == Some(refused.expose())) {
            self.token = None;
        }
    }
}

/// The file of one identity.
pub struct Store {
    path: Option<PathBuf>,
}

impl Store {
    /// The file for `identity` in `folder`; without a folder nothing is stored.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, identity: &[&str]) -> Self {
        let file = |folder: PathBuf| folder.join(digest::of_parts("", identity) + ".json");
        Store { path: folder.map(file) }
    }

    /// The stored state; empty if the file is missing, damaged or accessible to others.
    #[must_use]
    pub fn read(&self) -> Stored {
        let Some(path) = &self.path else { return Stored::default() };
        let bytes = match disk::read_agreement(path, MAX_FILE_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Stored::default(),
            Err(error) => {
                tracing::warn!(code = %Code::TokenFileMode, %error, "the token file is not used");
                return Stored::default();
            }
        };
        disk::make_private(path);
        serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            tracing::warn!(code = %Code::TokenFileDamaged, "moved a damaged token file aside");
            disk::set_aside(path);
            Stored::default()
        })
    }

    /// Replaces the stored state. If that fails, the token is used for this run only.
    pub fn write(&self, stored: &Stored) {
        let Some(path) = &self.path else { return };
        let written = serde_json::to_vec(stored)
            .map_err(std::io::Error::from)
            .and_then(|bytes| disk::write_agreement_flushed_later(path, &bytes));
        if let Err(error) = written {
            tracing::warn!(code = %Code::StoreUnusable, %error, "the token is not kept");
        }
    }

    /// The lock of the one process that asks for a token.
    #[must_use]
    pub fn lock_file(&self) -> Option<PathBuf> {
        self.path.as_ref().map(|path| path.with_extension("lock"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(obtained: i64, expires: i64) -> Stored {
        Stored {
            token: Some("tok-en-1".into()),
            obtained: Some(Timestamp(obtained)),
            expires: Some(Timestamp(expires)),
            ..Stored::default()
        }
    }

    #[test]
    fn t02_a020_the_margin_is_at_most_half_of_the_lifetime_and_clocks_may_jump() {
        let margin = Duration::from_secs(60);
        let valid = |stored: Stored, now| stored.valid(margin, Timestamp(now)).is_some();
        assert!(valid(stored(1000, 1300), 1200));
        assert!(!valid(stored(1000, 1300), 1290));
        assert!(valid(stored(1000, 1030), 1010), "a 30 s token is usable");
        assert!(!valid(stored(1000, 1030), 1029));
        assert!(!valid(stored(1000, 1300), 900), "the clock went back");
        assert!(!valid(stored(1000, 900), 950), "expired before it was issued");
    }

    #[test]
    fn t10_a018_the_pause_ends_with_its_time_a_new_secret_or_a_clock_set_right() {
        let failure = Failure::new(Code::ClientRefused, "no");
        let backoff = Backoff { failure, until: 5_000, pause: 4, secret_fingerprint: "a".into() };
        assert!(backoff.active(1_000, "a").is_some());
        assert!(backoff.active(5_000, "a").is_none());
        assert!(backoff.active(1_000, "b").is_none(), "another secret");
        assert!(backoff.active(-7_000_000_000, "a").is_none(), "the clock was ahead");
    }

    #[test]
    fn a008_a_token_of_unknown_end_is_not_kept() {
        let mut kept = stored(1, 9);
        kept.set_token(&Secret::new("another"), Timestamp(5), None);
        assert!(kept.token.is_none() && kept.expires.is_none());
    }
}
