//! Gets a secret from its configured source: only when it is needed, never logged.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::config::{SecretCommand, SecretSource};
use crate::deadline::Deadline;
use crate::digest::sha256_hex;
use crate::disk;
use crate::error::{Code, Failure};
use crate::process::{self, LookupError, ProcessResult, Program};
use crate::secret::Secret;

/// A longer secret is refused.
const MAX_SECRET_BYTES: u64 = 64 << 10;
/// A password manager that prompts the user would never end.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The secret itself. `key` names the setting in messages; `root` is the project.
///
/// # Errors
/// `WS201`, naming the source.
pub async fn resolve(
    source: &SecretSource,
    key: &str,
    root: &Path,
    deadline: Deadline,
) -> Result<Secret, Failure> {
    let value = match source {
        SecretSource::Value(secret) | SecretSource::Variable(_, secret) => {
            return Ok(secret.clone());
        }
        SecretSource::File(path) => from_file(path)
            .map_err(|why| format!("cannot read `{key}` from `{}`: {why}", path.display())),
        SecretSource::Command(command) => from_command(command, root, deadline)
            .await
            .map_err(|why| format!("cannot run `{}` to get `{key}`: {why}", command.words[0])),
    };
    value.map(Secret::new).map_err(|text| {
        Failure::new(Code::SecretMissing, text).hint("fix it, or set another secret source")
    })
}

/// Why the secret cannot be read, as far as that is visible without starting a program.
pub fn unusable(source: &SecretSource, key: &str, root: &Path) -> Option<Failure> {
    let text = match source {
        SecretSource::Value(_) | SecretSource::Variable(..) => return None,
        SecretSource::File(path) => {
            let why = from_file(path).err()?;
            format!("cannot read `{key}` from `{}`: {why}", path.display())
        }
        SecretSource::Command(command) => {
            let absent = |file: PathBuf| (!file.exists()).then(|| "no such file".to_owned());
            let why = program(command, root).map_or_else(Some, absent)?;
            format!("cannot run `{}` to get `{key}`: {why}", command.words[0])
        }
    };
    Some(Failure::new(Code::SecretMissing, text).hint("fix it, or set another secret source"))
}

/// Identifies a secret without starting a program; short, so that secrets cannot be guessed from it.
#[must_use]
pub fn fingerprint(source: &SecretSource) -> String {
    let digest = match source {
        SecretSource::Value(secret) | SecretSource::Variable(_, secret) => secret.digest(),
        SecretSource::File(path) => digest_of_file(path),
        SecretSource::Command(command) => sha256_hex(command.words.join("\0")),
    };
    digest.chars().take(8).collect()
}

/// SHA-256 of a secret in a file; empty when it cannot be read.
pub fn digest_of_file(path: &Path) -> String {
    from_file(path).map(|text| Secret::new(text).digest()).unwrap_or_default()
}

fn from_file(path: &Path) -> Result<String, String> {
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

async fn from_command(
    command: &SecretCommand,
    root: &Path,
    deadline: Deadline,
) -> Result<String, String> {
    let file = program(command, root)?;
    // Without a home folder the root of the file system: never the folder of a cloned project.
    let folder = command.home.as_deref().unwrap_or(Path::new("/"));
    let program = Program {
        file: &file,
        arguments: &command.words[1..],
        variables: &command.variables,
        folder,
    };
    match program.run(deadline.capped(TIMEOUT)).await {
        ProcessResult::TimedOut => Err("it did not end in time".into()),
        ProcessResult::Failed(why) => Err(format!("it {why}")),
        ProcessResult::Output { is_complete: false, .. } => Err("its output is too long".into()),
        ProcessResult::Output { bytes, .. } => {
            let text = String::from_utf8(bytes).map_err(|_| "its output is not text")?;
            one_line(text.strip_suffix('\n').unwrap_or(&text))
        }
    }
}

fn program(command: &SecretCommand, root: &Path) -> Result<PathBuf, String> {
    let path = command.variables.iter().find(|(name, _)| name == "PATH");
    let path = path.map(|(_, value)| value.as_str()).unwrap_or_default();
    let project = process::project(root, command.home.as_deref());
    process::look_up(&command.words[0], path, project).map_err(|error| match error {
        LookupError::Relative => "a relative path is not run; name it by its absolute path".into(),
        LookupError::NotInPath => {
            "it is not in PATH outside this project; name it by its absolute path".into()
        }
    })
}
