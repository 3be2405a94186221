//! The one way to start another program: no shell, a process group of its own that ends with us, a
//! short list of variables, bounded time and output.

mod descriptors;
mod exit;
mod group;
pub mod guard;
mod lookup;
mod variables;

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::process::{Child, ChildStdout, Command};

pub use self::descriptors::close_on_exec;
pub use self::exit::{Exit, exit_of};
pub use self::group::{ProcessGroup, kill_all};
pub use self::lookup::{LookupError, find, is_path, look_up, project};
pub use self::variables::{is_inherited, variables};
use crate::deadline::Deadline;

/// Bytes of output that are read.
pub const MAX_OUTPUT_BYTES: usize = 64 << 10;
/// Grace period for output that a grandchild holds open.
const OUTPUT_GRACE: Duration = Duration::from_millis(50);

/// What is started, and how.
#[derive(Clone, Copy)]
pub struct Program<'a> {
    /// An absolute path, from `look_up`.
    pub file: &'a Path,
    pub arguments: &'a [String],
    /// All variables that it gets.
    pub variables: &'a [(String, String)],
    pub folder: &'a Path,
}

/// How a program ended.
#[derive(Debug)]
pub enum ProcessResult {
    /// It succeeded, or printed more than is read and was ended.
    Output {
        bytes: Vec<u8>,
        is_complete: bool,
    },
    TimedOut,
    /// Why, as a fragment that follows the program's name.
    Failed(String),
}

impl Program<'_> {
    /// The command, in a process group of its own, without the streams.
    fn command(&self, file: &Path) -> Command {
        let mut command = self.ungrouped(file);
        #[cfg(unix)]
        command.process_group(0);
        command
    }

    fn ungrouped(&self, file: &Path) -> Command {
        close_on_exec();
        let mut command = Command::new(file);
        command.current_dir(self.folder).env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.kill_on_drop(true);
        command
    }

    /// Starts our own hidden command, which makes a session of its own and calls
    /// `guard::end_group_with_reader` itself. All three streams are pipes.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn_piped(&self) -> std::io::Result<(Child, ProcessGroup)> {
        let mut command = self.ungrouped(self.file);
        command.args(self.arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn()?;
        let group = ProcessGroup::of(&child);
        Ok((child, group))
    }

    /// Starts it below a guard, without input; only its output is read.
    fn spawn(&self) -> std::io::Result<Child> {
        self.spawn_guarded(&[guard::COMMAND], |command| {
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        })
    }

    /// Starts it below a guard, for a conversation: all three streams are pipes. It ends with its
    /// standard input, and with the group.
    ///
    /// # Errors
    /// When it cannot be started; below a guard `start_error` of its output has the reason.
    pub fn spawn_conversation(&self) -> std::io::Result<(Child, ProcessGroup)> {
        let child = self.spawn_guarded(&[guard::COMMAND, guard::WATCH_INPUT], |command| {
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        })?;
        let group = ProcessGroup::of(&child);
        Ok((child, group))
    }

    /// A guard that cannot be started (the binary was replaced) costs only the promise for SIGKILL.
    fn spawn_guarded(
        &self,
        guard_words: &[&str],
        set_streams: impl Fn(&mut Command),
    ) -> std::io::Result<Child> {
        let start = |mut command: Command| {
            command.args(self.arguments);
            set_streams(&mut command);
            command.spawn()
        };
        let guarded = guard::own_program().map(|guard| {
            let mut command = self.command(guard);
            command.args(guard_words).arg(self.file);
            start(command)
        });
        match guarded {
            Some(Ok(child)) => Ok(child),
            _ => start(self.command(self.file)),
        }
    }

    /// Runs it and gives what it printed. Nothing of its group is left afterwards.
    pub async fn run(&self, deadline: Deadline) -> ProcessResult {
        let mut child = match self.spawn() {
            Ok(child) => child,
            Err(error) => return ProcessResult::Failed(format!("cannot be started: {error}")),
        };
        let group = ProcessGroup::of(&child);
        let at = tokio::time::Instant::from_std(deadline.instant());
        let output = output(&mut child, group);
        tokio::time::timeout_at(at, output).await.unwrap_or(ProcessResult::TimedOut)
    }
}

/// Why the guard could not start the program, if that is what it printed.
#[must_use]
pub fn start_error(output: &[u8]) -> Option<String> {
    let error = output.strip_prefix(guard::NOT_STARTED)?;
    Some(String::from_utf8_lossy(error).into_owned())
}

async fn output(child: &mut Child, group: ProcessGroup) -> ProcessResult {
    let Some(stdout) = child.stdout.take() else {
        return ProcessResult::Failed("has no output".into());
    };
    let mut bytes = Vec::new();
    let read = until_the_end(child, stdout, &mut bytes).await;
    // Before the child is reaped.
    drop(group);
    if let Some(error) = start_error(&bytes) {
        return ProcessResult::Failed(format!("cannot be started: {error}"));
    }
    let status = match read {
        Ok(true) => child.wait().await,
        Ok(false) => return ProcessResult::Output { bytes, is_complete: false },
        Err(error) => Err(error),
    };
    match status {
        Ok(status) if status.success() => ProcessResult::Output { bytes, is_complete: true },
        Ok(status) => ProcessResult::Failed(format!("failed ({status})")),
        Err(error) => ProcessResult::Failed(error.to_string()),
    }
}

/// Reads until the program has ended; `false` if it printed more than is read.
async fn until_the_end(
    child: &mut Child,
    stdout: ChildStdout,
    bytes: &mut Vec<u8>,
) -> std::io::Result<bool> {
    let reading = read(stdout, bytes);
    tokio::pin!(reading);
    tokio::select! {
        biased;
        is_complete = &mut reading => {
            let is_complete = is_complete?;
            if is_complete {
                exit_of(child).await;
            }
            Ok(is_complete)
        }
        _ = exit_of(child) => {
            let _ = tokio::time::timeout(OUTPUT_GRACE, reading).await;
            Ok(true)
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
