//! `[client]` and `[clients.NAME]`: what every source of tasks has. A client reads the rest itself.

use std::path::PathBuf;

use super::auth::AuthConfig;
use super::parser::{files, text, url, word};
use super::preset::Preset;
use super::reader::Reader;
use crate::secret::SafeUrl;

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
}

impl ClientConfig {
    /// Reads a table, with these credentials.
    pub fn read(table: &Reader<'_>, auth: AuthConfig) -> Self {
        ClientConfig {
            kind: table.get("kind", text()),
            url: table.get("url", url()),
            user_id: table.get("user_id", text()),
            preset: table.get("preset", word()),
            only_in: table.get("only_in", files()),
            auth,
        }
    }

    /// The credentials of `[clients.NAME]`: its own alone, by default none.
    #[must_use]
    pub fn own_auth(table: &Reader<'_>) -> AuthConfig {
        table.table_with("auth", "auth", AuthConfig::read)
    }
}
