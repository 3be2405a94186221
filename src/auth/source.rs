//! Getting a secret from where the user keeps it: only when it is needed, never logged.

use std::process::Stdio;
use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::config::SecretSource;
use crate::deadline::Deadline;
use crate::disk;
use crate::error::{Code, Failure};
use crate::secret::{Secret, hex};

/// No secret is longer.
const MAX_SECRET_BYTES: u64 = 64 << 10;
/// A password manager that asks a person would never end.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The secret itself. `key` names the setting in messages.
///
/// # Errors
/// `WS201`, naming the place that was looked at.
pub async fn resolve(
    source: &SecretSource,
    key: &str,
    deadline: Deadline,
) -> Result<Secret, Failure> {
    let found = match source {
        SecretSource::Value(secret) | SecretSource::Variable(_, secret) => {
            return Ok(secret.clone());
        }
        SecretSource::File(path) => {
            from_file(path).map_err(|why| (path.display().to_string(), why))
        }
        SecretSource::Command(words) => {
            from_command(words, deadline).await.map_err(|why| (words[0].clone(), why))
        }
    };
    found.map(Secret::new).map_err(|(place, why)| {
        Failure::new(
            Code::SECRET_MISSING,
            format!("`{key}` is to come from `{place}`, which {why}"),
        )
        .hint("mend it, or name another place for the secret")
    })
}

/// What tells one secret from another without starting anything: short, so that nobody can try out
/// secrets against it.
#[must_use]
pub fn fingerprint(source: &SecretSource) -> String {
    let whole = match source {
        SecretSource::Value(secret) | SecretSource::Variable(_, secret) => secret.digest(),
        SecretSource::File(path) => {
            from_file(path).map(|text| Secret::new(text).digest()).unwrap_or_default()
        }
        SecretSource::Command(words) => hex(&Sha256::digest(words.join("\0").as_bytes())),
    };
    whole.chars().take(8).collect()
}

fn from_file(path: &std::path::Path) -> Result<String, String> {
    match disk::read_text(path, MAX_SECRET_BYTES) {
        Ok(Some(text)) => one_line(text.strip_suffix('\n').unwrap_or(&text)),
        Ok(None) => Err("does not exist".into()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

fn one_line(text: &str) -> Result<String, String> {
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text {
        "" => Err("is empty".into()),
        text if text.contains(['\n', '\r']) => Err("has more than one line".into()),
        text => Ok(text.to_owned()),
    }
}

async fn from_command(words: &[String], deadline: Deadline) -> Result<String, String> {
    let mut child = tokio::process::Command::new(&words[0])
        .args(&words[1..])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot be started: {error}"))?;
    let stdout = child.stdout.take().ok_or("has no output")?;
    let run = async {
        let mut bytes = Vec::new();
        stdout
            .take(MAX_SECRET_BYTES)
            .read_to_end(&mut bytes)
            .await
            .map_err(|error| error.to_string())?;
        let status = child.wait().await.map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("failed ({status})"));
        }
        String::from_utf8(bytes).map_err(|_| "printed something that is not text".to_owned())
    };
    let at = tokio::time::Instant::from_std(deadline.capped(TIMEOUT).instant());
    let text = tokio::time::timeout_at(at, run).await.map_err(|_| "did not end in time")??;
    one_line(text.strip_suffix('\n').unwrap_or(&text))
}
