//! Tokens between runs: one private file for each identity, replaced as a whole, with an absolute expiry.
//! Also keeps which path of the identity server worked, and the backoff after a failure.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deadline::{StoredTime, Timestamp};
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

    /// The same without the token, if it is `refused`.
    #[must_use]
    pub fn without(mut self, refused: Option<&Secret>) -> Self {
        if refused.is_some_and(|refused| self.token.as_deref() == Some(refused.expose())) {
            self.token = None;
        }
        self
    }
}

/// An expired token is kept this much longer, with what else is known of its identity server.
const EXPIRED_GRACE: Duration = Duration::from_secs(7 * 86_400);
/// No identity server issues a token for longer: its time is of a wrong clock.
const MAX_LIFETIME: Duration = Duration::from_secs(400 * 86_400);

/// Whether the token in this file expired so long ago that the file can be removed. Unreadable files are
/// not judged.
#[must_use]
pub fn is_token_over(path: &Path, now: Timestamp) -> bool {
    let bytes = disk::read_private(path, MAX_FILE_BYTES).ok().flatten();
    let stored = bytes.and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
    let Some(expires) = stored.and_then(|stored| stored.expires) else { return false };
    let (expires, now) = (StoredTime::from(expires), StoredTime::from(now));
    let limit = if expires.age(now).is_some() { EXPIRED_GRACE } else { MAX_LIFETIME };
    expires.distance(now) > limit
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

    /// The stored state, empty if the file is missing or damaged; `None` if there is a file that cannot
    /// be read or must not be used.
    #[must_use]
    pub fn read(&self) -> Option<Stored> {
        let Some(path) = &self.path else { return Some(Stored::default()) };
        let bytes = match disk::read_agreement(path, MAX_FILE_BYTES) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Some(Stored::default()),
            Err(error) => {
                tracing::warn!(code = %Code::TokenFileMode, %error, "the token file is not used");
                return None;
            }
        };
        disk::make_private(path);
        Some(serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            tracing::warn!(code = %Code::TokenFileDamaged, "moved a damaged token file aside");
            disk::set_aside(path);
            Stored::default()
        }))
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
    fn rt_b10_a_new_token_ends_the_pause() {
        let failure = Failure::new(Code::ClientRefused, "no");
        let backoff = Backoff { failure, until: 9, pause: 4, secret_fingerprint: "a".into() };
        let mut kept = Stored { backoff: Some(backoff), ..Stored::default() };
        kept.set_token(&Secret::new("another"), Timestamp(5), Some(Timestamp(9)));
        assert!(kept.backoff.is_none());
        assert!(kept.valid(Duration::ZERO, Timestamp(6)).is_some());
    }

    #[test]
    fn a009_a_token_that_has_ended_already_is_not_kept() {
        for end in [4, 5] {
            let mut kept = stored(1, 9);
            kept.set_token(&Secret::new("another"), Timestamp(5), Some(Timestamp(end)));
            assert!(kept.token.is_none() && kept.obtained.is_none() && kept.expires.is_none());
        }
    }

    #[test]
    fn t04_only_the_refused_token_is_dropped() {
        let refused = |text: &str| stored(1, 9).without(Some(&Secret::new(text))).token;
        assert_eq!(refused("tok-en-1"), None);
        assert!(refused("tok-en-0").is_some(), "another process has a newer one");
        assert!(stored(1, 9).without(None).token.is_some());
    }

    #[test]
    fn a011_a_damaged_file_is_kept_aside_and_an_unreadable_one_is_not_empty() {
        let folder = tempfile::tempdir().unwrap();
        disk::private_folder(folder.path()).unwrap();
        let store = Store::new(Some(folder.path().to_owned()), &["x"]);
        let path = store.path.clone().unwrap();
        assert!(store.read().is_some_and(|stored| stored.token.is_none()), "missing");
        disk::write_atomic(&path, b"{\"token\":", disk::Durability::Process).unwrap();
        assert!(store.read().is_some_and(|stored| stored.token.is_none()), "damaged");
        assert!(!path.exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the damaged one, aside");
        std::fs::create_dir(&path).unwrap();
        assert!(store.read().is_none(), "a folder in its place");
    }

    #[test]
    fn a008_a_token_of_unknown_end_is_not_kept() {
        let mut kept = stored(1, 9);
        kept.set_token(&Secret::new("another"), Timestamp(5), None);
        assert!(kept.token.is_none() && kept.expires.is_none());
    }
}
