//! What is remembered of a source that starts a program: how long its last answers took, and whether a
//! session has already waited for its first one.

use std::time::Duration;

use super::{Cache, Identity, Key};
use crate::disk::{self, Durability};

/// Answers whose times are kept, the last ones.
const MAX_TIMES: usize = 5;
const MAX_FILE_BYTES: u64 = 1 << 10;
/// The ending of the file beside the entry.
pub(super) const KIND: &str = "times";
/// The ending of the file that says that a session has waited.
pub(super) const WAITED: &str = "waited";

impl Cache {
    /// How long the last answers to `key` took, oldest first. A damaged file counts as absent.
    #[must_use]
    pub fn times(&self, key: &Key) -> Vec<Duration> {
        let bytes =
            self.file(key, KIND).and_then(|path| disk::read_private(&path, MAX_FILE_BYTES).ok()?);
        let millis: Option<Vec<u32>> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let millis = millis.unwrap_or_default().into_iter();
        millis.map(|millis| Duration::from_millis(millis.into())).collect()
    }

    /// Adds the time that an answer took.
    pub fn note_time(&self, key: &Key, time: Duration) {
        let Some(path) = self.file(key, KIND).filter(|_| self.access.may_write()) else { return };
        let mut times = self.times(key);
        times.push(time);
        let kept = &times[times.len().saturating_sub(MAX_TIMES)..];
        let millis = |time: &Duration| u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
        let millis: Vec<u32> = kept.iter().map(millis).collect();
        if let Ok(bytes) = serde_json::to_vec(&millis) {
            let _ = disk::write_atomic(&path, &bytes, Durability::Process);
        }
    }

    /// Whether a session has waited for the first answer of `source`.
    #[must_use]
    pub fn has_waited(&self, source: &Identity) -> bool {
        self.waited_file(source).is_some_and(|path| path.symlink_metadata().is_ok())
    }

    /// Notes that a session waits for the first answer of `source`; whether that could be stored. Where
    /// it cannot, every session would wait.
    #[must_use]
    pub fn note_waited(&self, source: &Identity) -> bool {
        let path = self.waited_file(source).filter(|_| self.access.may_write());
        path.is_some_and(|path| disk::write_atomic(&path, b"", Durability::Process).is_ok())
    }

    fn waited_file(&self, source: &Identity) -> Option<std::path::PathBuf> {
        Some(self.folder()?.join(format!("{}.{WAITED}", source.name())))
    }
}
