//! Locks between processes.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{guard, is_file_at, private_folder};
use crate::deadline::Deadline;

/// The longest wait for a lock that is held only a few milliseconds.
const BRIEF_WAIT: Duration = Duration::from_millis(20);

/// The lock file is removed between opening and locking it only by a clean-up.
const MAX_OPENS: usize = 3;

/// An advisory lock between processes, held until dropped. Its file may be removed only by the process
/// that holds it; another that has opened it before notices that and opens the file that took its place.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held open: closing it releases the lock")] File);

/// The result of a lock attempt.
#[derive(Debug)]
pub enum TryLock {
    Held(Lock),
    Busy,
    /// The file system has no locks (some network ones) or the folder cannot be written: the caller
    /// continues without, at the cost of a double request.
    Unsupported,
}

/// The result of a wait for a lock.
#[derive(Debug)]
pub enum LockWait {
    Held(Lock),
    /// Another process still holds it.
    TimedOut,
    /// As in `TryLock`.
    Unsupported,
}

impl Lock {
    /// Waits for the lock on `path` until `deadline`, without keeping the thread.
    pub async fn wait(path: &Path, deadline: Deadline) -> LockWait {
        let mut pauses = pauses(deadline);
        loop {
            match Lock::try_or_pause(path, &mut pauses) {
                Ok(ended) => return ended,
                Err(pause) => tokio::time::sleep(pause).await,
            }
        }
    }

    /// Waits up to 20 ms for the lock on `path`, for locks that are held only a few milliseconds.
    #[must_use]
    pub fn wait_briefly(path: &Path) -> Option<Self> {
        match Lock::wait_blocking(path, Deadline::after(BRIEF_WAIT)) {
            LockWait::Held(lock) => Some(lock),
            LockWait::TimedOut | LockWait::Unsupported => None,
        }
    }

    /// Waits for the lock on `path` until `deadline` and keeps the thread.
    #[must_use]
    pub fn wait_blocking(path: &Path, deadline: Deadline) -> LockWait {
        let mut pauses = pauses(deadline);
        loop {
            match Lock::try_or_pause(path, &mut pauses) {
                Ok(ended) => return ended,
                Err(pause) => std::thread::sleep(pause),
            }
        }
    }

    /// One attempt of a wait: how the wait ended, or the pause before the next attempt.
    fn try_or_pause(
        path: &Path,
        pauses: &mut impl Iterator<Item = Duration>,
    ) -> Result<LockWait, Duration> {
        match Lock::try_acquire(path) {
            TryLock::Held(lock) => Ok(LockWait::Held(lock)),
            TryLock::Unsupported => Ok(LockWait::Unsupported),
            TryLock::Busy => pauses.next().map_or(Ok(LockWait::TimedOut), Err),
        }
    }

    /// Tries once to lock `path`; never waits.
    #[must_use]
    pub fn try_acquire(path: &Path) -> TryLock {
        let open = || {
            private_folder(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true);
            guard(&mut options);
            options.open(path)
        };
        for _ in 0..MAX_OPENS {
            let Ok(file) = open() else { return TryLock::Unsupported };
            if let Some(attempt) = Lock::of_opened(file, path) {
                return attempt;
            }
        }
        TryLock::Busy
    }

    /// Tries to lock the file that was opened at `path`; `None` if it was removed before it was locked.
    fn of_opened(file: File, path: &Path) -> Option<TryLock> {
        match file.try_lock() {
            Ok(()) => is_file_at(&file, path).then(|| TryLock::Held(Lock(file))),
            Err(fs::TryLockError::WouldBlock) => Some(TryLock::Busy),
            Err(fs::TryLockError::Error(_)) => Some(TryLock::Unsupported),
        }
    }
}

/// The pauses between the attempts of a wait: 1, 2, 4, then 8 ms, none beyond `deadline`.
fn pauses(deadline: Deadline) -> impl Iterator<Item = Duration> {
    let doubled = (0..).map(|attempt: u32| Duration::from_millis(1 << attempt.min(3)));
    doubled.map_while(move |pause| (!deadline.is_over()).then(|| pause.min(deadline.remaining())))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_wait_for_a_lock_ends_with_it_or_in_time() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let held = Lock::wait_briefly(&path);
        assert!(held.is_some());
        assert!(Lock::wait_briefly(&path).is_none());
        drop(held);
        assert!(Lock::wait_briefly(&path).is_some());
        assert!(Lock::wait_briefly(Path::new("/proc/none/lock")).is_none(), "no folder");
    }

    #[test]
    fn the_pauses_of_a_wait_double_up_to_8_ms() {
        let far = Deadline::after(Duration::from_secs(60));
        let millis: Vec<u128> = pauses(far).take(5).map(|pause| pause.as_millis()).collect();
        assert_eq!(millis, [1, 2, 4, 8, 8]);
        assert_eq!(pauses(Deadline::after(Duration::ZERO)).next(), None);
    }

    #[test]
    fn b10_a_file_that_was_removed_before_it_was_locked_is_no_lock() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let opened =
            || File::options().write(true).create(true).truncate(false).open(&path).unwrap();
        let (removed, kept) = (opened(), opened());
        assert!(matches!(Lock::of_opened(kept, &path), Some(TryLock::Held(_))));
        fs::remove_file(&path).unwrap();
        assert!(Lock::of_opened(removed.try_clone().unwrap(), &path).is_none());
        let held = Lock::try_acquire(&path);
        assert!(matches!(held, TryLock::Held(_)), "a new file in its place");
        assert!(Lock::of_opened(removed, &path).is_none());
        assert!(matches!(Lock::try_acquire(&path), TryLock::Busy));
    }

    #[test]
    fn a_lock_is_held_by_one_and_given_back() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let first = Lock::try_acquire(&path);
        assert!(matches!(first, TryLock::Held(_)));
        assert!(matches!(Lock::try_acquire(&path), TryLock::Busy));
        drop(first);
        assert!(matches!(Lock::try_acquire(&path), TryLock::Held(_)));
    }
}
