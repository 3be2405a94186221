//! The tools that a server does not have by its own answer, a file each, so that two processes never change
//! the same one. For a day they are not called again by a session start or the background.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::client::unknown_tool;
use crate::deadline::Timestamp;
use crate::digest;
use crate::disk::{self, Durability};
use crate::error::{Code, Failure};
use crate::paths::Paths;

const MAX_FILE_BYTES: u64 = 4 << 10;
/// How long such an answer counts.
const TTL: Duration = Duration::from_secs(86_400);

/// One file.
#[derive(Serialize, Deserialize)]
struct MissingTool {
    tool: String,
    seen: i64,
}

/// The missing tools of one endpoint for one identity.
pub struct MissingTools {
    folder: Option<PathBuf>,
    server: String,
}

impl MissingTools {
    /// Without paths nothing is remembered.
    #[must_use]
    pub fn new(paths: Option<&Paths>, endpoint: &str, identity: &str) -> Self {
        let folder = paths.map(|paths| paths.state.join("wire"));
        MissingTools { folder, server: format!("{endpoint}\0{identity}") }
    }

    /// Until when `tool` counts as missing; a damaged file counts as absent.
    #[must_use]
    pub fn until(&self, tool: &str) -> Option<Timestamp> {
        let bytes = disk::read_private(&self.file(tool)?, MAX_FILE_BYTES).ok().flatten()?;
        let missing: MissingTool = serde_json::from_slice(&bytes).ok()?;
        let seen = Timestamp(missing.seen);
        let is_recent = seen.age(Timestamp::now())? < TTL;
        (is_recent && missing.tool == tool).then(|| seen.plus(TTL))
    }

    /// `result` of a call of `tool`, with what it shows about the tool noted.
    ///
    /// # Errors
    /// Those of `result`; the code is `WS406` where the server does not have the tool.
    pub fn noted<T>(&self, tool: &str, result: Result<T, Failure>) -> Result<T, Failure> {
        // The list of tools is no call of one.
        if tool.is_empty() {
            return result;
        }
        let result = result.map_err(|failure| unknown_tool::recognised(failure, tool));
        match &result {
            Ok(_) => self.forget(tool),
            Err(failure) if failure.code == Code::UnknownTool => self.note(tool),
            Err(_) => {}
        }
        result
    }

    fn note(&self, tool: &str) {
        let missing = MissingTool { tool: tool.to_owned(), seen: Timestamp::now().0 };
        if let (Some(path), Ok(bytes)) = (self.file(tool), serde_json::to_vec(&missing)) {
            let _ = disk::write_atomic(&path, &bytes, Durability::Process);
        }
    }

    fn forget(&self, tool: &str) {
        if let Some(path) = self.file(tool) {
            let _ = std::fs::remove_file(path);
        }
    }

    fn file(&self, tool: &str) -> Option<PathBuf> {
        let name = digest::short(format!("missing\0{}\0{tool}", self.server));
        Some(self.folder.as_ref()?.join(format!("{name}.json")))
    }
}
