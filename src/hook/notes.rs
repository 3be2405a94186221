//! Files of the project as text for the model. Off by default; an untrusted project cannot enable it,
//! because its files become model input.

use std::path::{Path, PathBuf};

use super::{Built, Builtin, Hook, HookFuture, HookInputs, HookResult, Part, SessionContext};
use crate::config::parser::files;
use crate::deadline::Deadline;
use crate::disk::{self, InsideError};
use crate::error::{Code, Failure};
use crate::provenance::{Provenance, ServedFrom};

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
        let origin = "files of this project".to_owned();
        let provenance = Provenance { served, origin, failure, ..Provenance::nothing() };
        HookResult { parts, provenance, reason: None }
    }
}

fn read(session: &SessionContext, file: &Path) -> Result<Option<String>, Failure> {
    let shown = file.display();
    disk::read_inside(&session.root, file, MAX_FILE_BYTES).map_err(|error| match error {
        InsideError::Outside(target) => {
            let target = target.display();
            let text = format!("the note `{shown}` points outside the project, to `{target}`");
            Failure::new(Code::Hook, text)
                .hint("name it by its absolute path in your own hooks.toml")
        }
        InsideError::Unreadable(error) => {
            Failure::new(Code::Hook, format!("the note `{shown}` cannot be read: {error}"))
        }
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
