//! One request for any number of processes: the one that holds the lock makes it; the others wait for
//! the lock and then read what it stored. Knows the lock, not what is requested.

use std::path::Path;
use std::time::Duration;

use crate::deadline::Deadline;
use crate::disk::{Lock, LockWait};
use crate::error::{Code, Failure};

/// Kept free before the deadline for the fallback and the rendering, when waiting fails.
const FALLBACK_RESERVE: Duration = Duration::from_millis(150);

/// The right to make the request, until dropped. Its holder first reads again what is stored: another
/// process may have made the request in the meantime.
pub struct RequestGuard(
    #[expect(dead_code, reason = "held: dropping it releases the lock")] Option<Lock>,
);

/// Waits for the lock on `path`. Without a path, or where the file system has no locks, nothing is
/// waited for, at the cost of a double request. `wanted` completes the message "is already asking ...".
///
/// # Errors
/// `WS303` when the lock is still held shortly before the deadline.
pub async fn wait(
    path: Option<&Path>,
    deadline: Deadline,
    wanted: &str,
) -> Result<RequestGuard, Failure> {
    let Some(path) = path else { return Ok(RequestGuard(None)) };
    match Lock::wait(path, deadline.earlier(FALLBACK_RESERVE)).await {
        LockWait::Held(lock) => Ok(RequestGuard(Some(lock))),
        LockWait::Unsupported => Ok(RequestGuard(None)),
        LockWait::TimedOut => {
            let text = format!("another session is already asking {wanted}, without an answer yet");
            let hint = deadline.limit().hint("try again in a moment");
            Err(Failure::new(Code::Timeout, text).hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn the_second_waits_until_shortly_before_its_deadline_and_names_what_it_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let soon = || Deadline::after(FALLBACK_RESERVE + Duration::from_millis(20));
        let first = run(wait(Some(&path), soon(), "the same")).ok().unwrap();
        let failure = run(wait(Some(&path), soon(), "the same")).err().unwrap();
        assert_eq!(failure.code, Code::Timeout);
        assert!(failure.message.contains("already asking the same"), "{failure}");
        drop(first);
        assert!(run(wait(Some(&path), soon(), "the same")).is_ok());
    }

    #[test]
    fn without_a_file_nothing_is_waited_for() {
        let over = Deadline::after(Duration::ZERO);
        assert!(run(wait(None, over, "the same")).is_ok());
    }
}
