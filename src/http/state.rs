//! State of one origin that all processes share: a small file under a lock. Losing it only forgets a
//! few requests, so a damaged file counts as empty.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::disk::{self, Durability, Lock};
use crate::secret::hex;

const MAX_FILE_BYTES: u64 = 4096;

/// The file of `origin` for one owner (`limiter`, `breaker`).
pub fn file(folder: &Path, owner: &str, origin: &str) -> PathBuf {
    let name = hex(&Sha256::digest(origin.as_bytes())[..16]);
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

/// Milliseconds since 1970.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
