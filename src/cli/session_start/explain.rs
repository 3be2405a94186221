//! `--explain`: what each hook contributed and why, on standard error, and why nothing was printed.

use super::FinishedRun;
use crate::cli::terminal;
use crate::engine::HookReport;
use crate::hook::{HookResult, Part};
use crate::provenance::ServedFrom;
use crate::refresh::BackgroundWork;
use crate::text::{for_terminal, for_terminal_line};

/// Prints the explanation; texts of servers and files are in it.
pub fn print(text: &str) {
    terminal::eprint(&for_terminal(text));
}

/// Source, milliseconds, characters and reason of every hook; then what else was wrong.
pub fn lines(run: &FinishedRun<'_>, work: &BackgroundWork) -> String {
    let mut text: String = run.report.hooks.iter().map(|hook| line(hook, run, work)).collect();
    text.push_str(&skipped_hooks(run));
    if let Some(reason) = silence(run) {
        text.push_str(&format!("nothing printed: {reason}\n"));
    }
    for failure in run.problems {
        text.push_str(&for_terminal_line(&format!("problem: {failure}")));
        text.push('\n');
    }
    text
}

fn line(hook: &HookReport, run: &FinishedRun<'_>, work: &BackgroundWork) -> String {
    let chars: usize = hook.result.parts.iter().map(length).sum();
    let reason = background(hook, run, work).unwrap_or_else(|| reason(&hook.result));
    let (name, source) = (&hook.name, hook.result.provenance.served.word());
    let millis = hook.elapsed.as_millis();
    let line = format!("{name:<16} {source:<5} {millis:>5} ms {chars:>5} chars  {reason}");
    for_terminal_line(&line) + "\n"
}

/// Who answered, then why the preferred source did not.
fn reason(result: &HookResult) -> String {
    let origin = result.provenance.origin.as_str();
    let is_answered = result.provenance.served != ServedFrom::Nothing || !result.parts.is_empty();
    match result.provenance.failure.as_ref().or(result.reason.as_ref()) {
        Some(failure) if is_answered && !origin.is_empty() => format!("{origin}; {failure}"),
        Some(failure) => failure.to_string(),
        None if origin.is_empty() => "nothing to show".into(),
        None => origin.to_owned(),
    }
}

/// For a hook that only fills queries in the background: which.
fn background(hook: &HookReport, run: &FinishedRun<'_>, work: &BackgroundWork) -> Option<String> {
    let planned = run.plan.hooks.iter().find(|planned| planned.name == hook.name)?;
    let primes = planned.hook.as_ref().ok()?.primes();
    if primes.is_empty() {
        return None;
    }
    let due: Vec<&str> =
        primes.iter().filter(|name| work.prime.contains(name)).map(String::as_str).collect();
    Some(match due.as_slice() {
        [] => "nothing to fill in the background now".into(),
        due => format!("fills in the background: {}", due.join(", ")),
    })
}

/// Hooks that are enabled, but not for this source.
fn skipped_hooks(run: &FinishedRun<'_>) -> String {
    let source = run.plan.session.event.source.word();
    let line = |(name, setting): &(String, String)| {
        let line = format!("{name:<16} not for the source `{source}`: see `{setting}`");
        for_terminal_line(&line) + "\n"
    };
    run.plan.skipped.iter().map(line).collect()
}

fn silence(run: &FinishedRun<'_>) -> Option<String> {
    let session = &run.plan.session;
    let source = session.event.source;
    let sources = &session.config.session_start.sources;
    Some(if !run.output.context.is_empty() {
        return None;
    } else if run.report.must_fail() {
        "the fallback chain ends in `cache_then_error`".into()
    } else if !run.context.text.is_empty() {
        "the session has exactly this text already (`session_start.resume`)".into()
    } else if !run.plan.hooks.is_empty() {
        "no hook has anything to show".into()
    } else if sources.contains(&source) {
        format!("no hook is enabled for the source `{}`", source.word())
    } else {
        format!("the source `{}` is not in `session_start.sources`", source.word())
    })
}

fn length(part: &Part) -> usize {
    match part {
        Part::Tasks { tasks, .. } => tasks.list.iter().map(|task| task.title.chars().count()).sum(),
        Part::Text { text, .. } => text.chars().count(),
    }
}
