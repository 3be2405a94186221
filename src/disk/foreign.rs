//! Files of other programs that we edit on the user's behalf: links are followed, mode and owner kept, and
//! a file that has changed since it was read is not replaced.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::{check_own_file, check_single_name, denied, names};

/// A settings file has a few KiB.
pub const MAX_FOREIGN_BYTES: u64 = 8 << 20;

/// A file of another program, as it was read.
#[derive(Debug)]
pub struct ForeignFile {
    /// Where a link leads to.
    pub path: PathBuf,
    /// `None`: there is no such file.
    pub bytes: Option<Vec<u8>>,
    mode: Option<u32>,
}

impl ForeignFile {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// `PermissionDenied` with the reason when it cannot be replaced as it is: a link to nothing, a
    /// read-only file, one of another user, one with a second name; `FileTooLarge`; the system's.
    pub fn read(path: &Path) -> io::Result<Self> {
        let absent = |path: &Path| ForeignFile { path: path.to_owned(), bytes: None, mode: None };
        let is_link = match fs::symlink_metadata(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(absent(path)),
            other => other?.is_symlink(),
        };
        let target = path.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if is_link => denied(path, "is a link to a missing file"),
            _ => error,
        })?;
        let metadata = fs::metadata(&target)?;
        check_own_file(&target, &metadata)?;
        check_single_name(&target, &metadata)?;
        let bytes = read(&target)?;
        Ok(ForeignFile { bytes, mode: mode(&metadata), path: target })
    }

    /// Fails when the file is marked as read-only.
    ///
    /// # Errors
    /// `PermissionDenied`.
    pub fn check_writable(&self) -> io::Result<()> {
        match self.mode {
            Some(mode) if mode & 0o200 == 0 => Err(denied(&self.path, "is read-only")),
            _ => Ok(()),
        }
    }

    /// Replaces the file in one step, flushed to the device; a new one gets `mode`, less the umask.
    ///
    /// # Errors
    /// `Interrupted` when the file has changed since it was read; as for `check_writable`; the system's.
    /// The file is then as it was.
    pub fn replace(&self, bytes: &[u8], mode: u32) -> io::Result<()> {
        self.check_writable()?;
        let folder = self.path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        let mut builder = tempfile::Builder::new();
        let prefix = self.temporary_prefix();
        builder.prefix(&prefix);
        set_mode(&mut builder, mode);
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        keep_mode(file.as_file(), self.mode)?;
        file.as_file().sync_all()?;
        self.check_unchanged()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        flush(folder)
    }

    /// Removes what killed writers have left beside the file. The caller holds a lock that every writer
    /// takes.
    pub fn sweep(&self) {
        let Some(folder) = self.path.parent() else { return };
        let prefix = self.temporary_prefix();
        let is_left = |name: &std::ffi::OsString| name.to_string_lossy().starts_with(&prefix);
        for name in names(folder).into_iter().filter(is_left) {
            let _ = fs::remove_file(folder.join(name));
        }
    }

    /// Names the file, so that no other writer of the folder has it.
    fn temporary_prefix(&self) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        format!(".{name}.warmstart-")
    }

    /// Removes the file.
    ///
    /// # Errors
    /// As for `replace`.
    pub fn remove(&self) -> io::Result<()> {
        self.check_writable()?;
        self.check_unchanged()?;
        fs::remove_file(&self.path)?;
        flush(self.path.parent().ok_or(io::ErrorKind::InvalidInput)?)
    }

    fn check_unchanged(&self) -> io::Result<()> {
        let is_same = read(&self.path)? == self.bytes;
        is_same.then_some(()).ok_or_else(|| io::ErrorKind::Interrupted.into())
    }
}

/// The folders that are missing up to `folder`, outermost first.
#[must_use]
pub fn missing_folders(folder: &Path) -> Vec<PathBuf> {
    let missing = folder.ancestors().take_while(|folder| !folder.exists());
    let mut folders: Vec<PathBuf> = missing.map(Path::to_path_buf).collect();
    folders.reverse();
    folders
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_FOREIGN_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FOREIGN_BYTES {
        let text = format!("`{}` is larger than {} MiB", path.display(), MAX_FOREIGN_BYTES >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(Some(bytes))
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> Option<u32> {
    Some(std::os::unix::fs::MetadataExt::mode(metadata) & 0o7777)
}

#[cfg(not(unix))]
fn mode(metadata: &Metadata) -> Option<u32> {
    metadata.permissions().readonly().then_some(0o400)
}

#[cfg(unix)]
fn set_mode(builder: &mut tempfile::Builder<'_, '_>, mode: u32) {
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
}

#[cfg(not(unix))]
fn set_mode(_: &mut tempfile::Builder<'_, '_>, _: u32) {}

/// The mode of the file that is replaced, whatever the umask.
#[cfg(unix)]
fn keep_mode(file: &File, mode: Option<u32>) -> io::Result<()> {
    let Some(mode) = mode else { return Ok(()) };
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
fn keep_mode(_: &File, _: Option<u32>) -> io::Result<()> {
    Ok(())
}

fn flush(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}
