//! Process groups: one for each program that was started, with all that it started itself.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::process::Child;

/// The groups that may still have members. The leader of each is not reaped yet, so that no other
/// process can have its id.
static GROUPS: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn groups() -> MutexGuard<'static, Vec<u32>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Kills the process group when dropped. Drop it before its leader is reaped: the id may be that of
/// another process afterwards.
pub struct ProcessGroup(Option<u32>);

impl ProcessGroup {
    /// The group that `child` leads.
    #[must_use]
    pub fn of(child: &Child) -> Self {
        groups().extend(child.id());
        ProcessGroup(child.id())
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        let Some(id) = self.0 else { return };
        // Locked until it is killed: `kill_all` must not kill it after its leader is reaped.
        let mut groups = groups();
        groups.retain(|other| *other != id);
        kill(id);
    }
}

/// Kills every group, from any thread: for a process that ends without dropping them.
pub fn kill_all() {
    groups().drain(..).for_each(kill);
}

fn kill(id: u32) {
    #[cfg(unix)]
    if let Some(group) = rustix::process::Pid::from_raw(id.cast_signed()) {
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
    #[cfg(not(unix))]
    let _ = id;
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;
    use crate::process::exit_of;

    fn sleep() -> Child {
        let mut command = tokio::process::Command::new("/bin/sleep");
        command.arg("60").process_group(0).kill_on_drop(true).spawn().unwrap()
    }

    #[tokio::test(flavor = "current_thread")]
    async fn all_groups_are_killed_and_a_dropped_one_is_forgotten() {
        let (mut one, mut other) = (sleep(), sleep());
        let (group, kept) = (ProcessGroup::of(&one), ProcessGroup::of(&other));
        drop(group);
        assert_eq!(one.wait().await.unwrap().signal(), Some(9));
        kill_all();
        exit_of(&mut other).await;
        drop(kept);
        assert_eq!(other.wait().await.unwrap().signal(), Some(9));
    }
}
