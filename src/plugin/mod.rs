//! Other people's code: libraries that the user has trusted, each call in a killable process of its
//! own. Knows how to call one and survive it; what the answers mean is known by `client`, `fallback`
//! and `hook`.
//!
//! This isolates accidents, not malice: a plugin has the user's rights.

pub mod child;
mod fault;
pub mod find;
pub mod frame;
pub mod header;
mod host;
mod image;
mod in_process;
pub mod manifest;
pub mod pin;
mod plugin_log;
mod process;
mod registry;
pub mod wire;

pub use fault::{Fault, FaultKind};
pub use image::PinnedLibrary;
pub use manifest::{ItemKind, Manifest};
pub use pin::{Pin, Pins};
pub use registry::{PREFIX, Plugins, ResolvedItem};

use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::config::{Isolation, PluginConfig};
use crate::deadline::Deadline;
use crate::environment::Environment;
use crate::error::{Code, Failure};
use child::CallRequest;
use in_process::Thread;
use plugin_log::PluginLog;
use process::SpawnOptions;
use wire::{MAX_REQUEST_BYTES, PluginRequest};

/// Variables that every plugin sees; the user's keys are not among them.
const INHERITED: &[&str] =
    &["HOME", "USERPROFILE", "PATH", "LANG", "TZ", "TMPDIR", "TEMP", "SYSTEMROOT"];

/// What a plugin is started from and where it works.
#[derive(Clone, Debug)]
pub struct PluginHost {
    /// Our own program, which becomes its process.
    pub program: PathBuf,
    /// The repository's root, or the session's folder.
    pub root: PathBuf,
}

/// A library that can be called.
pub struct Plugin {
    name: String,
    library: PinnedLibrary,
    config: PluginConfig,
    variables: Vec<(String, String)>,
    place: PluginHost,
    thread: OnceCell<Result<Thread, Fault>>,
    /// Once it misbehaved it is not called again in this run.
    broken: RefCell<Option<Failure>>,
}

impl Plugin {
    /// Makes it ready; nothing is loaded yet.
    #[must_use]
    pub fn new(
        name: &str,
        library: PinnedLibrary,
        config: PluginConfig,
        environment: &Environment,
        place: PluginHost,
    ) -> Self {
        let is_seen = |variable: &str| {
            INHERITED.contains(&variable)
                || variable.starts_with("XDG_")
                || config.env.iter().any(|named| named == variable)
        };
        let seen = environment.iter().filter(|(variable, _)| is_seen(variable));
        let variables = seen.map(|(one, value)| (one.to_owned(), value.to_owned())).collect();
        let name = name.to_owned();
        let (thread, broken) = (OnceCell::new(), RefCell::default());
        Plugin { name, library, config, variables, place, thread, broken }
    }

    /// As the user calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its answers depend on beside the question: whose entries in the cache are its own.
    #[must_use]
    pub fn identity(&self) -> String {
        let config = serde_json::to_string(&self.config.config).unwrap_or_default();
        format!("{} {} {config}", self.library.sha256, self.config.env.join(" "))
    }

    /// Calls it and reads its reply; ends by `deadline` and by its own `timeout`.
    ///
    /// # Errors
    /// What it reported, or what it did instead of replying. A plugin that misbehaved is not called
    /// again.
    pub async fn call(
        &self,
        request: &PluginRequest,
        deadline: Deadline,
    ) -> Result<Value, Failure> {
        if let Some(failure) = self.broken.borrow().clone() {
            return Err(failure);
        }
        let limit = deadline.capped(self.config.timeout);
        let result = self.raw_call(request, limit).await.and_then(wire::read_reply);
        let (failure, is_faulty) = match result {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(error)) => (error.failure(&self.name), error.kind.is_faulty()),
            // Before a request its time is so short that running out of it proves nothing.
            Err(fault) => {
                let is_hurried = request.op == "before" && fault.kind == FaultKind::Timeout;
                (fault.failure(&self.name), !is_hurried)
            }
        };
        tracing::warn!(target: "plugin", plugin = self.name, op = request.op, code = %failure.code, "{failure}");
        if is_faulty {
            self.broken.replace(Some(failure.clone()));
        }
        Err(failure)
    }

    /// The reply as it came, and no memory of faults.
    ///
    /// # Errors
    /// When there is none.
    pub async fn raw_call(&self, request: &PluginRequest, limit: Deadline) -> Result<Value, Fault> {
        let root = self.place.root.to_string_lossy();
        let request = request.to_json(&self.name, &self.config.config, &root, limit);
        if request.to_string().len() > MAX_REQUEST_BYTES {
            let text = format!(
                "was not asked: the request is larger than {} KiB",
                MAX_REQUEST_BYTES >> 10
            );
            return Err(Fault::new(FaultKind::Reply, text));
        }
        let soft = limit.remaining().mul_f64(0.8);
        match self.config.isolation {
            Isolation::Process => self.call_child(request, soft, limit).await,
            Isolation::InProcess => match self.thread() {
                Ok(thread) => thread.call(&request, soft, limit).await,
                Err(fault) => Err(fault.clone()),
            },
        }
    }

    async fn call_child(
        &self,
        request: Value,
        soft: Duration,
        limit: Deadline,
    ) -> Result<Value, Fault> {
        let order = CallRequest {
            library: self.library.clone(),
            parent: std::process::id(),
            soft_ms: u64::try_from(soft.as_millis()).unwrap_or(u64::MAX),
            // Two seconds more than it has: the deadline is what ends it, this only if we are gone.
            cpu_s: limit.remaining().as_secs() + 2,
            request,
        };
        let PluginHost { program, root } = &self.place;
        let options = SpawnOptions { program, folder: root, variables: &self.variables };
        process::call(&options, &order, &PluginLog::of(&self.name), limit).await
    }

    fn thread(&self) -> &Result<Thread, Fault> {
        self.thread.get_or_init(|| Thread::start(self.name.clone(), self.library.clone()))
    }

    /// What it did that was none of its plugins' words, as a failure that counts for this run.
    #[must_use]
    pub fn reply_failure(&self, fault: &Fault) -> Failure {
        let failure = fault.failure(&self.name);
        tracing::warn!(target: "plugin", plugin = self.name, code = %failure.code, "{failure}");
        self.broken.replace(Some(failure.clone()));
        failure
    }
}

/// A name that leads to no trusted plugin.
fn untrusted(name: &str, file: Option<&std::path::Path>) -> Failure {
    let failure =
        Failure::new(Code::PLUGIN_UNTRUSTED, format!("the plugin `{name}` is not trusted"));
    let file = file.map_or_else(|| "FILE".into(), |path| path.display().to_string());
    failure.hint(format!("look at it, then run `warmstart plugin trust {file}`"))
}
