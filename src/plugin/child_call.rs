//! The parent's side of a call: starts the child in a process group of its own, reads its frames until
//! the deadline, and always kills the whole group, since a plugin may have started other programs.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr};

use super::child::CallRequest;
use super::fault::{Fault, FaultKind};
use super::frame::{Frame, Frames};
use super::plugin_log::PluginLog;
use crate::deadline::Deadline;
use crate::process::{self, Exit, Program};

/// Limit on waiting for a killed process to end.
const REAP_TIMEOUT: Duration = Duration::from_millis(200);
/// Limit on reading what it printed before it was killed.
const STDERR_GRACE: Duration = Duration::from_millis(20);

/// Runs one call in a child process.
///
/// # Errors
/// When no reply came by the deadline, for whatever reason.
pub async fn call(
    host: &Program<'_>,
    request: &CallRequest,
    plugin_log: &PluginLog<'_>,
    deadline: Deadline,
) -> Result<Value, Fault> {
    if deadline.is_over() {
        return Err(Fault::new(FaultKind::Timeout, "had no time left"));
    }
    let limit = deadline.remaining();
    let (mut child, group) = host
        .spawn_piped()
        .map_err(|error| Fault::new(FaultKind::Died, format!("cannot be started: {error}")))?;
    let mut stderr = child.stderr.take();
    let at = tokio::time::Instant::from_std(deadline.instant());
    let result =
        tokio::time::timeout_at(at, exchange(&mut child, &mut stderr, request, plugin_log)).await;
    drop(group);
    let _ = tokio::time::timeout(STDERR_GRACE, read_stderr(&mut stderr, plugin_log)).await;
    let _ = tokio::time::timeout(REAP_TIMEOUT, child.wait()).await;
    result.unwrap_or_else(|_| {
        let text = format!("did not answer within {} ms", limit.as_millis());
        Err(Fault::new(FaultKind::Timeout, text))
    })
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
    // A child that ended before it read everything is reported by its exit status.
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
    let ended = match process::exit_of(child).await {
        exit @ Exit::Code(_) => format!("{exit} without a reply"),
        exit => exit.to_string(),
    };
    Err(Fault::new(FaultKind::Died, format!("died: {ended}")))
}

/// Reads what the plugin prints until every process that could print has closed its end.
async fn read_stderr(stderr: &mut Option<ChildStderr>, plugin_log: &PluginLog<'_>) {
    let mut bytes = [0; 4096];
    while let Some(pipe) = stderr {
        match pipe.read(&mut bytes).await {
            Ok(count) if count > 0 => plugin_log.stderr(&bytes[..count]),
            _ => *stderr = None,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plugin::PinnedLibrary;

    #[tokio::test(flavor = "current_thread")]
    async fn b17_without_time_no_process_is_started() {
        let folder = tempfile::tempdir().unwrap();
        let arguments = ["-c", "touch started; cat"].map(str::to_owned);
        let program = Path::new("/bin/sh");
        let host =
            Program { file: program, arguments: &arguments, variables: &[], folder: folder.path() };
        let library = PinnedLibrary { path: "/none".into(), sha256: String::new(), size: 0 };
        let request = CallRequest { library, soft_ms: 0, cpu_s: 0, request: Value::Null };
        let deadline = Deadline::after(Duration::ZERO);
        let fault = call(&host, &request, &PluginLog::of("x"), deadline).await.unwrap_err();
        assert_eq!(fault, Fault::new(FaultKind::Timeout, "had no time left"));
        assert!(!folder.path().join("started").exists());
    }
}
