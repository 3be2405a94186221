//! The file that `init` writes: the user's `hooks.toml` or the project's. It is read once, and not
//! written when it has changed since.

use std::path::{Path, PathBuf};

use super::diff::unified;
use super::proposal::Proposal;
use super::toml_file::{self, Edited};
use crate::cli::workspace::Workspace;
use crate::config::file::{self, File};
use crate::config::is_credential;
use crate::config::trust::PROJECT_FILE;
use crate::disk::{self, Durability};
use crate::error::{Code, Failure};
use crate::paths::Paths;
use crate::text::for_terminal;

/// The file as it was read.
pub struct Target {
    path: PathBuf,
    /// For messages.
    pub shown: String,
    /// `None`: there is no such file.
    text: Option<String>,
    is_project: bool,
}

impl Target {
    /// Reads the file; one that cannot be edited is refused.
    ///
    /// # Errors
    /// `WS101` with line and column when it is not TOML; when there is no home folder; when the
    /// project's file is a link.
    pub fn read(workspace: &Workspace, is_project: bool) -> Result<Self, Failure> {
        let path = match is_project {
            true => project_file(&workspace.root)?,
            false => user_file(workspace)?,
        };
        let file = read(&path, is_project)?;
        if let Some(file) = &file {
            file::parse(file)
                .map_err(|failure| failure.hint("fix it first; the file was left as it was"))?;
        }
        let home = workspace.paths.as_ref().and_then(|paths| paths.home.as_deref());
        let shown = shown(&path, home);
        Ok(Target { path, shown, text: file.map(|file| file.text), is_project })
    }

    fn old(&self) -> &str {
        self.text.as_deref().unwrap_or_default()
    }

    /// The file with the proposal in it.
    ///
    /// # Errors
    /// Why the file has no place for it.
    pub fn edited(&self, proposal: &Proposal) -> Result<Edited, Failure> {
        toml_file::edit(self.old(), proposal).map_err(|reason| {
            let text = format!("`{}` cannot be edited: {reason}", self.shown);
            Failure::new(Code::ConfigUnreadable, text)
                .hint("fix it first; the file was left as it was")
        })
    }

    /// Whether `edited` differs from the file.
    pub fn is_changed_by(&self, edited: &Edited) -> bool {
        self.old() != edited.text
    }

    /// The change for the user: the whole of a new file, else a unified diff.
    pub fn describe(&self, edited: &Edited) -> String {
        let text = match &self.text {
            None => {
                let lines = edited.text.lines().map(|line| format!("  {line}"));
                let lines = lines.map(|line| line.trim_end().to_owned() + "\n");
                format!("The new file {}:\n\n{}", self.shown, lines.collect::<String>())
            }
            Some(old) => format!("--- {0}\n+++ {0}\n{1}", self.shown, unified(old, &edited.text)),
        };
        let lines = text.lines().map(|line| without_secret(line) + "\n");
        for_terminal(&lines.collect::<String>())
    }

    /// Writes the file, mode 0600.
    ///
    /// # Errors
    /// When it has changed since it was read, or the disk's; the file is then as it was.
    pub fn write(&self, edited: &Edited) -> Result<(), Failure> {
        let now = read(&self.path, self.is_project)?.map(|file| file.text);
        if now != self.text {
            let text = format!("`{}` has just been changed by another program", self.shown);
            return Err(Failure::new(Code::StoreUnusable, text).hint("run `warmstart init` again"));
        }
        let bytes = edited.text.as_bytes();
        let written = match self.is_project {
            true => disk::write_project_file(&self.path, bytes),
            false => disk::write_atomic(&self.path, bytes, Durability::Power),
        };
        written.map_err(|error| {
            let text = format!("cannot write `{}`: {error}", self.shown);
            Failure::new(Code::StoreUnusable, text)
                .hint("check owner and mode of its folder; nothing was changed")
        })
    }
}

fn read(path: &Path, is_project: bool) -> Result<Option<File>, Failure> {
    if is_project { file::read_by_project_path(path) } else { file::read(path) }
}

/// The user's file, or the one that `--config` or WARMSTART_CONFIG names. A link is followed, since the
/// user made it.
fn user_file(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let project = workspace.root.join(PROJECT_FILE);
    let first = workspace.loaded.files.first().map(|(path, _)| path.clone());
    let path = match first.filter(|path| *path != project) {
        Some(path) => std::path::absolute(&path).unwrap_or(path),
        None => Paths::required(workspace.paths.as_ref())?.config_file.clone(),
    };
    Ok(path.canonicalize().unwrap_or(path))
}

/// The project's file. A clone may have a link in its place, which is not written through.
fn project_file(root: &Path) -> Result<PathBuf, Failure> {
    let path = root.join(PROJECT_FILE);
    let parts = path.ancestors().take_while(|part| *part != root);
    let is_link = parts.into_iter().any(Path::is_symlink);
    if !is_link {
        return Ok(path);
    }
    let text = format!("`{}` is a link, or is in a linked folder", path.display());
    Err(Failure::new(Code::StoreUnusable, text).hint("replace the link by a file of the project"))
}

/// The path, for messages.
pub fn shown(path: &Path, home: Option<&Path>) -> String {
    let below = home.and_then(|home| path.strip_prefix(home).ok());
    below.map_or_else(|| path.display().to_string(), |rest| format!("~/{}", rest.display()))
}

/// The line with `****` instead of a literal secret.
fn without_secret(line: &str) -> String {
    let Some((key, value)) = line.split_once('=') else { return line.to_owned() };
    let is_literal = value.trim_start().starts_with(['"', '\'']);
    match is_literal && is_credential(key) {
        true => format!("{key}= \"****\""),
        false => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_secret_is_not_shown() {
        let table = [
            (" token = \"abc\"", " token = \"****\""),
            ("-client_secret='abc' # x", "-client_secret= \"****\""),
            ("+token = { env = \"T\" }", "+token = { env = \"T\" }"),
            (" url = \"http://a\"", " url = \"http://a\""),
        ];
        for (line, expected) in table {
            assert_eq!(without_secret(line), expected);
        }
    }

    #[test]
    fn a_projects_file_is_not_written_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        std::fs::create_dir_all(root.join(".claude")).unwrap();
        assert!(project_file(&root).is_ok());
        std::fs::write(folder.path().join("other.toml"), "").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::symlink;
            symlink("../../other.toml", root.join(PROJECT_FILE)).unwrap();
            assert!(project_file(&root).is_err());
            std::fs::remove_dir_all(root.join(".claude")).unwrap();
            symlink("..", root.join(".claude")).unwrap();
            assert!(project_file(&root).is_err());
        }
    }
}
