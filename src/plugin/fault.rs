//! Faults of a plugin or its file. The kind of a fault decides its code and hint; an error that a
//! plugin reports is not a fault.

use serde::{Deserialize, Serialize};

use crate::error::{Code, Failure};

pub(super) const REPORT_IT: &str = "this is a bug of the plugin: report it to the plugin's author";

/// The kinds, in the order in which they are checked during a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The file cannot be read, or must not be loaded: a link, not a regular file, writable by others.
    Path,
    /// The bytes differ from the trusted ones.
    Changed,
    /// Not a shared library for this machine.
    NotALibrary,
    /// The dynamic loader refused it.
    Load,
    /// It does not export the one function.
    Symbol,
    /// It needs a newer host.
    Version,
    /// The process ended before it replied.
    Died,
    /// It exceeded its time limit.
    Timeout,
    /// No reply, or a reply that is not JSON, too large, or invalid.
    Reply,
}

/// A fault, as the child reports it to its parent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub kind: FaultKind,
    /// A predicate that follows the plugin's name.
    pub message: String,
}

impl Fault {
    /// A fault of this kind.
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Fault { kind, message: message.into() }
    }

    /// The fault as a failure of the plugin `name`.
    #[must_use]
    pub fn failure(&self, name: &str) -> Failure {
        let (code, hint) = match self.kind {
            FaultKind::Path => (Code::PluginPath, None),
            FaultKind::Changed => (
                Code::PluginChanged,
                Some("review the file, then run `warmstart plugin trust FILE` again"),
            ),
            FaultKind::NotALibrary | FaultKind::Load => (
                Code::PluginUnloadable,
                Some(
                    "build it as a shared library for this machine; all that it links to must exist",
                ),
            ),
            FaultKind::Symbol => {
                (Code::PluginSymbol, Some("export it with `export!` (Rust) or `WS_EXPORT` (C)"))
            }
            FaultKind::Version => (Code::PluginVersion, Some("update warmstart")),
            FaultKind::Died => (Code::PluginDied, Some(REPORT_IT)),
            FaultKind::Timeout => {
                (Code::PluginTimeout, Some("raise `timeout` in `[plugins.NAME]`"))
            }
            FaultKind::Reply => (Code::PluginReply, Some(REPORT_IT)),
        };
        let failure = Failure::new(code, format!("the plugin `{name}` {}", self.message));
        match hint {
            Some(hint) => failure.hint(hint.replace("NAME", name)),
            None => failure,
        }
    }
}
