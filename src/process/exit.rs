//! How a program ended, without reaping it: its process id is still needed to end its group.

use std::fmt;

use tokio::process::Child;

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exit {code}"),
            Exit::Signal(signal) => write!(f, "signal {signal}"),
            Exit::Unknown => f.write_str("its exit status is unknown"),
        }
    }
}

/// Waits until `child` has ended.
#[cfg(unix)]
pub async fn exit_of(child: &mut Child) -> Exit {
    use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
    /// Between two checks.
    const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_millis(2);
    let Some(id) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else {
        return Exit::Unknown;
    };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(id), options) {
            Ok(None) => tokio::time::sleep(POLL_INTERVAL).await,
            Err(_) => return Exit::Unknown,
            Ok(Some(status)) => {
                return match (status.terminating_signal(), status.exit_status()) {
                    (Some(signal), _) => Exit::Signal(signal),
                    (None, code) => Exit::Code(code.unwrap_or(0)),
                };
            }
        }
    }
}

/// Waits until `child` has ended.
#[cfg(not(unix))]
pub async fn exit_of(child: &mut Child) -> Exit {
    let status = child.wait().await.ok().and_then(|status| status.code());
    status.map_or(Exit::Unknown, Exit::Code)
}
