//! Answers kept between runs: one entry for each identity and question, private, complete or absent.
//! Knows how old an entry is and whether it is fresh; decides nothing about its use.

mod entry;
mod key;
mod times;
pub mod upkeep;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use entry::Entry;
pub use key::{Identity, Key};

use crate::config::CacheConfig;
use crate::deadline::Timestamp;
use crate::disk::{self, Access, Durability, Lock, TryLock};
use crate::error::{Code, Failure};
use crate::paths::Paths;

/// The format of the entries; each format has its own folder.
const VERSION: &str = "v1";
/// An entry holds only what can be shown, so a larger file is not ours.
const MAX_ENTRY_BYTES: u64 = 256 << 10;

/// How old an answer of a source may be that is too slow to be waited for.
const SLOW_STALE_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Whether an entry may be shown, by its age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// There is no readable entry.
    Absent,
    /// Younger than the query's `ttl`.
    Fresh,
    /// Older than that, and younger than `cache.stale_max`.
    Stale,
    /// Older than `cache.stale_max`: never shown.
    Expired,
}

/// What a fallback strategy sees of the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheView {
    pub freshness: Freshness,
    pub age: Option<Duration>,
}

impl CacheView {
    /// There is no entry.
    pub const ABSENT: CacheView = CacheView { freshness: Freshness::Absent, age: None };

    /// Whether the entry may be shown.
    #[must_use]
    pub fn is_usable(&self) -> bool {
        matches!(self.freshness, Freshness::Fresh | Freshness::Stale)
    }

    /// The view at `now` of an entry written at `written`. One from the future (the clock went back)
    /// counts as stale, and as expired when it is further ahead than stale entries may be old.
    #[must_use]
    pub fn of(written: Timestamp, now: Timestamp, ttl: Duration, stale_max: Duration) -> Self {
        let freshness = match written.age(now) {
            Some(age) if age < ttl && age < stale_max => Freshness::Fresh,
            Some(age) if age < stale_max => Freshness::Stale,
            None if now.age(written).is_some_and(|ahead| ahead < stale_max) => Freshness::Stale,
            _ => Freshness::Expired,
        };
        CacheView { freshness, age: Some(written.age(now).unwrap_or_default()) }
    }
}

/// The result of a cache lookup.
#[derive(Clone, Debug)]
pub struct Lookup {
    pub view: CacheView,
    pub entry: Option<Entry>,
}

/// The entries of one user.
#[derive(Clone, Debug)]
pub struct Cache {
    /// `None`: nothing is kept.
    folder: Option<PathBuf>,
    stale_max: Duration,
    /// Of a source that is too slow to be waited for.
    slow_stale_max: Duration,
    access: Access,
}

impl Cache {
    /// The cache of these settings; opens nothing.
    #[must_use]
    pub fn new(config: &CacheConfig, paths: Option<&Paths>, access: Access) -> Self {
        let folder = config.dir.clone().or_else(|| paths.map(|paths| paths.cache.clone()));
        let folder = folder.map(|folder| folder.join(VERSION).join("answers"));
        let stale_max = config.stale_max;
        let slow_stale_max = if config.is_stale_max_set { stale_max } else { SLOW_STALE_MAX };
        Cache { folder, stale_max, slow_stale_max, access }
    }

    /// The folder of the entries.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The oldest age that is still shown.
    #[must_use]
    pub fn stale_max(&self) -> Duration {
        self.stale_max
    }

    /// Looks up the entry of `key`. An unreadable entry is absent; a damaged one is moved aside.
    #[must_use]
    pub fn lookup(&self, key: &Key, ttl: Duration, now: Timestamp) -> Lookup {
        let Some(entry) = self.read(key) else {
            return Lookup { view: CacheView::ABSENT, entry: None };
        };
        let view = CacheView::of(entry.written, now, ttl, self.stale_max);
        Lookup { view, entry: Some(entry) }
    }

    /// The same lookup, judged for a slow source: an entry may be shown for longer.
    #[must_use]
    pub fn for_slow_source(&self, lookup: Lookup, ttl: Duration, now: Timestamp) -> Lookup {
        let view = match &lookup.entry {
            Some(entry) => CacheView::of(entry.written, now, ttl, self.slow_stale_max),
            None => lookup.view,
        };
        Lookup { view, ..lookup }
    }

    fn read(&self, key: &Key) -> Option<Entry> {
        let path = self.file(key, "json")?;
        let bytes = match disk::read_private(&path, MAX_ENTRY_BYTES) {
            Ok(bytes) => bytes?,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "cannot read a cache entry");
                return None;
            }
        };
        let entry = Entry::decode(&bytes);
        if entry.is_none() {
            tracing::warn!(path = %path.display(), code = %Code::EntryDamaged, "moved a damaged cache entry aside");
            if self.access.may_write() {
                disk::set_aside(&path);
            }
        }
        entry
    }

    /// Replaces the entry of `key`.
    ///
    /// # Errors
    /// `WS501` when the folder cannot be used; the old entry is then still there.
    pub fn write(&self, key: &Key, entry: &Entry) -> Result<(), Failure> {
        let Some(path) = self.file(key, "json").filter(|_| self.access.may_write()) else {
            return Ok(());
        };
        disk::write_atomic(&path, &entry.encode(), Durability::Process).map_err(|error| {
            Failure::new(Code::StoreUnusable, format!("the cache cannot be written: {error}"))
                .hint("check owner, mode and free space of the cache folder: `warmstart config path` shows it")
        })
    }

    /// The lock of the one process that asks for `key`; `None` where nothing may be written.
    #[must_use]
    pub fn lock_file(&self, key: &Key) -> Option<PathBuf> {
        self.file(key, "lock").filter(|_| self.access.may_write())
    }

    /// Tries to take the lock of the one process that renews `key` in the background.
    #[must_use]
    pub fn try_refresh_lock(&self, key: &Key) -> TryLock {
        match self.file(key, "refresh").filter(|_| self.access.may_write()) {
            Some(path) => Lock::try_acquire(&path),
            None => TryLock::Unsupported,
        }
    }

    /// Notes for the processes that wait for `key` that asking failed.
    pub fn note_failure(&self, key: &Key, failure: &Failure) {
        let Some(path) = self.file(key, "failure").filter(|_| self.access.may_write()) else {
            return;
        };
        if let Ok(bytes) = serde_json::to_vec(failure) {
            let _ = disk::write_atomic(&path, &bytes, Durability::Process);
        }
    }

    /// The failure of a request for `key` that was noted after `since`.
    #[must_use]
    pub fn failure_since(&self, key: &Key, since: std::time::SystemTime) -> Option<Failure> {
        let path = self.file(key, "failure")?;
        let noted = path.symlink_metadata().ok()?.modified().ok()?;
        if noted < since {
            return None;
        }
        serde_json::from_slice(&disk::read_private(&path, MAX_ENTRY_BYTES).ok()??).ok()
    }

    /// The failure of the last request for `key`; `None` if an answer was stored since.
    #[must_use]
    pub fn last_failure(&self, key: &Key) -> Option<Failure> {
        let noted = self.modified(key, "failure")?;
        let is_answered = self.modified(key, "json").is_some_and(|at| at > noted);
        self.failure_since(key, noted).filter(|_| !is_answered)
    }

    /// Whether the entry of `key` was replaced after `since`.
    #[must_use]
    pub fn replaced_since(&self, key: &Key, since: std::time::SystemTime) -> bool {
        self.modified(key, "json").is_some_and(|at| at >= since)
    }

    fn modified(&self, key: &Key, kind: &str) -> Option<std::time::SystemTime> {
        self.file(key, kind)?.symlink_metadata().ok()?.modified().ok()
    }

    fn file(&self, key: &Key, kind: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}.{kind}", key.name())))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Map;

    use super::*;
    use crate::task::{Answer, AnswerKind, Query, Task, Tasks};

    fn cache(folder: &Path) -> Cache {
        Cache {
            folder: Some(folder.join(VERSION)),
            stale_max: Duration::from_secs(3600),
            slow_stale_max: SLOW_STALE_MAX,
            access: Access::ReadWrite,
        }
    }

    fn key(endpoint: &str) -> Key {
        let identity = Identity::of_parts(&["mcp", endpoint]);
        let query = Query {
            name: "tasks".into(),
            tool: "manage_task".into(),
            arguments: Map::new(),
            path: String::new(),
            reading: Arc::default(),
            read_only: true,
            answer: AnswerKind::Tasks,
            ttl: Duration::from_secs(900),
        };
        Key::new(&identity, &query)
    }

    fn entry(title: &str) -> Entry {
        let list = vec![Task { title: title.into(), ..Task::default() }];
        let answer = Answer::Tasks(Tasks { list, ..Tasks::default() });
        Entry { written: Timestamp(1000), query: "tasks".into(), origin: "x".into(), answer }
    }

    #[test]
    fn x12_fresh_stale_and_expired_differ_and_reading_deletes_nothing() {
        let (ttl, stale_max) = (Duration::from_secs(900), Duration::from_secs(3600));
        let at = |now| CacheView::of(Timestamp(1000), Timestamp(now), ttl, stale_max).freshness;
        let table = [
            (1000, Freshness::Fresh),
            (1899, Freshness::Fresh),
            (1900, Freshness::Stale),
            (4599, Freshness::Stale),
            (4600, Freshness::Expired),
            (900, Freshness::Stale),
            (-9000, Freshness::Expired),
        ];
        for (now, expected) in table {
            assert_eq!(at(now), expected, "at {now}");
        }
        let zero = CacheView::of(Timestamp(5), Timestamp(5), Duration::ZERO, stale_max);
        assert_eq!(zero.freshness, Freshness::Stale, "x10: ttl 0 is never fresh");
    }

    #[test]
    fn x14_one_identity_never_sees_the_entry_of_another() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        cache.write(&key("http://a"), &entry("secret plan")).unwrap();
        let ttl = Duration::from_secs(900);
        assert!(cache.lookup(&key("http://b"), ttl, Timestamp(1000)).entry.is_none());
        let lookup = cache.lookup(&key("http://a"), ttl, Timestamp(1000));
        assert_eq!(lookup.entry, Some(entry("secret plan")));
    }

    #[test]
    fn d001_d002_every_truncation_and_every_changed_byte_is_a_miss() {
        let bytes_of_entry = entry("write docs").encode();
        for length in 0..bytes_of_entry.len() {
            assert!(Entry::decode(&bytes_of_entry[..length]).is_none(), "cut at {length}");
        }
        for place in 0..bytes_of_entry.len() {
            let mut bytes = bytes_of_entry.clone();
            bytes[place] ^= 1;
            assert!(Entry::decode(&bytes).is_none(), "changed at {place}");
        }
    }

    #[test]
    fn a_damaged_entry_is_moved_aside() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        cache.write(&key("a"), &entry("x")).unwrap();
        let path = cache.file(&key("a"), "json").unwrap();
        disk::write_atomic(&path, b"nonsense", Durability::Process).unwrap();
        assert!(cache.lookup(&key("a"), Duration::MAX, Timestamp(0)).entry.is_none());
        assert!(!path.exists());
        assert!(cache.folder().unwrap().join(format!("{}.json.damaged", key("a").name())).exists());
    }

    #[test]
    fn a_failure_is_taken_over_only_by_those_who_already_waited() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        let before = std::time::SystemTime::now() - Duration::from_secs(5);
        cache.note_failure(&key("a"), &Failure::new(Code::Refused, "refused"));
        assert_eq!(cache.failure_since(&key("a"), before).unwrap().code, Code::Refused);
        let later = std::time::SystemTime::now() + Duration::from_secs(5);
        assert_eq!(cache.failure_since(&key("a"), later), None);
    }
}
