//! The entry of `warmstart` in the settings files of agent programs: added, repaired, found and removed,
//! every other byte kept. Pure: text in, text out. `settings_file` and `journal` are the files, `trial`
//! runs the entry once.

mod command_line;
mod document;
mod entry;
mod journal;
mod json;
mod placement;
mod settings_file;
mod style;
mod trial;

use std::fmt;

pub use entry::{Change, Edited, Entry, edit, is_empty_but_for_version, registrations, remove};
pub use journal::{Installation, Journal, Undo};
pub use placement::{HostName, Placement, Scope};
pub use settings_file::{SettingsFile, failure_of};
pub use trial::{Trial, run as try_entry};

/// Why a text is not edited, with the place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub message: String,
    /// Line and column, from 1.
    pub at: Option<(usize, usize)>,
}

impl Refusal {
    fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = &text[..offset.min(text.len())];
        let line = before.matches('\n').count() + 1;
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before[start..].chars().count() + 1;
        Refusal { message: message.into(), at: Some((line, column)) }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "line {line}, column {column}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
