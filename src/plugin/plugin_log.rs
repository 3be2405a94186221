//! A plugin's log lines and what it prints: one log line each, with the plugin's name. The log's
//! writer masks secrets.

use std::cell::Cell;

use super::wire::plain;

/// Lines of standard error that are logged.
const MAX_STDERR_LINES: usize = 64;

/// The log of one call.
pub struct PluginLog<'a> {
    plugin: &'a str,
    stderr: Cell<usize>,
}

impl<'a> PluginLog<'a> {
    /// For the plugin of that name.
    #[must_use]
    pub fn of(plugin: &'a str) -> Self {
        PluginLog { plugin, stderr: Cell::new(0) }
    }

    /// A log line of the plugin.
    pub fn line(&self, level: u32, text: &str) {
        line(self.plugin, level, text);
    }

    /// Text that it printed. Only the first lines are logged; reading the rest keeps it from blocking.
    pub fn stderr(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        for line in text.lines().map(plain).filter(|line| !line.is_empty()) {
            if self.stderr.get() >= MAX_STDERR_LINES {
                return;
            }
            self.stderr.set(self.stderr.get() + 1);
            tracing::debug!(target: "plugin", plugin = self.plugin, "printed: {line}");
        }
    }
}

/// Logs one line of the plugin at its level.
pub fn line(plugin: &str, level: u32, text: &str) {
    let text = plain(text);
    match level {
        1 => tracing::error!(target: "plugin", plugin, "{text}"),
        2 => tracing::warn!(target: "plugin", plugin, "{text}"),
        3 => tracing::info!(target: "plugin", plugin, "{text}"),
        4 => tracing::debug!(target: "plugin", plugin, "{text}"),
        _ => tracing::trace!(target: "plugin", plugin, "{text}"),
    }
}
