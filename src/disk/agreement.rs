//! Files that grant rights (trust, a pin, a token): neither read nor made where another user could replace
//! them.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{
    Durability, check_owners, check_single_name, open_existing, read_limited, write_atomic,
};

/// Reads a file that grants rights: as `read_private`, and no other user may be
/// able to replace it. A missing file costs no checks.
///
/// # Errors
/// As for `read_private` and `check_owners`.
pub fn read_agreement(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open_existing(path)? else { return Ok(None) };
    let metadata = file.metadata()?;
    check_single_name(path, &metadata)?;
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::mode(&metadata) & 0o022 != 0 {
        return Err(super::owners::writable(path));
    }
    check_owners(path)?;
    read_limited(file, limit).map(Some)
}

/// Replaces a file that `read_agreement` reads; nothing is made where another user could replace it.
///
/// # Errors
/// As for `write_atomic` and `check_owners`.
pub fn write_agreement(path: &Path, bytes: &[u8]) -> io::Result<()> {
    check_owners(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    write_atomic(path, bytes, Durability::Power)
}

/// The same without waiting for the device: for a file that may be lost, and whose damage is found when
/// it is read.
///
/// # Errors
/// As for `write_agreement`.
pub fn write_agreement_flushed_later(path: &Path, bytes: &[u8]) -> io::Result<()> {
    check_owners(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    write_atomic(path, bytes, Durability::Process)?;
    flush_later(path.to_path_buf());
    Ok(())
}

/// A flush takes seconds while much is written to the same disk. The end of the process ends the
/// thread.
fn flush_later(path: PathBuf) {
    let flush = move || {
        let _ = File::open(&path).and_then(|file| file.sync_all());
        if let Some(folder) = path.parent().filter(|_| cfg!(unix)) {
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
        }
    };
    let _ = std::thread::Builder::new().stack_size(64 << 10).spawn(flush);
}
