//! Running a program for a hook: no shell, its own process group, a short list of variables, bounded
//! in time and output. What is left of its group at the end is ended with it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use super::Scope;
use crate::deadline::Deadline;

/// Bytes of output that are read.
const MOST_OUTPUT: u64 = 64 << 10;
/// Variables that a program gets: none of the user's keys are among them.
const VARIABLES: &[&str] =
    &["HOME", "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "SYSTEMROOT", "TEMP"];

/// What became of a program.
#[derive(Debug)]
pub enum Ended {
    Output(String),
    Failed(String),
}

/// Runs `program` in `folder` and gives what it printed.
pub async fn run(
    program: &Path,
    arguments: &[String],
    more: &[(&str, &str)],
    folder: &Path,
    scope: &Scope,
    deadline: Deadline,
) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).env_clear();
    let kept = VARIABLES.iter().filter_map(|name| Some((*name, scope.environment.get(name)?)));
    command.envs(kept).envs(more.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return Ended::Failed(format!("cannot be started: {error}")),
    };
    let _group = Group::of(&child);
    let at = tokio::time::Instant::from_std(deadline.instant());
    tokio::time::timeout_at(at, output(&mut child))
        .await
        .unwrap_or_else(|_| Ended::Failed("did not end in time".into()))
}

async fn output(child: &mut Child) -> Ended {
    let Some(stdout) = child.stdout.take() else { return Ended::Failed("has no output".into()) };
    let mut bytes = Vec::new();
    if let Err(error) = stdout.take(MOST_OUTPUT).read_to_end(&mut bytes).await {
        return Ended::Failed(error.to_string());
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if bytes.len() as u64 == MOST_OUTPUT {
        return Ended::Output(text);
    }
    match child.wait().await {
        Ok(status) if status.success() => Ended::Output(text),
        Ok(status) => Ended::Failed(format!("failed ({status})")),
        Err(error) => Ended::Failed(error.to_string()),
    }
}

/// Ends the process group when the run is over, however it ended.
struct Group(Option<u32>);

impl Group {
    fn of(child: &Child) -> Self {
        Group(child.id())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(group)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// The program `name` from PATH: only from absolute folders outside `root`, since a cloned
/// repository may bring a `git` of its own.
#[must_use]
pub fn find(name: &str, path: &str, root: &Path) -> Option<PathBuf> {
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let outside = folders.filter(|folder| !folder.starts_with(root));
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    outside.map(|folder| folder.join(&name)).find(|file| file.is_file())
}
