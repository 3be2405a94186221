//! What a login lacks, found without asking or starting anything: for `config check`.

use super::{Auth, mcp_json, missing, source};
use crate::config::{AuthKind, SecretSource};
use crate::error::Failure;

impl Auth {
    /// Everything that is missing before a request can be authorised.
    #[must_use]
    pub fn missing(&self) -> Vec<Failure> {
        let config = &self.config;
        let kind = config.resolved_kind();
        if kind == AuthKind::None {
            return Vec::new();
        }
        let own = match kind {
            AuthKind::Auto | AuthKind::None => Vec::new(),
            AuthKind::Static => {
                let absent = || missing("token", "MCP_AUTH_TOKEN", "auth.token");
                vec![self.secret(config.token.as_ref(), "auth.token", absent)]
            }
            AuthKind::McpJson => {
                vec![mcp_json::token(&self.root, &config.mcp_json, &self.server).err()]
            }
            AuthKind::Keycloak => {
                let absent =
                    || missing("client secret", "KEYCLOAK_CLIENT_SECRET", "auth.client_secret");
                let secret =
                    self.secret(config.client_secret.as_ref(), "auth.client_secret", absent);
                vec![self.identity_server().err(), secret]
            }
        };
        self.check_transport().err().into_iter().chain(own.into_iter().flatten()).collect()
    }

    fn secret(
        &self,
        source: Option<&SecretSource>,
        key: &str,
        absent: impl Fn() -> Failure,
    ) -> Option<Failure> {
        match source {
            None => Some(absent()),
            Some(source) => source::unusable(source, key, &self.root),
        }
    }
}
