//! `[cache]`: answers kept between runs.

use std::path::PathBuf;
use std::time::Duration;

use super::parser::{WordList, Words, duration, path, size, word};
use super::reader::Reader;

/// Where and how long answers are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheConfig {
    /// `None`: the platform's cache folder.
    pub dir: Option<PathBuf>,
    pub read: CacheRead,
    /// Counted from the write; older is never shown.
    pub stale_max: Duration,
    /// Whether a layer sets `stale_max`: then it holds for slow sources too.
    pub is_stale_max_set: bool,
    pub max_size: u64,
    pub cleanup_interval: Duration,
}

/// Whether a fresh entry answers, or the server is asked each time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheRead {
    #[default]
    FreshFirst,
    NetworkFirst,
}

impl Words for CacheRead {
    const WORDS: WordList<Self> =
        &[("fresh_first", Self::FreshFirst), ("network_first", Self::NetworkFirst)];
}

impl CacheConfig {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        let stale_max = || duration("1m", "30d");
        CacheConfig {
            dir: table.get("dir", path()),
            read: table.get("read", word()),
            stale_max: table.get("stale_max", stale_max()),
            is_stale_max_set: table.is_set("stale_max", stale_max()),
            max_size: table.get("max_size", size("64KiB", "10GiB")),
            cleanup_interval: table.get("cleanup_interval", duration("1m", "30d")),
        }
    }
}
