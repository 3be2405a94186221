//! A process group of one program and all that it started.

use tokio::process::Child;

/// Kills the process group when dropped. Drop it before the leader is reaped where possible: its id
/// may be another process's afterwards, though not while a member of the group is left.
pub struct ProcessGroup(Option<u32>);

impl ProcessGroup {
    /// The group that `child` leads.
    #[must_use]
    pub fn of(child: &Child) -> Self {
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
