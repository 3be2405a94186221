//! Files of the project as text for the model. Off by default; an untrusted project cannot enable it,
//! because its files become model input.

use std::path::PathBuf;

use super::{Built, Builtin, Hook, HookFuture, HookInputs, HookResult, Part, SessionContext};
use crate::config::parser::files;
use crate::deadline::Deadline;
use crate::disk;
use crate::error::{Code, Failure};
use crate::query::ServedFrom;

pub static BUILTIN: Builtin =
    Builtin { name: "notes", summary: "files of the project as text", untrusted_keys: &[], build };

const MAX_FILE_BYTES: u64 = 256 << 10;

struct Notes {
    files: Vec<PathBuf>,
}

#[expect(clippy::unnecessary_wraps, reason = "the registry's signature")]
fn build(inputs: &HookInputs<'_>) -> Built {
    Ok(Box::new(Notes { files: inputs.table.get("files", files()) }))
}

impl Notes {
    fn read(&self, session: &SessionContext) -> HookResult {
        let mut parts = Vec::new();
        let mut failure = None;
        for file in &self.files {
            match read(session, file) {
                Ok(Some(text)) => {
                    parts.push(Part::Text { title: file.display().to_string(), text });
                }
                Ok(None) => {}
                Err(problem) => failure = Some(problem),
            }
        }
        let served = if parts.is_empty() { ServedFrom::Nothing } else { ServedFrom::Live };
        HookResult {
            parts,
            served,
            origin: "files of this project".into(),
            failure,
            ..HookResult::nothing()
        }
    }
}

/// A relative file must be inside the project after links are resolved.
fn read(session: &SessionContext, file: &std::path::Path) -> Result<Option<String>, Failure> {
    let path = session.root.join(file);
    let shown = file.display();
    let Ok(real) = path.canonicalize() else { return Ok(None) };
    let root = session.root.canonicalize().unwrap_or_else(|_| session.root.clone());
    if file.is_relative() && !real.starts_with(root) {
        let text = format!("the note `{shown}` points outside the project");
        return Err(Failure::new(Code::Hook, text)
            .hint("name it by its absolute path in your own hooks.toml"));
    }
    disk::read_text(&real, MAX_FILE_BYTES).map_err(|error| {
        Failure::new(Code::Hook, format!("the note `{shown}` cannot be read: {error}"))
    })
}

impl Hook for Notes {
    fn from_disk(&self, session: &SessionContext) -> Option<HookResult> {
        Some(self.read(session))
    }

    fn live<'a>(&'a self, session: &'a SessionContext, _deadline: Deadline) -> HookFuture<'a> {
        Box::pin(async move { self.read(session) })
    }
}
