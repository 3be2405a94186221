//! `[hooks.NAME]` and `[hook_defaults]`: what every hook has. A hook reads the rest itself.

use std::time::Duration;

use super::parser::{duration, flag, number, text, word_list};
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
}

impl HookConfig {
    /// Reads a table of `[hooks]`.
    pub fn read(table: &Reader<'_>) -> Self {
        HookConfig { kind: table.get("kind", text()), ..HookConfig::read_defaults(table) }
    }

    /// Reads `[hook_defaults]`.
    pub fn read_defaults(table: &Reader<'_>) -> Self {
        HookConfig {
            kind: String::new(),
            order: table.get("order", number(-1000, 1000)),
            timeout: table.get("timeout", duration("10ms", "60s")),
            sources: table.get("sources", word_list()),
            max_chars: table.get("max_chars", number(50, 9500)),
            enabled: table.get("enabled", flag()),
        }
    }
}
