//! The record of runs: one line of JSON each, so that a run without output differs from one that
//! never happened. Knows the file; its content comes from `session-start`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::deadline::Timestamp;
use crate::disk;
use crate::paths::Paths;
use crate::provenance::ServedFrom;

/// At most this much is read, from the file's end.
const MAX_READ_BYTES: u64 = 64 << 20;
/// The same for a session's last run, about two hundred runs: a session start waits for it.
const RECENT_BYTES: u64 = 128 << 10;
/// The record is pruned when it is larger than this for each run to be kept. The lines of a session with
/// many hooks have 1.3 KB.
const PRUNED_ABOVE_BYTES: u64 = 2048;
/// Pruning leaves at most this for each, so that the record is not due again at once.
const KEPT_BYTES: u64 = 1536;

/// One run of `session-start`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// When it ended, UTC seconds.
    pub time: Timestamp,
    /// Ties the lines of the log to the run.
    pub id: String,
    pub source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    pub result: RunResult,
    /// Why it was not `ok`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Age in seconds of the oldest cached answer that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_age: Option<u64>,
    /// Milliseconds of the whole run up to the answer.
    pub millis: u64,
    /// Milliseconds by stage, in order.
    pub stages: Vec<(String, u64)>,
    pub hooks: Vec<HookRun>,
    /// Characters of the context.
    pub chars: usize,
    /// SHA-256 of the context that was printed: whether a resumed session knows it already.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
}

/// The result of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunResult {
    Ok,
    /// Something failed, and the answer was printed without it.
    Degraded,
    /// The chain asked for exit code 1, or the answer could not be printed.
    Failed,
    /// There was nothing to show.
    Empty,
    /// The run was not complete at its deadline, and was ended with the best answer that it had.
    Ended,
}

impl RunResult {
    /// The word shown and logged.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            RunResult::Ok => "ok",
            RunResult::Degraded => "degraded",
            RunResult::Failed => "failed",
            RunResult::Empty => "empty",
            RunResult::Ended => "ended",
        }
    }
}

/// The result of one hook in a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HookRun {
    pub name: String,
    pub supply: ServedFrom,
    pub millis: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// The record's file.
#[must_use]
pub fn file(paths: &Paths) -> PathBuf {
    paths.state.join("runs.jsonl")
}

/// Adds a run with one write; parallel runs do not mix.
///
/// # Errors
/// The system's.
pub fn append(path: &Path, run: &Run) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(run)?;
    line.push(b'\n');
    disk::append_line(path, &line)
}

/// The last runs, oldest first, at most `limit`; unreadable lines are skipped.
///
/// # Errors
/// The system's.
pub fn last(path: &Path, limit: usize) -> std::io::Result<Vec<Run>> {
    let bytes = disk::read_last_lines(path, MAX_READ_BYTES)?.unwrap_or_default();
    let lines = bytes.split(|byte| *byte == b'\n');
    let runs: Vec<Run> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    Ok(runs[runs.len().saturating_sub(limit)..].to_vec())
}

/// The last of the recent runs of `session` that printed something, or that followed a `compact`, after
/// which the host has none of the earlier text. Only the session's lines are parsed.
#[must_use]
pub fn last_printed(path: &Path, session: &str) -> Option<Run> {
    let bytes = disk::read_last_lines(path, RECENT_BYTES).ok()??;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().rev().filter(|line| line.contains(session));
    let mut runs = lines.filter_map(|line| serde_json::from_str::<Run>(line).ok());
    let counts = |run: &Run| !run.digest.is_empty() || run.source == "compact";
    runs.find(|run| run.session.as_deref() == Some(session) && counts(run))
}

/// Whether the file is so much larger than `keep` runs that it should be pruned.
#[must_use]
pub fn needs_prune(path: &Path, keep: usize) -> bool {
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    size > PRUNED_ABOVE_BYTES * keep as u64
}

/// Keeps the last `keep` lines, fewer where they are very long. No line that is appended meanwhile is lost.
///
/// # Errors
/// The system's; then the file is as it was.
pub fn prune(path: &Path, keep: usize) -> std::io::Result<()> {
    let limit = (KEPT_BYTES * keep as u64).min(MAX_READ_BYTES);
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    disk::shorten(path, limit, |bytes| {
        let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let kept = &lines[lines.len().saturating_sub(keep)..];
        let is_shorter = kept.len() < lines.len() || (bytes.len() as u64) < size;
        is_shorter.then(|| kept.concat())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_and_the_screen_have_the_same_words() {
        use RunResult::{Degraded, Empty, Ended, Failed, Ok};
        for result in [Ok, Degraded, Failed, Empty, Ended] {
            assert_eq!(serde_json::to_value(result).unwrap(), result.word());
        }
    }

    #[test]
    fn p05_the_record_is_bounded_and_survives_a_damaged_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs.jsonl");
        let run = |n: i64| Run {
            time: Timestamp(n),
            id: n.to_string(),
            source: "startup".into(),
            session: None,
            result: RunResult::Ok,
            cause: None,
            cache_age: None,
            millis: 1,
            stages: Vec::new(),
            hooks: Vec::new(),
            chars: 0,
            digest: String::new(),
        };
        for n in 0..5 {
            append(&path, &run(n)).unwrap();
        }
        disk::append(&path, b"{half a line\n").unwrap();
        assert_eq!(last(&path, 2).unwrap(), [run(3), run(4)]);
        prune(&path, 3).unwrap();
        assert_eq!(last(&path, 9).unwrap(), [run(3), run(4)]);
        assert!(!needs_prune(&path, 3));
        let printed = |n: i64, session: &str, digest: &str| Run {
            session: Some(session.into()),
            digest: digest.into(),
            ..run(n)
        };
        for run in [printed(5, "s", "x"), printed(6, "s", ""), printed(7, "other", "y")] {
            append(&path, &run).unwrap();
        }
        assert_eq!(last_printed(&path, "s"), Some(printed(5, "s", "x")));
        assert_eq!(last_printed(&path, "unknown"), None);
    }
}
