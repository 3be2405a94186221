//! Files of lines that many processes append to and one shortens at times. No line is lost between the
//! two: an append holds a shared lock on the file itself, shortening an exclusive one.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::{
    Durability, check_own_file, check_single_name, guard, is_file_at, private_folder,
    read_last_lines, write_atomic,
};

/// Attempts to get the lock, a millisecond apart: shortening takes a few.
const LOCK_ATTEMPTS: usize = 20;
/// The file is replaced between opening and locking it at most this often.
const MAX_OPENS: usize = 3;

/// Appends `line`, which ends with a newline, to one of our files in a single write, mode 0600 from
/// creation. A line that was cut before it (a full disk) is ended first.
///
/// # Errors
/// As for reading; links are not followed.
pub fn append_line(path: &Path, line: &[u8]) -> io::Result<()> {
    private_folder(path.parent().ok_or(io::ErrorKind::InvalidInput)?)?;
    let mut file = open_shared(path)?;
    if ends_with_newline(&file)? {
        return file.write_all(line);
    }
    file.write_all(&[b"\n", line].concat())
}

/// Replaces one of our files by what `change` makes of its last lines, at most `limit` bytes of them;
/// `None` leaves it as it is.
///
/// # Errors
/// The system's, or `WouldBlock` while others append; then the file is as it was.
pub fn shorten(
    path: &Path,
    limit: u64,
    change: impl FnOnce(&[u8]) -> Option<Vec<u8>>,
) -> io::Result<()> {
    let file = match options().open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    if !is_locked(|| file.try_lock()) {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let bytes = read_last_lines(path, limit)?.unwrap_or_default();
    match change(&bytes) {
        Some(bytes) => write_atomic(path, &bytes, Durability::Process),
        None => Ok(()),
    }
}

/// Opens the file that is at `path` while it is locked. Without a lock in time, or on a file system
/// without locks, the line is written all the same: it may be lost if the file is shortened just then.
fn open_shared(path: &Path) -> io::Result<File> {
    let mut opened = 0;
    loop {
        let file = options().create(true).open(path)?;
        let metadata = file.metadata()?;
        check_own_file(path, &metadata)?;
        check_single_name(path, &metadata)?;
        opened += 1;
        if !is_locked(|| file.try_lock_shared()) || is_file_at(&file, path) || opened == MAX_OPENS {
            return Ok(file);
        }
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    guard(&mut options);
    options
}

fn is_locked(attempt: impl Fn() -> Result<(), TryLockError>) -> bool {
    for _ in 0..LOCK_ATTEMPTS {
        match attempt() {
            Ok(()) => return true,
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(1)),
            Err(TryLockError::Error(_)) => return false,
        }
    }
    false
}

#[cfg(unix)]
fn ends_with_newline(file: &File) -> io::Result<bool> {
    use std::os::unix::fs::FileExt;
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(true) };
    let mut byte = [0];
    // One that is shortened at the same time, where there are no locks, has no byte there.
    Ok(file.read_at(&mut byte, last)? == 0 || byte == [b'\n'])
}

#[cfg(not(unix))]
fn ends_with_newline(mut file: &File) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut byte = [0];
    file.read_exact(&mut byte)?;
    Ok(byte == [b'\n'])
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn toctou_a_line_is_appended_to_our_own_file_alone() {
        let root = tempfile::tempdir().unwrap();
        let (target, path) = (root.path().join("target"), root.path().join("lines"));
        fs::write(&target, "precious\n").unwrap();
        fs::hard_link(&target, &path).unwrap();
        assert!(append_line(&path, b"one\n").is_err(), "a second name");
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        assert!(append_line(&path, b"one\n").is_err(), "a link");
        assert_eq!(fs::read(&target).unwrap(), b"precious\n");
    }

    #[test]
    fn b12_a_cut_line_does_not_take_the_next_with_it() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lines");
        append_line(&path, b"one\n").unwrap();
        super::super::append(&path, b"tw").unwrap();
        append_line(&path, b"three\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\ntw\nthree\n");
    }

    #[test]
    fn b12_a_line_that_comes_while_the_file_is_shortened_is_kept() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lines");
        append_line(&path, b"one\n").unwrap();
        let appended = std::thread::scope(|scope| {
            let mut appended = None;
            shorten(&path, 1 << 20, |bytes| {
                let path = &path;
                appended = Some(scope.spawn(move || append_line(path, b"two\n")));
                // Long enough for the other thread to reach the lock, shorter than it waits.
                std::thread::sleep(Duration::from_millis(5));
                Some(bytes.to_ascii_uppercase())
            })
            .unwrap();
            appended.unwrap().join().unwrap()
        });
        appended.unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"ONE\ntwo\n");
    }

    #[test]
    fn b12_a_file_that_is_appended_to_is_not_shortened() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lines");
        append_line(&path, b"one\n").unwrap();
        let held = open_shared(&path).unwrap();
        assert!(shorten(&path, 1 << 20, |_| Some(Vec::new())).is_err());
        drop(held);
        assert_eq!(fs::read(&path).unwrap(), b"one\n");
        shorten(&root.path().join("absent"), 1 << 20, |_| Some(Vec::new())).unwrap();
    }
}
