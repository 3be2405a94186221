//! `[hooks.NAME]`, with what it leaves unset taken from `[hook_defaults]`.

use std::path::PathBuf;
use std::time::Duration;

use super::parser::{duration, files, flag, list, number, text, word_list};
use super::reader::Reader;
use crate::event::Source;

/// One hook.
#[derive(Clone, Debug, PartialEq)]
pub struct HookConfig {
    /// The built-in or `plugin:LIBRARY[/ITEM]`; the table's name when empty.
    pub kind: String,
    pub order: i64,
    /// Of its live attempt.
    pub timeout: Duration,
    /// Empty: all of `session_start.sources`.
    pub sources: Vec<Source>,
    pub max_chars: usize,
    pub enabled: bool,
    /// For `pending_tasks` and `next_task`.
    pub query: Option<String>,
    /// For `prime_cache`.
    pub queries: Vec<String>,
    /// For `git_context`.
    pub commits: usize,
    /// For `notes`.
    pub files: Vec<PathBuf>,
    /// For `command`.
    pub command: Vec<String>,
}

impl HookConfig {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        HookConfig {
            kind: table.get("kind", text()),
            order: table.get("order", number(-1000, 1000)),
            timeout: table.get("timeout", duration("10ms", "60s")),
            sources: table.get("sources", word_list()),
            max_chars: table.get("max_chars", number(50, 9500)),
            enabled: table.get("enabled", flag()),
            query: table.get_optional("query", text()),
            queries: table.get("queries", list()),
            commits: table.get("commits", number(0, 20)),
            files: table.get("files", files()),
            command: table.get("command", list()),
        }
    }
}
