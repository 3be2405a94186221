//! Answers kept between runs: one entry for each identity and question, private, complete or absent; and
//! the failure of the last request. Knows how old an entry is, whether it is fresh, and whether another
//! process has replaced it since; decides nothing about its use.

mod entry;
mod first_look;
mod key;
mod noted;
mod times;
pub mod upkeep;
mod view;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use entry::Entry;
use first_look::FirstLooks;
pub use key::{Identity, Key};
use noted::NotedFailure;
pub use view::{CacheView, Freshness};

use crate::config::CacheConfig;
use crate::deadline::{StoredTime, Timestamp, now_millis};
use crate::disk::{self, Access, Durability, Lock, TryLock};
use crate::error::{Code, Failure};
use crate::paths::{CACHE_FORMAT, Paths};

/// In the folder of a format.
const ANSWERS: &str = "answers";

/// How old an answer of a source may be that is too slow to be waited for.
const SLOW_STALE_MAX: Duration = Duration::from_secs(7 * 86_400);

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
    first_looks: FirstLooks,
}

impl Cache {
    /// The cache of these settings; opens nothing.
    #[must_use]
    pub fn new(config: &CacheConfig, paths: Option<&Paths>, access: Access) -> Self {
        let folder = config.dir.clone().or_else(|| paths.map(|paths| paths.cache.clone()));
        let folder = folder.map(|folder| folder.join(CACHE_FORMAT).join(ANSWERS));
        let stale_max = config.stale_max;
        let slow_stale_max = if config.is_stale_max_set { stale_max } else { SLOW_STALE_MAX };
        let first_looks = FirstLooks::default();
        Cache { folder, stale_max, slow_stale_max, access, first_looks }
    }

    /// The folder of the entries.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The folder of all that has this format.
    fn format_folder(&self) -> Option<&Path> {
        self.folder.as_deref().and_then(Path::parent)
    }

    /// The folder of all formats.
    #[must_use]
    pub fn root(&self) -> Option<&Path> {
        self.format_folder().and_then(Path::parent)
    }

    /// Whether an answer of now can be kept.
    #[must_use]
    pub fn is_writable(&self) -> bool {
        self.folder().is_some_and(disk::is_writable)
    }

    /// The oldest age that is still shown.
    #[must_use]
    pub fn stale_max(&self) -> Duration {
        self.stale_max
    }

    /// Looks up the entry of `key`. An unreadable entry is absent; a damaged one is moved aside.
    #[must_use]
    pub fn lookup(&self, key: &Key, ttl: Duration, now: Timestamp) -> Lookup {
        let entry = self.read(key);
        let view = entry.as_ref().map_or(CacheView::ABSENT, |entry| {
            CacheView::of(entry.written, now, ttl, self.stale_max)
        });
        self.first_looks.note_entry(key, entry.as_ref());
        if view.freshness != Freshness::Fresh {
            // It will probably be asked for.
            self.first_looks.note_failure(key, || self.noted_failure(key));
        }
        Lookup { view, entry }
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
        let bytes = match disk::read_private(&path, entry::MAX_BYTES) {
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

    /// Replaces the entry of `key`, cut to what can be read again, and removes the failure before it.
    ///
    /// # Errors
    /// `WS501` when the folder cannot be used; the old entry is then still there.
    pub fn write(&self, key: &Key, entry: &mut Entry) -> Result<(), Failure> {
        let bytes = entry.encode_within_limit();
        let Some(path) = self.file(key, "json").filter(|_| self.access.may_write()) else {
            return Ok(());
        };
        self.forget_failure(key);
        disk::write_atomic(&path, &bytes, Durability::Process).map_err(|error| {
            Failure::new(Code::StoreUnusable, format!("the cache cannot be written: {error}"))
                .hint("check owner, mode and free space of the cache folder: `warmstart config path` shows it")
        })
    }

    /// Remembers what is kept for `key` before the wait for its lock, unless it was looked at before:
    /// what differs later is of another process.
    pub fn look_before_waiting(&self, key: &Key) {
        self.first_looks.note_entry_if_new(key, || self.read(key));
        self.first_looks.note_failure(key, || self.noted_failure(key));
    }

    /// Whether `entry` of `key` was written after this run first looked.
    #[must_use]
    pub fn is_new(&self, key: &Key, entry: &Entry) -> bool {
        self.first_looks.entry(key).as_deref() != Some(&entry.id)
    }

    /// The failure of a request for `key` that was noted after this run first looked.
    #[must_use]
    pub fn new_failure(&self, key: &Key) -> Option<Failure> {
        let noted = self.noted_failure(key)?;
        let is_new = self.first_looks.failure(key).as_ref() != Some(&noted.id);
        is_new.then_some(noted.failure)
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
        let _ =
            disk::write_atomic(&path, &NotedFailure::new(failure).encode(), Durability::Process);
    }

    /// The failure of the last request for `key`; an answer removes it.
    #[must_use]
    pub fn last_failure(&self, key: &Key) -> Option<Failure> {
        self.noted_failure(key).map(|noted| noted.failure)
    }

    /// Whether the last request for `key` failed within `pause` before now.
    #[must_use]
    pub fn failed_within(&self, key: &Key, pause: Duration) -> bool {
        let age = self.noted_failure(key).and_then(|noted| noted.at.age(StoredTime::now()));
        age.is_some_and(|age| age < pause)
    }

    fn noted_failure(&self, key: &Key) -> Option<NotedFailure> {
        let path = self.file(key, "failure")?;
        NotedFailure::decode(&disk::read_private(&path, noted::MAX_BYTES).ok()??)
    }

    fn forget_failure(&self, key: &Key) {
        if let Some(path) = self.file(key, "failure") {
            let _ = std::fs::remove_file(path);
        }
    }

    fn file(&self, key: &Key, kind: &str) -> Option<PathBuf> {
        Some(self.folder.as_ref()?.join(format!("{}.{kind}", key.name())))
    }
}

/// An id that is given once, by any process.
#[must_use]
pub fn unique_id() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{:x}-{:x}-{count:x}", now_millis(), std::process::id())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Map;

    use super::*;
    use crate::task::{Answer, AnswerKind, Query, Task, Tasks};

    fn cache(folder: &Path) -> Cache {
        Cache {
            folder: Some(folder.join(CACHE_FORMAT)),
            stale_max: Duration::from_secs(3600),
            slow_stale_max: SLOW_STALE_MAX,
            access: Access::ReadWrite,
            first_looks: FirstLooks::default(),
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
        let (query, origin) = ("tasks".into(), "x".into());
        Entry { written: Timestamp(1000), id: "1-1".into(), query, origin, answer }
    }

    #[test]
    fn x14_one_identity_never_sees_the_entry_of_another() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        cache.write(&key("http://a"), &mut entry("secret plan")).unwrap();
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
        cache.write(&key("a"), &mut entry("x")).unwrap();
        let path = cache.file(&key("a"), "json").unwrap();
        disk::write_atomic(&path, b"nonsense", Durability::Process).unwrap();
        assert!(cache.lookup(&key("a"), Duration::MAX, Timestamp(0)).entry.is_none());
        assert!(!path.exists());
        assert!(cache.folder().unwrap().join(format!("{}.json.damaged", key("a").name())).exists());
    }

    #[test]
    fn a_failure_is_taken_over_only_by_those_who_already_waited() {
        let root = tempfile::tempdir().unwrap();
        let (waiting, asking) = (cache(root.path()), cache(root.path()));
        waiting.look_before_waiting(&key("a"));
        asking.note_failure(&key("a"), &Failure::new(Code::Refused, "refused"));
        assert_eq!(waiting.new_failure(&key("a")).unwrap().code, Code::Refused);
        let later = cache(root.path());
        later.look_before_waiting(&key("a"));
        assert_eq!(later.new_failure(&key("a")), None);
        asking.note_failure(&key("a"), &Failure::new(Code::Refused, "refused"));
        assert!(later.new_failure(&key("a")).is_some(), "the same failure once more is a new one");
    }

    #[test]
    fn b7_an_entry_is_new_by_its_content_however_fast_it_was_written() {
        let root = tempfile::tempdir().unwrap();
        let (waiting, asking) = (cache(root.path()), cache(root.path()));
        let write = |id: &str| {
            let mut entry = Entry { id: id.into(), ..entry("x") };
            asking.write(&key("a"), &mut entry).unwrap();
            entry
        };
        let first = write("1-1");
        waiting.look_before_waiting(&key("a"));
        assert!(!waiting.is_new(&key("a"), &first));
        let second = write("1-2");
        assert!(waiting.is_new(&key("a"), &second));
        waiting.look_before_waiting(&key("a"));
        assert!(waiting.is_new(&key("a"), &second), "only the first look counts");
    }

    #[test]
    fn b1_an_answer_removes_the_failure_before_it() {
        let root = tempfile::tempdir().unwrap();
        let cache = cache(root.path());
        cache.note_failure(&key("a"), &Failure::new(Code::Refused, "refused"));
        assert!(cache.failed_within(&key("a"), Duration::from_secs(600)));
        assert!(cache.last_failure(&key("a")).is_some());
        cache.write(&key("a"), &mut entry("x")).unwrap();
        assert!(cache.last_failure(&key("a")).is_none());
    }
}
