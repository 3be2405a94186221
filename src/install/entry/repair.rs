//! An entry of an earlier path or form, corrected in its place.

use super::{COMMAND, Entry, Registration, path, words_of};
use crate::install::Refusal;
use crate::install::document::{Document, Step};
use crate::install::json::Node;
use crate::install::placement::Shape;
use crate::install::style::Json;
use crate::text::for_shell;

/// Corrects the path, form and timeout of the entry; its other keys and the flags of its command are kept.
pub(super) fn repair(
    document: &mut Document,
    registration: &Registration,
    entry: &Entry<'_>,
) -> Result<(), Refusal> {
    let shape = entry.placement.shape;
    let path = path(registration, shape);
    let handler = document.at(&path).cloned();
    let Some(handler) = handler else { return Ok(()) };
    if handler.get("type").and_then(Node::as_text) != Some("command") {
        document.set(&path, "type", &Json::text("command"))?;
    }
    match shape {
        Shape::Grouped => repair_line(document, &path, &handler, entry)?,
        Shape::Flat => repair_program(document, &path, &handler, entry)?,
    }
    let key = shape.timeout_key();
    let timeout = handler.get(key).and_then(Node::as_number);
    let is_right = match entry.timeout {
        Some(_) => timeout == Some(entry.timeout()),
        None => timeout.is_some_and(|timeout| entry.is_in_unit(timeout)),
    };
    if !is_right {
        document.set(&path, key, &Json::Number(entry.timeout()))?;
    }
    Ok(())
}

/// A command line whose first word is the program, without `args`.
fn repair_line(
    document: &mut Document,
    path: &[Step<'_>],
    handler: &Node,
    entry: &Entry<'_>,
) -> Result<(), Refusal> {
    let command = handler.get("command").and_then(Node::as_text).unwrap_or_default();
    let all = words_of(handler);
    let has_words = handler.get("args").is_some() || handler.get("exec").is_some();
    let behind = match (has_words, all.as_slice()) {
        (_, [_]) => format!(" {COMMAND}"),
        (true, words) => {
            words.iter().skip(1).map(|word| format!(" {}", for_shell(&word.text))).collect()
        }
        (false, [first, ..]) => command[first.range.end..].to_owned(),
        (false, []) => format!(" {COMMAND}"),
    };
    let is_ours = !has_words && all.first().is_some_and(|word| word.text == entry.program);
    if !is_ours || all.len() == 1 {
        document.set(path, "command", &Json::Text(for_shell(entry.program) + &behind))?;
    }
    remove_keys(document, path, &["args", "exec"])
}

/// A program and its arguments.
fn repair_program(
    document: &mut Document,
    path: &[Step<'_>],
    handler: &Node,
    entry: &Entry<'_>,
) -> Result<(), Refusal> {
    if handler.get("exec").and_then(Node::as_text) != Some(entry.program) {
        document.set(path, "exec", &Json::text(entry.program))?;
    }
    let has_agent = words_of(handler).iter().any(|word| word.text.starts_with("--agent"));
    if handler.get("args").is_none() || !has_agent {
        document.set(path, "args", &entry.arguments())?;
    }
    remove_keys(document, path, &["command", "bash"])
}

fn remove_keys(
    document: &mut Document,
    path: &[Step<'_>],
    keys: &[&'static str],
) -> Result<(), Refusal> {
    for key in keys {
        let path = [path, &[Step::Key(key)]].concat();
        if document.at(&path).is_some() {
            document.remove(&path)?;
        }
    }
    Ok(())
}
