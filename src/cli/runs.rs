//! `warmstart runs`: the last session starts. A start that printed nothing is listed; one that never
//! happened is not.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Invocation;
use super::table::{self, Column};
use super::terminal::{self, CommandResult};
use crate::deadline::duration_text;
use crate::error::{Code, Failure};
use crate::paths::Paths;
use crate::runs::{self, Run, RunResult};
use crate::text::for_json;

/// Flags of `runs`.
#[derive(Args)]
pub struct Options {
    /// How many
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
    /// Only those of one session; the beginning of its ID is enough
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only degraded and failed ones
    #[arg(long)]
    failed: bool,
    /// Print one JSON object a line
    #[arg(long)]
    json: bool,
}

impl Options {
    fn matches(&self, run: &Run) -> bool {
        let is_of =
            |id: &String| run.session.as_ref().is_some_and(|session| session.starts_with(id));
        let is_well = matches!(run.result, RunResult::Ok | RunResult::Empty);
        self.session.as_ref().is_none_or(is_of) && !(self.failed && is_well)
    }
}

/// Shows the record, the newest run last.
///
/// # Errors
/// When it cannot be read.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let paths = Paths::required(Paths::find(&invocation.environment))?;
    let all = runs::last(&runs::file(&paths), usize::MAX).map_err(|error| {
        Failure::new(Code::StoreUnusable, format!("the record of runs cannot be read: {error}"))
    })?;
    let matching: Vec<&Run> = all.iter().filter(|run| options.matches(run)).collect();
    let last = &matching[matching.len().saturating_sub(options.last)..];
    let text = if options.json {
        for_json(&last.iter().map(|run| format!("{}\n", as_json(run))).collect::<String>())
    } else if all.is_empty() {
        "No session start is on record.\n".into()
    } else if last.is_empty() {
        "No session start matches.\n".into()
    } else {
        as_table(last)
    };
    terminal::print(&text);
    Ok(ExitCode::SUCCESS)
}

/// The line of the record for scripts: its time as ISO, and the code of its cause.
fn as_json(run: &Run) -> Value {
    let mut value = serde_json::to_value(run).unwrap_or_default();
    value["time"] = run.time.iso().into();
    if let Some((_, code)) = run.cause.as_deref().and_then(split_code) {
        value["code"] = code.into();
    }
    value
}

/// A cause `message (WS302)` as its message and its code; a message may go on after the code.
fn split_code(cause: &str) -> Option<(&str, &str)> {
    let (message, code) = cause.rsplit_once(" (")?;
    let code = code.strip_suffix(')')?;
    let is_code = code.strip_prefix("WS").is_some_and(|number| number.parse::<u16>().is_ok());
    is_code.then_some((message, code))
}

fn as_table(runs: &[&Run]) -> String {
    const COLUMNS: [Column; 7] = [
        Column::fixed("TIME"),
        Column::fixed("SESSION"),
        Column::fixed("SOURCE"),
        Column::fixed("RESULT"),
        Column::fixed("TOOK"),
        Column::fixed("AGE"),
        Column::elastic("CAUSE"),
    ];
    table::render(&COLUMNS, &runs.iter().map(|run| row(run)).collect::<Vec<_>>())
}

fn row(run: &Run) -> Vec<String> {
    let is_narrow = table::terminal_width().is_some();
    let format = if is_narrow { "%m-%d %H:%M" } else { "%Y-%m-%dT%H:%M:%S%:z" };
    let age = run.cache_age.map(|seconds| duration_text(Duration::from_secs(seconds)));
    let cause = run.cause.as_deref().unwrap_or_default();
    // On a terminal the message is cut at its end, so the code comes first.
    let cause = match split_code(cause) {
        Some((message, code)) if is_narrow => format!("{code} {message}"),
        _ => cause.to_owned(),
    };
    vec![
        run.time.local(format),
        table::id_cell(run.session.as_deref().unwrap_or_default()),
        table::cell(&run.source),
        run.result.word().to_owned(),
        duration_text(Duration::from_millis(run.millis)),
        age.unwrap_or_default(),
        table::cell(&cause),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_has_its_code_at_its_end() {
        let cases = [
            ("`x` refused the connection (WS302)", Some(("`x` refused the connection", "WS302"))),
            ("it answered (HTTP 500)", None),
            ("plain", None),
        ];
        for (cause, expected) in cases {
            assert_eq!(split_code(cause), expected, "{cause}");
        }
    }
}
