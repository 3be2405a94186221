//! `isolation = "in-process"`: a plugin in our own process, on a thread of its own. Cheaper, but a
//! crash of the plugin is a crash of the session start, and its prints end up in our output.

use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::sync::oneshot;

use super::fault::{Fault, FaultKind};
use super::host::LoadedLibrary;
use super::image::{Image, PinnedLibrary};
use super::plugin_log;
use crate::deadline::Deadline;

const STACK: usize = 8 << 20;

struct Job {
    request: String,
    soft: Instant,
    done: oneshot::Sender<Result<Value, Fault>>,
}

/// The thread of one plugin; a call that does not end leaves it behind.
pub struct Thread(Sender<Job>);

impl Thread {
    /// Starts it; the library is loaded there, at the first call.
    ///
    /// # Errors
    /// When the system refuses another thread.
    pub fn start(plugin: String, pinned: PinnedLibrary) -> Result<Self, Fault> {
        let (sender, jobs) = channel::<Job>();
        let work = move || {
            let log = |level: u32, text: String| plugin_log::line(&plugin, level, &text);
            let loaded = Image::verified(&pinned).and_then(LoadedLibrary::open);
            for job in jobs {
                let result = match &loaded {
                    Ok(loaded) => loaded.call(&job.request, job.soft, &log),
                    Err(fault) => Err(fault.clone()),
                };
                // Fails if the deadline has passed.
                let _ = job.done.send(result);
            }
        };
        let started = std::thread::Builder::new().stack_size(STACK).spawn(work);
        started
            .map(|_| Thread(sender))
            .map_err(|error| Fault::new(FaultKind::Died, format!("cannot be started: {error}")))
    }

    /// One call; ends at the deadline, whatever the plugin does.
    ///
    /// # Errors
    /// As in a child process; but a crash of the plugin ends this process.
    pub async fn call(
        &self,
        request: &Value,
        soft: Duration,
        deadline: Deadline,
    ) -> Result<Value, Fault> {
        let (done, result) = oneshot::channel();
        let job = Job { request: request.to_string(), soft: Instant::now() + soft, done };
        let no_thread = || Fault::new(FaultKind::Died, "ended its thread");
        self.0.send(job).map_err(|_| no_thread())?;
        let at = tokio::time::Instant::from_std(deadline.instant());
        match tokio::time::timeout_at(at, result).await {
            Ok(result) => result.unwrap_or_else(|_| Err(no_thread())),
            Err(_) => Err(Fault::new(
                FaultKind::Timeout,
                "did not answer in time; its thread is still running",
            )),
        }
    }
}
