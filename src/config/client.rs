//! `[client]` and `[clients.NAME]`: the sources of tasks.

use std::path::PathBuf;

use super::auth::AuthConfig;
use super::parser::{Words, files, text, url, word};
use super::reader::Reader;
use crate::secret::SafeUrl;

/// One source of tasks, with its credentials.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConfig {
    /// `auto`, a built-in client, or `plugin:NAME`.
    pub kind: String,
    pub url: Option<SafeUrl>,
    pub era: Era,
    pub user_id: String,
    /// For `local`: the first that exists; relative ones from the repository's root.
    pub files: Vec<PathBuf>,
    pub auth: AuthConfig,
}

/// Which MCP revisions to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Era {
    #[default]
    Auto,
    Modern,
    Legacy,
}

impl Words for Era {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Era::Auto), ("modern", Era::Modern), ("legacy", Era::Legacy)];
}

impl ClientConfig {
    pub(super) fn read(table: &Reader<'_>, auth: AuthConfig) -> Self {
        ClientConfig {
            kind: table.get("kind", text()),
            url: table.get("url", url()),
            era: table.get("era", word()),
            user_id: table.get("user_id", text()),
            files: table.get("files", files()),
            auth,
        }
    }
}
