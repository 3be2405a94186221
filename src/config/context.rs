//! `[context]`: the text that the model reads.

use super::parser::{WordList, Words, list, number, word};
use super::reader::Reader;

/// Size and form of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextOptions {
    pub format: Format,
    /// Characters of the whole text (its bytes are limited to 9500 too).
    pub max_chars: usize,
    /// Fields of a task that may reach the model.
    pub fields: Vec<String>,
}

/// How much is written about a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Compact,
    Full,
}

impl Words for Format {
    const WORDS: WordList<Self> = &[("compact", Self::Compact), ("full", Self::Full)];
}

impl ContextOptions {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        ContextOptions {
            format: table.get("format", word()),
            max_chars: table.get("max_chars", number(200, 9500)),
            fields: table.get("fields", list()),
        }
    }
}
