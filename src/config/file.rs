//! Reading a configuration file: its settings with their lines, and what makes a file unusable.

use std::path::Path;
use std::sync::Arc;

use figment::value::{Dict, Value};
use toml::de::{DeTable, DeValue};

use super::layer::{Origin, Setting};
use super::trust::PROJECT_FILE;
use crate::disk::{self, InsideError};
use crate::error::{Code, Failure};

/// A larger file is not a configuration.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The same for a file that others wrote: it is parsed in 20 ms at worst.
const MAX_PROJECT_FILE_BYTES: u64 = 256 << 10;
/// Checking more settings would take a session's time.
const MAX_SETTINGS: usize = 2000;
/// The format that this program reads.
const FORMAT: i64 = 1;

/// A file as it was read, so that trust is checked on the bytes that are parsed.
pub struct File {
    /// The path, for messages.
    pub shown: String,
    pub text: String,
}

/// Reads a file; `None` if there is none.
///
/// # Errors
/// `WS101` when it exists and cannot be read.
pub fn read(path: &Path) -> Result<Option<File>, Failure> {
    let text = disk::read_text(path, MAX_FILE_BYTES).map_err(|error| unreadable(path, &error))?;
    Ok(text.map(|text| File { shown: path.display().to_string(), text }))
}

/// Reads the settings file of a project by its path, only from inside the project.
///
/// # Errors
/// As for `read_of_project`.
pub fn read_by_project_path(path: &Path) -> Result<Option<File>, Failure> {
    let depth = Path::new(PROJECT_FILE).components().count();
    read_of_project(path.ancestors().nth(depth).unwrap_or(path))
}

/// Reads the file of a project, only from inside it; `None` if there is none.
///
/// # Errors
/// `WS101` when it exists and cannot be read, or is a link to a file outside the project.
pub fn read_of_project(root: &Path) -> Result<Option<File>, Failure> {
    let file = Path::new(PROJECT_FILE);
    let path = root.join(file);
    let text =
        disk::read_inside(root, file, MAX_PROJECT_FILE_BYTES).map_err(|error| match error {
            InsideError::Unreadable(error) => unreadable(&path, &error),
            InsideError::Outside(target) => {
                let (shown, target) = (path.display(), target.display());
                let text = format!("`{shown}` points outside the project, to `{target}`");
                Failure::new(Code::ConfigUnreadable, text).hint("replace the link by a file")
            }
        })?;
    Ok(text.map(|text| File { shown: path.display().to_string(), text }))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::ConfigUnreadable, format!("cannot read `{}`: {error}", path.display()))
}

/// The settings of a file, in the order of their keys.
///
/// # Errors
/// `WS101` with line and column when it is not TOML or has too many settings, `WS103` when it is
/// written in a newer format.
pub fn parse(file: &File) -> Result<Vec<Setting>, Failure> {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let lines = Lines::new(text);
    let table = DeTable::parse(text).map_err(|error| syntax_error(file, text, &lines, &error))?;
    let mut walk =
        Walk { shown: file.shown.as_str().into(), lines, path: Vec::new(), settings: Vec::new() };
    walk.table(table.get_ref());
    if walk.settings.len() > MAX_SETTINGS {
        let text = format!("`{}` has more than {MAX_SETTINGS} settings", file.shown);
        return Err(Failure::new(Code::ConfigUnreadable, text).hint("the whole file is ignored"));
    }
    check_version(file, &walk.settings)?;
    Ok(walk.settings)
}

fn syntax_error(file: &File, text: &str, lines: &Lines, error: &toml::de::Error) -> Failure {
    let at = error.span().map_or(0, |span| span.start);
    let (line, start) = lines.find(at);
    let column = text.get(start..at).unwrap_or_default().chars().count() + 1;
    let message = format!("{}:{line}:{column}: {}", file.shown, error.message());
    Failure::new(Code::ConfigUnreadable, message)
        .hint("the whole file is ignored until this is fixed")
}

fn check_version(file: &File, settings: &[Setting]) -> Result<(), Failure> {
    let version = settings.iter().find(|setting| setting.path == ["version"]);
    let newer = version.and_then(|setting| {
        let number = i64::try_from(setting.value.to_i128()?).ok()?;
        (number > FORMAT).then_some((&setting.origin, number))
    });
    let Some((origin, number)) = newer else { return Ok(()) };
    let text =
        format!("{origin}: the file has format {number}; this program reads format {FORMAT}");
    Err(Failure::new(Code::ConfigNewer, text)
        .hint(format!("upgrade warmstart, or change `{}`", file.shown)))
}

/// The bytes at which lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Lines(std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect())
    }

    /// The line of a byte, from 1, and the byte at which that line begins.
    fn find(&self, byte: usize) -> (usize, usize) {
        let line = self.0.partition_point(|start| *start <= byte);
        (line, self.0.get(line.saturating_sub(1)).copied().unwrap_or(0))
    }
}

/// The walk through a file's tables.
struct Walk {
    shown: Arc<str>,
    lines: Lines,
    path: Vec<String>,
    settings: Vec<Setting>,
}

impl Walk {
    fn table(&mut self, table: &DeTable<'_>) {
        for (key, value) in table {
            if self.settings.len() > MAX_SETTINGS {
                return;
            }
            self.path.push(key.get_ref().to_string());
            match value.get_ref() {
                DeValue::Table(inner) if !inner.is_empty() => self.table(inner),
                other => {
                    let (line, _) = self.lines.find(key.span().start);
                    let origin = Origin::Line(Arc::clone(&self.shown), line);
                    self.settings.push(Setting {
                        path: self.path.clone(),
                        value: plain(other),
                        origin,
                    });
                }
            }
            self.path.pop();
        }
    }
}

/// The value without its place in the file. A number that is out of range becomes its text.
fn plain(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| number.as_str().into(), Value::from),
        DeValue::Float(number) => {
            number.as_str().parse::<f64>().map_or_else(|_| number.as_str().into(), Value::from)
        }
        DeValue::Boolean(flag) => Value::from(*flag),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(list) => {
            list.iter().map(|item| plain(item.get_ref())).collect::<Vec<_>>().into()
        }
        DeValue::Table(table) => {
            let entries = table
                .iter()
                .map(|(key, value)| (key.get_ref().to_string(), plain(value.get_ref())));
            entries.collect::<Dict>().into()
        }
    }
}
