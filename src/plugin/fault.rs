//! What a plugin can do wrong, or what can be wrong with its file. Every fault names its kind, so
//! that the code and the cure follow from it; what a plugin itself reports is not a fault.

use serde::{Deserialize, Serialize};

use crate::error::{Code, Failure};

/// The kinds, in the order in which a call can meet them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The file cannot be read, or is not what may be loaded.
    Path,
    /// The bytes are not the ones that were trusted.
    Changed,
    /// No shared library for this machine.
    NotALibrary,
    /// The dynamic loader refused it.
    Load,
    /// It does not export the one function.
    Symbol,
    /// It needs a newer host.
    Version,
    /// The process ended before it replied.
    Died,
    /// It took longer than it had.
    Timeout,
    /// No reply, a reply that is no JSON, one that is too large, or one that makes no sense.
    Reply,
}

/// A fault on its way from the child to the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub kind: FaultKind,
    /// A fragment that fits behind the plugin's name.
    pub message: String,
}

impl Fault {
    /// Makes a fault.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Fault { kind, message: message.into() }
    }

    /// The fault as a failure of the plugin `name`.
    #[must_use]
    pub fn failure(&self, name: &str) -> Failure {
        let (code, hint) = match self.kind {
            FaultKind::Path => (Code::PLUGIN_PATH, None),
            FaultKind::Changed => (
                Code::PLUGIN_CHANGED,
                Some("look at the file, then run `warmstart plugin trust FILE` again"),
            ),
            FaultKind::NotALibrary | FaultKind::Load => (
                Code::PLUGIN_UNLOADABLE,
                Some("build it as a shared library for this machine, with all that it links to"),
            ),
            FaultKind::Symbol => {
                (Code::PLUGIN_SYMBOL, Some("it must export `warmstart_plugin_v1`"))
            }
            FaultKind::Version => (Code::PLUGIN_VERSION, Some("update warmstart")),
            FaultKind::Died => {
                (Code::PLUGIN_DIED, Some("it is a fault of the plugin: tell its author"))
            }
            FaultKind::Timeout => {
                (Code::PLUGIN_TIMEOUT, Some("raise the `timeout` of its table `[plugins.NAME]`"))
            }
            FaultKind::Reply => {
                (Code::PLUGIN_REPLY, Some("it is a fault of the plugin: tell its author"))
            }
        };
        let failure = Failure::new(code, format!("the plugin `{name}` {}", self.message));
        match hint {
            Some(hint) => failure.hint(hint.replace("NAME", name)),
            None => failure,
        }
    }
}
