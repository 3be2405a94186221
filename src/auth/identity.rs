//! What of the credentials selects the data: part of the identity of cached answers and kept sessions.
//! Decided by content, so that no login gets what another was given.

use std::path::{Path, PathBuf};

use super::source;
use crate::config::{AuthConfig, AuthKind, SecretCommand, SecretSource};
use crate::digest::{self, sha256_hex};
use crate::disk::{self, Durability};
use crate::paths::Paths;
use crate::secret::Secret;

const MAX_FILE_BYTES: u64 = 1 << 20;
const MAX_RECORD_BYTES: u64 = 128;

/// The parts of the identity. A token from a file or `.mcp.json` enters by its content; one from a
/// program by its words and what it last gave, so that a run from the cache starts nothing.
#[must_use]
pub fn parts(auth: &AuthConfig, root: &Path, paths: Option<&Paths>) -> Vec<String> {
    match auth.resolved_kind() {
        AuthKind::Auto | AuthKind::None => vec!["none".into()],
        AuthKind::McpJson => {
            vec!["mcp_json".into(), auth.mcp_json.clone(), mcp_json_content(root)]
        }
        AuthKind::Static => {
            let token = auth.token.as_ref();
            let mut parts = vec!["static".to_owned()];
            parts.extend(token.into_iter().flat_map(|token| content(token, paths)));
            parts
        }
        AuthKind::Keycloak => vec![
            "keycloak".into(),
            auth.url.as_ref().map(|url| url.url().as_str().to_owned()).unwrap_or_default(),
            auth.realm.clone(),
            auth.client_id.clone(),
            auth.scope.join(" "),
        ],
    }
}

fn content(token: &SecretSource, paths: Option<&Paths>) -> Vec<String> {
    match token {
        SecretSource::Value(secret) | SecretSource::Variable(_, secret) => vec![secret.digest()],
        SecretSource::File(path) => {
            vec![path.to_string_lossy().into_owned(), source::digest_of_file(path)]
        }
        SecretSource::Command(command) => {
            let last = paths.and_then(|paths| {
                let bytes = disk::read_private(&record(paths, command), MAX_RECORD_BYTES);
                String::from_utf8(bytes.ok()??).ok()
            });
            vec![command.words.join("\0"), last.unwrap_or_default()]
        }
    }
}

fn mcp_json_content(root: &Path) -> String {
    let text = disk::read_inside(root, Path::new(".mcp.json"), MAX_FILE_BYTES);
    text.ok().flatten().map(sha256_hex).unwrap_or_default()
}

/// Notes what a program gave. An answer that was got with another token than the last one then belongs
/// to another identity, and is not shown again.
pub fn note_given(paths: &Paths, command: &SecretCommand, token: &Secret) {
    let (path, digest) = (record(paths, command), token.digest());
    let known = disk::read_private(&path, MAX_RECORD_BYTES).ok().flatten();
    if known.as_deref() != Some(digest.as_bytes())
        && let Err(error) = disk::write_atomic(&path, digest.as_bytes(), Durability::Process)
    {
        tracing::debug!(%error, "what the token's program gave is not noted");
    }
}

fn record(paths: &Paths, command: &SecretCommand) -> PathBuf {
    let words: Vec<&str> = command.words.iter().map(String::as_str).collect();
    paths.state.join("wire").join(digest::of_parts("given", &words) + ".txt")
}
