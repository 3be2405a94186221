//! The exception: a plugin in our own process, on one thread of its own. It costs less and is
//! protected from nothing: a crash of the plugin is ours, and what it prints goes where we print.

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
    /// When there can be no further thread.
    pub fn start(plugin: String, wanted: PinnedLibrary) -> Result<Self, Fault> {
        let (sender, jobs) = channel::<Job>();
        let work = move || {
            let log = |level: u32, text: String| plugin_log::line(&plugin, level, &text);
            let loaded = Image::verified(&wanted).and_then(LoadedLibrary::open);
            for job in jobs {
                let result = match &loaded {
                    Ok(loaded) => loaded.call(&job.request, job.soft, &log),
                    Err(fault) => Err(fault.clone()),
                };
                // Nobody waits for it any more.
                let _ = job.done.send(result);
            }
        };
        let started = std::thread::Builder::new().stack_size(STACK).spawn(work);
        started
            .map(|_| Thread(sender))
            .map_err(|error| Fault::new(FaultKind::Died, format!("could not be started: {error}")))
    }

    /// One call; ends by the deadline, whatever the plugin does.
    ///
    /// # Errors
    /// As in a child process, as far as there is still a process to tell it.
    pub async fn call(
        &self,
        request: &Value,
        soft: Duration,
        deadline: Deadline,
    ) -> Result<Value, Fault> {
        let (done, result) = oneshot::channel();
        let job = Job { request: request.to_string(), soft: Instant::now() + soft, done };
        let gone = || Fault::new(FaultKind::Died, "lost its thread");
        self.0.send(job).map_err(|_| gone())?;
        let at = tokio::time::Instant::from_std(deadline.instant());
        match tokio::time::timeout_at(at, result).await {
            Ok(result) => result.unwrap_or_else(|_| Err(gone())),
            Err(_) => Err(Fault::new(
                FaultKind::Timeout,
                "did not answer in time; its thread is left behind",
            )),
        }
    }
}
