//! Finds the file of a program. A cloned repository may contain a program of any name, and `npx` puts
//! the clone's `node_modules/.bin` at the head of PATH: so a bare name is never looked up there.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// Why there is no file to start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookupError {
    NotInPath,
    /// A relative path; the current folder may be any project's.
    Relative,
}

/// The project whose programs are not looked up: none around the home folder, whose programs are the
/// user's own.
#[must_use]
pub fn project<'a>(root: &'a Path, home: Option<&Path>) -> Option<&'a Path> {
    Some(root).filter(|root| home.is_none_or(|home| !home.starts_with(root)))
}

/// The file of `name`: an absolute path unchanged, a bare name from PATH, but not from `project`.
///
/// # Errors
/// When the name is a relative path, or not in PATH outside the project.
pub fn look_up(name: &str, path: &str, project: Option<&Path>) -> Result<PathBuf, LookupError> {
    let file = Path::new(name);
    if file.is_absolute() {
        return Ok(file.to_path_buf());
    }
    if is_path(name) {
        return Err(LookupError::Relative);
    }
    find(name, path, project).ok_or(LookupError::NotInPath)
}

/// Whether `name` names a file, not a program of PATH.
#[must_use]
pub fn is_path(name: &str) -> bool {
    name.contains(std::path::is_separator)
}

/// The program `name` from PATH: only from absolute folders, and neither from `project` nor by a link
/// into it. Nor from what `npx` adds of the folders above the project: an unpacked archive, or the
/// repository around a submodule, is foreign too.
#[must_use]
pub fn find(name: &str, path: &str, project: Option<&Path>) -> Option<PathBuf> {
    let project = project.map(|root| root.canonicalize().unwrap_or_else(|_| root.to_path_buf()));
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let is_outside = |path: &Path| {
        let real = path.canonicalize();
        real.is_ok_and(|real| project.as_ref().is_none_or(|root| !real.starts_with(root)))
    };
    let is_of_npx = |folder: &Path| project.as_ref().is_some_and(|root| is_of_npx(folder, root));
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute() && is_outside(folder) && !is_of_npx(folder))
        .map(|folder| folder.join(&name))
        .find(|file| file.metadata().is_ok_and(|data| is_program(&data)) && is_outside(file))
}

/// Whether `folder` is the `node_modules/.bin` of a folder that `project` is in, by its name or after
/// links are resolved.
fn is_of_npx(folder: &Path, project: &Path) -> bool {
    let is_above = |folder: &Path| {
        let parent = folder.ends_with("node_modules/.bin").then(|| folder.ancestors().nth(2));
        let parent = parent.flatten().and_then(|parent| parent.canonicalize().ok());
        parent.is_some_and(|parent| project.starts_with(parent))
    };
    is_above(folder) || folder.canonicalize().is_ok_and(|folder| is_above(&folder))
}

#[cfg(unix)]
fn is_program(data: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    data.is_file() && data.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_program(data: &Metadata) -> bool {
    data.is_file()
}
