//! No text of its own: names the queries to fill in the background, so that the next session finds
//! them fresh.

use super::{Builtin, Hook, HookFuture, HookResult, SessionContext};
use crate::config::{Config, HookConfig};
use crate::deadline::Deadline;
use crate::error::Failure;

pub static BUILTIN: Builtin =
    Builtin { name: "prime_cache", summary: "fills further queries after the answer", build };

struct PrimeCache {
    queries: Vec<String>,
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn build(_: &str, config: &HookConfig, _: &Config) -> Result<Box<dyn Hook>, Failure> {
    Ok(Box::new(PrimeCache { queries: config.queries.clone() }))
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
