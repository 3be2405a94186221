//! What `init` looks at in a project: which task files exist, and the text of `.mcp.json`. Only reads;
//! a link that leaves the project is not followed.

use std::path::Path;

use crate::disk::{self, InsideError};

/// The file in which Claude Code keeps the MCP servers of a project.
pub const MCP_JSON: &str = ".mcp.json";
const MAX_FILE_BYTES: u64 = 1 << 20;

/// A file or folder in which a project keeps tasks.
pub struct TaskFile {
    pub path: &'static str,
    /// The preset that reads it; `None`: the defaults do.
    pub preset: Option<&'static str>,
}

const fn default(path: &'static str) -> TaskFile {
    TaskFile { path, preset: None }
}

const fn of_preset(path: &'static str, preset: &'static str) -> TaskFile {
    TaskFile { path, preset: Some(preset) }
}

/// Task files in the order in which they are offered.
pub static TASK_FILES: &[TaskFile] = &[
    of_preset("backlog/tasks/", "backlog-md"),
    of_preset(".backlog/tasks/", "backlog-md"),
    of_preset(".taskmaster/tasks/tasks.json", "task-master"),
    of_preset(".shrimp/tasks.json", "shrimp"),
    of_preset("shrimp-data/tasks.json", "shrimp"),
    of_preset(".beads/issues.jsonl", "beads"),
    of_preset(".beads/beads.jsonl", "beads"),
    default(".claude/TODO.md"),
    default("TODO.md"),
];

/// The findings in one project.
#[derive(Default)]
pub struct Listing {
    /// The existing ones of `TASK_FILES`.
    pub files: Vec<&'static TaskFile>,
    /// The text of `.mcp.json`, or why it was not read; `None` without such a file.
    pub mcp_json: Option<Result<String, String>>,
}

impl Listing {
    /// Looks into the project at `root`.
    pub fn read(root: &Path) -> Self {
        let exists = |file: &&TaskFile| match file.path.strip_suffix('/') {
            Some(folder) => root.join(folder).is_dir(),
            None => root.join(file.path).is_file(),
        };
        Listing { files: TASK_FILES.iter().filter(exists).collect(), mcp_json: mcp_json(root) }
    }
}

fn mcp_json(root: &Path) -> Option<Result<String, String>> {
    match disk::read_inside(root, Path::new(MCP_JSON), MAX_FILE_BYTES) {
        Ok(text) => text.map(Ok),
        Err(InsideError::Outside(target)) => {
            Some(Err(format!("is a link that leaves the project: {}", target.display())))
        }
        Err(InsideError::Unreadable(error)) => Some(Err(format!("cannot be read: {error}"))),
    }
}
