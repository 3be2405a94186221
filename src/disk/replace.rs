//! The one step in which a file is replaced.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::{Durability, TEMPORARY_PREFIX};

/// Replaces a file of a project like `write_atomic`, flushed to the device. The folders of a project have
/// the modes that the user gave them.
///
/// # Errors
/// As for `write_atomic`.
pub fn write_project_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    replace(folder, path, bytes, Durability::Power)
}

/// Replaces `path`, which is in `folder`.
pub(super) fn replace(
    folder: &Path,
    path: &Path,
    bytes: &[u8],
    durability: Durability,
) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(TEMPORARY_PREFIX).tempfile_in(folder)?;
    file.write_all(bytes)?;
    if durability == Durability::Power {
        file.as_file().sync_all()?;
    }
    file.persist(path).map_err(|error| error.error)?;
    if durability == Durability::Power && cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
