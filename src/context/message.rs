//! The line for the user, not for the model: only when something is degraded, unless configured.

use crate::config::Notice;
use crate::engine::Report;
use crate::error::{Class, Code, Failure};
use crate::hook::{HookResult, Part};
use crate::provenance::ServedFrom;
use crate::text::one_line;

/// Characters of the whole line.
const MAX_MESSAGE_CHARS: usize = 400;
const PREFIX: &str = "warmstart: ";

/// The line for `report`; `problems` are those outside the hooks (configuration, event).
#[must_use]
pub fn message(report: &Report, problems: &[Failure], notice: Notice) -> Option<String> {
    let degraded = degraded(report, problems);
    let text = match notice {
        Notice::Never => return None,
        Notice::Degraded => degraded?,
        Notice::Always => degraded.unwrap_or_else(|| all_is_well(report)),
    };
    Some(format!("{PREFIX}{text}"))
}

fn degraded(report: &Report, problems: &[Failure]) -> Option<String> {
    let hooks = report.hooks.iter().map(|hook| &hook.result);
    let failed: Vec<&HookResult> =
        hooks.filter(|result| result.provenance.failure.is_some()).collect();
    // One cause usually stops several hooks: it is named once.
    let mut texts: Vec<String> = Vec::new();
    for result in &failed {
        let text = trouble(result);
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.extend(problems.iter().map(cured));
    let more = texts.len().saturating_sub(2);
    texts.truncate(2);
    if texts.is_empty() {
        return None;
    }
    let mut text = texts.join("; ");
    if more > 0 {
        text.push_str(&format!("; {more} more"));
    }
    let end = details(&failed, problems)
        .map(|command| format!(" Details: `{command}`."))
        .unwrap_or_default();
    // Cut before the pointer is added: the longer the text, the more it is needed.
    let text = one_line(&text, MAX_MESSAGE_CHARS - PREFIX.len() - end.len() - 1);
    let stop = if text.ends_with('?') { "" } else { "." };
    Some(format!("{text}{stop}{end}"))
}

/// The command that shows everything: the log holds what happened, `config check` what is set. Without
/// a home folder there is no log.
fn details(failed: &[&HookResult], problems: &[Failure]) -> Option<&'static str> {
    let hooks = failed.iter().filter_map(|result| result.provenance.failure.as_ref());
    let is_setting =
        |failure: &Failure| failure.class() == Class::Config || failure.code == Code::FileUntrusted;
    if hooks.chain(problems).all(is_setting) {
        return Some("warmstart config check");
    }
    let has_log = problems.iter().all(|failure| failure.code != Code::StoreUnusable);
    has_log.then_some("warmstart logs show")
}

/// What the user got instead, and why. A cached answer names its time, whichever source gave it.
fn trouble(result: &HookResult) -> String {
    let Some(failure) = &result.provenance.failure else { return String::new() };
    let is_own = matches!(failure.class(), Class::Config | Class::Cache);
    let state = match (result.provenance.served, result.provenance.written) {
        (ServedFrom::Stale, Some(written)) => format!("tasks are as of {written}: "),
        _ if is_own => String::new(),
        (ServedFrom::Fresh, Some(written)) => format!("tasks are as of {written}: "),
        (ServedFrom::Live | ServedFrom::Fresh, _) => substitute(&result.provenance.origin),
        _ => String::from("not available: "),
    };
    format!("{state}{}", cured(failure))
}

fn substitute(origin: &str) -> String {
    match origin {
        "" => String::from("tasks are a substitute: "),
        origin => format!("tasks are from {origin} instead: "),
    }
}

fn cured(failure: &Failure) -> String {
    match &failure.hint {
        Some(hint) => format!("{failure}: {hint}"),
        None => failure.to_string(),
    }
}

fn all_is_well(report: &Report) -> String {
    let parts = report.hooks.iter().flat_map(|hook| &hook.result.parts);
    let count: usize = parts
        .filter_map(|part| match part {
            Part::Tasks { tasks, .. } => Some(tasks.total().unwrap_or(tasks.list.len())),
            Part::Text { .. } => None,
        })
        .sum();
    let first = report.hooks.iter().find(|hook| !hook.result.parts.is_empty());
    let served = first.map_or("nothing to show", |hook| hook.result.provenance.served.word());
    let noun = if count == 1 { "task" } else { "tasks" };
    format!("{count} {noun} ({served})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::Timestamp;
    use crate::provenance::Provenance;

    fn result(served: ServedFrom, origin: &str, code: Code) -> HookResult {
        let failure = Some(Failure::new(code, "it failed"));
        let written = Some(Timestamp(1_795_425_240)).filter(|_| served != ServedFrom::Live);
        let live = Provenance::live(origin);
        let provenance = Provenance { served, written, failure, ..live };
        HookResult { provenance, ..HookResult::nothing() }
    }

    #[test]
    fn a_long_line_is_cut_before_its_pointer() {
        let problem = Failure::new(Code::Refused, "<x> ".repeat(300));
        let text = message(&Report::default(), &[problem], Notice::Degraded).unwrap();
        assert!(text.ends_with("…. Details: `warmstart logs show`."), "{text}");
        assert!(text.starts_with("warmstart: <x> "), "{text}");
        assert!(text.chars().count() <= MAX_MESSAGE_CHARS, "{text}");
    }

    #[test]
    fn without_a_home_folder_no_log_is_named() {
        let problem = Failure::new(Code::StoreUnusable, "there is no home folder");
        let text = message(&Report::default(), &[problem], Notice::Degraded).unwrap();
        assert_eq!(text, "warmstart: there is no home folder (WS501).");
    }

    #[test]
    fn the_state_names_what_the_user_got_instead() {
        let cases = [
            (ServedFrom::Stale, "s", Code::Refused, "tasks are as of 2026-11-23 09:14 UTC: "),
            (ServedFrom::Fresh, "s", Code::Refused, "tasks are as of 2026-11-23 09:14 UTC: "),
            (ServedFrom::Live, "TODO.md", Code::Refused, "tasks are from TODO.md instead: "),
            (ServedFrom::Live, "", Code::Refused, "tasks are a substitute: "),
            (ServedFrom::Nothing, "", Code::Refused, "not available: "),
            (ServedFrom::Live, "s", Code::StoreUnusable, ""),
            (ServedFrom::Nothing, "", Code::ConfigName, ""),
        ];
        for (served, origin, code, state) in cases {
            let text = trouble(&result(served, origin, code));
            assert_eq!(text, format!("{state}it failed ({code})"), "{served:?} {origin}");
        }
    }
}
