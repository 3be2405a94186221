//! `plugin list`: every plugin that is trusted or is in a plugin folder, its state, and why. Runs none
//! of them.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::super::Invocation;
use super::super::terminal::{self, CommandResult, print_note};
use super::super::workspace::Workspace;
use super::check::items;
use crate::config::LoadedConfig;
use crate::digest::sha256_hex;
use crate::plugin::{PREFIX, Pin, Pins, find, pin};
use crate::text::{for_json, for_terminal};

/// The items' share of a terminal line.
const MAX_ITEMS_WIDTH: usize = 28;
/// A path is never cut below this.
const MIN_PATH_WIDTH: usize = 16;
const HEADER: [&str; 4] = ["NAME", "STATE", "PROVIDES", "PATH"];

/// Flags of `plugin list`.
#[derive(Args)]
pub struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

struct Line {
    name: String,
    kinds: String,
    state: &'static str,
    path: PathBuf,
    why: String,
}

/// Lists them.
///
/// # Errors
/// When there is no home folder.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let pins = super::pins(&workspace)?;
    let loaded = &workspace.loaded;
    let trusted = pins.all();
    let mut lines: Vec<Line> = trusted.iter().map(|pin| pinned(pin, &pins, loaded)).collect();
    let folders = find::folders(&loaded.config.plugin_path, workspace.paths.as_ref());
    let libraries = find::all(&folders).into_iter();
    let libraries = libraries.filter(|(name, _)| trusted.iter().all(|pin| pin.name != *name));
    lines.extend(libraries.map(|(name, path)| untrusted(name, path)));
    if options.json {
        terminal::print(&for_json(&as_json(&lines)));
        return Ok(ExitCode::SUCCESS);
    }
    let home = workspace.paths.as_ref().and_then(|paths| paths.home.as_deref());
    let width = std::io::stdout().is_terminal().then(terminal::width);
    terminal::print(&for_terminal(&as_text(&lines, home, width)));
    for line in lines.iter().filter(|line| line.needs_action()) {
        print_note(&format!("`{}`: {}", line.name, line.why));
    }
    Ok(ExitCode::SUCCESS)
}

fn pinned(pin: &Pin, pins: &Pins, loaded: &LoadedConfig) -> Line {
    let copy = pins.library(&pin.name, &pin.sha256);
    let fault = pin::check_copy(&copy, pin.size).err().map(|fault| fault.message);
    let fault = fault.or_else(|| {
        let is_same = super::read(&copy).is_ok_and(|bytes| sha256_hex(&bytes) == pin.sha256);
        (!is_same).then(|| "has changed since it was trusted".to_owned())
    });
    let is_rebuilt = super::read(&pin.path).is_ok_and(|bytes| sha256_hex(&bytes) != pin.sha256);
    let again = format!("run `warmstart plugin trust {} --name {}`", pin.path.display(), pin.name);
    let (state, why) = match fault {
        Some(why) => ("faulty", format!("{why}; {again}")),
        None if is_rebuilt => (
            "changed",
            format!(
                "the file differs from the trusted copy, which is the one that runs; to use the file, {again}"
            ),
        ),
        None if !is_used(&pin.name, loaded) => ("unused", "no setting names it".into()),
        None => ("trusted", format!("since {}", pin.trusted)),
    };
    let kinds: Vec<String> =
        items(&pin.manifest).map(|(kind, item)| format!("{} {item}", kind.word())).collect();
    Line { name: pin.name.clone(), kinds: kinds.join(", "), state, path: pin.path.clone(), why }
}

fn untrusted(name: String, path: PathBuf) -> Line {
    let why = format!("not trusted; run `warmstart plugin trust {}`", path.display());
    Line { name, kinds: String::new(), state: "untrusted", path, why }
}

fn is_used(name: &str, loaded: &LoadedConfig) -> bool {
    // In a chain a configured plugin needs no prefix.
    let is_configured = loaded.config.plugins.contains_key(name);
    loaded.stack.has_text(|word| {
        let named = word.strip_prefix(PREFIX).or_else(|| is_configured.then_some(word));
        named.and_then(|named| named.split('/').next()) == Some(name)
    })
}

fn as_json(lines: &[Line]) -> String {
    let entry = |line: &Line| json!({ "name": line.name, "provides": line.kinds, "state": line.state, "path": line.path, "why": line.why });
    let all = json!({ "schema": 1, "plugins": lines.iter().map(entry).collect::<Vec<_>>() });
    format!("{all:#}\n")
}

/// One line a plugin. With the `width` of a terminal the paths are shortened to fit.
fn as_text(lines: &[Line], home: Option<&Path>, width: Option<usize>) -> String {
    if lines.is_empty() {
        return "There are no plugins.\n".into();
    }
    let rows: Vec<[String; 4]> = lines.iter().map(|line| line.cells(home, width)).collect();
    let header = HEADER.map(str::to_owned);
    let widths: [usize; 3] = std::array::from_fn(|column| {
        let cells = rows.iter().chain([&header]).map(|row| row[column].chars().count());
        cells.max().unwrap_or(0)
    });
    let left = width.map(|width| width.saturating_sub(widths.iter().sum::<usize>() + 6));
    let mut text = String::new();
    for [name, state, items, path] in [&header].into_iter().chain(&rows) {
        let path = left.map_or_else(|| path.clone(), |left| cut(path, left.max(MIN_PATH_WIDTH)));
        let [first, second, third] = widths;
        let line = format!("{name:first$}  {state:second$}  {items:third$}  {path}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

impl Line {
    fn needs_action(&self) -> bool {
        matches!(self.state, "faulty" | "changed" | "untrusted")
    }

    fn cells(&self, home: Option<&Path>, width: Option<usize>) -> [String; 4] {
        let (items, path) = match width {
            Some(_) => (cut(&self.kinds, MAX_ITEMS_WIDTH), below_home(&self.path, home)),
            None => (self.kinds.clone(), self.path.display().to_string()),
        };
        [self.name.clone(), self.state.to_owned(), items, path]
    }
}

/// The path, with `~` for the home folder.
fn below_home(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

/// At most `width` characters: the middle is replaced by `…`.
fn cut(text: &str, width: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= width {
        return text.to_owned();
    }
    let tail = width / 2;
    let head = width.saturating_sub(tail + 1);
    let (start, end) = (&characters[..head], &characters[characters.len() - tail..]);
    start.iter().chain(&['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Vec<Line> {
        let line = |name: &str, kinds: &str, state, path: &str| Line {
            name: name.into(),
            kinds: kinds.into(),
            state,
            path: path.into(),
            why: String::new(),
        };
        vec![
            line("mine", "client mine", "trusted", "/home/a/mine/warmstart_mine.so"),
            line(
                "work-hours",
                "client one, strategy work_hours, hook summary",
                "unused",
                "/home/a/source/work-hours/target/release/libwarmstart_work_hours.so",
            ),
        ]
    }

    #[test]
    fn on_a_terminal_each_plugin_is_one_line_that_fits() {
        let text = as_text(&lines(), Some(Path::new("/home/a")), Some(80));
        insta::assert_snapshot!(text, @"
        NAME        STATE    PROVIDES                      PATH
        mine        trusted  client mine                   ~/mine/warmstart_mine.so
        work-hours  unused   client one, s…, hook summary  ~/source/work-…_work_hours.so
        ");
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    }

    #[test]
    fn piped_paths_and_items_are_complete() {
        let lines = lines();
        let text = as_text(&lines, Some(Path::new("/home/a")), None);
        assert_eq!(text.lines().count(), 3);
        for line in &lines {
            assert!(text.contains(line.path.to_str().unwrap()) && text.contains(&line.kinds));
        }
    }
}
