//! `warmstart logs`: the log files, readable on a terminal and as they are when piped.

mod line;

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use line::LogLine;

use super::Invocation;
use super::table;
use super::terminal::{self, CommandResult};
use super::workspace::Workspace;
use crate::disk;
use crate::error::{Code, Failure};
use crate::logging;
use crate::paths::Paths;
use crate::text::{for_json, for_terminal};

/// At most this much of each file is read, from its end.
const MAX_READ_BYTES: u64 = 64 << 20;

/// What to show.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the folder of the log files
    Path,
    /// Print the last lines
    Show {
        /// How many
        #[arg(long, alias = "lines", value_name = "N", default_value_t = 50)]
        last: usize,
    },
}

/// Shows the log.
///
/// # Errors
/// When there is no folder for it, or it cannot be read.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let here = std::env::current_dir().unwrap_or_default();
    let workspace = Workspace::at(here, invocation, &invocation.flags);
    workspace.require_flags()?;
    let config = &workspace.loaded.config.log;
    let folder = Paths::required(logging::folder(config, workspace.paths.as_ref()))?;
    match options.command {
        Command::Path => terminal::print(&for_terminal(&format!("{}\n", folder.display()))),
        Command::Show { last } => show(&folder, last)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn show(folder: &Path, count: usize) -> Result<(), Failure> {
    let lines = last_lines(folder, count)?;
    if lines.is_empty() {
        terminal::print_note(&format!("there are no log lines in `{}`", folder.display()));
    }
    let text = match table::terminal_width() {
        Some(width) => lines.iter().map(|line| LogLine::parse(line).readable(width)).collect(),
        None => lines.iter().map(|line| piped(line) + "\n").collect::<String>(),
    };
    terminal::print(&text);
    Ok(())
}

/// A line as the log holds it; lines of older versions may hold hidden characters.
fn piped(line: &str) -> String {
    if line.starts_with('{') { for_json(line) } else { for_terminal(line) }
}

/// The last `count` lines over all files, oldest first.
fn last_lines(folder: &Path, count: usize) -> Result<Vec<String>, Failure> {
    let mut lines: Vec<String> = Vec::new();
    for file in logging::files(folder).iter().rev() {
        let bytes = disk::read_last_lines(file, MAX_READ_BYTES).map_err(|error| {
            let text = format!("`{}` cannot be read: {error}", file.display());
            Failure::new(Code::StoreUnusable, text)
        })?;
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        lines.splice(0..0, text.lines().map(str::to_owned));
        if lines.len() >= count {
            break;
        }
    }
    Ok(lines.split_off(lines.len().saturating_sub(count)))
}
