//! `warmstart runs`: the last session starts. A start that said nothing is here; one that never
//! happened is not.

use std::process::ExitCode;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};

use super::Invocation;
use super::terminal::{self, CommandResult};
use crate::error::{Code, Failure};
use crate::paths::Paths;
use crate::runs::{self, Run};

/// Flags of `runs`.
#[derive(Args)]
pub struct Options {
    /// How many
    #[arg(long, default_value_t = 20)]
    last: usize,
    /// Only those of one session
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only those that were not all well
    #[arg(long)]
    failed: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows the record.
///
/// # Errors
/// When it cannot be read.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let paths = Paths::find(&invocation.environment);
    let paths =
        paths.ok_or_else(|| Failure::new(Code::STORE_UNUSABLE, "there is no home folder"))?;
    let all = runs::last(&runs::file(&paths), usize::MAX).map_err(|error| {
        Failure::new(Code::STORE_UNUSABLE, format!("the record of runs cannot be read: {error}"))
    })?;
    let wanted = |run: &&Run| {
        let of_session = options.session.as_ref().is_none_or(|id| run.session.as_ref() == Some(id));
        of_session && (!options.failed || !matches!(run.result.as_str(), "ok" | "empty"))
    };
    let chosen: Vec<&Run> = all.iter().filter(wanted).collect();
    let chosen = &chosen[chosen.len().saturating_sub(options.last)..];
    if options.json {
        let lines = chosen.iter().filter_map(|run| serde_json::to_string(run).ok());
        terminal::print(&lines.map(|line| format!("{line}\n")).collect::<String>());
    } else if chosen.is_empty() {
        terminal::print("No session start is on record.\n");
    } else {
        terminal::print(&table(chosen));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(runs: &[&Run]) -> String {
    let mut table = Table::new();
    let width = u16::try_from(terminal::width()).unwrap_or(u16::MAX);
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(["TIME", "SOURCE", "RESULT", "MS", "AGE", "CHARS", "CAUSE"]);
    for run in runs {
        let age = run.cache_age.map(|age| format!("{age} s")).unwrap_or_default();
        let cause = run.cause.clone().unwrap_or_default();
        table.add_row([
            run.time.to_string(),
            run.source.clone(),
            run.result.clone(),
            run.millis.to_string(),
            age,
            run.chars.to_string(),
            cause,
        ]);
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
