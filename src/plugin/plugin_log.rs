//! A plugin's log lines and what it prints: one log line each, with the plugin's name. The log's
//! writer masks secrets.

use std::cell::RefCell;

use super::wire::plain;

/// Lines of standard error that are logged.
const MAX_STDERR_LINES: usize = 64;
/// Bytes of one of them that are kept.
const MAX_LINE_BYTES: usize = 8 << 10;

/// The log of one call.
pub struct PluginLog<'a> {
    plugin: &'a str,
    stderr: RefCell<Stderr>,
}

/// The part of standard error that was read.
#[derive(Default)]
struct Stderr {
    /// The beginning of a line whose end was not read yet.
    line: Vec<u8>,
    logged: usize,
}

impl<'a> PluginLog<'a> {
    /// For the plugin of that name.
    #[must_use]
    pub fn of(plugin: &'a str) -> Self {
        PluginLog { plugin, stderr: RefCell::default() }
    }

    /// A log line of the plugin.
    pub fn line(&self, level: u32, text: &str) {
        line(self.plugin, level, text);
    }

    /// Text that it printed, in pieces that may end anywhere: a secret can be masked only in a whole
    /// line. Only the first lines are logged; reading the rest keeps it from blocking.
    pub fn stderr(&self, bytes: &[u8]) {
        let mut stderr = self.stderr.borrow_mut();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = MAX_LINE_BYTES.saturating_sub(stderr.line.len());
            stderr.line.extend(piece.iter().take(room));
            if piece.ends_with(b"\n") {
                stderr.end_line(self.plugin);
            }
        }
    }
}

impl Drop for PluginLog<'_> {
    fn drop(&mut self) {
        self.stderr.get_mut().end_line(self.plugin);
    }
}

impl Stderr {
    fn end_line(&mut self, plugin: &str) {
        let line = plain(&String::from_utf8_lossy(&self.line));
        self.line.clear();
        if !line.is_empty() && self.logged < MAX_STDERR_LINES {
            self.logged += 1;
            tracing::debug!(target: "plugin", plugin, "printed: {line}");
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
