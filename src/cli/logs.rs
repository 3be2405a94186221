//! `warmstart logs`: the log files, for people.

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::Invocation;
use super::terminal::{self, CommandResult};
use super::workspace::Workspace;
use crate::disk;
use crate::error::{Code, Failure};
use crate::logging;

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
        #[arg(long, default_value_t = 50)]
        lines: usize,
    },
}

/// Shows the log.
///
/// # Errors
/// When there is no folder for it, or it cannot be read.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let folder = std::env::current_dir().unwrap_or_default();
    let workspace = Workspace::at(folder, invocation, &invocation.flags);
    workspace.require_flags(invocation)?;
    let folder = logging::folder(&workspace.loaded.config.log, workspace.paths.as_ref());
    let folder =
        folder.ok_or_else(|| Failure::new(Code::STORE_UNUSABLE, "there is no home folder"))?;
    match options.command {
        Command::Path => terminal::print(&format!("{}\n", folder.display())),
        Command::Show { lines } => terminal::print(&last(&folder, lines)?),
    }
    Ok(ExitCode::SUCCESS)
}

fn last(folder: &std::path::Path, count: usize) -> Result<String, Failure> {
    let mut lines: Vec<String> = Vec::new();
    for file in logging::files(folder).iter().rev() {
        let bytes = disk::read_private(file, MAX_READ_BYTES).map_err(|error| {
            Failure::new(
                Code::STORE_UNUSABLE,
                format!("`{}` cannot be read: {error}", file.display()),
            )
        })?;
        let text = String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned();
        let mut earlier: Vec<String> = text.lines().map(str::to_owned).collect();
        earlier.append(&mut lines);
        lines = earlier;
        if lines.len() >= count {
            break;
        }
    }
    let first = lines.len().saturating_sub(count);
    Ok(lines[first..].iter().map(|line| format!("{line}\n")).collect())
}
