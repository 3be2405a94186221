//! Runs a program for a hook: no shell, its own process group, a short list of variables, bounded time
//! and output. What is left of its group at the end is killed.

use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

use super::SessionContext;
use crate::deadline::Deadline;

/// Bytes of output that are read.
const MAX_OUTPUT_BYTES: usize = 64 << 10;
/// Grace period for output that a grandchild holds open.
const OUTPUT_GRACE: Duration = Duration::from_millis(50);
/// Variables that a program gets; none holds a secret.
const INHERITED: &[&str] =
    &["HOME", "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "USER", "SYSTEMROOT", "TEMP"];

/// The result of a program.
#[derive(Debug)]
pub enum ProcessResult {
    Output(String),
    TimedOut,
    /// Why, as a fragment that follows the program's name.
    Failed(String),
}

/// A program with its arguments.
pub struct Program<'a> {
    pub path: &'a Path,
    pub arguments: &'a [String],
    /// In addition to those that every program gets.
    pub variables: &'a [(&'a str, &'a str)],
    pub folder: &'a Path,
}

/// Runs `program` and gives what it printed.
pub async fn run(
    program: &Program<'_>,
    session: &SessionContext,
    deadline: Deadline,
) -> ProcessResult {
    let mut command = Command::new(program.path);
    command.args(program.arguments).current_dir(program.folder).env_clear();
    let kept = INHERITED.iter().filter_map(|name| Some((*name, session.environment.get(name)?)));
    command.envs(kept).envs(program.variables.iter().copied());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => return ProcessResult::Failed(format!("cannot be started: {error}")),
    };
    let _group = ProcessGroup::of(&child);
    let at = tokio::time::Instant::from_std(deadline.instant());
    tokio::time::timeout_at(at, output(&mut child)).await.unwrap_or(ProcessResult::TimedOut)
}

async fn output(child: &mut Child) -> ProcessResult {
    let Some(stdout) = child.stdout.take() else {
        return ProcessResult::Failed("has no output".into());
    };
    let mut bytes = Vec::new();
    let status = until_the_end(child, stdout, &mut bytes).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    match status {
        // It printed more than is read, and is killed.
        Ok(None) => ProcessResult::Output(text),
        Ok(Some(status)) if status.success() => ProcessResult::Output(text),
        Ok(Some(status)) => ProcessResult::Failed(format!("failed ({status})")),
        Err(error) => ProcessResult::Failed(error.to_string()),
    }
}

/// Reads until the program has ended; `None` if it printed more than is read.
async fn until_the_end(
    child: &mut Child,
    stdout: ChildStdout,
    bytes: &mut Vec<u8>,
) -> std::io::Result<Option<ExitStatus>> {
    let reading = read(stdout, bytes);
    tokio::pin!(reading);
    tokio::select! {
        biased;
        is_complete = &mut reading => if is_complete? { child.wait().await.map(Some) } else { Ok(None) },
        status = child.wait() => {
            let _ = tokio::time::timeout(OUTPUT_GRACE, reading).await;
            status.map(Some)
        }
    }
}

/// Whether the output ended within the limit.
async fn read(mut stdout: ChildStdout, bytes: &mut Vec<u8>) -> std::io::Result<bool> {
    while bytes.len() < MAX_OUTPUT_BYTES {
        let room = (MAX_OUTPUT_BYTES - bytes.len()) as u64;
        if (&mut stdout).take(room).read_buf(bytes).await? == 0 {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Kills the process group when dropped.
struct ProcessGroup(Option<u32>);

impl ProcessGroup {
    fn of(child: &Child) -> Self {
        ProcessGroup(child.id())
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.and_then(|id| i32::try_from(id).ok())
            && let Some(group) = rustix::process::Pid::from_raw(group)
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// The program `name` from PATH: only from absolute folders, and neither from `root` nor by a link
/// into it, since a cloned repository may contain its own `git`.
#[must_use]
pub fn find(name: &str, path: &str, root: &Path) -> Option<PathBuf> {
    let root = root.canonicalize().unwrap_or_else(|_| root.to_path_buf());
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let folders = std::env::split_paths(path).filter(|folder| folder.is_absolute());
    let is_outside =
        |file: &PathBuf| file.canonicalize().is_ok_and(|real| !real.starts_with(&root));
    let mut files = folders.map(|folder| folder.join(&name));
    files.find(|file| file.metadata().is_ok_and(|data| is_program(&data)) && is_outside(file))
}

#[cfg(unix)]
fn is_program(data: &Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    data.is_file() && data.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_program(data: &Metadata) -> bool {
    data.is_file()
}
