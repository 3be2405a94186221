//! State of one origin that all processes share: small files under one lock. Losing one only forgets a
//! few requests, so a damaged file counts as empty.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use crate::deadline::Deadline;
use crate::digest;
use crate::disk::{self, Durability, Lock, LockWait};
use crate::error::{Code, Failure};

const MAX_FILE_BYTES: u64 = 4096;
/// Kept free before the deadline for the fallback, when waiting for the lock fails.
const FALLBACK_RESERVE: Duration = Duration::from_millis(150);
/// The least time that the note of an outcome waits for the lock: a request often fails because the
/// deadline is over.
const NOTE_WAIT: Duration = Duration::from_millis(10);

/// The files of one origin, locked.
pub struct OriginState {
    folder: PathBuf,
    name: String,
    _lock: Option<Lock>,
}

impl OriginState {
    /// Waits for the lock until shortly before `deadline`. Where the file system has no locks, nothing
    /// is waited for, and processes may lose each other's changes.
    ///
    /// # Errors
    /// `WS303` when another process still holds it: no request is made then, or a crowd of processes
    /// with a slow disk would go past every limit.
    pub async fn lock(folder: &Path, origin: &str, deadline: Deadline) -> Result<Self, Failure> {
        let until = deadline.earlier(FALLBACK_RESERVE.min(deadline.remaining() / 2));
        Self::wait(folder, origin, until).await.ok_or_else(|| {
            let text = format!("another process holds the record of the requests to `{origin}`");
            Failure::new(Code::Timeout, text).hint(deadline.limit().hint("try again in a moment"))
        })
    }

    /// The same, to note the outcome of a request; `None` when the lock is held too long.
    pub async fn lock_for_note(folder: &Path, origin: &str, deadline: Deadline) -> Option<Self> {
        let is_over = deadline.remaining() < NOTE_WAIT;
        let until = if is_over { Deadline::after(NOTE_WAIT) } else { deadline };
        Self::wait(folder, origin, until).await
    }

    async fn wait(folder: &Path, origin: &str, until: Deadline) -> Option<Self> {
        let name = digest::short(origin);
        let lock = match Lock::wait(&folder.join(format!("{name}.lock")), until).await {
            LockWait::Held(lock) => Some(lock),
            LockWait::Unsupported => None,
            LockWait::TimedOut => return None,
        };
        Some(OriginState { folder: folder.to_owned(), name, _lock: lock })
    }

    /// Reads the file of one owner (`limiter`, `breaker`).
    pub fn read<T: DeserializeOwned + Default>(&self, owner: &str) -> T {
        let bytes = disk::read_private(&self.file(owner), MAX_FILE_BYTES).ok().flatten();
        bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
    }

    /// Replaces it.
    pub fn write<T: Serialize>(&self, owner: &str, value: &T) {
        if let Ok(bytes) = serde_json::to_vec(value) {
            let _ = disk::write_atomic(&self.file(owner), &bytes, Durability::Process);
        }
    }

    fn file(&self, owner: &str) -> PathBuf {
        self.folder.join(format!("{}.{owner}", self.name))
    }
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
