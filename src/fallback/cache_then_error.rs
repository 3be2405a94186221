//! Show a usable cached answer; without one, end with exit code 1.
//! For scripts that must not continue without tasks.

use super::{Builtin, Strategy, Verdict};
use crate::cache::CacheView;
use crate::error::Failure;

pub static BUILTIN: Builtin = Builtin {
    name: "cache_then_error",
    summary: "use the cache, else exit with code 1",
    strategy: &CacheThenError,
};

struct CacheThenError;

impl Strategy for CacheThenError {
    fn after(&self, _: &Failure, cache: &CacheView) -> Option<Verdict> {
        Some(if cache.is_usable() { Verdict::Cached } else { Verdict::Fail })
    }
}
