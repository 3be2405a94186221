//! One settings file of a host: read once, replaced or removed in one step, its folders made and removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Refusal;
use super::placement::Scope;
use crate::disk::{ForeignFile, missing_folders};
use crate::error::{Code, Failure};

/// A settings file as it was read.
#[derive(Debug)]
pub struct SettingsFile {
    /// The path that the host opens.
    pub named: PathBuf,
    file: ForeignFile,
    scope: Scope,
}

impl SettingsFile {
    /// Reads the file at `path`. That of a project must be inside `project`, also where it is a link.
    ///
    /// # Errors
    /// `WS501` with the reason when it cannot be read, or not be replaced as it is.
    pub fn read(path: &Path, scope: Scope, project: &Path) -> Result<Self, Failure> {
        let file = ForeignFile::read(path).map_err(|error| failure(path, "read", &error))?;
        let root = project.canonicalize().unwrap_or_else(|_| project.to_path_buf());
        let existing = file.path.ancestors().find_map(|path| path.canonicalize().ok());
        if scope != Scope::User && existing.is_some_and(|path| !path.starts_with(&root)) {
            let text = format!("`{}` is a link out of the project", path.display());
            return Err(Failure::new(Code::StoreUnusable, text)
                .hint("replace the link by a file of the project; nothing was changed"));
        }
        Ok(SettingsFile { named: path.to_owned(), file, scope })
    }

    /// The path of the file itself, behind links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    #[must_use]
    pub fn bytes(&self) -> Option<&[u8]> {
        self.file.bytes.as_deref()
    }

    /// The text; empty when there is no file.
    ///
    /// # Errors
    /// `WS101` with line and column when it is not UTF-8.
    pub fn text(&self) -> Result<&str, Failure> {
        let bytes = self.bytes().unwrap_or_default();
        std::str::from_utf8(bytes).map_err(|error| {
            let start = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
            failure_of(&self.named, &Refusal::at(start, start.len(), "the bytes are not UTF-8"))
        })
    }

    /// The folders that are made for the file.
    #[must_use]
    pub fn missing_folders(&self) -> Vec<PathBuf> {
        self.path().parent().map(missing_folders).unwrap_or_default()
    }

    /// Fails when the file cannot be written.
    ///
    /// # Errors
    /// `WS501`.
    pub fn check_writable(&self) -> Result<(), Failure> {
        self.file.check_writable().map_err(|error| {
            let failure = failure(&self.named, "written", &error);
            failure.hint(format!(
                "run `chmod u+w {}` first; nothing was changed",
                self.path().display()
            ))
        })
    }

    /// Removes what killed runs have left beside the file; only under the lock of the journal.
    pub fn sweep(&self) {
        self.file.sweep();
    }

    /// Replaces the file, or makes it.
    ///
    /// # Errors
    /// `WS501` when it has changed since it was read, or by the disk; it is then as it was.
    pub fn replace(&self, bytes: &[u8]) -> Result<(), Failure> {
        let mode = if self.scope == Scope::Project { 0o666 } else { 0o600 };
        let folder = self.path().parent().unwrap_or(Path::new("/"));
        fs::create_dir_all(folder)
            .and_then(|()| self.file.replace(bytes, mode))
            .map_err(|error| failure(&self.named, "written", &error))
    }

    /// Removes the file.
    ///
    /// # Errors
    /// As for `replace`.
    pub fn remove(&self) -> Result<(), Failure> {
        self.file.remove().map_err(|error| failure(&self.named, "removed", &error))
    }
}

/// A text that is not edited, as a failure of `path`.
#[must_use]
pub fn failure_of(path: &Path, refusal: &Refusal) -> Failure {
    let place = refusal.at.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
    let text = format!("`{}{place}`: {}", path.display(), refusal.message);
    Failure::new(Code::ConfigUnreadable, text).hint("fix it first; the file was left as it was")
}

fn failure(path: &Path, purpose: &str, error: &io::Error) -> Failure {
    let shown = path.display();
    if error.kind() == io::ErrorKind::Interrupted {
        let text = format!("`{shown}` has just been changed by another program");
        return Failure::new(Code::StoreUnusable, text).hint("run the command again");
    }
    let text = format!("`{shown}` cannot be {purpose}: {error}");
    Failure::new(Code::StoreUnusable, text)
        .hint("check owner and mode of the file and its folder; nothing was changed")
}
