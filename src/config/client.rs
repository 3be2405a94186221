//! `[client]` and `[clients.NAME]`: what every source of tasks has. A client reads the rest itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::auth::AuthConfig;
use super::parser::{files, headers, text, url, word};
use super::preset::Preset;
use super::reader::Reader;
use crate::secret::{SafeUrl, Secret};

/// One source of tasks, with its credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConfig {
    /// `auto`, a built-in client, or `plugin:NAME`.
    pub kind: String,
    pub url: Option<SafeUrl>,
    pub user_id: String,
    /// Settings for a known server.
    pub preset: Option<Preset>,
    /// Files or folders of the project; where none of them exists, the source is skipped.
    pub only_in: Vec<PathBuf>,
    pub auth: AuthConfig,
    /// Sent to this client's own server alone.
    pub headers: BTreeMap<String, Secret>,
}

/// What authorises the requests of one client.
#[derive(Clone, Debug, PartialEq)]
pub struct Credentials {
    pub auth: AuthConfig,
    pub headers: BTreeMap<String, Secret>,
}

impl ClientConfig {
    /// Reads a table, with these credentials.
    pub fn read(table: &Reader<'_>, credentials: Credentials) -> Self {
        ClientConfig {
            kind: table.get("kind", text()),
            url: table.get("url", url()),
            user_id: table.get("user_id", text()),
            preset: table.get_own("preset", word()),
            only_in: table.get_own("only_in", files()),
            auth: credentials.auth,
            headers: credentials.headers,
        }
    }

    /// The credentials of `[clients.NAME]`: its own alone, by default none.
    #[must_use]
    pub fn own_credentials(table: &Reader<'_>) -> Credentials {
        Credentials {
            auth: table.table_with("auth", "auth", AuthConfig::read),
            headers: table.get_own("headers", headers()),
        }
    }
}
