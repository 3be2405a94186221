//! Removes from a folder of ours what no process uses: temporary files of killed writers, damaged files,
//! records that are over, and the locks without a record. Touches only files with our forms of names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Lock, TEMPORARY_PREFIX, TryLock, names};
use crate::deadline::StoredTime;

/// A file that is still being written is younger than this.
const TEMPORARY_TTL: Duration = Duration::from_secs(3600);
/// Damaged files are kept this long, for diagnosis.
const DAMAGED_TTL: Duration = Duration::from_secs(7 * 86_400);
/// The lengths of our names: a SHA-256 in hex, and the first half of it.
const NAME_LENGTHS: [usize; 2] = [32, 64];
/// The kinds of our records, and of the locks beside them.
const RECORDS: [&str; 7] = ["json", "failure", "txt", "limiter", "breaker", "times", "waited"];
const LOCKS: [&str; 2] = ["lock", "refresh"];
const DAMAGED: &str = "damaged";

/// A file with one of our names.
#[derive(Clone, Debug)]
pub struct OwnFile {
    pub path: PathBuf,
    pub size: u64,
    /// When it was last written.
    pub written: StoredTime,
    /// When it was last read or written.
    pub used: StoredTime,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Temporary,
    Damaged,
    Record,
    Lock,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        if name.starts_with(TEMPORARY_PREFIX) {
            return Some(Kind::Temporary);
        }
        let (stem, kinds) = name.split_once('.')?;
        let is_hex = stem.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex || !NAME_LENGTHS.contains(&stem.len()) {
            return None;
        }
        match kinds.split_once('.') {
            None if RECORDS.contains(&kinds) => Some(Kind::Record),
            None if LOCKS.contains(&kinds) => Some(Kind::Lock),
            Some((kind, DAMAGED)) if RECORDS.contains(&kind) => Some(Kind::Damaged),
            _ => None,
        }
    }
}

impl OwnFile {
    /// The regular file at `path`, if it has one of our names.
    fn at(path: PathBuf) -> Option<Self> {
        let kind = Kind::of(path.file_name()?.to_str()?)?;
        let metadata = fs::symlink_metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let written = StoredTime::from(metadata.modified().ok()?);
        let used = metadata.accessed().map_or(written, StoredTime::from).max(written);
        Some(OwnFile { size: metadata.len(), path, written, used, kind })
    }

    /// Whether it was not written for `ttl`, or will not be for as long: then a clock was wrong.
    #[must_use]
    pub fn is_unwritten_for(&self, ttl: Duration, now: StoredTime) -> bool {
        self.written.distance(now) > ttl
    }

    /// Removes it if it is still `over`, looked at again under its lock: another process may have
    /// replaced it.
    pub fn remove_if(&self, is_over: impl Fn(&OwnFile) -> bool) -> bool {
        let lock = Lock::try_acquire(&self.path.with_extension(LOCKS[0]));
        if matches!(lock, TryLock::Busy) {
            return false;
        }
        OwnFile::at(self.path.clone()).is_some_and(|file| is_over(&file))
            && fs::remove_file(&self.path).is_ok()
    }

    fn stem(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        name.split('.').next().unwrap_or_default().to_owned()
    }
}

/// One clean-up of our folders.
#[derive(Clone, Copy, Debug)]
pub struct Sweep {
    pub now: StoredTime,
    /// Whether the clock is trusted: else nothing is removed for its age but temporary files.
    pub is_clock_trusted: bool,
}

impl Sweep {
    /// Sweeps `folder`, with the records of which `is_over` is true. Gives the number of files removed,
    /// without locks.
    pub fn folder(&self, folder: &Path, is_over: impl Fn(&OwnFile) -> bool) -> usize {
        let removed = self.files(folder).filter(|file| self.remove(file, &is_over)).count();
        self.remove_unused_locks(folder);
        removed
    }

    /// The records in `folder`.
    pub fn records(&self, folder: &Path) -> Vec<OwnFile> {
        self.files(folder).filter(|file| file.kind == Kind::Record).collect()
    }

    fn files(&self, folder: &Path) -> impl Iterator<Item = OwnFile> {
        names(folder).into_iter().filter_map(|name| OwnFile::at(folder.join(name)))
    }

    fn remove(&self, file: &OwnFile, is_over: impl Fn(&OwnFile) -> bool) -> bool {
        let unwritten = |ttl| file.is_unwritten_for(ttl, self.now);
        match file.kind {
            Kind::Temporary => unwritten(TEMPORARY_TTL) && fs::remove_file(&file.path).is_ok(),
            Kind::Damaged => {
                self.is_clock_trusted
                    && unwritten(DAMAGED_TTL)
                    && fs::remove_file(&file.path).is_ok()
            }
            Kind::Record => self.is_clock_trusted && is_over(file) && file.remove_if(is_over),
            Kind::Lock => false,
        }
    }

    /// Removes the locks that no record belongs to, each while it is held.
    fn remove_unused_locks(&self, folder: &Path) {
        let (locks, others): (Vec<_>, Vec<_>) =
            self.files(folder).partition(|file| file.kind == Kind::Lock);
        let records = others.iter().filter(|file| file.kind == Kind::Record);
        let used: BTreeSet<String> = records.map(OwnFile::stem).collect();
        for lock in locks.iter().filter(|lock| !used.contains(&lock.stem())) {
            if let TryLock::Held(_held) = Lock::try_acquire(&lock.path) {
                let _ = fs::remove_file(&lock.path);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const DAY: u64 = 86_400;

    fn plant(folder: &Path, name: &str, age: u64) {
        let file = fs::File::create(folder.join(name)).unwrap();
        let at = SystemTime::now() - Duration::from_secs(age);
        file.set_times(fs::FileTimes::new().set_modified(at).set_accessed(at)).unwrap();
    }

    fn name(digit: char, length: usize, kind: &str) -> String {
        format!("{}.{kind}", String::from(digit).repeat(length))
    }

    fn sweep(is_clock_trusted: bool) -> Sweep {
        Sweep { now: StoredTime::now(), is_clock_trusted }
    }

    /// Name, age in seconds, and whether it stays.
    fn table() -> Vec<(String, u64, bool)> {
        vec![
            (name('a', 32, "json"), 100 * DAY, false),
            (name('b', 64, "txt"), 100 * DAY, false),
            (name('c', 32, "limiter"), 80 * DAY, true),
            (name('d', 32, "lock"), 100 * DAY, false),
            (name('c', 32, "lock"), 100 * DAY, true),
            (name('e', 64, "refresh"), 0, false),
            (name('f', 64, "json.damaged"), 8 * DAY, false),
            (name('e', 64, "json.damaged"), 6 * DAY, true),
            (format!("{TEMPORARY_PREFIX}x"), 2 * 3600, false),
            (format!("{TEMPORARY_PREFIX}y"), 1800, true),
            // Files of others.
            ("notes.json".to_owned(), 400 * DAY, true),
            (name('a', 31, "json"), 400 * DAY, true),
            (name('g', 64, "json"), 400 * DAY, true),
            (name('a', 64, "pdf"), 400 * DAY, true),
            (name('a', 64, "pdf.damaged"), 400 * DAY, true),
            (name('a', 64, "json.old"), 400 * DAY, true),
        ]
    }

    #[test]
    fn x11_b4_b10_what_no_process_uses_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        table().iter().for_each(|(name, age, _)| plant(folder.path(), name, *age));
        fs::create_dir(folder.path().join(name('9', 64, "json"))).unwrap();
        let sweep = sweep(true);
        let is_old =
            |file: &OwnFile| file.is_unwritten_for(Duration::from_secs(90 * DAY), sweep.now);
        let is_lock = |name: &str| name.ends_with(".lock") || name.ends_with(".refresh");
        let removed = table().into_iter().filter(|(name, _, stays)| !stays && !is_lock(name));
        let expected = removed.count();
        assert_eq!(sweep.folder(folder.path(), is_old), expected);
        for (name, _, stays) in table() {
            assert_eq!(folder.path().join(&name).exists(), stays, "{name}");
        }
        assert!(folder.path().join(name('9', 64, "json")).is_dir());
    }

    #[test]
    fn b9_while_the_clock_is_doubted_only_leftovers_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        plant(folder.path(), &name('a', 64, "json"), 400 * DAY);
        plant(folder.path(), &name('b', 64, "json.damaged"), 400 * DAY);
        plant(folder.path(), &format!("{TEMPORARY_PREFIX}x"), 400 * DAY);
        assert_eq!(sweep(false).folder(folder.path(), |_| true), 1);
    }

    #[test]
    fn b12_a_record_in_use_or_replaced_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        plant(folder.path(), &name('a', 64, "json"), 0);
        let lock = Lock::try_acquire(&folder.path().join(name('a', 64, "lock")));
        assert_eq!(sweep(true).folder(folder.path(), |_| true), 0, "its lock is held");
        drop(lock);
        let looks = std::cell::Cell::new(0);
        let replaced_meanwhile = |_: &OwnFile| {
            looks.set(looks.get() + 1);
            looks.get() == 1
        };
        assert_eq!(sweep(true).folder(folder.path(), replaced_meanwhile), 0);
        assert_eq!(looks.get(), 2, "it is looked at again before it is removed");
    }
}
