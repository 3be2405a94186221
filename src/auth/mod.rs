//! The bearer token of a client: stored, or requested once for all processes.
//! Knows identity servers and the token store; nothing of the task server's protocol.

mod answer;
pub mod claims;
mod identity;
mod keycloak;
mod mcp_json;
mod readiness;
mod source;
mod store;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::rc::Rc;

use crate::config::{AuthConfig, AuthKind, SecretSource};
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::http::Http;
use crate::paths::Paths;
use crate::secret::{SafeUrl, Secret};

pub use identity::parts as identity_parts;
pub use store::is_token_over;

/// The folders of tokens: the usual one, and `auth.token_dir`.
#[must_use]
pub fn token_folders(config: &AuthConfig, paths: &Paths) -> BTreeSet<PathBuf> {
    let usual = paths.state.join(TOKENS);
    config.token_dir.iter().cloned().chain([usual]).collect()
}

/// In the state folder.
const TOKENS: &str = "tokens";

/// How one client authorises its requests.
pub struct Auth {
    config: AuthConfig,
    http: Rc<Http>,
    paths: Option<Paths>,
    /// The project: the folder of `.mcp.json`, whose programs give no secret.
    root: PathBuf,
    /// The task server: what a token is bound to.
    server: SafeUrl,
    resource: ResourceIndicator,
}

/// The inputs of an `Auth` that do not depend on the server.
pub struct AuthContext {
    pub config: AuthConfig,
    pub http: Rc<Http>,
    pub paths: Option<Paths>,
    /// The repository's root, or the session's folder.
    pub root: PathBuf,
}

/// RFC 8707's `resource`, where `auth.resource` is `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceIndicator {
    /// The URL of the server: MCP requires it.
    Server,
    None,
}

impl Auth {
    /// Takes the settings; opens nothing.
    #[must_use]
    pub fn new(context: AuthContext, server: SafeUrl, resource: ResourceIndicator) -> Self {
        let AuthContext { config, http, paths, root } = context;
        Auth { config, http, paths, root, server, resource }
    }

    /// The result of `request`, which gets the token. If the server refuses it (`WS203`), the request
    /// is made once more with a new one.
    ///
    /// # Errors
    /// Those of `request`, or why there is no token.
    pub async fn with_token<T>(
        &self,
        deadline: Deadline,
        request: impl AsyncFn(Option<Secret>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let token = self.bearer(deadline).await?;
        match request(token.clone()).await {
            Err(failure) if failure.code == Code::TokenRefused => {}
            settled => return settled,
        }
        let renewed = self.renewed(token.as_ref(), deadline).await?;
        request(Some(renewed)).await
    }

    /// The token for the next request; `None` when none is needed.
    ///
    /// # Errors
    /// `WS201` to `WS206`, or why the identity server did not answer.
    pub async fn bearer(&self, deadline: Deadline) -> Result<Option<Secret>, Failure> {
        let kind = self.config.resolved_kind();
        if matches!(kind, AuthKind::Auto | AuthKind::None) {
            return Ok(None);
        }
        // Not even requested for a server that may not get it.
        self.http.check_transport(&self.server, "token")?;
        let token = match kind {
            AuthKind::Auto | AuthKind::None => return Ok(None),
            AuthKind::Static => {
                let token = self.config.token.as_ref();
                let token =
                    token.ok_or_else(|| missing("token", "MCP_AUTH_TOKEN", "auth.token"))?;
                let given = source::resolve(token, "auth.token", &self.root, deadline).await?;
                if let (SecretSource::Command(command), Some(paths)) = (token, &self.paths) {
                    identity::note_given(paths, command, &given);
                }
                given
            }
            AuthKind::McpJson => mcp_json::token(&self.root, &self.config.mcp_json, &self.server)?,
            AuthKind::Keycloak => self.keycloak(None, deadline).await?,
        };
        Ok(Some(token))
    }

    /// A new token, after the server refused `refused`. The failure is `WS203` when there is no other.
    async fn renewed(
        &self,
        refused: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<Secret, Failure> {
        match (self.config.resolved_kind(), refused) {
            (AuthKind::Keycloak, refused) => {
                let token = self.keycloak(refused, deadline).await?;
                if Some(&token) == refused { Err(self.refusal()) } else { Ok(token) }
            }
            (_, Some(_)) => Err(self.refusal()),
            (_, None) => Err(Failure::new(
                Code::TokenRefused,
                format!("`{}` requires authentication (HTTP 401)", self.server.origin()),
            )
            .hint("set MCP_AUTH_TOKEN, or KEYCLOAK_URL, KEYCLOAK_REALM, KEYCLOAK_CLIENT_ID and KEYCLOAK_CLIENT_SECRET")),
        }
    }

    /// The failure when the server refuses the token.
    #[must_use]
    pub fn refusal(&self) -> Failure {
        let text = format!("`{}` refused the token (HTTP 401)", self.server.origin());
        let hint = match self.config.resolved_kind() {
            AuthKind::Keycloak => {
                "compare the token's audience and issuer with those that the server expects, and check both clocks"
            }
            _ => "set a token that is still valid",
        };
        Failure::new(Code::TokenRefused, text).hint(hint)
    }

    /// Identifies the credentials that a kept session or era belongs to.
    #[must_use]
    pub fn identity(&self) -> String {
        identity::parts(&self.config, &self.root, self.paths.as_ref()).join("\0")
    }
}

/// The failure for a required secret that is not configured.
fn missing(what: &str, variable: &str, key: &str) -> Failure {
    Failure::new(Code::SecretMissing, format!("no {what} is configured")).hint(format!(
        "set {variable}, or `{key}` to `{{ env = \"NAME\" }}`, `{{ file = \"PATH\" }}` or `{{ command = [\"PROGRAM\"] }}`"
    ))
}
