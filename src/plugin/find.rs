//! The folders in which plugins are found before they are trusted: those of `plugin_path`, then the
//! user's own; never the working folder and never the dynamic loader's path. The first library of a
//! name counts, even if it is broken.

use std::fs;
use std::path::{Path, PathBuf};

use crate::paths::Paths;

/// The folders, in their order.
#[must_use]
pub fn folders(configured: &[PathBuf], paths: Option<&Paths>) -> Vec<PathBuf> {
    let user_folder = paths.map(|paths| paths.data.join("plugins"));
    configured.iter().cloned().chain(user_folder).filter(|folder| folder.is_absolute()).collect()
}

/// The library called `name` in the first folder that has one.
#[must_use]
pub fn library(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    all(folders).into_iter().find(|(other, _)| other == name).map(|(_, path)| path)
}

/// All libraries with their names; of two with the same name the first.
#[must_use]
pub fn all(folders: &[PathBuf]) -> Vec<(String, PathBuf)> {
    let mut libraries: Vec<(String, PathBuf)> = Vec::new();
    for folder in folders {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.sort();
        for path in files.into_iter().filter(|path| is_library(path)) {
            let Some(name) = name_of(&path) else { continue };
            if !libraries.iter().any(|(other, _)| *other == name) {
                libraries.push((name, path));
            }
        }
    }
    libraries
}

fn is_library(path: &Path) -> bool {
    let kind = path.extension().and_then(|kind| kind.to_str());
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    kind == Some(std::env::consts::DLL_EXTENSION)
        && stem.strip_prefix("lib").unwrap_or(stem).starts_with("warmstart_")
}

/// The plugin name of a file: NAME of `warmstart_NAME.so` or cargo's `libwarmstart_NAME.so`, else the
/// file's stem. `None` if that is not a valid name.
#[must_use]
pub fn name_of(path: &Path) -> Option<String> {
    let stem = path.file_stem()?.to_str()?;
    let stem = stem.strip_prefix("lib").filter(|rest| !rest.is_empty()).unwrap_or(stem);
    let stem = stem.strip_prefix("warmstart_").filter(|rest| !rest.is_empty()).unwrap_or(stem);
    let name = stem.to_ascii_lowercase();
    super::pin::is_name(&name).then_some(name)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_wins_and_other_files_are_ignored() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        let first = at("one/libwarmstart_jira.so");
        at("two/warmstart_jira.so");
        let second = at("two/warmstart_todo-file.so");
        at("two/libc.so");
        at("two/warmstart_notes.txt");
        let folders = [root.path().join("none"), root.path().join("one"), root.path().join("two")];
        assert_eq!(library("jira", &folders), Some(first));
        assert_eq!(library("todo-file", &folders), Some(second));
        assert_eq!(all(&folders).len(), 2);
        assert_eq!(name_of(Path::new("/x/other.so")).as_deref(), Some("other"));
        assert_eq!(name_of(Path::new("/x/a b.so")), None);
    }
}
