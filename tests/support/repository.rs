//! A git repository written by hand: a branch with one commit that git itself can read.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::child;

/// Makes `folder` a repository on `branch` with one commit. Without git on this machine the
/// branch can still be read, which is all that most tests need.
pub fn plant(folder: &Path, branch: &str) {
    fs::create_dir_all(folder.join(".git/refs/heads")).expect("a folder of the test");
    fs::create_dir_all(folder.join(".git/objects")).expect("a folder of the test");
    fs::write(folder.join(".git/HEAD"), format!("ref: refs/heads/{branch}\n")).expect("a file");
    let config = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n";
    fs::write(folder.join(".git/config"), config).expect("a file");
    commit(folder, "First commit");
}

/// Adds an empty commit with this subject.
pub fn commit(folder: &Path, subject: &str) {
    let identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"];
    let mut git = Command::new("git");
    git.current_dir(folder).env_clear().env("PATH", super::session::PATH).env("HOME", folder);
    git.env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z");
    git.env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z");
    git.args(identity).args(["commit", "--quiet", "--allow-empty", "-m", subject]);
    let _ = child::output(&mut git, child::LIMIT);
}
