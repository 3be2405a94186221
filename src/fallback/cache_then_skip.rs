//! Show a usable cached answer; without one, begin the session without tasks.

use super::{Builtin, Strategy, Verdict};
use crate::cache::CacheView;
use crate::error::Failure;

pub static BUILTIN: Builtin = Builtin {
    name: "cache_then_skip",
    summary: "use the cache, else begin without tasks",
    strategy: &CacheThenSkip,
};

struct CacheThenSkip;

impl Strategy for CacheThenSkip {
    fn after(&self, _: &Failure, cache: &CacheView) -> Option<Verdict> {
        Some(if cache.is_usable() { Verdict::Cached } else { Verdict::Skip })
    }
}
