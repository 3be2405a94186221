//! A thread that answers when the main thread cannot: whatever hangs, the host gets its one object in
//! time, with what was ready by then, and the process ends.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Failure};
use crate::host::Agent;
use crate::output::{HookOutput, ResponseGuard};

/// After the deadline, so that it fires only when the main thread has not answered.
const OUTPUT_GRACE: Duration = Duration::from_millis(40);
/// After the answer, for the record and the start of the background process.
const RECORD_GRACE: Duration = Duration::from_millis(400);

/// What is printed at the deadline, and for which host.
struct Provisional {
    output: HookOutput,
    agent: Agent,
}

/// The main thread's handle. Dropping it ends the thread.
///
/// The thread starts before the first file is read, since any file may be on a disk that hangs. It
/// costs 12,000 instructions.
pub struct Watchdog {
    provisional: Arc<Mutex<Provisional>>,
    /// `None`: the thread could not be started (a process limit), and the run continues unwatched.
    thread: Option<Sender<Instant>>,
}

impl Watchdog {
    /// Starts the thread, with a deadline that holds until the configured one is known.
    #[must_use]
    pub fn start(deadline: Instant, answer: &Arc<ResponseGuard>, agent: Agent) -> Self {
        let (sender, receiver) = channel();
        let provisional = Arc::new(Mutex::new(Provisional { output: deadline_output(), agent }));
        let (shared, answer) = (Arc::clone(&provisional), Arc::clone(answer));
        let watch = move || watch(deadline, &receiver, &shared, &answer);
        let started = std::thread::Builder::new().stack_size(256 << 10).spawn(watch);
        Watchdog { provisional, thread: started.is_ok().then_some(sender) }
    }

    /// Moves the deadline.
    pub fn set_deadline(&self, deadline: Instant) {
        if let Some(thread) = &self.thread {
            let _ = thread.send(deadline);
        }
    }

    /// What is printed if it fires.
    pub fn set_provisional(&self, output: HookOutput) {
        lock(&self.provisional).output = output;
    }

    /// Changes the host of the answer, once the event shows it.
    pub fn set_agent(&self, agent: Agent) {
        lock(&self.provisional).agent = agent;
    }

    /// The host of the answer.
    #[must_use]
    pub fn agent(&self) -> Agent {
        lock(&self.provisional).agent
    }
}

fn lock(provisional: &Mutex<Provisional>) -> MutexGuard<'_, Provisional> {
    provisional.lock().unwrap_or_else(PoisonError::into_inner)
}

fn deadline_output() -> HookOutput {
    let failure = Failure::new(Code::Deadline, "the deadline passed before anything was ready");
    HookOutput { context: String::new(), message: Some(format!("warmstart: {failure}")) }
}

#[expect(clippy::exit, reason = "the main thread hangs, so the process cannot end by returning")]
fn watch(
    mut deadline: Instant,
    receiver: &Receiver<Instant>,
    provisional: &Mutex<Provisional>,
    answer: &ResponseGuard,
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
        let provisional = lock(provisional);
        answer.write_once(&provisional.output, provisional.agent);
        std::process::exit(0);
    }
    // Answered, but not finished: a reader that does not read, a disk that does not write.
    if receiver.recv_timeout(RECORD_GRACE) == Err(RecvTimeoutError::Timeout) {
        std::process::exit(0);
    }
}
