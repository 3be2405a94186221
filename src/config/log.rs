//! `[log]`: the log and the record of runs.

use std::path::PathBuf;
use std::time::Duration;

use super::kind::Kind;
use super::parser::{
    Parse, Parser, WordList, Words, duration, number, parser, path, read_text, unknown_word, word,
};
use super::reader::Reader;

/// What is logged, where, and how long it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// A level, or levels by target (`tracing_subscriber::filter::Targets`).
    pub level: String,
    pub format: LogFormat,
    /// `None`: `logs` in the state folder.
    pub dir: Option<PathBuf>,
    pub keep: Duration,
    /// Lines kept in `runs.jsonl`.
    pub runs: usize,
}

/// The form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json,
}

impl Words for LogFormat {
    const WORDS: WordList<Self> = &[("text", Self::Text), ("json", Self::Json)];
}

impl LogConfig {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        LogConfig {
            level: table.get("level", level()),
            format: table.get("format", word()),
            dir: table.get("dir", path()),
            keep: table.get("keep", duration("1d", "365d")),
            runs: table.get("runs", number(10, 100_000)),
        }
    }
}

/// A level, or levels by target. To the parser of `Targets` a mistyped level is a target.
fn level() -> Parser<impl Parse<String>> {
    const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
    parser(
        Kind::Form("`off`, `error`, `warn`, `info`, `debug`, `trace`, or levels by target"),
        |value, _| {
            let text = read_text(value)?;
            let level = text.trim().to_ascii_lowercase();
            if LEVELS.contains(&level.as_str()) {
                return Ok(level);
            }
            if !level.contains(['=', ',']) {
                return Err(unknown_word(&level, LEVELS));
            }
            match text.parse::<tracing_subscriber::filter::Targets>() {
                Ok(_) => Ok(text.to_owned()),
                Err(_) => {
                    Err("is not a level or a filter like `info,warmstart::auth=debug`".into())
                }
            }
        },
    )
}
