//! Reads files that others may have written: those of a project, of its `.git`, and those that the
//! user names. A cloned project may hold a link, a FIFO or a device in place of a file, and a program
//! may exchange one for another while we read: so each check is made on the open file.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::{denied, read_limited};

/// Why a file of a project was not read.
#[derive(Debug)]
pub enum InsideError {
    /// It is outside the project after links are resolved: there.
    Outside(PathBuf),
    Unreadable(io::Error),
}

impl From<io::Error> for InsideError {
    fn from(error: io::Error) -> Self {
        InsideError::Unreadable(error)
    }
}

/// Reads a file of the user or of a `.git` folder (links allowed), at most `limit` bytes; never blocks
/// on a FIFO or device. `None`: there is no such file.
///
/// # Errors
/// `PermissionDenied` if it is not a regular file of an ordinary file system, `FileTooLarge`, or the
/// system's.
pub fn read_text(path: &Path, limit: u64) -> io::Result<Option<String>> {
    if !exists(path)? {
        return Ok(None);
    }
    text(open(path)?, path, limit).map(Some)
}

/// The same, whatever its bytes.
///
/// # Errors
/// As for `read_text`.
pub fn read_bytes(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    if !exists(path)? {
        return Ok(None);
    }
    bytes(open(path)?, path, limit).map(Some)
}

/// Reads `file` of a project as text, at most `limit` bytes. A relative one must be inside `root`
/// after links are resolved: a cloned project may contain links. `None`: there is no such file.
///
/// # Errors
/// `Outside`, or as for `read_text`.
pub fn read_inside(root: &Path, file: &Path, limit: u64) -> Result<Option<String>, InsideError> {
    if file.is_absolute() {
        return Ok(read_text(file, limit)?);
    }
    let Some(opened) = open_inside(root, file)? else { return Ok(None) };
    Ok(Some(text(opened, &root.join(file), limit)?))
}

/// As `read_inside`, but of a longer file its first `limit` bytes.
///
/// # Errors
/// `Outside`, or as for `read_text`.
pub fn read_head_inside(
    root: &Path,
    file: &Path,
    limit: u64,
) -> Result<Option<String>, InsideError> {
    let path = root.join(file);
    let opened = match file.is_absolute() {
        true if exists(file)? => Some(open(file)?),
        true => None,
        false => open_inside(root, file)?,
    };
    let Some(opened) = opened else { return Ok(None) };
    check(&opened, &path)?;
    let mut bytes = Vec::new();
    opened.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The path of a folder without links, if it may be listed as a file may be read. `None`: there is no
/// such folder.
///
/// # Errors
/// `Outside`, or the system's.
pub fn folder_inside(root: &Path, folder: &Path) -> Result<Option<PathBuf>, InsideError> {
    let result = match folder.is_absolute() {
        true => folder.canonicalize().map_err(InsideError::from),
        false => inside(root, folder).map(|(root, inside)| root.join(inside)),
    };
    match result {
        Err(InsideError::Unreadable(error)) if is_missing(&error) => Ok(None),
        result => result.map(Some),
    }
}

fn open_inside(root: &Path, file: &Path) -> Result<Option<File>, InsideError> {
    match exists(&root.join(file))? {
        true => open_beneath(root, file).map(Some),
        false => Ok(None),
    }
}

/// Whether there is something that may be opened: opening a device can change its state.
fn exists(path: &Path) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(true),
        Ok(_) => Err(denied(path, "is not a regular file")),
        Err(error) if is_missing(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn text(file: File, path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(bytes(file, path, limit)?).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn bytes(file: File, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    check(&file, path)?;
    read_limited(file, limit)
}

/// Whether an open file may be read.
fn check(file: &File, path: &Path) -> io::Result<()> {
    if !file.metadata()?.is_file() {
        return Err(denied(path, "is not a regular file"));
    }
    if is_on_pseudo_file_system(file) {
        return Err(denied(path, "is on a pseudo file system of the kernel"));
    }
    Ok(())
}

/// Never waits for the other end of a FIFO, and takes no terminal as the controlling one.
fn open(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    options.open(path)
}

/// Opens `file` below `root`; the kernel resolves the path and refuses one that leaves the folder.
#[cfg(target_os = "linux")]
fn open_beneath(root: &Path, file: &Path) -> Result<File, InsideError> {
    use rustix::io::Errno;
    match resolve_beneath(root, file) {
        Ok(file) => Ok(file),
        // Also for an absolute link to a file inside.
        Err(Errno::XDEV) => {
            let (root, inside) = inside(root, file)?;
            Ok(resolve_beneath(&root, &inside).map_err(io::Error::from)?)
        }
        // An old kernel, or a filter that does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => open_and_check(root, file),
        Err(error) => Err(io::Error::from(error).into()),
    }
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(root: &Path, file: &Path) -> Result<File, InsideError> {
    open_and_check(root, file)
}

#[cfg(target_os = "linux")]
fn resolve_beneath(root: &Path, file: &Path) -> rustix::io::Result<File> {
    use rustix::fs::{Mode, OFlags, ResolveFlags, open, openat2};
    /// Attempts while a parent folder is being renamed.
    const ATTEMPTS: usize = 8;
    let folder = open(root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let attempt = || openat2(&folder, file, flags, Mode::empty(), resolve).map(File::from);
    let mut attempts = std::iter::repeat_with(attempt).take(ATTEMPTS);
    let ended = attempts.find(|opened| !matches!(opened, Err(rustix::io::Errno::AGAIN)));
    ended.unwrap_or(Err(rustix::io::Errno::AGAIN))
}

/// `root` and the path of `file` from there, both without links.
fn inside(root: &Path, file: &Path) -> Result<(PathBuf, PathBuf), InsideError> {
    let real = root.join(file).canonicalize()?;
    let root = root.canonicalize()?;
    match real.strip_prefix(&root) {
        Ok(inside) => Ok((root, inside.to_path_buf())),
        Err(_) => Err(InsideError::Outside(real)),
    }
}

/// Where the kernel cannot resolve a path beneath a folder: opens it and checks afterwards that the
/// open file is the one inside.
fn open_and_check(root: &Path, file: &Path) -> Result<File, InsideError> {
    let (real_root, real_file) = inside(root, file)?;
    let path = real_root.join(real_file);
    let opened = open(&path)?;
    let (root, file) = inside(&real_root, &path)?;
    if is_same(&opened.metadata()?, &fs::symlink_metadata(root.join(file))?) {
        Ok(opened)
    } else {
        Err(denied(&path, "was replaced while it was opened").into())
    }
}

#[cfg(unix)]
fn is_same(opened: &fs::Metadata, named: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (opened.dev(), opened.ino()) == (named.dev(), named.ino())
}

#[cfg(not(unix))]
fn is_same(_: &fs::Metadata, named: &fs::Metadata) -> bool {
    named.is_file()
}

/// Whether the kernel makes the content up: reading `/proc/kmsg` never ends and takes the lines away.
#[cfg(target_os = "linux")]
fn is_on_pseudo_file_system(file: &File) -> bool {
    /// `f_type` in statfs(2): proc, sysfs, debugfs, tracefs, securityfs, configfs, cgroup, cgroup2,
    /// selinux, smack, bpf, efivarfs, pstore, binfmt_misc.
    const PSEUDO: [u32; 14] = [
        0x9fa0,
        0x6265_6572,
        0x6462_6720,
        0x7472_6163,
        0x7363_6673,
        0x6265_6570,
        0x0027_e0eb,
        0x6367_7270,
        0xf97c_ff8c,
        0x4341_5d53,
        0xcafe_4a11,
        0xde5e_81e4,
        0x6165_676c,
        0x4249_4e4d,
    ];
    // Its type differs between processors; all magic numbers have 32 bits.
    rustix::fs::fstatfs(file).is_ok_and(|data| PSEUDO.contains(&(data.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn is_on_pseudo_file_system(_: &File) -> bool {
    false
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with a project in it, and a file beside the project.
    fn project() -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("project");
        fs::create_dir_all(root.join("folder")).unwrap();
        fs::write(root.join("inside"), "text").unwrap();
        fs::write(outer.path().join("outside"), "secret").unwrap();
        (outer, root)
    }

    #[test]
    fn a_relative_file_is_read_only_inside_its_folder() {
        let (outer, root) = project();
        symlink("../outside", root.join("link")).unwrap();
        symlink(outer.path(), root.join("out")).unwrap();
        let read = |file: &Path| read_inside(&root, file, 100);
        assert_eq!(read(Path::new("inside")).unwrap().as_deref(), Some("text"));
        assert_eq!(read(Path::new("folder/../inside")).unwrap().as_deref(), Some("text"));
        assert_eq!(read(Path::new("absent")).unwrap(), None);
        assert_eq!(read(Path::new("inside/absent")).unwrap(), None);
        assert_eq!(read(&outer.path().join("outside")).unwrap().as_deref(), Some("secret"));
        let target = outer.path().canonicalize().unwrap().join("outside");
        for file in ["link", "../outside", "out/outside"] {
            let error = read(Path::new(file)).unwrap_err();
            assert!(matches!(error, InsideError::Outside(to) if to == target), "{file}");
        }
    }

    #[test]
    fn the_head_of_a_file_and_a_folder_are_inside_too() {
        let (outer, root) = project();
        symlink("../outside", root.join("link")).unwrap();
        symlink("..", root.join("out")).unwrap();
        let head = |file: &str| read_head_inside(&root, Path::new(file), 3);
        assert_eq!(head("inside").unwrap().as_deref(), Some("tex"));
        assert_eq!(head("absent").unwrap(), None);
        assert!(matches!(head("link"), Err(InsideError::Outside(_))));
        assert!(matches!(head("folder"), Err(InsideError::Unreadable(_))));
        let absolute = outer.path().join("outside");
        assert_eq!(head(absolute.to_str().unwrap()).unwrap().as_deref(), Some("sec"));
        let folder = |folder: &str| folder_inside(&root, Path::new(folder));
        let real = root.canonicalize().unwrap();
        assert_eq!(folder("folder").unwrap(), Some(real.join("folder")));
        assert_eq!(folder("").unwrap(), Some(real.clone()));
        assert_eq!(folder("absent").unwrap(), None);
        assert_eq!(folder(root.to_str().unwrap()).unwrap(), Some(real));
        for outside in ["..", "out"] {
            assert!(matches!(folder(outside), Err(InsideError::Outside(_))), "{outside}");
        }
    }

    #[test]
    fn a_link_to_a_file_inside_is_read_whatever_its_form() {
        let (_outer, root) = project();
        symlink("../inside", root.join("folder/relative")).unwrap();
        symlink(root.join("inside"), root.join("folder/absolute")).unwrap();
        for file in ["folder/relative", "folder/absolute"] {
            let text = read_inside(&root, Path::new(file), 100).unwrap();
            assert_eq!(text.as_deref(), Some("text"), "{file}");
        }
    }

    #[test]
    fn without_the_kernels_help_the_same_files_are_opened() {
        let (_outer, root) = project();
        symlink("../outside", root.join("link")).unwrap();
        symlink(root.join("inside"), root.join("absolute")).unwrap();
        for file in ["inside", "absolute"] {
            assert!(open_and_check(&root, Path::new(file)).is_ok(), "{file}");
        }
        let error = open_and_check(&root, Path::new("link")).unwrap_err();
        assert!(matches!(error, InsideError::Outside(_)), "{error:?}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_the_kernel_makes_up_is_not_read() {
        let (_outer, root) = project();
        symlink("/proc/self/environ", root.join("folder/environ")).unwrap();
        let path = root.join("folder/environ");
        for error in [
            read_text(&path, 1 << 20).unwrap_err(),
            read_text(Path::new("/proc/version"), 1 << 20).unwrap_err(),
            read_text(Path::new("/dev/zero"), 1 << 20).unwrap_err(),
        ] {
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
        }
    }
}
