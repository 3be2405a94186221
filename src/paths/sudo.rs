//! Under sudo HOME is often still that of the user who called it. Files that root left there could not be
//! written by the user's own sessions, and root would obey the user's settings.

use std::path::{Path, PathBuf};

use crate::environment::Environment;

/// Whether root runs for another user by sudo and one of `folders` is below a folder of that user.
#[cfg(unix)]
pub fn is_in_home_of_invoker(environment: &Environment, folders: &[&PathBuf]) -> bool {
    let invoker = environment.get("SUDO_UID").and_then(|text| text.parse().ok());
    let Some(invoker) = invoker.filter(|uid: &u32| *uid != 0) else { return false };
    rustix::process::geteuid().is_root()
        && folders.iter().any(|folder| owner(folder) == Some(invoker))
}

/// The owner of the folder, or of the one that it would be made in.
#[cfg(unix)]
fn owner(folder: &Path) -> Option<u32> {
    use std::os::unix::fs::MetadataExt;
    let existing = folder.ancestors().find_map(|folder| std::fs::metadata(folder).ok());
    existing.map(|metadata| metadata.uid())
}

#[cfg(not(unix))]
pub fn is_in_home_of_invoker(_: &Environment, _: &[&PathBuf]) -> bool {
    false
}
