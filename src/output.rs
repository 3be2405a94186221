//! What a session start prints: one JSON object, once, in the form of the host that reads it.
//! The only writer of standard output for `session-start`.

use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::host::Agent;

/// What the host gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookOutput {
    /// For the model; empty: there is nothing to show.
    pub context: String,
    /// For the user.
    pub message: Option<String>,
}

#[cfg(unix)]
fn is_ready(stream: &impl std::os::fd::AsFd) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let mut polled = [PollFd::new(stream, PollFlags::OUT)];
    poll(&mut polled, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).is_ok_and(|ready| ready > 0)
}

#[cfg(not(unix))]
fn is_ready<T>(_: &T) -> bool {
    false
}

/// The one answer of this process: the first caller writes it, later ones write nothing.
#[derive(Debug, Default)]
pub struct ResponseGuard {
    claimed: AtomicBool,
}

impl ResponseGuard {
    /// Writes `output` in one piece, unless there is an answer already. Returns whether it was written
    /// whole. Errors of a closed or full standard output are ignored: the host does not read it.
    pub fn write_once(&self, output: &HookOutput, agent: Agent) -> bool {
        if self.claimed.swap(true, Ordering::SeqCst) {
            return false;
        }
        let mut stdout = std::io::stdout().lock();
        let bytes = agent.encode(&output.context, output.message.as_deref());
        let was_written = stdout.write_all(&bytes).and_then(|()| stdout.flush()).is_ok();
        if !agent.shows_messages() {
            output.write_message();
        }
        was_written
    }

    /// Whether there is an answer.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.claimed.load(Ordering::SeqCst)
    }
}

impl HookOutput {
    /// The message on standard error, for hosts whose answer has no place for it; never waited for.
    fn write_message(&self) {
        let stderr = std::io::stderr();
        if let Some(message) = &self.message
            && is_ready(&stderr)
        {
            let _ = stderr.lock().write_all(format!("{message}\n").as_bytes());
        }
    }
}
