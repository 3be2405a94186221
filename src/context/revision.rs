//! When the context last changed, for each repository and identity: `{digest, changed_at}` on disk,
//! replaced under a lock when the digest of the whole context changes. A host drops text that it
//! already has, so a state that comes back must differ from its first appearance. A change in the future
//! was noted while the clock was ahead: it counts as a change of now.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deadline::{StoredTime, Timestamp};
use crate::disk::{self, Access, Durability, Lock};

const MAX_FILE_BYTES: u64 = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Revision {
    digest: String,
    changed_at: Timestamp,
}

/// The file of the revision of `name` in `folder`.
#[must_use]
pub fn file(folder: &Path, name: &str) -> PathBuf {
    folder.join(format!("{name}.json"))
}

/// Since when the context has `digest`. `None` where that cannot be stored: without a time the same
/// state still gives the same text.
#[must_use]
pub fn changed_at(file: &Path, digest: &str, now: Timestamp, access: Access) -> Option<Timestamp> {
    let stored = read(file).filter(|stored| stored.is_past(now));
    if let Some(same) = stored.as_ref().filter(|stored| stored.digest == digest) {
        return Some(same.changed_at);
    }
    if !access.may_write() {
        return Some(next(stored.as_ref(), now));
    }
    let _lock = Lock::wait_briefly(&file.with_extension("lock"));
    let stored = read(file).filter(|stored| stored.is_past(now));
    if let Some(same) = stored.as_ref().filter(|stored| stored.digest == digest) {
        return Some(same.changed_at);
    }
    let changed_at = next(stored.as_ref(), now);
    let revision = Revision { digest: digest.to_owned(), changed_at };
    let bytes = serde_json::to_vec(&revision).ok()?;
    disk::write_atomic(file, &bytes, Durability::Process).ok().map(|()| changed_at)
}

impl Revision {
    fn is_past(&self, now: Timestamp) -> bool {
        StoredTime::from(self.changed_at).age(now.into()).is_some()
    }
}

/// Later than the time used before, also within one second and with a clock a few seconds back.
fn next(before: Option<&Revision>, now: Timestamp) -> Timestamp {
    match before {
        Some(before) => now.max(before.changed_at.plus(Duration::from_secs(1))),
        None => now,
    }
}

fn read(file: &Path) -> Option<Revision> {
    serde_json::from_slice(&disk::read_private(file, MAX_FILE_BYTES).ok()??).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_b_a_never_gives_the_time_of_the_first_a() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path(), "x");
        let at =
            |digest, now| changed_at(&file, digest, Timestamp(now), Access::ReadWrite).unwrap().0;
        assert_eq!(at("a", 100), 100);
        assert_eq!(at("a", 500), 100);
        assert_eq!(at("b", 500), 500);
        assert_eq!(at("a", 500), 501);
        assert_eq!(at("b", 498), 502, "the clock went back by seconds");
        assert_eq!(changed_at(&file, "c", Timestamp(900), Access::ReadOnly), Some(Timestamp(900)));
        assert_eq!(at("b", 999), 502, "a dry run changes nothing");
        assert_eq!(at("b", 90), 90, "the clock was ahead");
        assert_eq!(at("b", 999), 90);
    }
}
