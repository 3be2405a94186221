//! The line that the person sees, not the model: only when something is degraded, unless asked for.

use crate::config::Notice;
use crate::context::sanitise;
use crate::engine::Report;
use crate::error::{Class, Failure};
use crate::hook::{HookResult, Part};
use crate::query::ServedFrom;

/// Characters of the whole line.
const MAX_MESSAGE_CHARS: usize = 400;

/// The line for `report`; `problems` are what was wrong beside the hooks (configuration, event).
#[must_use]
pub fn message(report: &Report, problems: &[Failure], notice: Notice) -> Option<String> {
    let degraded = degraded(report, problems);
    let text = match notice {
        Notice::Never => return None,
        Notice::Degraded => degraded?,
        Notice::Always => degraded.unwrap_or_else(|| all_is_well(report)),
    };
    Some(
        sanitise::line(&format!("warmstart: {text}"), MAX_MESSAGE_CHARS)
            .replace("&lt;", "<")
            .replace("&gt;", ">"),
    )
}

fn degraded(report: &Report, problems: &[Failure]) -> Option<String> {
    let hooks = report.hooks.iter().filter(|hook| hook.result.failure.is_some());
    // One cause usually stops several hooks: it is said once.
    let mut said: Vec<String> = Vec::new();
    for hook in hooks {
        let text = trouble(&hook.result);
        if !said.iter().any(|one| one == &text) {
            said.push(text);
        }
    }
    said.extend(problems.iter().map(cured));
    let more = said.len().saturating_sub(2);
    said.truncate(2);
    if said.is_empty() {
        return None;
    }
    let mut text = said.join("; ");
    if more > 0 {
        text.push_str(&format!("; {more} more"));
    }
    text.push_str(". `warmstart logs show` tells more.");
    Some(text)
}

fn trouble(result: &HookResult) -> String {
    let Some(failure) = &result.failure else { return String::new() };
    let state = match (result.served, result.written) {
        (ServedFrom::Stale, Some(written)) => format!("tasks are as of {written}: "),
        _ if matches!(failure.class(), Class::Config | Class::Cache) => String::new(),
        (ServedFrom::Live | ServedFrom::Fresh, _) => String::from("another source answered: "),
        _ => String::from("not available: "),
    };
    format!("{state}{}", cured(failure))
}

fn cured(failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!("{failure}: {hint}"),
        None => failure.to_string(),
    }
}

fn all_is_well(report: &Report) -> String {
    let tasks = report.hooks.iter().flat_map(|hook| &hook.result.parts);
    let count: usize = tasks
        .filter_map(|part| match part {
            Part::Tasks { tasks, .. } => Some(tasks.total),
            Part::Text { .. } => None,
        })
        .sum();
    let served = report.hooks.iter().find(|hook| !hook.result.parts.is_empty());
    let served = served.map_or("nothing to say", |hook| hook.result.served.word());
    format!("{count} tasks ({served})")
}
