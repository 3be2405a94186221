//! A thread that answers when the main thread cannot: whatever hangs, the host gets its one object in
//! time, with what was ready by then, and the process ends.

use std::cell::{Cell, OnceCell};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Failure};
use crate::output::{Agent, HookOutput, ResponseGuard};

/// After the deadline, so that it fires only when the main thread has not answered.
const OUTPUT_GRACE: Duration = Duration::from_millis(40);
/// After the answer, for the record and the start of the background process.
const RECORD_GRACE: Duration = Duration::from_millis(400);

/// The main thread's handle. Dropping it ends the thread.
///
/// Starting a thread costs a tenth of a whole run from a fresh cache, which waits for nothing. So the
/// thread is started when there is something to wait for: standard input that is not there yet, the
/// network, a reader that does not read.
pub struct Watchdog<'a> {
    deadline: Cell<Instant>,
    provisional: Arc<Mutex<HookOutput>>,
    answer: &'a Arc<ResponseGuard>,
    agent: Agent,
    thread: OnceCell<Option<Sender<Instant>>>,
}

impl<'a> Watchdog<'a> {
    /// A watchdog with a deadline that holds until the configured one is known.
    #[must_use]
    pub fn new(deadline: Instant, answer: &'a Arc<ResponseGuard>, agent: Agent) -> Self {
        Watchdog {
            deadline: Cell::new(deadline),
            provisional: Arc::new(Mutex::new(deadline_output())),
            answer,
            agent,
            thread: OnceCell::new(),
        }
    }

    /// Starts the thread, if it does not run yet. Without one (a process limit) the session continues
    /// unwatched.
    pub fn watch(&self) {
        self.thread.get_or_init(|| {
            let (sender, receiver) = channel();
            let (provisional, answer) = (Arc::clone(&self.provisional), Arc::clone(self.answer));
            let (deadline, agent) = (self.deadline.get(), self.agent);
            let watch = move || watch(deadline, &receiver, &provisional, &answer, agent);
            let started = std::thread::Builder::new().stack_size(256 << 10).spawn(watch);
            if let Err(error) = &started {
                tracing::warn!(%error, "the watchdog could not be started");
            }
            started.is_ok().then_some(sender)
        });
    }

    /// Moves the deadline.
    pub fn set_deadline(&self, deadline: Instant) {
        self.deadline.set(deadline);
        if let Some(Some(thread)) = self.thread.get() {
            let _ = thread.send(deadline);
        }
    }

    /// What is printed if it fires.
    pub fn set_provisional(&self, output: HookOutput) {
        *self.provisional.lock().unwrap_or_else(PoisonError::into_inner) = output;
    }
}

fn deadline_output() -> HookOutput {
    let failure = Failure::new(Code::Deadline, "the deadline passed before anything was ready");
    HookOutput { context: String::new(), message: Some(format!("warmstart: {failure}")) }
}

#[expect(clippy::exit, reason = "the main thread hangs, so the process cannot end by returning")]
fn watch(
    mut deadline: Instant,
    receiver: &Receiver<Instant>,
    provisional: &Mutex<HookOutput>,
    answer: &ResponseGuard,
    agent: Agent,
) {
    loop {
        let left = (deadline + OUTPUT_GRACE).saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(later) => deadline = later,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    if !answer.is_written() {
        let output = provisional.lock().unwrap_or_else(PoisonError::into_inner).clone();
        answer.write_once(&output, agent);
        std::process::exit(0);
    }
    // Answered, but not finished: a reader that does not read, a disk that does not write.
    if receiver.recv_timeout(RECORD_GRACE) == Err(RecvTimeoutError::Timeout) {
        std::process::exit(0);
    }
}
