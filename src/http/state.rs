//! State of one origin that all processes share: a small file under a lock. Losing it only forgets a
//! few requests, so a damaged file counts as empty.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::digest;
use crate::disk::{self, Durability, Lock};
use serde::{Serialize, de::DeserializeOwned};

const MAX_FILE_BYTES: u64 = 4096;

/// The file of `origin` for one owner (`limiter`, `breaker`).
pub fn file(folder: &Path, owner: &str, origin: &str) -> PathBuf {
    let name = digest::short(origin);
    folder.join(format!("{name}.{owner}"))
}

/// Reads the file.
pub fn read<T: DeserializeOwned + Default>(path: &Path) -> T {
    let bytes = disk::read_private(path, MAX_FILE_BYTES).ok().flatten();
    bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default()
}

/// Changes the file; under its lock if that is available in time.
pub fn update<T, R>(path: &Path, change: impl FnOnce(&mut T) -> R) -> R
where
    T: Serialize + DeserializeOwned + Default,
{
    let _lock = Lock::wait_briefly(&path.with_extension("lock"));
    let mut value: T = read(path);
    let result = change(&mut value);
    if let Ok(bytes) = serde_json::to_vec(&value) {
        let _ = disk::write_atomic(path, &bytes, Durability::Process);
    }
    result
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
