//! Shared by `install` and `uninstall`: folders, hosts that are found, questions, diffs.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cli::Invocation;
use crate::cli::init::diff::unified;
use crate::cli::prompt::yes_or_no;
use crate::cli::terminal::{self, CommandError, Usage};
use crate::config::is_credential;
use crate::environment::Environment;
use crate::error::Failure;
use crate::install::{HostName, Placement, Scope};
use crate::paths::Paths;
use crate::process;
use crate::repository::Repository;
use crate::text::{for_terminal, for_terminal_line};

/// Where the command works.
pub struct Site {
    pub environment: Arc<Environment>,
    pub home: PathBuf,
    pub state: PathBuf,
    /// The root of the project around the current folder.
    pub project: PathBuf,
}

impl Site {
    /// # Errors
    /// `WS501` without a home folder.
    pub fn find(invocation: &Invocation) -> Result<Self, Failure> {
        let paths = Paths::required(Paths::find(&invocation.environment))?;
        let home = Paths::required(paths.home)?;
        let here = std::env::current_dir().unwrap_or_default();
        let repository = Repository::find(&here, Some(&home));
        let project = repository.map_or(here, |repository| repository.root);
        let environment = Arc::clone(&invocation.environment);
        Ok(Site { environment, home, state: paths.state, project })
    }

    /// The settings file of a host; `None` where it has none of this scope.
    pub fn path(&self, placement: &Placement, scope: Scope) -> Option<PathBuf> {
        placement.path(scope, &self.environment, &self.home, &self.project)
    }

    /// The hosts with a folder in the user's home, or a program in PATH.
    pub fn hosts(&self) -> Vec<HostName> {
        let path = self.environment.get("PATH").unwrap_or_default();
        let is_there = |placement: &&Placement| {
            placement.folder(&self.environment, &self.home).is_dir()
                || process::find(placement.name, path, Some(&self.project)).is_some()
        };
        Placement::all().iter().filter(is_there).map(|placement| placement.host).collect()
    }
}

/// Whether the user agrees to a change that was shown.
///
/// # Errors
/// Wrong usage when there is no terminal to ask at.
pub fn agree(question: &str) -> Result<bool, CommandError> {
    if !std::io::stdin().is_terminal() {
        let usage = Usage::new("stdin is not a terminal, so nothing can be asked");
        return Err(usage.hint("name the hosts, or pass `--yes`").into());
    }
    Ok(yes_or_no(question))
}

/// Prints the change of a file as a unified diff.
pub fn print_diff(path: &Path, old: Option<&str>, new: Option<&str>) {
    let name = |text: Option<&str>| match text {
        Some(_) => path.display().to_string(),
        None => "/dev/null".to_owned(),
    };
    let lines = unified(old.unwrap_or_default(), new.unwrap_or_default());
    let lines: String = lines.lines().map(|line| without_secret(line) + "\n").collect();
    let text = format!("--- {}\n+++ {}\n{lines}", name(old), name(new));
    terminal::print(&for_terminal(&text));
}

/// The line with `****` for a text whose key names a credential: settings have tokens in `env`.
fn without_secret(line: &str) -> String {
    let mut parts = line.split('"');
    let (blanks, key, colon) = (parts.next(), parts.next(), parts.next());
    match (blanks, key, colon) {
        (Some(blanks), Some(key), Some(colon)) if is_credential(key) && colon.trim() == ":" => {
            format!("{blanks}\"{key}\"{colon}\"****\"")
        }
        _ => line.to_owned(),
    }
}

/// Prints one line of the result.
pub fn print_line(line: &str) {
    terminal::print(&(for_terminal_line(line) + "\n"));
}

/// Runs `each` for all hosts; a failure of one does not keep the others from their turn.
///
/// # Errors
/// The first failure, when there is only one host or no other.
pub fn for_each<T>(
    items: Vec<T>,
    mut each: impl FnMut(T) -> Result<bool, CommandError>,
) -> Result<bool, CommandError> {
    let mut all = true;
    let mut failed = None;
    for item in items {
        match each(item) {
            Ok(is_good) => all &= is_good,
            Err(CommandError::Failure(failure)) if failed.is_some() => {
                terminal::print_error(&failure);
            }
            Err(error @ CommandError::Failure(_)) => failed = Some(error),
            Err(usage) => return Err(usage),
        }
    }
    failed.map_or(Ok(all), Err)
}

/// Removes the folders that are empty, the innermost first.
pub fn remove_empty(folders: &[PathBuf]) {
    for folder in folders.iter().rev() {
        if std::fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_under_the_key_of_a_credential_is_not_shown() {
        let table = [
            (" \"MCP_AUTH_TOKEN\": \"abc\",", " \"MCP_AUTH_TOKEN\": \"****\""),
            ("-  \"client_secret\":\"abc\"", "-  \"client_secret\":\"****\""),
            (" \"model\": \"abc\",", " \"model\": \"abc\","),
            ("+  \"timeout\": 10", "+  \"timeout\": 10"),
        ];
        for (line, expected) in table {
            assert_eq!(without_secret(line), expected);
        }
    }
}
