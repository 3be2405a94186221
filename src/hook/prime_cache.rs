//! No text of its own: names the queries to fill in the background, so that the next session finds
//! them fresh.

use super::{APPEARANCE, Built, Builtin, Hook, HookFuture, HookInputs, HookResult, SessionContext};
use crate::config::parser::list;
use crate::deadline::Deadline;

pub static BUILTIN: Builtin = Builtin {
    name: "prime_cache",
    summary: "fills further queries after the answer",
    untrusted_keys: APPEARANCE,
    build,
};

struct PrimeCache {
    queries: Vec<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn build(inputs: &HookInputs<'_>) -> Built {
    Ok(Box::new(PrimeCache { queries: inputs.table.get("queries", list()) }))
}

impl Hook for PrimeCache {
    fn from_disk(&self, _session: &SessionContext) -> Option<HookResult> {
        Some(HookResult::nothing())
    }

    fn live<'a>(&'a self, _session: &'a SessionContext, _deadline: Deadline) -> HookFuture<'a> {
        Box::pin(async { HookResult::nothing() })
    }

    fn primes(&self) -> &[String] {
        &self.queries
    }
}
