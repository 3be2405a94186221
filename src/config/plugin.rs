//! `[plugins.NAME]`, with what it leaves unset taken from `[plugin_defaults]`.

use std::time::Duration;

use serde_json::{Map, Value};

use super::parser::{WordList, Words, duration, list, table as table_value, word};
use super::reader::Reader;

/// One plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginConfig {
    pub isolation: Isolation,
    pub timeout: Duration,
    /// Variables that it may see.
    pub env: Vec<String>,
    /// Handed to the plugin unchanged.
    pub config: Map<String, Value>,
}

/// Where a plugin runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    #[default]
    Process,
    InProcess,
}

impl Words for Isolation {
    const WORDS: WordList<Self> = &[("process", Self::Process), ("in-process", Self::InProcess)];
}

impl PluginConfig {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        PluginConfig {
            isolation: table.get("isolation", word()),
            timeout: table.get("timeout", duration("10ms", "60s")),
            env: table.get("env", list()),
            config: table.get("config", table_value()),
        }
    }
}
