//! The texts of `init`.

use super::detect::{Candidate, Detected};
use super::mcp_json::{McpServer, Target, Token};
use super::preview::Preview;
use super::proposal::{Proposal, Value};
use super::toml_file;
use crate::cli::quote::quoted;
use crate::cli::table::terminal_width;
use crate::deadline::duration_text;
use crate::environment::Environment;
use crate::text::for_terminal;

/// Characters of a place in the list.
const MAX_PLACE_CHARS: usize = 32;
/// Characters of what is there, when piped; at a terminal it is cut to the line.
const MAX_CHARS: usize = 200;
/// Before and between the columns.
const GAPS: usize = 7;

const LEGEND: &str =
    "* Only this project names it: nothing is asked or started before you confirm.\n";

/// What was found, numbered as it can be chosen.
pub fn list(detected: &Detected, place: &str) -> String {
    let mut text = for_terminal(&format!("Looking for tasks in {place}\n\n"));
    let place = |candidate: &Candidate| cell(&candidate.describe().0, MAX_PLACE_CHARS);
    let candidates = &detected.candidates;
    let width = candidates.iter().map(|one| place(one).chars().count()).max().unwrap_or(0);
    let room = terminal_width().map_or(MAX_CHARS, |most| most.saturating_sub(width + GAPS));
    for (number, candidate) in candidates.iter().enumerate() {
        let mark = if candidate.needs_confirmation() { '*' } else { ' ' };
        let (place, what) = (place(candidate), cell(&candidate.describe().1, room));
        text.push_str(&format!("{mark} {}  {place:<width$}  {what}\n", number + 1));
    }
    for (place, reason) in &detected.unusable {
        let (place, reason) = (cell(place, MAX_PLACE_CHARS), cell(reason, MAX_CHARS));
        text.push_str(&format!("  -  {place}\n     cannot be used: it {reason}\n"));
    }
    if detected.is_empty() {
        text.push_str("  nothing\n");
    }
    if candidates.iter().any(Candidate::needs_confirmation) {
        text.push('\n');
        text.push_str(LEGEND);
    }
    text
}

/// A text of a project's file on one line, its hidden characters spelled out.
fn cell(text: &str, most: usize) -> String {
    let text = for_terminal(&text.replace('\n', "\\n"));
    match text.char_indices().nth(most) {
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => text,
    }
}

/// What the user has to see before a program or URL of the project's file is used, and the question.
/// Nothing is cut.
pub fn confirmation(candidate: &Candidate, environment: &Environment) -> String {
    let Candidate::Server(McpServer { name, target }) = candidate else {
        return "Ask it for tasks now?".into();
    };
    let head = "This project's `.mcp.json` names a server that you did not configure yourself:";
    let (lines, question) = match target {
        Target::Url { url, token } => {
            let token = match token {
                Token::None => "none is sent".into(),
                Token::Variable(name) => {
                    let is_set = environment.get(name).is_some();
                    let state = if is_set { "" } else { ", which is not set" };
                    format!("the value of your variable {name}{state}")
                }
                Token::Literal => "the one in `.mcp.json`".to_owned(),
            };
            (format!("  url      {url}\n  token    {token}\n"), "Ask it for tasks now?")
        }
        Target::Command { words, variables } => {
            let words = toml_file::shown(&Value::List(words.clone()));
            let variables = if variables.is_empty() { "none".into() } else { variables.join(", ") };
            let lines = format!("  program  {words}\n  gets     your variables: {variables}\n");
            (lines, "Start it and ask for tasks now?")
        }
    };
    format!("\n{head}\n\n  name     {name}\n{lines}\n{question}")
}

/// The text of a session, or that there is none.
pub fn context(text: &str) -> String {
    if text.is_empty() {
        return "A session would get no text now.\n".into();
    }
    format!("A session would get this text:\n\n{}", quoted(text))
}

/// The remark on a source that answers too late for a session start.
pub fn slow(preview: &Preview) -> Option<String> {
    let Preview { elapsed, limit, failure, starts_program, .. } = preview;
    if failure.is_some() || elapsed <= limit {
        return None;
    }
    let what_follows = match starts_program {
        true => "a session shows the last answer, and asks again in the background",
        false => "raise `hooks.pending_tasks.timeout`",
    };
    let (millis, limit) = (elapsed.as_millis(), duration_text(*limit));
    Some(format!("the answer took {millis} ms, and a session start waits {limit}: {what_follows}"))
}

/// There is nothing to write.
pub fn unchanged(proposal: &Proposal, shown: &str) -> String {
    match proposal.settings.is_empty() {
        true => "\nNothing has to be written: it works without further configuration.\n".into(),
        false => for_terminal(&format!("\nNothing has to be written: {shown} has it already.\n")),
    }
}

/// What was written, and the next step.
pub fn written(shown: &str, is_project: bool) -> String {
    let next = match is_project {
        true => {
            "Next: `warmstart trust`, since a project's file has no effect before; then\n`warmstart tasks`."
        }
        false => {
            "It holds in every project; `init --project` writes it for this one alone.\nNext: `warmstart tasks`."
        }
    };
    format!("Wrote {shown}.\n{next}\n")
}
