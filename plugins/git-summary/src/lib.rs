//! A hook: one line on the state of the working tree, from `git status`. Disables every program that
//! a repository's git configuration could start.

use std::process::{Command, Stdio};

use warmstart_plugin::{Ctx, Error, Hook, Result, Section, Session, export};

struct GitSummary;

impl Hook for GitSummary {
    const NAME: &'static str = "git_summary";

    fn session_start(ctx: &Ctx<'_>, _: &Session) -> Result<Vec<Section>> {
        let output = Command::new("git")
            .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"])
            .args(["-c", "core.untrackedCache=keep", "--no-optional-locks"])
            .args(["status", "--porcelain=v2", "--branch", "--ignore-submodules=all"])
            .current_dir(ctx.root())
            .env_remove("GIT_DIR")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| Error::not_found(format!("cannot start `git`: {error}")))?;
        if !output.status.success() {
            return Err(Error::not_found("not a git repository"));
        }
        let state = Tree::read(&String::from_utf8_lossy(&output.stdout));
        Ok(vec![Section::new("Working tree", state.line())])
    }
}

#[derive(Debug, Default, PartialEq)]
struct Tree {
    branch: String,
    ahead: u64,
    behind: u64,
    changed: u64,
    untracked: u64,
    conflicts: u64,
}

impl Tree {
    fn read(status: &str) -> Self {
        let mut tree = Tree::default();
        for line in status.lines() {
            if let Some(name) = line.strip_prefix("# branch.head ") {
                tree.branch = name.to_owned();
            } else if let Some(counts) = line.strip_prefix("# branch.ab ") {
                let mut counts = counts.split(' ').map(|count| count[1..].parse().unwrap_or(0));
                tree.ahead = counts.next().unwrap_or(0);
                tree.behind = counts.next().unwrap_or(0);
            } else {
                match line.as_bytes().first() {
                    Some(b'1' | b'2') => tree.changed += 1,
                    Some(b'u') => tree.conflicts += 1,
                    Some(b'?') => tree.untracked += 1,
                    _ => {}
                }
            }
        }
        tree
    }

    fn line(&self) -> String {
        let counts = [
            (self.ahead, "ahead"),
            (self.behind, "behind"),
            (self.conflicts, "in conflict"),
            (self.changed, "changed"),
            (self.untracked, "untracked"),
        ];
        let mut words = vec![format!("on {}", self.branch)];
        let counted = counts.iter().filter(|(count, _)| *count > 0);
        words.extend(counted.map(|(count, word)| format!("{count} {word}")));
        if words.len() == 1 {
            words.push("clean".into());
        }
        words.join(", ")
    }
}

// It has no settings.
export! { hooks: [GitSummary], settings: std::collections::BTreeMap::<&str, &str>::new() }

#[cfg(test)]
mod tests {
    use serde_json::json;
    use warmstart_plugin::ErrorKind;

    use super::*;

    #[test]
    fn the_line_has_only_counts_above_zero() {
        let status = "# branch.oid abc\n# branch.head main\n# branch.upstream origin/main\n# branch.ab +2 -0\n1 .M N... 100644 a\n2 R. N... b\nu UU c\n? d\n? e\n";
        let line = Tree::read(status).line();
        assert_eq!(line, "on main, 2 ahead, 1 in conflict, 2 changed, 2 untracked");
        assert_eq!(Tree::read("# branch.head x\n").line(), "on x, clean");
    }

    #[test]
    fn outside_of_a_repository_it_reports_not_found() {
        let folder = tempfile::tempdir().unwrap();
        let ctx = Ctx::test(json!({})).with_root(folder.path());
        let error = GitSummary::session_start(&ctx, &Session::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }
}
