//! The one HTTP client of the process: built when first needed, bounded in time and bytes.
//! Knows origins, limits and retries; nothing of MCP, tokens or tasks.

/// The HTTP client, not built before the first request. (Contract; the wire fills it.)
pub struct Http;

impl Http {
    pub fn new(
        _: &crate::config::Config,
        _: Option<&crate::paths::Paths>,
        _: &crate::environment::Environment,
    ) -> Self {
        Http
    }
}
