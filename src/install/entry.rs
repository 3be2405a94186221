//! Our entry in the text of a settings file. Only commands in the form that `install` writes are changed
//! or removed; a command line of the user that runs this program is left alone.

mod repair;

use super::Refusal;
use super::command_line::{COMMAND, Form, Word, form, plain_words, words};
use super::document::{Document, Step};
use super::json::{Kind, Node};
use super::placement::{Placement, Shape};
use super::style::{Json, Style};
use crate::text::for_shell;

/// Seconds that a host waits, unless `--timeout` is given. The program itself answers within 2 s.
const DEFAULT_TIMEOUT: u64 = 10;
/// Larger values are in another unit.
const MAX_SECONDS: u64 = 999;
const HOOKS: &str = "hooks";

/// The entry to be written.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    pub placement: &'a Placement,
    /// The absolute path of the program.
    pub program: &'a str,
    /// In seconds, when the user chose it.
    pub timeout: Option<u64>,
}

/// What an edit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Added,
    Repaired,
    /// The entry is there and right.
    None,
}

/// An edited text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    pub text: String,
    pub change: Change,
    /// The keys that were added around the entry, outermost first.
    pub made: Vec<String>,
}

/// What a host runs for an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// By a shell.
    Line(String),
    /// A program and its arguments.
    Words(Vec<String>),
}

/// One entry that runs this program at a session start.
#[derive(Clone, Debug)]
pub struct Registration {
    /// The command as it is in the file, for messages.
    pub shown: String,
    pub line: usize,
    /// Whether it is a form that `install` writes.
    pub is_plain: bool,
    /// What the host runs.
    pub command: Command,
    /// Indices of the group, where there are groups, and of the entry.
    group: Option<usize>,
    index: usize,
}

impl Shape {
    const fn event(self) -> &'static str {
        match self {
            Shape::Grouped => "SessionStart",
            Shape::Flat => "sessionStart",
        }
    }

    const fn timeout_key(self) -> &'static str {
        match self {
            Shape::Grouped => "timeout",
            Shape::Flat => "timeoutSec",
        }
    }
}

impl Entry<'_> {
    fn timeout(&self) -> u64 {
        self.timeout.unwrap_or(DEFAULT_TIMEOUT) * self.placement.units_per_second
    }

    /// The arguments of an entry without a shell.
    fn arguments(&self) -> Json {
        let arguments = [COMMAND, "--agent", self.placement.name];
        Json::Array(arguments.into_iter().map(Json::text).collect())
    }

    /// The element of the event's list.
    fn value(&self) -> Json {
        let timeout = (self.placement.shape.timeout_key(), Json::Number(self.timeout()));
        match self.placement.shape {
            Shape::Grouped => {
                let command = format!("{} {COMMAND}", for_shell(self.program));
                let handler = Json::Object(vec![
                    ("type", Json::text("command")),
                    ("command", Json::Text(command)),
                    timeout,
                ]);
                Json::Object(vec![(HOOKS, Json::Array(vec![handler]))])
            }
            Shape::Flat => Json::Object(vec![
                ("type", Json::text("command")),
                ("exec", Json::text(self.program)),
                ("args", self.arguments()),
                timeout,
            ]),
        }
    }

    /// A new file with the entry.
    #[must_use]
    pub fn new_file(&self) -> String {
        let list =
            Json::Object(vec![(self.placement.shape.event(), Json::Array(vec![self.value()]))]);
        let mut members = vec![(HOOKS, list)];
        if self.placement.shape == Shape::Flat {
            members.insert(0, ("version", Json::Number(1)));
        }
        Style::of_new_file().lines(&Json::Object(members), "") + "\n"
    }

    /// Whether the timeout in a file is in the host's unit.
    fn is_in_unit(&self, value: u64) -> bool {
        let unit = self.placement.units_per_second;
        (1..=MAX_SECONDS).contains(&(value / unit))
    }
}

/// Puts the entry into the text of a settings file: adds it, or repairs the one that is there.
///
/// # Errors
/// Why the text is not edited, with line and column.
pub fn edit(text: &str, entry: &Entry<'_>) -> Result<Edited, Refusal> {
    let (mark, text) = split_mark(text);
    if text.trim().is_empty() {
        let made = vec![HOOKS.into(), entry.placement.shape.event().into()];
        return Ok(Edited {
            text: mark.to_owned() + &entry.new_file(),
            change: Change::Added,
            made,
        });
    }
    let mut document = Document::parse(text)?;
    let registrations = find(&document, entry.placement.shape)?;
    let (change, made) = match registrations.as_slice() {
        [] => (Change::Added, add(&mut document, entry)?),
        [one] if one.is_plain => {
            repair::repair(&mut document, one, entry)?;
            let is_same = document.text == text;
            (if is_same { Change::None } else { Change::Repaired }, Vec::new())
        }
        [one] => return Err(wrapped(one)),
        [first, .., last] => {
            let message = format!(
                "the program is registered twice, in lines {} and {}; remove one of them",
                first.line, last.line
            );
            return Err(Refusal { message, at: Some((last.line, 1)) });
        }
    };
    Ok(Edited { text: mark.to_owned() + &document.text, change, made })
}

fn wrapped(registration: &Registration) -> Refusal {
    let shown = &registration.shown;
    let message = format!(
        "`{shown}` runs the program in a command line of yours; remove it, or leave it as it is"
    );
    Refusal { message, at: Some((registration.line, 1)) }
}

/// The entries of this program in a settings file.
///
/// # Errors
/// As for `edit`.
pub fn registrations(text: &str, placement: &Placement) -> Result<Vec<Registration>, Refusal> {
    let (_, text) = split_mark(text);
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    find(&Document::parse(text)?, placement.shape)
}

/// Removes the entries that have a form of `install`, and then the keys of `made` that are empty.
///
/// # Errors
/// As for `edit`.
pub fn remove(text: &str, placement: &Placement, made: &[String]) -> Result<String, Refusal> {
    let (mark, text) = split_mark(text);
    if text.trim().is_empty() {
        return Ok(mark.to_owned() + text);
    }
    let mut document = Document::parse(text)?;
    let shape = placement.shape;
    while let Some(registration) =
        find(&document, shape)?.into_iter().rfind(|registration| registration.is_plain)
    {
        remove_one(&mut document, &registration, shape)?;
    }
    for path in [&[Step::Key(HOOKS), Step::Key(shape.event())][..], &[Step::Key(HOOKS)]] {
        let is_made =
            matches!(path.last(), Some(Step::Key(key)) if made.iter().any(|made| made == key));
        let is_empty = document.at(path).is_some_and(|node| {
            node.children().is_empty() && matches!(node.kind, Kind::Object(_) | Kind::Array(_))
        });
        if is_made && is_empty {
            document.remove(path)?;
        }
    }
    Ok(mark.to_owned() + &document.text)
}

/// Whether a document has no settings but a version.
#[must_use]
pub fn is_empty_but_for_version(text: &str) -> bool {
    let (_, text) = split_mark(text);
    let Ok(document) = Document::parse(text) else { return text.trim().is_empty() };
    let mut members = document.root.members().iter();
    matches!(document.root.kind, Kind::Object(_)) && members.all(|member| member.key == "version")
}

/// A byte order mark, and the text behind it.
fn split_mark(text: &str) -> (&str, &str) {
    text.split_at(if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 })
}

/// The value at `key` of `node`, which must be an object that has the key at most once.
fn member<'a>(text: &str, node: &'a Node, key: &str) -> Result<Option<&'a Node>, Refusal> {
    let Kind::Object(members) = &node.kind else {
        return Err(Refusal::at(text, node.range.start, "this is not an object"));
    };
    let mut with_key = members.iter().filter(|member| member.key == key);
    let first = with_key.next();
    if let Some(second) = with_key.next() {
        return Err(Refusal::at(text, second.name.start, format!("`{key}` is here twice")));
    }
    Ok(first.map(|member| &member.value))
}

/// The list of the event; `None` when it is missing.
fn list(document: &Document, shape: Shape) -> Result<Option<&Node>, Refusal> {
    let text = &document.text;
    let Some(hooks) = member(text, &document.root, HOOKS)? else { return Ok(None) };
    let Some(list) = member(text, hooks, shape.event())? else { return Ok(None) };
    if !matches!(list.kind, Kind::Array(_)) {
        let message = format!("`{HOOKS}.{}` is not an array", shape.event());
        return Err(Refusal::at(text, list.range.start, message));
    }
    Ok(Some(list))
}

fn find(document: &Document, shape: Shape) -> Result<Vec<Registration>, Refusal> {
    let Some(list) = list(document, shape)? else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for (index, element) in list.elements().iter().enumerate() {
        match shape {
            Shape::Flat => all.extend(registration(document, element, None, index)),
            Shape::Grouped => {
                let handlers = element.get(HOOKS).map(Node::elements).unwrap_or_default();
                let handlers = handlers.iter().enumerate();
                all.extend(handlers.filter_map(|(inner, handler)| {
                    registration(document, handler, Some(index), inner)
                }));
            }
        }
    }
    Ok(all)
}

fn registration(
    document: &Document,
    handler: &Node,
    group: Option<usize>,
    index: usize,
) -> Option<Registration> {
    let words = words_of(handler);
    let form = form(&words)?;
    let line = document.text[..handler.range.start].matches('\n').count() + 1;
    let texts: Vec<String> = words.into_iter().map(|word| word.text).collect();
    let (shown, is_plain) = (texts.join(" "), form == Form::Plain);
    let command = line_of(handler).map_or(Command::Words(texts), Command::Line);
    Some(Registration { shown, line, is_plain, command, group, index })
}

/// The command line that a handler gives to a shell.
fn line_of(handler: &Node) -> Option<String> {
    let has_words = handler.get("exec").is_some() || handler.get("args").is_some();
    let text = |key: &str| handler.get(key).and_then(Node::as_text).map(str::to_owned);
    if has_words { None } else { text("command").or_else(|| text("bash")) }
}

/// The words that a handler runs, through a shell or not.
fn words_of(handler: &Node) -> Vec<Word> {
    let text = |key: &str| handler.get(key).and_then(Node::as_text);
    let arguments = handler.get("args").map(Node::elements);
    let arguments = arguments.map(|nodes| nodes.iter().filter_map(Node::as_text));
    match (text("exec"), arguments) {
        (Some(program), arguments) => {
            plain_words(std::iter::once(program).chain(arguments.into_iter().flatten()))
        }
        (None, Some(arguments)) => match text("command") {
            Some(program) => plain_words(std::iter::once(program).chain(arguments)),
            None => Vec::new(),
        },
        (None, None) => words(text("command").or_else(|| text("bash")).unwrap_or_default()),
    }
}

/// Adds the entry; gives the keys that were missing.
fn add(document: &mut Document, entry: &Entry<'_>) -> Result<Vec<String>, Refusal> {
    let event = entry.placement.shape.event();
    let list = || Json::Array(vec![entry.value()]);
    let hooks = member(&document.text, &document.root, HOOKS)?;
    let Some(hooks) = hooks else {
        document.set(&[], HOOKS, &Json::Object(vec![(event, list())]))?;
        return Ok(vec![HOOKS.into(), event.into()]);
    };
    if member(&document.text, hooks, event)?.is_none() {
        document.set(&[Step::Key(HOOKS)], event, &list())?;
        return Ok(vec![event.into()]);
    }
    document.push(&[Step::Key(HOOKS), Step::Key(event)], &entry.value())?;
    Ok(Vec::new())
}

fn path(registration: &Registration, shape: Shape) -> Vec<Step<'static>> {
    let mut path = vec![Step::Key(HOOKS), Step::Key(shape.event())];
    if let Some(group) = registration.group {
        path.extend([Step::Index(group), Step::Key(HOOKS)]);
    }
    path.push(Step::Index(registration.index));
    path
}

/// Removes one entry, with its group when nothing else is in it.
fn remove_one(
    document: &mut Document,
    registration: &Registration,
    shape: Shape,
) -> Result<(), Refusal> {
    let mut path = path(registration, shape);
    let above = &path[..path.len() - 1];
    let is_alone = document.at(above).is_some_and(|list| list.elements().len() == 1);
    if registration.group.is_some() && is_alone {
        path.truncate(3);
    }
    document.remove(&path)
}

#[cfg(test)]
mod tests;
