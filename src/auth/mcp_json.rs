//! The token that a project's `.mcp.json` has for its server: only when the user's own configuration
//! asks for it, and only for the server that the file names.

use std::path::Path;

use serde_json::Value;

use crate::disk::{self, InsideError};
use crate::error::{Code, Failure};
use crate::secret::{SafeUrl, Secret};

const MAX_FILE_BYTES: u64 = 1 << 20;

/// The bearer token of the server `name`.
///
/// # Errors
/// `WS201` when there is none; `WS203` when it belongs to another origin than `server`.
pub fn token(root: &Path, name: &str, server: &SafeUrl) -> Result<Secret, Failure> {
    let path = root.join(".mcp.json");
    let missing = |why: String| {
        Failure::new(Code::SecretMissing, format!("`{}` {why}", path.display()))
            .hint("set `auth.mcp_json` to the name of a server in that file with a bearer token")
    };
    let text = disk::read_inside(root, Path::new(".mcp.json"), MAX_FILE_BYTES)
        .map_err(|error| match error {
            InsideError::Unreadable(error) => missing(format!("cannot be read: {error}")),
            InsideError::Outside(target) => {
                missing(format!("points outside the project, to `{}`", target.display()))
            }
        })?
        .ok_or_else(|| missing("does not exist".into()))?;
    let file: Value = serde_json::from_str(&text)
        .map_err(|error| missing(format!("is not valid JSON: {error}")))?;
    let entry = file.pointer("/mcpServers").and_then(|servers| servers.get(name));
    let entry = entry.ok_or_else(|| missing(format!("has no server `{name}`")))?;
    let url = entry.get("url").and_then(Value::as_str).map(SafeUrl::parse);
    match url {
        Some(Ok(url)) if url.origin() == server.origin() => {}
        _ => {
            let text =
                format!("the token of `{name}` in `.mcp.json` is not for `{}`", server.origin());
            return Err(Failure::new(Code::TokenRefused, text)
                .hint("a token is sent only to its own server: fix `client.url`"));
        }
    }
    let header = entry.pointer("/headers/Authorization").and_then(Value::as_str);
    let token = header.and_then(|header| header.strip_prefix("Bearer ")).map(str::trim);
    match token {
        Some(token) if !token.is_empty() && !token.contains("${") => Ok(Secret::new(token)),
        _ => Err(missing(format!("has no bearer token for `{name}`"))),
    }
}
