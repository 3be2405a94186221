//! What a login lacks, found without asking, starting or looking up anything: for `config check`.

use std::collections::BTreeMap;

use super::{Auth, mcp_json, missing, source};
use crate::config::{AuthKind, SecretSource};
use crate::error::Failure;
use crate::secret::Secret;

/// The configured headers of the client.
type Headers = BTreeMap<String, Secret>;

impl Auth {
    /// Everything that is missing before a request can be authorised.
    #[must_use]
    pub fn missing(&self, headers: &Headers) -> Vec<Failure> {
        let config = &self.config;
        let kind = config.resolved_kind();
        let lacking = match kind {
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
        let transport = self
            .credential(headers)
            .and_then(|credential| self.http.check_transport(&self.server, credential).err());
        transport.into_iter().chain(lacking.into_iter().flatten()).collect()
    }

    /// The names on which it depends whether a credential is sent.
    #[must_use]
    pub fn notes(&self, headers: &Headers) -> Vec<String> {
        let server = self.credential(headers).map(|credential| (&self.server, credential));
        let is_keycloak = self.config.resolved_kind() == AuthKind::Keycloak;
        let identity = self.config.url.as_ref().filter(|_| is_keycloak);
        let all = server.into_iter().chain(identity.map(|url| (url, "client secret")));
        let unsure = all.filter(|(url, _)| self.http.depends_on_lookup(url));
        unsure.map(|(url, credential)| note(&url.origin(), credential)).collect()
    }

    /// What the task server gets that must not travel readable.
    fn credential(&self, headers: &Headers) -> Option<&'static str> {
        match self.config.resolved_kind() {
            AuthKind::Auto | AuthKind::None if self.server.has_user_part() => {
                Some("user part of the URL")
            }
            AuthKind::Auto | AuthKind::None if headers.is_empty() => None,
            AuthKind::Auto | AuthKind::None => Some("value of `http.headers`"),
            AuthKind::Static | AuthKind::McpJson | AuthKind::Keycloak => Some("token"),
        }
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

fn note(origin: &str, credential: &str) -> String {
    format!(
        "`{origin}` gets the {credential} only where all addresses of that name are loopback addresses, or `http.plain_hosts` names it"
    )
}
