//! Folders of our own files: made private, and refused where another user could change what is in them.

use std::fs;
use std::io;
use std::path::Path;

use super::denied;

/// Makes `folder` and its missing parents with mode 0700, and refuses one that others can write to
/// or that belongs to another user.
///
/// # Errors
/// The system's, or `PermissionDenied` with the reason.
pub fn private_folder(folder: &Path) -> io::Result<()> {
    match fs::symlink_metadata(folder) {
        Ok(metadata) => check_folder(folder, &metadata),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            make_folder(folder)?;
            check_folder(folder, &fs::symlink_metadata(folder)?)
        }
        Err(error) => Err(error),
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(unix)]
fn check_folder(folder: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let reason = if !metadata.is_dir() {
        "is not a folder"
    } else if metadata.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if metadata.mode() & 0o022 != 0 {
        "can be written by others"
    } else {
        return Ok(());
    };
    Err(denied(folder, reason))
}

#[cfg(not(unix))]
fn check_folder(folder: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    if metadata.is_dir() { Ok(()) } else { Err(denied(folder, "is not a folder")) }
}

/// Whether files in `folder` can be replaced, or the folder be made: it is ours, and its file system is not
/// read-only.
#[must_use]
pub fn is_writable(folder: &Path) -> bool {
    match fs::symlink_metadata(folder) {
        Ok(metadata) => check_folder(folder, &metadata).is_ok() && is_changeable(folder),
        Err(_) => folder.ancestors().find(|folder| folder.exists()).is_some_and(is_changeable),
    }
}

#[cfg(unix)]
fn is_changeable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(not(unix))]
fn is_changeable(_: &Path) -> bool {
    true
}

/// The names in `folder`; none if it cannot be read. Without the standard library's reader, which panics
/// when closing the folder fails.
#[must_use]
pub fn names(folder: &Path) -> Vec<std::ffi::OsString> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
        let flags = flags | rustix::fs::OFlags::CLOEXEC;
        let opened = rustix::fs::open(folder, flags, rustix::fs::Mode::empty());
        let Ok(entries) = opened.and_then(rustix::fs::Dir::new) else { return Vec::new() };
        let names = entries.flatten().map(|entry| entry.file_name().to_bytes().to_vec());
        let real = names.filter(|name| name != b"." && name != b"..");
        real.map(|name| std::ffi::OsStr::from_bytes(&name).to_owned()).collect()
    }
    #[cfg(not(unix))]
    {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).collect()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::disk::{Durability, write_atomic};

    #[test]
    fn d007_a_folder_that_others_can_write_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::set_permissions(root.path(), PermissionsExt::from_mode(0o777)).unwrap();
        assert!(write_atomic(&root.path().join("x"), b"", Durability::Process).is_err());
    }
}
