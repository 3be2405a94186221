//! Serve a stale entry at once and renew it in the background (RFC 5861). Without an entry the next
//! step decides.

use super::{Builtin, Serve, Strategy, Verdict};
use crate::cache::CacheView;
use crate::error::Failure;

pub static BUILTIN: Builtin = Builtin {
    name: "stale_while_revalidate",
    summary: "show the stale entry at once, renew it in the background",
    strategy: &StaleWhileRevalidate,
};

struct StaleWhileRevalidate;

impl Strategy for StaleWhileRevalidate {
    fn before(&self, cache: &CacheView) -> Option<Serve> {
        cache.is_usable().then_some(Serve::CachedThenRefresh)
    }

    fn after(&self, _: &Failure, cache: &CacheView) -> Option<Verdict> {
        cache.is_usable().then_some(Verdict::Cached)
    }
}
