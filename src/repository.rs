//! Repository discovery: root, branch and commit, read from `.git` without running a program. The files
//! there are foreign input: every read is bounded.

use std::fs;
use std::path::{Path, PathBuf};

use crate::disk;

mod reftable;

/// Names and ids in `.git` are short; a longer file is refused.
const MAX_REF_BYTES: u64 = 4096;
/// `packed-refs` grows with the repository.
const MAX_PACKED_BYTES: u64 = 16 << 20;
/// Parent folders that are searched.
const MAX_PARENTS: usize = 64;
/// What `HEAD` holds where the references are in the reftable format, for programs that do not know it.
const REFTABLE: &str = "refs/heads/.invalid";
/// A reference may name another one.
const MAX_REF_STEPS: usize = 5;

/// The repository around a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The work tree's root.
    pub root: PathBuf,
    /// The `.git` folder of this work tree.
    pub git_dir: PathBuf,
    /// The checked-out branch; `None` when detached.
    pub branch: Option<String>,
    /// The checked-out commit in hex; `None` before the first one.
    pub commit: Option<String>,
}

impl Repository {
    /// Looks for the repository that `folder` is in, upwards, no higher than `home` (a repository of
    /// dotfiles is not the project) and on the same file system, as git does.
    #[must_use]
    pub fn find(folder: &Path, home: Option<&Path>) -> Option<Self> {
        let start = folder.canonicalize().ok()?;
        let home = home.and_then(|home| home.canonicalize().ok());
        let own_device = device(&start);
        for root in start.ancestors().take(MAX_PARENTS) {
            let is_home = Some(root) == home.as_deref() && root != start;
            if is_home || device(root) != own_device {
                return None;
            }
            if let Some(git_dir) = git_dir(root) {
                return Some(Repository::read(root.to_path_buf(), git_dir));
            }
        }
        None
    }

    fn read(root: PathBuf, git_dir: PathBuf) -> Self {
        let head = short(&git_dir.join("HEAD")).unwrap_or_default();
        let (branch, commit) = match head.strip_prefix("ref:").map(str::trim) {
            Some(REFTABLE) => reftable_head(&git_dir),
            Some(name) => (branch_of(name), resolve(&git_dir, name)),
            None => (None, commit_id(&head)),
        };
        Repository { root, git_dir, branch, commit }
    }

    /// The name of the root folder, for placeholders.
    #[must_use]
    pub fn name(&self) -> String {
        self.root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

#[cfg(unix)]
fn device(folder: &Path) -> Option<u64> {
    use std::os::unix::fs::MetadataExt;
    fs::metadata(folder).ok().map(|data| data.dev())
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}

/// `.git` as a folder, or the folder that a work tree's or submodule's `.git` file names.
fn git_dir(root: &Path) -> Option<PathBuf> {
    let path = root.join(".git");
    let data = fs::metadata(&path).ok()?;
    if data.is_dir() {
        return path.join("HEAD").exists().then_some(path);
    }
    let target = short(&path)?;
    let target = root.join(target.strip_prefix("gitdir:")?.trim());
    target.join("HEAD").exists().then_some(target)
}

fn branch_of(reference: &str) -> Option<String> {
    let name = reference.strip_prefix("refs/heads/").unwrap_or(reference);
    (is_safe(reference) && !name.is_empty()).then(|| name.to_owned())
}

/// Branch and commit where the references are in the reftable format. `HEAD` is in the folder of the
/// work tree, branches are in the common one.
fn reftable_head(git_dir: &Path) -> (Option<String>, Option<String>) {
    let branch = match reftable::find(git_dir, "HEAD") {
        Some(reftable::Value::Commit(id)) => return (None, Some(id)),
        Some(reftable::Value::Symbolic(name)) => name,
        None => return (None, None),
    };
    let commit = match reftable::find(&common(git_dir), &branch) {
        Some(reftable::Value::Commit(id)) => Some(id),
        _ => None,
    };
    (branch_of(&branch), commit)
}

/// The folder that all work trees share.
fn common(git_dir: &Path) -> PathBuf {
    short(&git_dir.join("commondir")).map_or_else(|| git_dir.to_owned(), |path| git_dir.join(path))
}

/// Those of git's rules for names that keep the path inside the folder.
fn is_safe(reference: &str) -> bool {
    reference.starts_with("refs/")
        && !reference.contains("..")
        && !reference.bytes().any(|byte| byte < b' ' || byte == 0x7f)
}

/// The commit of a reference. References of all work trees are in the common folder.
fn resolve(git_dir: &Path, reference: &str) -> Option<String> {
    let common = common(git_dir);
    let mut name = reference.to_owned();
    for _ in 0..MAX_REF_STEPS {
        if !is_safe(&name) {
            return None;
        }
        let in_common = || (common != git_dir).then(|| short(&common.join(&name))).flatten();
        let value = short(&git_dir.join(&name)).or_else(in_common);
        match value {
            Some(value) => match value.strip_prefix("ref:") {
                Some(next) => name = next.trim().to_owned(),
                None => return commit_id(&value),
            },
            None => return packed(&common, &name),
        }
    }
    None
}

fn packed(common: &Path, name: &str) -> Option<String> {
    let text = disk::read_text(&common.join("packed-refs"), MAX_PACKED_BYTES).ok()??;
    // One search for the line's end: a walk over 16 MiB of lines takes 0.2 s.
    let end = format!(" {name}\n");
    let before = match text.split_once(&end) {
        Some((before, _)) => before,
        None => text.strip_suffix(end.trim_end_matches('\n'))?,
    };
    commit_id(before.rsplit('\n').next()?)
}

/// A commit's id: 40 hex digits, or 64 with SHA-256.
fn commit_id(text: &str) -> Option<String> {
    let text = text.trim();
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| text.to_ascii_lowercase())
}

fn short(path: &Path) -> Option<String> {
    disk::read_text(path, MAX_REF_BYTES).ok()?.map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn put(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn c017_every_kind_of_checkout_is_read_without_git() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let packed = format!("# pack-refs\n{ID} refs/heads/old/one\n^{ID}\n");
        put(
            &root,
            &[
                ("loose/.git/HEAD", "ref: refs/heads/main\n"),
                ("loose/.git/refs/heads/main", ID),
                ("packed/.git/HEAD", "ref: refs/heads/old/one\n"),
                ("packed/.git/packed-refs", &packed),
                ("detached/.git/HEAD", ID),
                ("unborn/.git/HEAD", "ref: refs/heads/new\n"),
                ("tree/.git", "gitdir: ../loose/.git/worktrees/tree\n"),
                ("loose/.git/worktrees/tree/HEAD", "ref: refs/heads/main"),
                ("loose/.git/worktrees/tree/commondir", "../.."),
                ("hostile/.git/HEAD", "ref: refs/../../../etc/passwd"),
                ("empty/.git/config", ""),
            ],
        );
        let id = Some(ID.to_owned());
        let table = [
            ("loose", Some("main"), id.clone()),
            ("packed", Some("old/one"), id.clone()),
            ("detached", None, id.clone()),
            ("unborn", Some("new"), None),
            ("tree", Some("main"), id),
            ("hostile", None, None),
        ];
        for (name, branch, commit) in table {
            let below = root.join(name).join("a/b");
            fs::create_dir_all(&below).unwrap();
            let repository = Repository::find(&below, None).unwrap();
            assert_eq!(repository.root, root.join(name));
            assert_eq!(
                (repository.branch.as_deref(), repository.commit),
                (branch, commit),
                "{name}"
            );
        }
        assert!(git_dir(&root.join("empty")).is_none());
        let home = root.join("loose");
        assert_eq!(
            Repository::find(&root.join("loose/a"), Some(&home)),
            None,
            "not above the home"
        );
    }
}
