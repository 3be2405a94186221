//! The daily log file: opened only when there is a line, one write a line, known secrets masked.
//! Knows the folder and the filter; what is worth a line is decided where it happens.
//!
//! Levels: error = the session lost something, warn = the user can act, info = one line a run,
//! debug = each decision and the time of each stage, trace = the wire.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::LogConfig;
use crate::deadline::Timestamp;
use crate::disk;
use crate::paths::Paths;
use crate::secret;

const PREFIX: &str = "warmstart-";
const SUFFIX: &str = ".log";

/// The folder of the log files.
#[must_use]
pub fn folder(config: &LogConfig, paths: Option<&Paths>) -> Option<PathBuf> {
    config.dir.clone().or_else(|| paths.map(|paths| paths.state.join("logs")))
}

/// The file that lines of the day of `now` (UTC) go to.
#[must_use]
pub fn file_of_day(folder: &Path, now: Timestamp) -> PathBuf {
    let day = now.to_string();
    let day = day.split(' ').next().unwrap_or("unknown");
    folder.join(format!("{PREFIX}{day}{SUFFIX}"))
}

/// Sends this process's log lines to the day's file. Without a folder nothing is logged. A filter
/// that cannot be read counts as `info`.
pub fn start(config: &LogConfig, folder: Option<PathBuf>) {
    let Some(folder) = folder else { return };
    let builder = tracing_subscriber::fmt().with_ansi(false).with_writer(DailyFile(folder));
    // A plain level needs no filter machinery. The HTTP stack logs whole headers below `warn`.
    let level = match config.level.to_ascii_lowercase().as_str() {
        "off" => return,
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        _ => LevelFilter::TRACE,
    };
    let result = if level <= LevelFilter::INFO {
        let started = builder.with_max_level(level).finish();
        tracing::subscriber::set_global_default(started)
    } else {
        let started = builder.with_span_events(FmtSpan::CLOSE).with_env_filter(filter(config));
        tracing::subscriber::set_global_default(started.finish())
    };
    // Only a second call in one process can fail; the first subscriber stays.
    drop(result);
}

fn filter(config: &LogConfig) -> EnvFilter {
    let capped = format!("{},hyper=warn,reqwest=warn,rustls=warn,h2=warn", config.level);
    EnvFilter::try_new(capped).unwrap_or_else(|_| EnvFilter::new("info"))
}

/// Deletes log files of days before `now - keep`; others' files are left alone.
pub fn prune(folder: &Path, keep: Duration, now: Timestamp) {
    let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
    let oldest = file_of_day(folder, Timestamp(now.0.saturating_sub(keep)));
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if is_log(&path) && path < oldest {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The log files of `folder`, oldest first.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| is_log(path)).collect();
    files.sort();
    files
}

fn is_log(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.len() == PREFIX.len() + "2026-01-01".len() + SUFFIX.len()
        && name.starts_with(PREFIX)
        && name.ends_with(SUFFIX)
}

struct DailyFile(PathBuf);

impl<'a> MakeWriter<'a> for DailyFile {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { folder: &self.0, bytes: Vec::new() }
    }
}

/// Collects one event and appends it in one write, so that lines of parallel sessions never mix.
struct Line<'a> {
    folder: &'a Path,
    bytes: Vec<u8>,
}

impl Write for Line<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            let text = String::from_utf8_lossy(&self.bytes);
            let path = file_of_day(self.folder, Timestamp::now());
            // A log that cannot be written must not cost the session anything.
            let _ = disk::append(&path, secret::scrub(&text).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r08_only_own_files_older_than_the_limit_are_pruned() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["warmstart-2026-01-01.log", "warmstart-2026-01-09.log", "notes.log"];
        for name in names {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let now = Timestamp(1_768_000_000); // 2026-01-09
        prune(folder.path(), Duration::from_secs(2 * 86_400), now);
        let left: Vec<_> = files(folder.path());
        assert_eq!(left, [folder.path().join(names[1])]);
        assert!(folder.path().join("notes.log").exists());
    }
}
