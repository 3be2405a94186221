//! Gets a secret from its configured source: only when it is needed, never logged.

use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;

use crate::config::SecretSource;
use crate::deadline::Deadline;
use crate::digest::sha256_hex;
use crate::disk;
use crate::error::{Code, Failure};
use crate::secret::Secret;

/// A longer secret is refused.
const MAX_SECRET_BYTES: u64 = 64 << 10;
/// A password manager that prompts the user would never end.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The secret itself. `key` names the setting in messages.
///
/// # Errors
/// `WS201`, naming the source.
pub async fn resolve(
    source: &SecretSource,
    key: &str,
    deadline: Deadline,
) -> Result<Secret, Failure> {
    let value = match source {
        SecretSource::Value(secret) | SecretSource::Variable(_, secret) => {
            return Ok(secret.clone());
        }
        SecretSource::File(path) => from_file(path)
            .map_err(|why| format!("cannot read `{key}` from `{}`: {why}", path.display())),
        SecretSource::Command(words) => from_command(words, deadline)
            .await
            .map_err(|why| format!("cannot run `{}` to get `{key}`: {why}", words[0])),
    };
    value.map(Secret::new).map_err(|text| {
        Failure::new(Code::SecretMissing, text).hint("fix it, or set another secret source")
    })
}

/// Why the secret cannot be had, as far as that shows without starting a program.
pub fn unusable(source: &SecretSource, key: &str) -> Option<Failure> {
    let text = match source {
        SecretSource::Value(_) | SecretSource::Variable(..) => return None,
        SecretSource::File(path) => {
            let why = from_file(path).err()?;
            format!("cannot read `{key}` from `{}`: {why}", path.display())
        }
        SecretSource::Command(words) => {
            let program = std::path::Path::new(&words[0]);
            let is_absent = program.is_absolute() && !program.exists();
            is_absent.then(|| format!("cannot run `{}` to get `{key}`: no such file", words[0]))?
        }
    };
    Some(Failure::new(Code::SecretMissing, text).hint("fix it, or set another secret source"))
}

/// Identifies a secret without starting a program; short, so that secrets cannot be guessed from it.
#[must_use]
pub fn fingerprint(source: &SecretSource) -> String {
    let digest = match source {
        SecretSource::Value(secret) | SecretSource::Variable(_, secret) => secret.digest(),
        SecretSource::File(path) => {
            from_file(path).map(|text| Secret::new(text).digest()).unwrap_or_default()
        }
        SecretSource::Command(words) => sha256_hex(words.join("\0")),
    };
    digest.chars().take(8).collect()
}

fn from_file(path: &std::path::Path) -> Result<String, String> {
    match disk::read_text(path, MAX_SECRET_BYTES) {
        Ok(Some(text)) => one_line(text.strip_suffix('\n').unwrap_or(&text)),
        Ok(None) => Err("no such file".into()),
        Err(error) => Err(error.to_string()),
    }
}

fn one_line(text: &str) -> Result<String, String> {
    let text = text.strip_suffix('\r').unwrap_or(text);
    match text {
        "" => Err("it is empty".into()),
        text if text.contains(['\n', '\r']) => Err("it has more than one line".into()),
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
        .map_err(|error| error.to_string())?;
    let stdout = child.stdout.take().ok_or("it has no output")?;
    let run = async {
        let mut bytes = Vec::new();
        stdout
            .take(MAX_SECRET_BYTES)
            .read_to_end(&mut bytes)
            .await
            .map_err(|error| error.to_string())?;
        let status = child.wait().await.map_err(|error| error.to_string())?;
        if !status.success() {
            return Err(format!("it failed ({status})"));
        }
        String::from_utf8(bytes).map_err(|_| "its output is not text".to_owned())
    };
    let at = tokio::time::Instant::from_std(deadline.capped(TIMEOUT).instant());
    let text = tokio::time::timeout_at(at, run).await.map_err(|_| "it did not end in time")??;
    one_line(text.strip_suffix('\n').unwrap_or(&text))
}
