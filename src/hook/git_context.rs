//! Branch and last commits. The branch is read from disk; `git log` runs only when the kept log is of
//! another commit, with every program that a repository can name switched off.
//! There is no `git status`: it runs filters that the repository defines.

use std::path::PathBuf;
use std::time::Duration;

use super::{
    APPEARANCE, Built, Builtin, Hook, HookFuture, HookInputs, HookResult, Part, SessionContext,
};
use crate::config::parser::number;
use crate::deadline::{Deadline, StoredTime, Timestamp};
use crate::digest;
use crate::disk::{self, Durability};
use crate::error::Failure;
use crate::process::{self, ProcessResult, Program};
use crate::repository::Repository;
use crate::text;

pub static BUILTIN: Builtin = Builtin {
    name: "git_context",
    summary: "branch and last commits",
    untrusted_keys: APPEARANCE,
    build,
};

const MAX_FILE_BYTES: u64 = 64 << 10;
/// After git failed or was not found, it is not run again for the same commit for this long: that
/// costs more than the rest of a run.
const FAILURE_TTL: Duration = Duration::from_secs(600);
/// Characters of a branch's name, and of a commit's line.
const MAX_BRANCH_CHARS: usize = 120;
const MAX_LINE_CHARS: usize = 160;
/// Nothing in the repository's or the system's configuration may start a program or prompt the user.
const SAFE_CONFIG: &[&str] = &[
    "--no-pager",
    "--no-optional-locks",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "log.showSignature=false",
    "-c",
    "log.mailmap=false",
    "-c",
    "core.attributesFile=/dev/null",
    "-c",
    "diff.external=",
    "-c",
    "core.pager=cat",
    "-c",
    "protocol.allow=never",
    // The repository's own `protocol.ext.allow` would win over the line above.
    "-c",
    "protocol.ext.allow=never",
];
const GIT_VARIABLES: &[(&str, &str)] = &[
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    ("GIT_NO_LAZY_FETCH", "1"),
    // Git before 2.45 does not know the variable above; no protocol is allowed to it.
    ("GIT_ALLOW_PROTOCOL", ""),
];

struct GitContext {
    commits: usize,
    timeout: Duration,
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn build(inputs: &HookInputs<'_>) -> Built {
    let commits = inputs.table.get("commits", number(0, 20));
    Ok(Box::new(GitContext { commits, timeout: inputs.config.timeout }))
}

impl GitContext {
    fn result(&self, repository: &Repository, log: Option<&str>) -> HookResult {
        let branch = match (&repository.branch, &repository.commit) {
            (Some(branch), _) => cut(&text::masked(branch), MAX_BRANCH_CHARS),
            (None, Some(commit)) => format!("detached at {commit:.12}"),
            (None, None) => return HookResult::nothing(),
        };
        let mut text = format!("branch {branch}");
        for line in log.unwrap_or_default().lines().take(self.commits) {
            text.push_str("\n- ");
            text.push_str(line);
        }
        HookResult::live(vec![Part::Text { title: "Git".into(), text }], "this repository")
    }

    /// The file that keeps the log of the last seen commit of this repository.
    fn file(session: &SessionContext, repository: &Repository) -> Option<PathBuf> {
        let folder = session.paths.as_ref()?.commits();
        let name = digest::short(repository.root.as_os_str().as_encoded_bytes());
        Some(folder.join(format!("{name}.txt")))
    }

    /// The kept log, if it is that of the checked-out commit and long enough; empty while a failure of
    /// git is kept.
    fn kept(
        &self,
        session: &SessionContext,
        repository: &Repository,
        commit: &str,
    ) -> Option<String> {
        let bytes =
            disk::read_private(&Self::file(session, repository)?, MAX_FILE_BYTES).ok()??;
        let text = String::from_utf8(bytes).ok()?;
        let (head, log) = text.split_once('\n')?;
        let is_valid = match head.strip_prefix(&self.head(commit))? {
            "" => true,
            failed_at => failed_at.trim().parse().is_ok_and(|failed_at| {
                let age = StoredTime::from(Timestamp(failed_at)).age(session.now.into());
                age.is_some_and(|age| age < FAILURE_TTL)
            }),
        };
        is_valid.then(|| log.to_owned())
    }

    /// The first line of the file; for a failure, its time follows.
    fn head(&self, commit: &str) -> String {
        format!("{commit} {}", self.commits)
    }

    fn keep(&self, session: &SessionContext, repository: &Repository, log: Option<&str>) {
        let Some(commit) = repository.commit.as_ref().filter(|_| !session.dry_run) else { return };
        let Some(file) = Self::file(session, repository) else { return };
        let head = self.head(commit);
        let text = match log {
            Some(log) => format!("{head}\n{log}"),
            None => format!("{head} {}\n", session.now.0),
        };
        if let Err(error) = disk::write_atomic(&file, text.as_bytes(), Durability::Process) {
            tracing::debug!(%error, "the log of the commit is not kept");
        }
    }

    async fn log(
        &self,
        session: &SessionContext,
        repository: &Repository,
        deadline: Deadline,
    ) -> Option<String> {
        let path = session.environment.get("PATH").unwrap_or_default();
        let git = process::find("git", path, session.project())?;
        let mut words: Vec<String> = SAFE_CONFIG.iter().map(ToString::to_string).collect();
        let count = format!("--max-count={}", self.commits);
        let log = [
            "log",
            &count,
            "--no-show-signature",
            "--no-ext-diff",
            "--no-textconv",
            "--no-color",
            "--no-decorate",
            "--encoding=UTF-8",
            "--format=%h %s",
        ];
        words.extend(log.iter().map(ToString::to_string));
        let limit = deadline.capped(self.timeout);
        let mut variables = process::variables(&session.environment, &[]);
        let of_git =
            GIT_VARIABLES.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        variables.extend(of_git);
        let root = &repository.root;
        let program =
            Program { file: &git, arguments: &words, variables: &variables, folder: root };
        match program.run(limit).await {
            ProcessResult::Output { bytes, .. } => {
                Some(self.shortened(&String::from_utf8_lossy(&bytes)))
            }
            ProcessResult::TimedOut => {
                tracing::debug!("git log did not end in time");
                None
            }
            ProcessResult::Failed(why) => {
                tracing::debug!(why, "git log failed");
                None
            }
        }
    }

    /// Only what can be shown, so that the file stays small.
    fn shortened(&self, log: &str) -> String {
        let log = text::masked(log);
        let lines = log.lines().take(self.commits);
        lines.map(|line| cut(line, MAX_LINE_CHARS) + "\n").collect()
    }

    async fn ask(&self, session: &SessionContext, deadline: Deadline) -> HookResult {
        let Some(repository) = &session.repository else { return HookResult::nothing() };
        let log = self.log(session, repository, deadline).await;
        self.keep(session, repository, log.as_deref());
        self.result(repository, log.as_deref())
    }
}

/// The first `most` characters; of foreign text only after its secrets are masked.
fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

impl Hook for GitContext {
    fn from_disk(&self, session: &SessionContext) -> Option<HookResult> {
        let Some(repository) = &session.repository else { return Some(HookResult::nothing()) };
        match &repository.commit {
            Some(commit) if self.commits > 0 => {
                let log = self.kept(session, repository, commit)?;
                Some(self.result(repository, Some(&log)))
            }
            _ => Some(self.result(repository, None)),
        }
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(self.ask(session, deadline))
    }

    fn from_cache_alone(&self, session: &SessionContext, _failure: &Failure) -> Option<HookResult> {
        session.repository.as_ref().map(|repository| self.result(repository, None))
    }
}
