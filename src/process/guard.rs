//! The guard: a hidden command of our own binary that leads the process group of another program and
//! ends the group when we end, however that happens: by an exit, a signal, or SIGKILL.
//!
//! Its standard output is a pipe to us. When we end, the kernel closes our end, and `poll` reports
//! that on the guard's. The program inherits the guard's streams and its group. For a program that
//! reads from us the guard watches its standard input instead, and closes its output: so the end of
//! the program's output is seen while the program still runs.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

/// The hidden command.
pub const COMMAND: &str = "__guard";
/// In front of the program's file: the guard watches its standard input.
pub(super) const WATCH_INPUT: &str = "--watch-input";
/// In front of the guard's own output: why the program could not be started.
pub(super) const NOT_STARTED: &[u8] = b"\0__guard\0";

/// Our own executable; unset in unit tests, where programs are started without a guard.
static OWN_PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// Names the executable that has the hidden command.
pub fn set_own_program(program: &std::path::Path) {
    let _ = OWN_PROGRAM.set(program.to_path_buf());
}

pub(super) fn own_program() -> Option<&'static PathBuf> {
    OWN_PROGRAM.get().filter(|_| cfg!(unix))
}

/// Runs `words` and ends as it ends.
#[cfg(unix)]
#[must_use]
pub fn run(words: &[OsString]) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let (watches_input, words) = match words {
        [first, rest @ ..] if first == WATCH_INPUT => (true, rest),
        _ => (false, words),
    };
    let Some((program, arguments)) = words.split_first() else { return ExitCode::from(2) };
    let watching = if watches_input {
        end_group_with_writer(std::io::stdin())
    } else {
        end_group_with_reader(std::io::stdout())
    };
    if watching.is_err() {
        return ExitCode::FAILURE;
    }
    let started = std::process::Command::new(program).args(arguments).spawn();
    let ended = started.and_then(|mut child| {
        if watches_input {
            close_output();
        }
        child.wait()
    });
    match ended {
        Ok(status) => match (status.code(), status.signal()) {
            (Some(code), _) => ExitCode::from(code.to_le_bytes()[0]),
            (None, signal) => end_by(signal.unwrap_or_default()),
        },
        Err(error) => {
            use std::io::Write;
            let mut stdout = std::io::stdout().lock();
            let _ = stdout.write_all(NOT_STARTED);
            let _ = stdout.write_all(error.to_string().as_bytes());
            let _ = stdout.flush();
            ExitCode::FAILURE
        }
    }
}

/// Leaves standard output and error to the program alone.
#[cfg(unix)]
fn close_output() {
    if let Ok(nothing) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(&nothing);
        let _ = rustix::stdio::dup2_stderr(&nothing);
    }
}

#[cfg(not(unix))]
#[must_use]
pub fn run(_: &[OsString]) -> ExitCode {
    ExitCode::from(2)
}

/// Ends this process by the signal that ended the program. The handler that Rust installs for two
/// signals returns once, so a signal is sent twice.
#[cfg(unix)]
fn end_by(number: i32) -> ExitCode {
    use rustix::process::{Signal, getpid, kill_process};
    if let Some(signal) = Signal::from_named_raw(number) {
        let _ = kill_process(getpid(), signal);
        let _ = kill_process(getpid(), signal);
    }
    ExitCode::from(128_u8.saturating_add(number.to_le_bytes()[0]))
}

/// Starts a thread that kills this process's group when nothing can read from `pipe` again. The
/// process must lead a group of its own.
///
/// # Errors
/// When the thread cannot be started.
#[cfg(unix)]
pub fn end_group_with_reader(pipe: impl std::os::fd::AsFd + Send + 'static) -> std::io::Result<()> {
    end_group_with_other_end(pipe)
}

/// The same for a pipe that nothing can write to again.
#[cfg(unix)]
fn end_group_with_writer(pipe: impl std::os::fd::AsFd + Send + 'static) -> std::io::Result<()> {
    end_group_with_other_end(pipe)
}

#[cfg(unix)]
fn end_group_with_other_end(pipe: impl std::os::fd::AsFd + Send + 'static) -> std::io::Result<()> {
    use rustix::process::{Signal, getpgrp, getpid, kill_process_group};
    let watch = move || {
        wait_for_other_end(&pipe);
        // When it was started by hand, the group is the shell's.
        if getpgrp() == getpid() {
            let _ = kill_process_group(getpgrp(), Signal::KILL);
        }
    };
    std::thread::Builder::new().stack_size(64 << 10).spawn(watch).map(drop)
}

#[cfg(unix)]
fn wait_for_other_end(pipe: &impl std::os::fd::AsFd) {
    use rustix::event::{PollFd, PollFlags, poll};
    loop {
        // POLLERR (no reader) and POLLHUP (no writer) are always reported.
        let mut files = [PollFd::new(pipe, PollFlags::empty())];
        match poll(&mut files, None) {
            Ok(_) if files[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => return,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}
