//! Our own files: private from creation, complete or absent, never through a symlink.
//! Knows nothing of their content. All platform differences of files are here.

mod agreement;
mod folder;
mod foreign;
mod lines;
mod lock;
mod owners;
mod project_file;
mod replace;
mod sweep;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

pub use agreement::{read_agreement, write_agreement, write_agreement_flushed_later};
pub use folder::{is_writable, names, private_folder};
pub use foreign::{ForeignFile, MAX_FOREIGN_BYTES, missing_folders};
pub use lines::{append_line, shorten};
pub use lock::{Lock, LockWait, TryLock};
pub use owners::check_owners;
pub use project_file::{
    InsideError, folder_inside, read_bytes, read_head_inside, read_inside, read_text,
};
pub use replace::write_project_file;
pub use sweep::{OwnFile, Sweep};

/// Ignores SIGXFSZ, so that a write beyond the file size limit fails with EFBIG, as on a full disk. By
/// default the signal ends the process before it has answered.
pub fn ignore_sigxfsz() {
    #[cfg(unix)]
    {
        let received = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, received);
    }
}

/// Whether a run may change our files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadWrite,
    /// A dry run, a provisional answer, or a look at the state.
    ReadOnly,
}

impl Access {
    /// That of a run with or without `--dry-run`.
    #[must_use]
    pub fn of_dry_run(dry_run: bool) -> Self {
        if dry_run { Access::ReadOnly } else { Access::ReadWrite }
    }

    /// Whether files may be written.
    #[must_use]
    pub fn may_write(self) -> bool {
        self == Access::ReadWrite
    }
}

/// Whether a write must survive a power failure (tokens, trust, settings) or only the process (cache).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Rename only; a checksum in the file detects a torn one.
    Process,
    /// Also flushed to the device, with its folder.
    Power,
}

fn denied(path: &Path, reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, format!("`{}` {reason}", path.display()))
}

/// Opens one of our files for reading: a regular file of this user, not a link, never blocking
/// (a FIFO in its place must not hold up a session).
fn open_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    guard(&mut options);
    let file = options.open(path)?;
    check_own_file(path, &file.metadata()?)?;
    Ok(file)
}

/// The same; `None`: there is no such file.
fn open_existing(path: &Path) -> io::Result<Option<File>> {
    match open_private(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn check_own_file(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    if !metadata.is_file() {
        return Err(denied(path, "is not a regular file"));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return Err(denied(path, "belongs to another user"));
        }
    }
    Ok(())
}

/// Refuses a file with a second name, which may be in a folder of another user.
fn check_single_name(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::nlink(metadata) > 1 {
        return Err(denied(path, "has more than one name (hard links)"));
    }
    let _ = (path, metadata);
    Ok(())
}

#[cfg(unix)]
fn guard(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    options.mode(0o600).custom_flags(flags.bits().cast_signed());
}

#[cfg(not(unix))]
fn guard(_: &mut OpenOptions) {}

/// Whether `path` still leads to the file that was opened, which another process may have replaced.
fn is_file_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        match (file.metadata(), fs::symlink_metadata(path)) {
            (Ok(opened), Ok(there)) => id(opened) == id(there),
            _ => false,
        }
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

/// Whether a write failed because the disk takes no more bytes.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), FileTooLarge | QuotaExceeded | ReadOnlyFilesystem | StorageFull)
}

/// Reads one of our files, at most `limit` bytes. `None`: there is no such file.
///
/// # Errors
/// `PermissionDenied` if it is a link, not a regular file, or another user's; `FileTooLarge`; or the
/// system's.
pub fn read_private(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open_existing(path)? else { return Ok(None) };
    read_limited(file, limit).map(Some)
}

/// Reads the last lines of one of our files, at most `limit` bytes of them. `None`: there is no such
/// file.
///
/// # Errors
/// `PermissionDenied` as for `read_private`, or the system's.
pub fn read_last_lines(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(mut file) = open_existing(path)? else { return Ok(None) };
    let skipped = file.metadata()?.len().saturating_sub(limit);
    // From the byte before, so that a line which begins exactly there is kept.
    file.seek(SeekFrom::Start(skipped.saturating_sub(1)))?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if skipped > 0 {
        let cut = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
        bytes.drain(..cut);
    }
    Ok(Some(bytes))
}

fn read_limited(file: File, limit: u64) -> io::Result<Vec<u8>> {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    if size > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Replaces `path` by `bytes` in one step, mode 0600, its folder made when missing. A reader gets the
/// old bytes or the new ones, never a mixture; a link in its place is replaced, not followed.
///
/// # Errors
/// The system's; then `path` is as it was and no temporary file is left.
pub fn write_atomic(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    private_folder(folder)?;
    replace::replace(folder, path, bytes, durability)
}

/// Prefix of the files that are still being written; upkeep removes old ones.
pub const TEMPORARY_PREFIX: &str = ".writing-";

/// Appends to one of our files with a single write, mode 0600 from creation.
///
/// # Errors
/// As for `read_private`, or `PermissionDenied` if the file has a second name.
pub fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    private_folder(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    guard(&mut options);
    let mut file = options.open(path)?;
    let metadata = file.metadata()?;
    check_own_file(path, &metadata)?;
    check_single_name(path, &metadata)?;
    file.write_all(bytes)
}

/// Restricts one of our files to mode 0600: the file that was opened, never what a link leads to.
pub fn make_private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let Ok(file) = open_private(path) else { return };
        if file.metadata().is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
            let _ = file.set_permissions(fs::Permissions::from_mode(0o600));
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

/// Moves a damaged file aside (`NAME.damaged`): it can be inspected and is not read again.
pub fn set_aside(path: &Path) {
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    if let Err(error) = fs::rename(path, PathBuf::from(name)) {
        tracing::debug!(path = %path.display(), %error, "a damaged file could not be moved aside");
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).map_or(0, |metadata| metadata.permissions().mode() & 0o777)
    }

    #[test]
    fn x09_files_are_0600_and_folders_0700_from_creation() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b/entry");
        write_atomic(&path, b"one", Durability::Power).unwrap();
        append(&root.path().join("a/log"), b"line\n").unwrap();
        assert_eq!((mode(&path), mode(&root.path().join("a/log"))), (0o600, 0o600));
        assert_eq!(mode(path.parent().unwrap()), 0o700);
        assert_eq!(read_private(&path, 10).unwrap().unwrap(), b"one");
    }

    #[test]
    fn d017_links_folders_and_fifos_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("target"), "precious").unwrap();
        symlink(at("target"), at("link")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::RUSR).unwrap();
        for name in ["link", "folder", "fifo"] {
            assert!(read_private(&at(name), 100).is_err(), "{name}");
        }
        write_atomic(&at("link"), b"new", Durability::Process).unwrap();
        assert_eq!(fs::read(at("target")).unwrap(), b"precious");
        assert_eq!(read_private(&at("absent"), 1).unwrap(), None);
    }

    #[test]
    fn toctou_a_second_name_is_refused_by_appends_and_agreements_alone() {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("target"), "precious").unwrap();
        fs::hard_link(at("target"), at("log")).unwrap();
        assert!(append(&at("log"), b"line").is_err());
        assert!(read_agreement(&at("log"), 100).is_err());
        assert_eq!(read_private(&at("log"), 100).unwrap().unwrap(), b"precious");
        write_agreement(&at("log"), b"new").unwrap();
        assert_eq!(fs::read(at("target")).unwrap(), b"precious");
        assert_eq!(read_agreement(&at("log"), 100).unwrap().unwrap(), b"new");
        append(&at("log"), b"er").unwrap();
        assert_eq!(fs::read(at("log")).unwrap(), b"newer");
    }

    #[test]
    fn toctou_a_file_of_another_user_is_not_appended_to() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("log");
        fs::write(&path, "").unwrap();
        // Only root may give a file away.
        if std::os::unix::fs::chown(&path, Some(12346), None).is_ok() {
            assert!(append(&path, b"line").is_err());
        }
    }

    #[test]
    fn toctou_a_link_is_not_followed_when_a_file_is_made_private() {
        let root = tempfile::tempdir().unwrap();
        let (target, link) = (root.path().join("target"), root.path().join("link"));
        fs::write(&target, "").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o644)).unwrap();
        symlink(&target, &link).unwrap();
        make_private(&link);
        assert_eq!(mode(&target), 0o644);
        make_private(&target);
        assert_eq!(mode(&target), 0o600);
    }
}
