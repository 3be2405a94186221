//! `[auth]` and `[clients.NAME.auth]`: how requests are authorised.

use std::path::PathBuf;
use std::time::Duration;

use super::kind::Kind;
use super::parser::{
    self, Parse, Parser, WordList, Words, duration, parser, path, read_text, scopes, secret, text,
    url, word,
};
use super::reader::Reader;
use super::secret_source::SecretSource;
use crate::secret::SafeUrl;

/// Credentials of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthConfig {
    pub kind: AuthKind,
    /// The identity server, without trailing slashes.
    pub url: Option<SafeUrl>,
    pub realm: String,
    pub prefix: Prefix,
    pub client_id: String,
    pub client_secret: Option<SecretSource>,
    pub token: Option<SecretSource>,
    pub scope: Vec<String>,
    pub resource: Resource,
    /// Never more than half of the token's lifetime is used.
    pub refresh_before: Duration,
    /// The server's name in `.mcp.json`.
    pub mcp_json: String,
    /// Where tokens are kept instead of the state folder.
    pub token_dir: Option<PathBuf>,
}

/// The way to authorise a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AuthKind {
    /// `static` with a token, `keycloak` with a client secret, else `none`.
    #[default]
    Auto,
    Keycloak,
    Static,
    McpJson,
    None,
}

/// Where Keycloak's paths begin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Prefix {
    #[default]
    Auto,
    /// `""`, `"/auth"`, or what a proxy puts there.
    Fixed(String),
}

/// The RFC 8707 `resource` of a token request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resource {
    #[default]
    Auto,
    Off,
    Value(String),
}

impl Words for AuthKind {
    const WORDS: WordList<Self> = &[
        ("auto", Self::Auto),
        ("keycloak", Self::Keycloak),
        ("static", Self::Static),
        ("mcp_json", Self::McpJson),
        ("none", Self::None),
    ];
}

impl AuthConfig {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        AuthConfig {
            kind: table.get("kind", word()),
            url: table.get("url", url()),
            realm: table.get("realm", text()),
            prefix: table.get("prefix", prefix()),
            client_id: table.get("client_id", text()),
            client_secret: table.get("client_secret", secret()),
            token: table.get("token", secret()),
            scope: table.get("scope", scopes()),
            resource: table.get("resource", resource()),
            refresh_before: table.get("refresh_before", duration("5s", "5m")),
            mcp_json: table.get("mcp_json", text()),
            token_dir: table.get("token_dir", path()),
        }
    }

    /// The kind that `auto` means here.
    #[must_use]
    pub fn resolved_kind(&self) -> AuthKind {
        match self.kind {
            AuthKind::Auto if self.token.is_some() => AuthKind::Static,
            AuthKind::Auto if self.client_secret.is_some() => AuthKind::Keycloak,
            AuthKind::Auto => AuthKind::None,
            kind => kind,
        }
    }

    /// The variables that its secrets are taken from.
    pub fn secret_variables(&self) -> impl Iterator<Item = &str> {
        [&self.client_secret, &self.token].into_iter().flatten().flat_map(|source| {
            let names = match source {
                SecretSource::Variable(name, _) => std::slice::from_ref(name),
                SecretSource::Command(command) => &command.env,
                _ => &[],
            };
            names.iter().map(String::as_str)
        })
    }
}

fn prefix() -> Parser<impl Parse<Prefix>> {
    parser(Kind::Form("`auto`, empty, or a path like `/auth`"), |value, _| {
        match read_text(value)?.trim_end_matches('/') {
            "auto" => Ok(Prefix::Auto),
            "" => Ok(Prefix::Fixed(String::new())),
            path if path.starts_with('/') => Ok(Prefix::Fixed(path.to_owned())),
            other => Err(format!("`{other}` is neither auto nor a path like `/auth`")),
        }
    })
}

fn resource() -> Parser<impl Parse<Resource>> {
    parser(Kind::Form("`auto`, `off` or a URL"), |value, _| match read_text(value)? {
        "auto" => Ok(Resource::Auto),
        "off" => Ok(Resource::Off),
        text => {
            let url = parser::read_url(text)?.ok_or("is neither auto, off nor a URL")?;
            Ok(Resource::Value(url.url().as_str().trim_end_matches('/').to_owned()))
        }
    })
}
