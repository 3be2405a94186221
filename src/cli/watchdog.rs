//! A thread that ends the run when the main thread cannot: whatever hangs, the host gets its one object
//! in time, with the best answer that there is, and the process ends. It leaves behind what a complete
//! run does: a record, and the background work that is due.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::deadline::Timestamp;
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::host::Agent;
use crate::output::{HookOutput, ResponseGuard};
use crate::paths::Paths;
use crate::runs::{self, Run};
use crate::{process, refresh};

/// After the deadline, so that it fires only when the main thread has not answered.
const OUTPUT_GRACE: Duration = Duration::from_millis(40);
/// For the rest of a run that has answered: its record, the start of the background process.
const RECORD_GRACE: Duration = Duration::from_millis(400);
/// Stack of its threads, which write files and log lines.
const STACK_BYTES: usize = 256 << 10;

/// The run so far: what is printed and recorded when it ends at its deadline.
pub struct Provisional {
    pub output: HookOutput,
    pub agent: Agent,
    /// Its record; `None` for a run that leaves none.
    pub run: Option<Run>,
    /// The detached process for what is due.
    pub background: Option<Command>,
}

impl Provisional {
    /// A run that has only begun.
    #[must_use]
    pub fn new(agent: Agent, run: Option<Run>) -> Self {
        let failure = Failure::new(Code::Deadline, "the deadline passed before anything was ready");
        let message = Some(format!("warmstart: {failure}"));
        let output = HookOutput { context: String::new(), message };
        Provisional { output, agent, run, background: None }
    }
}

/// What both threads use.
struct Shared {
    provisional: Mutex<Provisional>,
    answer: Arc<ResponseGuard>,
    /// Whether one of the threads has begun what comes after the answer.
    is_finishing: AtomicBool,
    environment: Arc<Environment>,
    started: Instant,
}

/// The main thread's handle. Dropping it ends the thread.
///
/// The thread starts before the first file is read, since any file may be on a disk that hangs. It
/// costs 12,000 instructions.
pub struct Watchdog {
    shared: Arc<Shared>,
    /// `None`: the thread could not be started (a process limit), and the run continues unwatched.
    thread: Option<Sender<Instant>>,
}

impl Watchdog {
    /// Starts the thread for a run that began at `started`, with `limit` until the configured deadline
    /// is known.
    #[must_use]
    pub fn start(
        provisional: Provisional,
        answer: &Arc<ResponseGuard>,
        environment: &Arc<Environment>,
        started: Instant,
        limit: Duration,
    ) -> Self {
        let shared = Arc::new(Shared {
            provisional: Mutex::new(provisional),
            answer: Arc::clone(answer),
            is_finishing: AtomicBool::new(false),
            environment: Arc::clone(environment),
            started,
        });
        let (sender, receiver) = channel();
        let of_thread = Arc::clone(&shared);
        let watch = move || watch(started + limit, &receiver, &of_thread);
        let spawned = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(watch);
        Watchdog { shared, thread: spawned.is_ok().then_some(sender) }
    }

    /// Moves the deadline.
    pub fn set_deadline(&self, deadline: Instant) {
        if let Some(thread) = &self.thread {
            let _ = thread.send(deadline);
        }
    }

    /// Changes what is printed and recorded if it fires.
    pub fn update(&self, change: impl FnOnce(&mut Provisional)) {
        change(&mut self.shared.lock());
    }

    /// The host of the answer.
    #[must_use]
    pub fn agent(&self) -> Agent {
        self.shared.lock().agent
    }

    /// Begins what comes after the answer. Where the watchdog has begun it, it ends the process, and
    /// this waits for that end.
    pub fn begin_finishing(&self) {
        while self.shared.is_finishing.swap(true, Ordering::SeqCst) {
            std::thread::park();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Provisional> {
        self.provisional.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers, ends the programs that run, records the run and starts what is due, the most important
    /// first: each step may hang.
    fn finish(&self) {
        // The main thread has answered, and records the run itself.
        if self.is_finishing.swap(true, Ordering::SeqCst) {
            return;
        }
        let agent = self.lock().agent;
        let output = std::mem::take(&mut self.lock().output);
        let is_printed = self.answer.write_once(&output, agent);
        process::kill_all();
        let run = self.lock().run.take();
        if let Some(run) = run {
            self.record(run, is_printed);
        }
        let background = self.lock().background.take();
        if let Some(mut command) = background {
            refresh::spawn_detached(&mut command);
        }
        tracing::warn!(code = %Code::Deadline, "ended at the deadline");
    }

    /// `is_printed`: the session got the provisional answer, not one that the main thread began.
    fn record(&self, run: Run, is_printed: bool) {
        let text = if is_printed {
            "the deadline passed before the run was complete"
        } else {
            "the answer could not be printed in time"
        };
        let digest = if is_printed { run.digest.clone() } else { String::new() };
        let run = Run {
            time: Timestamp::now(),
            millis: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            cause: Some(Failure::new(Code::Deadline, text).to_string()),
            digest,
            ..run
        };
        if let Some(paths) = Paths::find(&self.environment) {
            let _ = runs::append(&runs::file(&paths), &run);
        }
    }
}

fn watch(mut deadline: Instant, receiver: &Receiver<Instant>, shared: &Arc<Shared>) {
    loop {
        let left = (deadline + OUTPUT_GRACE).saturating_duration_since(Instant::now());
        match receiver.recv_timeout(left) {
            Ok(later) => deadline = later,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => break,
        }
    }
    // Answered, but not finished: a reader that does not read, a disk that does not write.
    if shared.answer.is_written()
        && receiver.recv_timeout(RECORD_GRACE) != Err(RecvTimeoutError::Timeout)
    {
        return;
    }
    end(shared);
}

/// Ends the process, after at most `RECORD_GRACE` for the rest of the run.
#[expect(clippy::exit, reason = "the main thread hangs, so the process cannot end by returning")]
fn end(shared: &Arc<Shared>) {
    let (sender, receiver) = channel::<()>();
    let of_thread = Arc::clone(shared);
    let finish = move || {
        of_thread.finish();
        drop(sender);
    };
    // The reader and the disk may hang for this thread too.
    if std::thread::Builder::new().stack_size(STACK_BYTES).spawn(finish).is_ok() {
        let _ = receiver.recv_timeout(RECORD_GRACE);
    } else {
        shared.finish();
    }
    process::kill_all();
    std::process::exit(0);
}
