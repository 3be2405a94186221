//! The texts of `init`.

use super::detect::{Candidate, Detected};
use super::mcp_json::{McpServer, Target, Token};
use super::preview::Preview;
use super::proposal::{Proposal, Value};
use super::toml_file;
use crate::deadline::duration_text;
use crate::text::{for_terminal, one_line};

/// Characters of a line of the list.
const MAX_PLACE_CHARS: usize = 40;
const MAX_CHARS: usize = 200;

/// What was found, numbered when there is a choice.
pub fn list(detected: &Detected, place: &str) -> String {
    let mut text = format!("Looking for tasks in {place}\n\n");
    let rows: Vec<(String, String)> = detected.candidates.iter().map(row).collect();
    let unusable = detected.unusable.iter().map(|(place, reason)| {
        (
            one_line(place, MAX_PLACE_CHARS),
            format!("not usable: it {}", one_line(reason, MAX_CHARS)),
        )
    });
    let unusable: Vec<(String, String)> = unusable.collect();
    let all = rows.iter().chain(&unusable);
    let width = all.map(|(place, _)| place.chars().count()).max().unwrap_or(0);
    for (number, (place, what)) in rows.iter().enumerate() {
        text.push_str(&format!("  {}  {place:<width$}  {what}\n", number + 1));
    }
    for (place, what) in &unusable {
        text.push_str(&format!("  -  {place:<width$}  {what}\n"));
    }
    if detected.is_empty() {
        text.push_str("  nothing\n");
    }
    for_terminal(&text)
}

fn row(candidate: &Candidate) -> (String, String) {
    let (place, what) = candidate.describe();
    let mark = if candidate.needs_confirmation() { " (only this project names it)" } else { "" };
    (one_line(&place, MAX_PLACE_CHARS), one_line(&what, MAX_CHARS) + mark)
}

/// What the user has to see before a program or URL of the project's file is used, and the question.
/// Nothing is cut.
pub fn confirmation(candidate: &Candidate) -> String {
    let Candidate::Server(McpServer { name, target }) = candidate else {
        return "Ask it for tasks now?".into();
    };
    let head = "This project's `.mcp.json` names a server that you did not configure yourself:";
    let (lines, question) = match target {
        Target::Url { url, token } => {
            let token = match token {
                Token::None => "none is sent".into(),
                Token::Variable(name) => format!("the value of your variable {name}"),
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
        return "A session would get no text.\n".into();
    }
    let lines = text.lines().map(|line| format!("  | {line}\n"));
    for_terminal(&format!("A session would get this text:\n\n{}", lines.collect::<String>()))
}

/// The remark on a source that answers too late for a session start.
pub fn slow(preview: &Preview) -> Option<String> {
    let Preview { elapsed, limit, failure, .. } = preview;
    (failure.is_none() && elapsed > limit).then(|| {
        format!(
            "the answer took {} ms, and a session start waits {}: raise `hooks.pending_tasks.timeout`",
            elapsed.as_millis(),
            duration_text(*limit)
        )
    })
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
        false => "It holds in every project. `warmstart tasks` shows the tasks.",
    };
    format!("Wrote {shown}.\n{next}\n")
}
