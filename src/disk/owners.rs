//! Whether another user could replace a file: each folder on its path is checked, and each link. Asked
//! where agreements and the user's own settings are read; a foreign cache can only be wrong, a foreign
//! agreement runs programs.

use std::fs::{self, Metadata};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::denied;
use crate::text::for_shell;

/// As many links as Linux follows.
const MAX_LINKS: usize = 40;

/// Refuses `path` when a user other than this one and root owns or can change a component of it, or of
/// what a link in it leads to. The check ends at a component that does not exist.
///
/// # Errors
/// `PermissionDenied` with the component and the command that corrects it, or the system's.
pub fn check_owners(path: &Path) -> io::Result<()> {
    check_path(path, &mut 0)
}

fn check_path(path: &Path, links: &mut usize) -> io::Result<()> {
    let mut part = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Prefix(_) => {
                part.push(component);
                continue;
            }
            Component::CurDir => continue,
            // Of what a link leads to, which was checked with all that is above it.
            Component::ParentDir => {
                part = part.canonicalize()?;
                part.pop();
                continue;
            }
            Component::RootDir | Component::Normal(_) => part.push(component),
        }
        let metadata = match fs::symlink_metadata(&part) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        check_owner(&part, &metadata)?;
        if metadata.is_symlink() {
            *links += 1;
            if *links > MAX_LINKS {
                return Err(denied(&part, "is one of too many links"));
            }
            let folder = part.parent().unwrap_or(Path::new("/"));
            check_path(&folder.join(fs::read_link(&part)?), links)?;
        } else {
            check_mode(&part, &metadata)?;
        }
    }
    Ok(())
}

#[cfg(unix)]
fn check_owner(path: &Path, metadata: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let (owner, user) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner == user || owner == 0 {
        return Ok(());
    }
    // `-h` changes a link itself.
    let command = format!("chown -h {user} {}", for_shell(&path.display().to_string()));
    Err(denied(path, &format!("belongs to user {owner}: run `{command}`, or use another folder")))
}

#[cfg(unix)]
fn check_mode(path: &Path, metadata: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    match can_others_write(metadata.mode(), metadata.uid(), metadata.gid()) {
        true => Err(writable(path)),
        false => Ok(()),
    }
}

/// Group write access counts as that of others, unless the group has the number of the owner: then it
/// is the user's private one, and its systems make files with mode 0664. In a sticky folder no user can
/// replace the files of another.
#[cfg(unix)]
fn can_others_write(mode: u32, owner: u32, group: u32) -> bool {
    const STICKY_FOLDER: u32 = 0o041_000;
    let is_private_group = group == owner && owner != 0;
    let of_others = if is_private_group { 0o002 } else { 0o022 };
    mode & of_others != 0 && mode & STICKY_FOLDER != STICKY_FOLDER
}

/// The error of a file or folder that other users can write.
pub(super) fn writable(path: &Path) -> io::Error {
    let command = format!("chmod go-w {}", for_shell(&path.display().to_string()));
    denied(path, &format!("can be changed by others: run `{command}`"))
}

#[cfg(not(unix))]
fn check_owner(_: &Path, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(not(unix))]
fn check_mode(_: &Path, _: &Metadata) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn mf_each_folder_and_link_target_on_a_path_is_checked() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a b/c");
        fs::create_dir_all(&folder).unwrap();
        fs::create_dir(root.path().join("target")).unwrap();
        symlink("../../target", folder.join("link")).unwrap();
        let set_mode = |path: &Path, mode: u32| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        };
        let path = folder.join("link/absent/file");
        assert!(check_owners(&path).is_ok());
        for (part, named) in [("a b", "'"), ("a b/c", "'"), ("target", "target`")] {
            let part = root.path().join(part);
            set_mode(&part, 0o702);
            let error = check_owners(&path).unwrap_err().to_string();
            assert!(error.contains("run `chmod go-w ") && error.contains(named), "{error}");
            assert!(error.starts_with(&format!("`{}` ", part.display())), "{error}");
            set_mode(&part, 0o1777);
            assert!(check_owners(&path).is_ok(), "sticky");
            set_mode(&part, 0o755);
        }
    }

    #[test]
    fn l_a_private_group_and_a_sticky_folder_are_not_others() {
        let table = [
            (0o100_600, 1000, 1000, false),
            (0o100_664, 1000, 1000, false),
            (0o100_664, 1000, 100, true),
            (0o100_666, 1000, 1000, true),
            (0o040_775, 1000, 1000, false),
            (0o040_775, 0, 0, true),
            (0o040_777, 0, 0, true),
            (0o041_777, 0, 0, false),
            (0o041_775, 1000, 100, false),
            (0o101_666, 1000, 1000, true),
        ];
        for (mode, owner, group, expected) in table {
            assert_eq!(can_others_write(mode, owner, group), expected, "{mode:o} {owner}:{group}");
        }
    }

    #[test]
    fn mf_links_in_a_circle_are_refused() {
        let root = tempfile::tempdir().unwrap();
        symlink("two", root.path().join("one")).unwrap();
        symlink("one", root.path().join("two")).unwrap();
        assert!(check_owners(&root.path().join("one/file")).is_err());
    }
}
