//! `[session_start]`.

use std::time::Duration;

use super::parser::{WordList, Words, duration, word, word_list};
use super::reader::Reader;
use crate::event::Source;

/// When a session start adds something, and how much time it has.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionStart {
    /// Of the whole run.
    pub deadline: Duration,
    /// For the first answer of a source that starts a program.
    pub first_deadline: Duration,
    pub sources: Vec<Source>,
    pub resume: Resume,
    pub notice: Notice,
    pub agents: Agents,
}

/// Which agents of a session get the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Agents {
    #[default]
    Main,
    All,
}

/// What `resume` repeats.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resume {
    #[default]
    Full,
    Changed,
}

/// When the user sees a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notice {
    #[default]
    Never,
    Degraded,
    Always,
}

impl Words for Resume {
    const WORDS: WordList<Self> = &[("full", Self::Full), ("changed", Self::Changed)];
}

impl Words for Notice {
    const WORDS: WordList<Self> =
        &[("never", Self::Never), ("degraded", Self::Degraded), ("always", Self::Always)];
}

impl Words for Agents {
    const WORDS: WordList<Self> = &[("main", Self::Main), ("all", Self::All)];
}

impl Words for Source {
    const WORDS: WordList<Self> = &[
        ("startup", Self::Startup),
        ("resume", Self::Resume),
        ("clear", Self::Clear),
        ("compact", Self::Compact),
        ("fork", Self::Fork),
    ];
}

impl SessionStart {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        SessionStart {
            deadline: table.get("deadline", duration("100ms", "60s")),
            first_deadline: table.get("first_deadline", duration("100ms", "60s")),
            sources: table.get("sources", word_list()),
            resume: table.get("resume", word()),
            notice: table.get("notice", word()),
            agents: table.get("agents", word()),
        }
    }
}
