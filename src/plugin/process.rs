//! The parent's side of a call: starts the child in a process group of its own, reads its frames under
//! the deadline, and ends the whole group in every case, since a plugin may have started others.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, Command};

use super::child::{self, CallRequest};
use super::fault::{Fault, FaultKind};
use super::frame::{Frame, Frames};
use super::plugin_log::PluginLog;
use crate::deadline::Deadline;

/// For a killed process to be gone.
const REAP_TIMEOUT: Duration = Duration::from_millis(200);
/// For what it printed before it was killed.
const STDERR_GRACE: Duration = Duration::from_millis(20);
/// Between two looks whether a child that closed its output has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How a child is started.
pub struct SpawnOptions<'a> {
    /// Our own program.
    pub program: &'a Path,
    /// Where the plugin works.
    pub folder: &'a Path,
    /// All variables that it gets.
    pub variables: &'a [(String, String)],
}

/// Runs one call in a child process.
///
/// # Errors
/// When no reply came by the deadline, for whatever reason.
pub async fn call(
    options: &SpawnOptions<'_>,
    request: &CallRequest,
    plugin_log: &PluginLog<'_>,
    deadline: Deadline,
) -> Result<Value, Fault> {
    if deadline.is_over() {
        return Err(Fault::new(FaultKind::Timeout, "had no time left"));
    }
    let given = deadline.remaining();
    let mut child = start(options)
        .map_err(|error| Fault::new(FaultKind::Died, format!("could not be started: {error}")))?;
    let group = ProcessGroup::of(&child);
    let mut stderr = child.stderr.take();
    let at = tokio::time::Instant::from_std(deadline.instant());
    let result =
        tokio::time::timeout_at(at, exchange(&mut child, &mut stderr, request, plugin_log)).await;
    drop(group);
    let _ = tokio::time::timeout(STDERR_GRACE, read_stderr(&mut stderr, plugin_log)).await;
    let _ = tokio::time::timeout(REAP_TIMEOUT, child.wait()).await;
    result.unwrap_or_else(|_| {
        let text = format!("did not answer within {} ms", given.as_millis());
        Err(Fault::new(FaultKind::Timeout, text))
    })
}

fn start(options: &SpawnOptions<'_>) -> std::io::Result<Child> {
    let mut command = Command::new(options.program);
    command.arg(child::COMMAND).current_dir(options.folder).env_clear();
    command.envs(options.variables.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    command.spawn()
}

async fn exchange(
    child: &mut Child,
    stderr: &mut Option<ChildStderr>,
    request: &CallRequest,
    plugin_log: &PluginLog<'_>,
) -> Result<Value, Fault> {
    let pipes = (child.stdin.take(), child.stdout.take());
    let (Some(mut stdin), Some(mut stdout)) = pipes else {
        return Err(Fault::new(FaultKind::Died, "has no pipes"));
    };
    // A child that is gone before it has read all says more by its end than by this.
    let _ = stdin.write_all(&serde_json::to_vec(request).unwrap_or_default()).await;
    drop(stdin);
    let mut frames = Frames::default();
    let mut bytes = vec![0; 16 << 10];
    loop {
        tokio::select! {
            read = stdout.read(&mut bytes) => match read {
                Ok(count) if count > 0 => frames.feed(&bytes[..count])?,
                _ => break,
            },
            () = read_stderr(stderr, plugin_log), if stderr.is_some() => {}
        }
        while let Some(frame) = frames.next_frame()? {
            match frame {
                Frame::Log { level, text } => plugin_log.line(level, &text),
                Frame::Reply(value) => return Ok(value),
                Frame::Fault(fault) => return Err(fault),
            }
        }
    }
    let exit_reason = exit_reason(child).await;
    Err(Fault::new(FaultKind::Died, format!("died: {exit_reason}")))
}

/// Reads what the plugin prints until nobody is left to print.
async fn read_stderr(stderr: &mut Option<ChildStderr>, plugin_log: &PluginLog<'_>) {
    let mut bytes = [0; 4096];
    while let Some(pipe) = stderr {
        match pipe.read(&mut bytes).await {
            Ok(count) if count > 0 => plugin_log.stderr(&bytes[..count]),
            _ => *stderr = None,
        }
    }
}

/// How the child ended, told without letting go of its process id: the group is killed by it.
#[cfg(unix)]
async fn exit_reason(child: &Child) -> String {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    let Some(id) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else {
        return "its process is gone".into();
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(id), options) {
            Ok(None) => tokio::time::sleep(POLL_INTERVAL).await,
            Err(_) => return "its end could not be told".into(),
            Ok(Some(status)) => {
                return match (status.terminating_signal(), status.exit_status()) {
                    (Some(signal), _) => format!("signal {signal}"),
                    (None, code) => format!("exit {} without a reply", code.unwrap_or(0)),
                };
            }
        }
    }
}

#[cfg(not(unix))]
async fn exit_reason(child: &mut Child) -> String {
    let _ = POLL_INTERVAL;
    child
        .wait()
        .await
        .map_or_else(|error| error.to_string(), |status| format!("{status} without a reply"))
}

/// Ends the process group when dropped. The leader has not been waited for by then, so the number
/// still belongs to it.
struct ProcessGroup(Option<u32>);

impl ProcessGroup {
    fn of(child: &Child) -> Self {
        ProcessGroup(child.id())
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(group) = self.0.and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()))
        {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}
