//! Plugins: libraries that the user trusts, each call in a process of its own that can be killed.
//! Calls them and contains their faults; `client`, `fallback` and `hook` interpret the answers.
//!
//! This protects against bugs, not malice: a plugin has all the user's rights.

pub mod child;
mod child_call;
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
mod registry;
pub mod wire;

pub use fault::{Fault, FaultKind};
pub use image::PinnedLibrary;
pub use manifest::{ItemKind, Manifest};
pub use pin::{Pin, Pins};
pub use registry::{PREFIX, Plugins, ResolvedItem, check_settings};

use std::cell::{OnceCell, RefCell};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;

use crate::config::{Isolation, PluginConfig};
use crate::deadline::Deadline;
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::process::{self, Program};
use child::CallRequest;
use in_process::Thread;
use plugin_log::PluginLog;
use wire::{MAX_REQUEST_BYTES, PluginRequest};

/// The program that hosts a plugin's process, and its working folder.
#[derive(Clone, Debug)]
pub struct PluginHost {
    /// Our own executable, started again with a hidden command.
    pub program: PathBuf,
    /// The repository's root; outside of a repository the session's folder.
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
    /// Its fault in this run; after one it is not called again.
    broken: RefCell<Option<Failure>>,
}

impl Plugin {
    /// Loads nothing yet.
    #[must_use]
    pub fn new(
        name: &str,
        library: PinnedLibrary,
        config: PluginConfig,
        environment: &Environment,
        place: PluginHost,
    ) -> Self {
        let variables = process::variables(environment, &config.env);
        let name = name.to_owned();
        let (thread, broken) = (OnceCell::new(), RefCell::default());
        Plugin { name, library, config, variables, place, thread, broken }
    }

    /// The name under which it is trusted.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Everything but the query that its answers depend on; part of the cache identity.
    #[must_use]
    pub fn identity(&self) -> String {
        let config = serde_json::to_string(&self.config.config).unwrap_or_default();
        format!("{} {} {config}", self.library.sha256, self.config.env.join(" "))
    }

    /// Calls it and reads its reply; ends at `deadline` or after its `timeout`, whichever is sooner.
    ///
    /// # Errors
    /// The error it reported, or its fault. After a fault it is not called again.
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
            Ok(Ok(value)) => return Ok(wire::masked(value)),
            Ok(Err(error)) => (error.failure(&self.name), error.kind.is_faulty()),
            // `before` has so little time that exceeding it is not a fault.
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

    /// The unparsed reply; a fault is not remembered.
    ///
    /// # Errors
    /// When there is no reply.
    pub async fn raw_call(&self, request: &PluginRequest, limit: Deadline) -> Result<Value, Fault> {
        let root = self.place.root.to_string_lossy();
        let request = request.to_json(&self.name, &self.config.config, &root, limit);
        if request.to_string().len() > MAX_REQUEST_BYTES {
            let text = format!(
                "was not called: the request is larger than {} KiB",
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
            soft_ms: u64::try_from(soft.as_millis()).unwrap_or(u64::MAX),
            // Two seconds beyond the limit: normally the deadline ends it; this one holds if the
            // parent has been killed.
            cpu_s: limit.remaining().as_secs() + 2,
            request,
        };
        let PluginHost { program, root } = &self.place;
        let arguments = [child::COMMAND.to_owned()];
        let variables = &self.variables;
        let host = Program { file: program, arguments: &arguments, variables, folder: root };
        child_call::call(&host, &order, &PluginLog::of(&self.name), limit).await
    }

    fn thread(&self) -> &Result<Thread, Fault> {
        self.thread.get_or_init(|| Thread::start(self.name.clone(), self.library.clone()))
    }

    /// The failure for an invalid reply; the plugin is not called again in this run.
    #[must_use]
    pub fn reply_failure(&self, fault: &Fault) -> Failure {
        let failure = fault.failure(&self.name);
        tracing::warn!(target: "plugin", plugin = self.name, code = %failure.code, "{failure}");
        self.broken.replace(Some(failure.clone()));
        failure
    }
}

/// The failure for a name without a trusted plugin.
fn untrusted(name: &str, file: Option<&std::path::Path>) -> Failure {
    let failure =
        Failure::new(Code::PluginUntrusted, format!("the plugin `{name}` is not trusted"));
    let file = file.map_or_else(|| "FILE".into(), |path| path.display().to_string());
    failure.hint(format!("review it, then run `warmstart plugin trust {file}`"))
}
