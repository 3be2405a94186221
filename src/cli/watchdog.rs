//! A thread that answers when the rest of the program cannot: whatever hangs, the host gets its one
//! object in time, with what could be said by then, and the process ends.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Code, Failure};
use crate::output::{Agent, Answer, HookOutput};

/// After the deadline, so that it strikes only when the ordered way has failed.
const GRACE: Duration = Duration::from_millis(40);
/// For what is left to do after the answer: the record and the start of the background process.
const AFTERWARDS: Duration = Duration::from_millis(400);

/// The hand that main keeps on it. Dropped: all is done.
pub struct Watchdog {
    deadline: Sender<Instant>,
    provisional: Arc<Mutex<HookOutput>>,
}

impl Watchdog {
    /// Starts it with a deadline that holds until the configured one is known. Without a thread
    /// (a process limit) there is no watchdog, and the session goes on.
    #[must_use]
    pub fn start(deadline: Instant, answer: Arc<Answer>, agent: Agent) -> Self {
        let (sender, receiver) = channel();
        let provisional = Arc::new(Mutex::new(struck()));
        let said = Arc::clone(&provisional);
        let watch = move || watch(deadline, &receiver, &said, &answer, agent);
        let started = std::thread::Builder::new().stack_size(256 << 10).spawn(watch);
        if let Err(error) = started {
            tracing::warn!(%error, "the watchdog could not be started");
        }
        Watchdog { deadline: sender, provisional }
    }

    /// Moves the deadline.
    pub fn set_deadline(&self, deadline: Instant) {
        let _ = self.deadline.send(deadline);
    }

    /// What is to be said if it strikes.
    pub fn set_provisional(&self, output: HookOutput) {
        *self.provisional.lock().unwrap_or_else(PoisonError::into_inner) = output;
    }
}

fn struck() -> HookOutput {
    let failure = Failure::new(Code::DEADLINE, "the deadline passed before anything was ready");
    HookOutput { context: String::new(), message: Some(format!("warmstart: {failure}")) }
}

#[expect(clippy::exit, reason = "the rest of the process hangs: there is no ordered way out")]
fn watch(
    mut deadline: Instant,
    receiver: &Receiver<Instant>,
    provisional: &Mutex<HookOutput>,
    answer: &Answer,
    agent: Agent,
) {
    loop {
        let left = (deadline + GRACE).saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(later) => deadline = later,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    if !answer.is_given() {
        let output = provisional.lock().unwrap_or_else(PoisonError::into_inner).clone();
        answer.give(&output, agent);
        std::process::exit(0);
    }
    // Answered, but not at an end: a reader that does not read, a disk that does not write.
    if receiver.recv_timeout(AFTERWARDS) == Err(RecvTimeoutError::Timeout) {
        std::process::exit(0);
    }
}
