//! Where we stand: the repository's root, branch and commits, read from disk without running it.
use std::path::PathBuf;

/// The repository around a folder. (Contract; to be filled.)
pub struct Repository {
    /// The work tree's root.
    pub root: PathBuf,
    /// `.git` of this work tree.
    pub git_dir: PathBuf,
    /// The checked-out branch; `None` when detached.
    pub branch: Option<String>,
    /// The checked-out commit, full hex.
    pub commit: Option<String>,
}
