//! Cleans the cache: at most once an interval, after the answer, in the detached process. How old an answer
//! is comes from its content; files with other forms of names than ours are left alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::noted::{self, NotedFailure};
use super::{Cache, Entry, entry, times};
use crate::deadline::{StoredTime, Timestamp};
use crate::disk::{self, Durability, OwnFile, Sweep};

/// Entries that can no longer be shown are kept this much longer, for diagnosis.
const EXPIRED_GRACE: Duration = Duration::from_secs(86_400);
/// Files that cannot be read are kept this long.
const UNREADABLE_TTL: Duration = Duration::from_secs(7 * 86_400);
/// A session waits once for the first answer of a source; again after this long.
const WAITED_TTL: Duration = Duration::from_secs(90 * 86_400);
/// After two intervals and this long without a clean-up, the clock may have been set forward.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);
/// The name of the record of the last clean-up.
pub const MARK: &str = "last-cleanup";
const MAX_MARK_BYTES: u64 = 64;

/// The record of the last clean-up: its time in seconds, and `doubted` if it did not trust the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    at: Timestamp,
    is_clock_doubted: bool,
}

impl Mark {
    const DOUBTED: &str = "doubted";

    fn read(path: &Path) -> Option<Self> {
        let bytes = disk::read_private(path, MAX_MARK_BYTES).ok()??;
        let text = std::str::from_utf8(&bytes).ok()?;
        let (at, rest) = text.split_once(' ').unwrap_or((text, ""));
        Some(Mark { at: Timestamp(at.parse().ok()?), is_clock_doubted: rest == Mark::DOUBTED })
    }

    fn write(self, path: &Path) {
        let rest = if self.is_clock_doubted { Mark::DOUBTED } else { "" };
        let text = format!("{} {rest}", self.at.0);
        let _ = disk::write_atomic(path, text.trim_end().as_bytes(), Durability::Process);
    }

    fn age(self, now: Timestamp) -> Option<Duration> {
        StoredTime::from(self.at).age(now.into())
    }
}

/// Whether the last clean-up was at least `interval` ago, and the next one can keep its record: else each
/// session would start one.
#[must_use]
pub fn is_due(cache: &Cache, interval: Duration, now: Timestamp) -> bool {
    let Some(folder) = cache.format_folder() else { return false };
    // A cache that does not exist yet has nothing to clean.
    if !folder.is_dir() {
        return false;
    }
    let age = Mark::read(&mark_file(folder)).and_then(|mark| mark.age(now));
    age.is_none_or(|age| age >= interval) && disk::is_writable(folder)
}

/// Notes that a clean-up begins, and whether it may remove what is old. A clock that was just set forward
/// makes everything look old, and one that was set back makes the last clean-up one of the future: then
/// it may not, and the next one, an interval later by the same clock, may.
#[must_use]
pub fn begin(cache: &Cache, interval: Duration, now: Timestamp) -> Sweep {
    let Some(folder) = cache.format_folder() else {
        return Sweep { now: now.into(), is_clock_trusted: true };
    };
    let path = mark_file(folder);
    let is_clock_trusted = Mark::read(&path).is_none_or(|last| {
        let pause = 2 * interval + LONGEST_PAUSE;
        last.is_clock_doubted || last.age(now).is_some_and(|age| age <= pause)
    });
    Mark { at: now, is_clock_doubted: !is_clock_trusted }.write(&path);
    Sweep { now: now.into(), is_clock_trusted }
}

/// Removes abandoned and old files, then the least recently used beyond `max_size` bytes.
/// Gives the number of files removed.
pub fn clean(cache: &Cache, max_size: u64, sweep: &Sweep) -> usize {
    let Some(folder) = cache.folder() else { return 0 };
    let is_over = |file: &OwnFile| {
        let limit = limit(cache, file);
        file.is_unwritten_for(limit, sweep.now) && is_content_over(file, limit, sweep.now)
    };
    // The mark is not a record; only its killed writers leave something beside it.
    let beside_mark = cache.format_folder().map_or(0, |folder| sweep.folder(folder, |_| false));
    let removed = beside_mark + sweep.folder(folder, is_over);
    let mut records = sweep.records(folder);
    records.sort_by_key(|file| file.used);
    let mut size: u64 = records.iter().map(|file| file.size).sum();
    let surplus = records.iter().take_while(|file| {
        let is_over = size > max_size;
        size -= file.size.min(size);
        is_over
    });
    let replaced =
        |old: &OwnFile, new: &OwnFile| (old.written, old.size) != (new.written, new.size);
    removed + surplus.filter(|file| file.remove_if(|there| !replaced(file, there))).count()
}

/// The time that the file itself names decides; a file that cannot be read has only its file time.
fn is_content_over(file: &OwnFile, limit: Duration, now: StoredTime) -> bool {
    let bytes = disk::read_private(&file.path, entry::MAX_BYTES.max(noted::MAX_BYTES));
    let written = bytes.ok().flatten().and_then(|bytes| time_in(&bytes));
    match written {
        Some(written) => written.distance(now) > limit,
        None => file.is_unwritten_for(UNREADABLE_TTL, now),
    }
}

fn time_in(bytes: &[u8]) -> Option<StoredTime> {
    let of_entry = Entry::decode(bytes).map(|entry| entry.written.into());
    of_entry.or_else(|| NotedFailure::decode(bytes).map(|noted| noted.at))
}

/// How long a file is kept: the answers of sources that are timed may be shown for longer.
fn limit(cache: &Cache, file: &OwnFile) -> Duration {
    if file.path.extension().is_some_and(|kind| kind == times::WAITED) {
        return WAITED_TTL;
    }
    let is_timed = file.path.with_extension(times::KIND).exists();
    let stale_max =
        if is_timed { cache.slow_stale_max.max(cache.stale_max) } else { cache.stale_max };
    stale_max + EXPIRED_GRACE
}

fn mark_file(folder: &Path) -> PathBuf {
    folder.join(MARK)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use super::*;
    use crate::cache::first_look::FirstLooks;
    use crate::disk::Access;
    use crate::task::Answer;

    const HOUR: i64 = 3600;
    const DAY: i64 = 24 * HOUR;
    const INTERVAL: Duration = Duration::from_secs(86_400);
    const NOW: Timestamp = Timestamp(1_795_425_240);

    fn cache(root: &Path) -> Cache {
        let folder = root.join("v2").join("answers");
        disk::private_folder(&folder).unwrap();
        Cache {
            folder: Some(folder),
            stale_max: Duration::from_secs(3600),
            slow_stale_max: Duration::from_secs(7 * 86_400),
            access: Access::ReadWrite,
            first_looks: FirstLooks::default(),
        }
    }

    fn name(digit: char, kind: &str) -> String {
        format!("{}.{kind}", String::from(digit).repeat(64))
    }

    fn put(cache: &Cache, name: &str, age: u64, bytes: &[u8]) {
        let path = cache.folder().unwrap().join(name);
        fs::write(&path, bytes).unwrap();
        let at = SystemTime::now() - Duration::from_secs(age);
        let times = fs::FileTimes::new().set_modified(at).set_accessed(at);
        fs::File::options().write(true).open(path).unwrap().set_times(times).unwrap();
    }

    fn entry(age: u64) -> Vec<u8> {
        let written = Timestamp(Timestamp::now().0 - i64::try_from(age).unwrap());
        let (query, origin) = ("tasks".into(), "x".into());
        let answer = Answer::Text("x".repeat(500));
        Entry { written, id: "1".into(), query, origin, answer }.encode()
    }

    #[test]
    fn x11_x13_foreign_files_stay_and_the_size_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let size = entry(0).len() as u64;
        put(&cache, "settings.json", 900_000, &entry(900_000));
        put(&cache, &name('a', "json"), 900_000, &entry(900_000));
        put(&cache, &name('b', "json"), 3000, &entry(3000));
        put(&cache, &name('c', "json"), 10, &entry(10));
        put(&cache, &name('c', "lock"), 900_000, b"");
        put(&cache, &format!("{}x", disk::TEMPORARY_PREFIX), 7200, b"");
        let sweep = Sweep { now: StoredTime::now(), is_clock_trusted: true };
        assert_eq!(clean(&cache, size + size / 2, &sweep), 3, "old, abandoned, least used");
        for (kept, there) in [
            ("settings.json".to_owned(), true),
            (name('c', "json"), true),
            (name('c', "lock"), true),
            (name('b', "json"), false),
        ] {
            assert_eq!(cache.folder().unwrap().join(&kept).exists(), there, "{kept}");
        }
    }

    #[test]
    fn the_least_recently_used_is_removed_first_not_the_oldest() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        put(&cache, &name('a', "json"), 3000, &entry(3000));
        put(&cache, &name('b', "json"), 1000, &entry(1000));
        let path = cache.folder().unwrap().join(name('a', "json"));
        let read_now = fs::FileTimes::new().set_accessed(SystemTime::now());
        fs::File::open(&path).unwrap().set_times(read_now).unwrap();
        let sweep = Sweep { now: StoredTime::now(), is_clock_trusted: true };
        assert_eq!(clean(&cache, entry(0).len() as u64, &sweep), 1);
        assert!(path.exists());
    }

    #[test]
    fn b7_the_content_decides_how_old_an_answer_is() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        put(&cache, &name('a', "json"), 900_000, &entry(10));
        put(&cache, &name('b', "failure"), 900_000, &NotedFailure::example().encode());
        put(&cache, &name('c', "json"), 2 * 86_400, b"cannot be read");
        let sweep = Sweep { now: StoredTime::now(), is_clock_trusted: true };
        assert_eq!(clean(&cache, u64::MAX, &sweep), 0);
        put(&cache, &name('c', "json"), 8 * 86_400, b"cannot be read");
        assert_eq!(clean(&cache, u64::MAX, &sweep), 1);
    }

    #[test]
    fn it_is_due_once_an_interval_and_never_put_off_by_a_time_of_the_future() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let at = |seconds: i64| Timestamp(NOW.0 + seconds);
        assert!(is_due(&cache, INTERVAL, NOW), "never cleaned");
        assert!(begin(&cache, INTERVAL, NOW).is_clock_trusted);
        let table =
            [(0, false), (DAY - 1, false), (DAY, true), (-3, false), (-60, true), (-DAY, true)];
        for (seconds, is_expected) in table {
            assert_eq!(is_due(&cache, INTERVAL, at(seconds)), is_expected, "after {seconds} s");
        }
        let missing = Cache { folder: Some(root.path().join("none/answers")), ..cache };
        assert!(!is_due(&missing, INTERVAL, NOW), "there is nothing to clean");
    }

    #[test]
    fn b9_a_clock_that_jumped_is_trusted_when_it_stays() {
        let at = |seconds: i64| Timestamp(NOW.0 + seconds);
        // The seconds of each clean-up, and whether it trusts the clock.
        let tables: [&[(i64, bool)]; 4] = [
            &[(0, true), (DAY, true), (4 * DAY, true), (5 * DAY, true)],
            &[(0, true), (365 * DAY, false), (366 * DAY, true), (367 * DAY, true)],
            &[(0, true), (365 * DAY, false), (DAY, true), (2 * DAY, true)],
            &[(0, true), (-365 * DAY, false), (-364 * DAY, true)],
        ];
        for table in tables {
            let root = tempfile::tempdir().unwrap();
            let cache = cache(root.path());
            for (seconds, is_expected) in table {
                let sweep = begin(&cache, INTERVAL, at(*seconds));
                assert_eq!(sweep.is_clock_trusted, *is_expected, "{seconds} of {table:?}");
            }
        }
    }
}
