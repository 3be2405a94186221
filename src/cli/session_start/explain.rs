//! `--explain`: one line a hook on standard error.

use crate::engine::{HookReport, Report};
use crate::error::Failure;
use crate::hook::Part;

/// Source, milliseconds, characters and reason of every hook; then what else was wrong.
pub fn lines(report: &Report, problems: &[Failure]) -> String {
    let mut text: String = report.hooks.iter().map(line).collect();
    for failure in problems {
        text.push_str(&format!("problem: {failure}\n"));
    }
    text
}

fn line(hook: &HookReport) -> String {
    let chars: usize = hook.result.parts.iter().map(length).sum();
    let reason = match hook.result.failure.as_ref().or(hook.result.reason.as_ref()) {
        Some(failure) => failure.to_string(),
        None if hook.result.origin.is_empty() => "nothing to say".into(),
        None => hook.result.origin.clone(),
    };
    let (name, supply) = (&hook.name, hook.result.served.word());
    let millis = hook.elapsed.as_millis();
    format!("{name:<16} {supply:<5} {millis:>5} ms {chars:>5} chars  {reason}\n")
}

fn length(part: &Part) -> usize {
    match part {
        Part::Tasks { tasks, .. } => tasks.list.iter().map(|task| task.title.chars().count()).sum(),
        Part::Text { text, .. } => text.chars().count(),
    }
}
