//! The log: a file a day, opened only when there is a line, one write a line, known secrets masked;
//! with `-v` also standard error. Knows folder, filter and form; each module decides what is logged.
//!
//! Levels: error = the session lost something, warn = the user can act, info = one line a run,
//! debug = each decision and the time of each stage, trace = the wire.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Context, Filter, Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;

use crate::config::{LogConfig, LogFormat};
use crate::deadline::Timestamp;
use crate::disk;
use crate::paths::Paths;
use crate::text;

const PREFIX: &str = "warmstart-";
const SUFFIX: &str = ".log";
/// Our crate, and the messages of plugins.
const OWN_TARGETS: [&str; 2] = ["warmstart", "plugin"];

/// Where lines go beside the file.
#[derive(Clone, Copy)]
pub struct Console {
    level: LevelFilter,
    print: fn(&str),
}

impl Console {
    /// For the number of `-v`; `None` without one.
    #[must_use]
    pub fn of_verbosity(count: u8, print: fn(&str)) -> Option<Self> {
        let level = match count {
            0 => return None,
            1 => LevelFilter::INFO,
            _ => LevelFilter::DEBUG,
        };
        Some(Console { level, print })
    }
}

/// The folder of the log files.
#[must_use]
pub fn folder(config: &LogConfig, paths: Option<&Paths>) -> Option<PathBuf> {
    config.dir.clone().or_else(|| paths.map(|paths| paths.state.join("logs")))
}

/// The file that lines of the day of `now` (UTC) go to.
#[must_use]
pub fn file_of_day(folder: &Path, now: Timestamp) -> PathBuf {
    let time = now.to_string();
    let day = time.split(' ').next().unwrap_or("unknown");
    folder.join(format!("{PREFIX}{day}{SUFFIX}"))
}

/// Sends this process's log lines to the day's file in `folder`, and to `console`. An unreadable
/// filter counts as `info`.
pub fn start(config: &LogConfig, folder: Option<PathBuf>, console: Option<Console>) {
    let filter = LogFilter::parse(&config.level);
    let folder = folder.filter(|_| !matches!(filter, LogFilter::Level(LevelFilter::OFF)));
    let file = folder.map(|folder| file_layer(config.format, folder, filter.has_times()));
    match (file, console) {
        (None, None) => {}
        (None, Some(console)) => start_console(console),
        // Filters of one layer cost more than those of all: not on the way of a session start.
        (Some(file), None) => match filter {
            LogFilter::Level(level) => set(Registry::default().with(file).with(level)),
            LogFilter::Targets(filter) => set(Registry::default().with(file).with(*filter)),
        },
        (Some(file), Some(console)) => {
            let file = file.with_filter(filter.boxed());
            set(Registry::default().with(file).with(console_layer(console)));
        }
    }
}

/// Sends this process's log lines to `console` alone.
pub fn start_console(console: Console) {
    set(Registry::default().with(console_layer(console)));
}

/// Only a second call in one process can fail; the first subscriber stays.
fn set(subscriber: impl Subscriber + Send + Sync) {
    let _ = tracing::subscriber::set_global_default(subscriber.with(OtherCratesAtWarn));
}

type BoxedLayer<S> = Box<dyn Layer<S> + Send + Sync>;

fn file_layer(format: LogFormat, folder: PathBuf, with_times: bool) -> BoxedLayer<Registry> {
    let layer = fmt::layer()
        .with_ansi(false)
        .with_file(true)
        .with_line_number(true)
        .with_span_events(span_events(with_times))
        .with_writer(Sink::Folder(folder));
    match format {
        LogFormat::Text => layer.boxed(),
        LogFormat::Json => layer.json().with_span_list(false).boxed(),
    }
}

fn console_layer<S>(console: Console) -> impl Layer<S>
where
    S: Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    fmt::layer()
        .with_ansi(false)
        .without_time()
        .with_file(true)
        .with_line_number(true)
        .with_span_events(span_events(console.level > LevelFilter::INFO))
        .with_writer(Sink::Print(console.print))
        .with_filter(console.level)
}

/// The times of stages: below `info`.
const fn span_events(with_times: bool) -> FmtSpan {
    if with_times { FmtSpan::CLOSE } else { FmtSpan::NONE }
}

/// `log.level`: a level needs no filter machinery.
enum LogFilter {
    Level(LevelFilter),
    Targets(Box<Targets>),
}

impl LogFilter {
    fn parse(text: &str) -> Self {
        if let Ok(level) = text.parse() {
            return LogFilter::Level(level);
        }
        match text.parse::<Targets>() {
            Ok(filter) => LogFilter::Targets(Box::new(filter)),
            Err(_) => LogFilter::Level(LevelFilter::INFO),
        }
    }

    fn has_times(&self) -> bool {
        match self {
            LogFilter::Level(level) => *level > LevelFilter::INFO,
            LogFilter::Targets(_) => true,
        }
    }

    fn boxed(self) -> Box<dyn Filter<Registry> + Send + Sync> {
        match self {
            LogFilter::Level(level) => Box::new(level),
            LogFilter::Targets(filter) => filter,
        }
    }
}

/// The HTTP stack logs whole headers below `warn`, so nothing of other crates is logged there,
/// whatever the filter. Decided once for each place that logs.
struct OtherCratesAtWarn;

impl<S: Subscriber> Layer<S> for OtherCratesAtWarn {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if is_logged(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        is_logged(metadata)
    }
}

fn is_logged(metadata: &Metadata<'_>) -> bool {
    let of_crate = || metadata.target().split("::").next();
    *metadata.level() <= Level::WARN || of_crate().is_some_and(|name| OWN_TARGETS.contains(&name))
}

/// Deletes log files of days before `now - keep`; others' files are left alone.
pub fn prune(folder: &Path, keep: Duration, now: Timestamp) {
    let keep = i64::try_from(keep.as_secs()).unwrap_or(i64::MAX);
    let oldest = file_of_day(folder, Timestamp(now.0.saturating_sub(keep)));
    for path in files(folder).into_iter().filter(|path| *path < oldest) {
        let _ = std::fs::remove_file(path);
    }
}

/// The log files of `folder`, oldest first.
#[must_use]
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let names = disk::names(folder).into_iter();
    let mut files: Vec<_> =
        names.map(|name| folder.join(name)).filter(|path| is_log(path)).collect();
    files.sort();
    files
}

fn is_log(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.len() == PREFIX.len() + "2026-01-01".len() + SUFFIX.len()
        && name.starts_with(PREFIX)
        && name.ends_with(SUFFIX)
}

/// The end of a line's way.
enum Sink {
    /// The day's file in this folder.
    Folder(PathBuf),
    Print(fn(&str)),
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { sink: self, bytes: Vec::new() }
    }
}

/// Collects one event and appends it in one write, so that lines of parallel sessions never mix.
struct Line<'a> {
    sink: &'a Sink,
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
        if self.bytes.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(&self.bytes);
        let text = text::for_log(text.trim_end()) + "\n";
        match self.sink {
            // A log that cannot be written must not cost the session anything.
            Sink::Folder(folder) => {
                let path = file_of_day(folder, Timestamp::now());
                let _ = disk::append(&path, text.as_bytes());
            }
            Sink::Print(print) => print(&text),
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

    /// The lines that a level and a form leave of five events.
    fn logged(level: &str, format: LogFormat) -> String {
        let folder = tempfile::tempdir().unwrap();
        let LogFilter::Level(level) = LogFilter::parse(level) else { panic!("a plain level") };
        let file = file_layer(format, folder.path().to_owned(), false);
        let subscriber = Registry::default().with(file).with(level).with(OtherCratesAtWarn);
        tracing::subscriber::with_default(subscriber, || {
            let _run = tracing::info_span!("run", id = "r-1").entered();
            tracing::info!(query = "tasks", "answered");
            tracing::debug!("decided");
            tracing::debug!(target: "plugin", "printed");
            tracing::debug!(target: "hyper::client", "headers");
            tracing::warn!(target: "hyper::client", "trouble");
        });
        files(folder.path()).iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
    }

    #[test]
    fn r06_other_crates_are_logged_from_warn_whatever_the_level() {
        let has = |text: &str| {
            ["answered", "decided", "printed", "headers", "trouble"].map(|word| text.contains(word))
        };
        assert_eq!(has(&logged("info", LogFormat::Text)), [true, false, false, false, true]);
        assert_eq!(has(&logged("Trace", LogFormat::Text)), [true, true, true, false, true]);
        assert_eq!(has(&logged("error", LogFormat::Text)), [false; 5]);
    }

    #[test]
    fn r06_a_line_names_time_level_target_place_span_and_fields() {
        let text = logged("info", LogFormat::Text);
        let line = text.lines().next().unwrap();
        let (_, rest) = line.split_once("Z  INFO run{id=\"r-1\"}: ").unwrap();
        let (place, rest) = rest.split_once(": answered ").unwrap();
        assert!(place.starts_with("warmstart::logging::tests: src/logging.rs:"), "{line}");
        assert_eq!(rest, "query=\"tasks\"");
        let json = logged("info", LogFormat::Json);
        let line: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
        assert_eq!((&line["level"], &line["fields"]["query"]), (&"INFO".into(), &"tasks".into()));
        assert_eq!(
            (&line["target"], &line["span"]["id"]),
            (&"warmstart::logging::tests".into(), &"r-1".into())
        );
        assert_eq!(line["filename"], "src/logging.rs");
        assert!(line["line_number"].is_u64() && line["timestamp"].is_string(), "{line}");
        assert!(line["fields"]["message"] == "answered" && line.get("spans").is_none(), "{line}");
    }
}
