//! The settings of a login: by the guide's variables, or as a project's file has it.

use super::{Credentials, Proposal, Situation, Value};
use crate::cli::init::detect::is_writable;
use crate::cli::init::mcp_json::Token;
use crate::environment::Environment;
use crate::error::{Code, Failure};

impl Proposal {
    /// The login that the guide's variables hold. A client secret is stronger than a token only when
    /// there is no token, as in `auth.kind = "auto"`.
    pub(super) fn use_login(&mut self, environment: &Environment) {
        let first = |names: &[&'static str]| {
            names.iter().find_map(|name| Some((*name, environment.get(name)?)))
        };
        if environment.get("MCP_AUTH_TOKEN").is_some() {
            self.set("auth", "token", Value::SecretVariable("MCP_AUTH_TOKEN".into()));
            return;
        }
        const SECRETS: [&str; 2] = ["KEYCLOAK_CLIENT_SECRET", "KEYCLOAK_SERVICE_CLIENT_SECRET"];
        const IDS: [&str; 2] = ["KEYCLOAK_CLIENT_ID", "KEYCLOAK_SERVICE_CLIENT_ID"];
        let secret = first(&SECRETS).map(|(name, _)| Value::SecretVariable(name.into()));
        let file = || environment.path("KEYCLOAK_CLIENT_SECRET_FILE");
        let secret = secret.or_else(|| Some(Value::SecretFile(file()?.to_str()?.into())));
        let Some(secret) = secret else { return };
        if let Some(url) = environment.get("KEYCLOAK_URL").filter(|url| is_writable(url)) {
            self.set_text("auth", "url", url);
        }
        if let Some(realm) = environment.get("KEYCLOAK_REALM") {
            self.set_text("auth", "realm", realm);
        }
        if let Some((_, id)) = first(&IDS) {
            self.set_text("auth", "client_id", id);
        }
        self.set("auth", "client_secret", secret);
    }

    /// The login at a server that a project's file names. The user's own is kept back.
    pub(super) fn use_token(
        &mut self,
        name: &str,
        token: &Token,
        situation: &Situation<'_>,
    ) -> Result<(), Failure> {
        match (token, situation.credentials) {
            (_, Credentials::Always) => {
                Err(would_leak("your headers or login would be sent to it"))
            }
            (Token::Variable(_), Credentials::Login) => {
                Err(would_leak("your configured login would be sent to it instead of its own"))
            }
            (Token::None, Credentials::None) => Ok(()),
            (Token::None, Credentials::Login) => {
                self.set_text("auth", "kind", "none");
                self.notes.push("your login is not sent to it (`auth.kind = \"none\"`)".into());
                Ok(())
            }
            (Token::Variable(variable), Credentials::None) => {
                self.use_token_variable(variable, situation.environment);
                Ok(())
            }
            (Token::Literal, _) => {
                self.set_text("auth", "kind", "mcp_json");
                self.set_text("auth", "mcp_json", name);
                Ok(())
            }
        }
    }

    /// A setting that names a variable which is not set would be a mistake, so it is a comment then.
    fn use_token_variable(&mut self, variable: &str, environment: &Environment) {
        if environment.get(variable).is_some() {
            return self.set("auth", "token", Value::SecretVariable(variable.into()));
        }
        self.notes.push(format!("its token is in the variable `{variable}`, which is not set"));
        self.comments.extend([
            format!("Set {variable}, then remove the # of these two lines:"),
            "[auth]".into(),
            format!("token = {{ env = \"{variable}\" }}"),
        ]);
    }
}

fn would_leak(reason: &str) -> Failure {
    Failure::new(
        Code::FileUntrusted,
        format!("a server that only a project names is not configured: {reason}"),
    )
    .hint("write it as `[clients.NAME]`, which has a login of its own")
}
