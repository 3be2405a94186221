//! Waits for child processes, never without a limit: a child that reaches it is killed, and the
//! panic shows what it printed until then.

use std::io::{Read, Result};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Far above what a run takes on a busy machine; installations have a longer one.
pub const LIMIT: Duration = Duration::from_secs(120);

/// The bytes of a child's stream so far, while a thread reads it to its end.
#[derive(Clone, Default)]
pub struct Stream(Arc<Mutex<Vec<u8>>>);

impl Stream {
    /// Starts to read.
    pub fn of(source: Option<impl Read + Send + 'static>) -> (Self, JoinHandle<()>) {
        let stream = Stream::default();
        let of_thread = stream.clone();
        let reader = std::thread::spawn(move || {
            let Some(mut source) = source else { return };
            let mut block = [0; 8192];
            while let Ok(n @ 1..) = source.read(&mut block) {
                of_thread.lock().extend_from_slice(&block[..n]);
            }
        });
        (stream, reader)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.lock().clone()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock()).into_owned()
    }
}

/// Runs `command` without input and gives its output.
#[track_caller]
pub fn output(command: &mut Command, limit: Duration) -> Result<Output> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let shown = command.get_program().display().to_string();
    Ok(wait(command.spawn()?, &shown, limit))
}

/// Runs `command` with our own standard output and error.
#[track_caller]
pub fn status(command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    let shown = command.get_program().display().to_string();
    Ok(wait(command.stdin(Stdio::null()).spawn()?, &shown, limit).status)
}

/// Waits until `child` has ended and its output is closed.
#[track_caller]
pub fn wait(mut child: Child, shown: &str, limit: Duration) -> Output {
    let id = child.id();
    let (stdout, stdout_reader) = Stream::of(child.stdout.take());
    let (stderr, stderr_reader) = Stream::of(child.stderr.take());
    let ended = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = channel();
    let of_thread = Arc::clone(&ended);
    std::thread::spawn(move || {
        let status = child.wait();
        of_thread.store(true, Ordering::SeqCst);
        let _ = (stdout_reader.join(), stderr_reader.join());
        let _ = sender.send(status);
    });
    if let Ok(status) = receiver.recv_timeout(limit) {
        let status = status.expect("the child was started");
        return Output { status, stdout: stdout.bytes(), stderr: stderr.bytes() };
    }
    // Once it has been waited for, its id may belong to another process.
    if !ended.load(Ordering::SeqCst) {
        kill(id);
    }
    let (stdout, stderr) = (stdout.text(), stderr.text());
    panic!("`{shown}` did not end within {limit:?}\n-- stdout\n{stdout}\n-- stderr\n{stderr}");
}

/// Sends the signal of this number.
pub fn signal(child: &Child, number: u32) {
    let signal = i32::try_from(number).ok().and_then(Signal::from_named_raw);
    kill_process(Pid::from_child(child), signal.expect("a signal")).expect("the child is ours");
}

/// Sends SIGKILL to a child that has not been waited for.
fn kill(id: u32) {
    if let Some(id) = i32::try_from(id).ok().and_then(Pid::from_raw) {
        let _ = kill_process(id, Signal::KILL);
    }
}

#[test]
fn a_child_that_does_not_end_is_killed_and_its_output_shown() {
    // Its output stays open in a child of its own, as a hung server's would.
    let script = "echo so far; sleep 5 & exec sleep 60";
    let run = || output(Command::new("sh").args(["-c", script]), Duration::from_secs(1)).map(drop);
    let result = std::panic::catch_unwind(run);
    let message = result.expect_err("it cannot have ended");
    let message = message.downcast_ref::<String>().expect("a message with details");
    assert!(message.contains("`sh` did not end") && message.contains("so far"), "{message}");
}
