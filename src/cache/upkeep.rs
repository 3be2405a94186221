//! Cleans the cache: at most once an interval, after the answer, in the detached process.
//! Touches only files with our form of name; other files are left alone.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::{Cache, times};
use crate::disk::{self, Durability, TEMPORARY_PREFIX};

/// Entries that can no longer be shown are kept this much longer, for diagnosis.
const EXPIRED_GRACE: Duration = Duration::from_secs(86_400);
/// A file that is still being written is younger than this.
const TEMPORARY_TTL: Duration = Duration::from_secs(3600);
/// A file not written for this long belongs to a deleted project.
const UNUSED_TTL: Duration = Duration::from_secs(90 * 86_400);
/// Damaged files are kept this long.
const DAMAGED_TTL: Duration = Duration::from_secs(7 * 86_400);

/// Whether the last clean-up was at least `interval` ago.
#[must_use]
pub fn is_due(cache: &Cache, interval: Duration, now: SystemTime) -> bool {
    let Some(mark) = mark(cache) else { return false };
    // A cache that does not exist yet has nothing to clean.
    if !cache.folder().is_some_and(Path::is_dir) {
        return false;
    }
    let last = fs::symlink_metadata(mark).and_then(|data| data.modified());
    last.map_or(true, |last| now.duration_since(last).is_ok_and(|since| since >= interval))
}

/// Removes abandoned and old files, then the least recently used beyond `max_size` bytes.
/// Gives the number of files removed.
pub fn clean(cache: &Cache, max_size: u64, now: SystemTime) -> usize {
    let Some(folder) = cache.folder() else { return 0 };
    if let Some(mark) = mark(cache) {
        let _ = disk::write_atomic(&mark, b"", Durability::Process);
    }
    let stale_max = cache.stale_max();
    let slow_stale_max = cache.slow_stale_max;
    let is_over = |file: &OwnFile| {
        let is_slow = file.path.with_extension(times::KIND).exists();
        file.is_over(now, if is_slow { slow_stale_max.max(stale_max) } else { stale_max })
    };
    let (old, mut kept): (Vec<_>, Vec<_>) = files(folder).into_iter().partition(is_over);
    kept.sort_by_key(|file| file.used);
    let mut size: u64 = kept.iter().map(|file| file.size).sum();
    let surplus = kept.into_iter().take_while(|file| {
        let over = size > max_size;
        size -= file.size.min(size);
        over
    });
    old.into_iter().chain(surplus).filter(|file| fs::remove_file(&file.path).is_ok()).count()
}

/// Removes from `folder` the files that are named by a hash and were not written for months, and
/// leftovers of killed runs. A file that is still in use is written again at its next change.
pub fn forget(folder: &Path, now: SystemTime) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let is_over = |entry: &fs::DirEntry| {
        let written = entry.metadata().and_then(|data| data.modified()).ok();
        let age = written.and_then(|at| now.duration_since(at).ok());
        age.zip(life(&entry.file_name())).is_some_and(|(age, life)| age > life)
    };
    entries.filter(is_over).filter(|entry| fs::remove_file(entry.path()).is_ok()).count()
}

/// How long a file of this name is kept: half a SHA-256 in hex, and a kind. Locks stay.
fn life(name: &OsStr) -> Option<Duration> {
    let name = name.to_str()?;
    if name.starts_with(TEMPORARY_PREFIX) {
        return Some(TEMPORARY_TTL);
    }
    let (stem, kind) = name.split_once('.')?;
    let is_hex = stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex && matches!(kind, "json" | "txt")).then_some(UNUSED_TTL)
}

fn mark(cache: &Cache) -> Option<PathBuf> {
    cache.folder().map(|folder| folder.join("last-cleanup"))
}

struct OwnFile {
    path: PathBuf,
    size: u64,
    written: SystemTime,
    used: SystemTime,
}

impl OwnFile {
    fn is_over(&self, now: SystemTime, stale_max: Duration) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let limit = if name.starts_with(TEMPORARY_PREFIX) {
            TEMPORARY_TTL
        } else if name.ends_with(".damaged") {
            DAMAGED_TTL
        } else {
            stale_max + EXPIRED_GRACE
        };
        now.duration_since(self.written).is_ok_and(|age| age > limit)
    }
}

fn files(folder: &Path) -> Vec<OwnFile> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| own(&entry)).collect()
}

/// Lock files stay: removing one that is held would let two processes ask.
fn own(entry: &fs::DirEntry) -> Option<OwnFile> {
    let name = entry.file_name();
    let name = name.to_str()?;
    let (stem, kind) = name.split_once('.')?;
    let is_key = stem.len() == 64 && stem.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_ours = is_key && matches!(kind, "json" | "failure" | "json.damaged" | times::KIND);
    if !is_ours && !name.starts_with(TEMPORARY_PREFIX) {
        return None;
    }
    let data = entry.metadata().ok().filter(fs::Metadata::is_file)?;
    let written = data.modified().ok()?;
    let used = data.accessed().unwrap_or(written).max(written);
    Some(OwnFile { path: entry.path(), size: data.len(), written, used })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Access;

    #[test]
    fn x11_what_belongs_to_gone_projects_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let now = SystemTime::now();
        let name = |digit: char, kind: &str| format!("{}.{kind}", String::from(digit).repeat(32));
        let table = [
            (name('a', "json"), 100, false),
            (name('b', "txt"), 100, false),
            (name('c', "json"), 80, true),
            (name('d', "lock"), 100, true),
            ("notes.json".to_owned(), 100, true),
            (format!("{TEMPORARY_PREFIX}x"), 1, false),
        ];
        for (name, days, _) in &table {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            file.set_modified(now - Duration::from_secs(days * 86_400)).unwrap();
        }
        assert_eq!(forget(folder.path(), now), 3);
        for (name, _, stays) in table {
            assert_eq!(folder.path().join(&name).exists(), stays, "{name}");
        }
    }

    #[test]
    fn x11_x13_foreign_files_stay_and_the_size_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("c");
        disk::private_folder(&folder).unwrap();
        let cache = Cache {
            folder: Some(folder.clone()),
            stale_max: Duration::from_secs(3600),
            slow_stale_max: Duration::from_secs(7 * 86_400),
            access: Access::ReadWrite,
        };
        let name = |digit: char, kind: &str| format!("{}.{kind}", String::from(digit).repeat(64));
        let now = SystemTime::now();
        let put = |name: &str, age: u64| {
            let file = fs::File::create(folder.join(name)).unwrap();
            file.set_len(1000).unwrap();
            let at = now - Duration::from_secs(age);
            file.set_times(fs::FileTimes::new().set_modified(at).set_accessed(at)).unwrap();
        };
        put("settings.json", 900_000);
        put(&name('a', "json"), 900_000);
        put(&name('b', "json"), 3000);
        put(&name('c', "json"), 10);
        put(&name('d', "lock"), 900_000);
        put(&format!("{TEMPORARY_PREFIX}x"), 7200);
        assert!(is_due(&cache, Duration::from_secs(60), now));
        assert_eq!(clean(&cache, 1500, now), 3, "the old, the abandoned, the least used");
        assert!(!is_due(&cache, Duration::from_secs(60), now));
        for (kept, there) in [
            ("settings.json".to_owned(), true),
            (name('c', "json"), true),
            (name('d', "lock"), true),
            (name('b', "json"), false),
        ] {
            assert_eq!(folder.join(&kept).exists(), there, "{kept}");
        }
    }
}
