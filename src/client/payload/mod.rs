//! From a server's answer to tasks: all the shapes that servers wrap their tasks in. Pure: JSON in, a
//! page of tasks or a failure out. "Understood and empty" and "not understood" are different results.

mod completeness;
mod documents;
mod failure;
mod json;
mod list;
mod missing_argument;

use serde_json::Value;

pub use completeness::Completeness;
pub use documents::Documents;
pub use failure::{TOOL_FAILED, brief, message};
pub use json::{ParseError, check_size, parse, parse_text};
pub use list::ListPlace;

use crate::error::{Code, Failure};
use crate::task::{AnswerKind, Explanation, Field, Query, Task};
use crate::text;

/// Characters kept of an answer that is text.
const MAX_TEXT_CHARS: usize = 20_000;

/// What one answer to a query holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    Tasks(TaskPage),
    Text(String),
}

/// One page of a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TaskPage {
    /// In the server's order, also the closed ones.
    pub tasks: Vec<Task>,
    /// Elements without a title.
    pub unread: usize,
    pub completeness: Completeness,
    pub explanation: Explanation,
    /// Where a REST server says the next page is.
    pub next_url: Option<String>,
}

impl TaskPage {
    /// The number of elements on the page.
    #[must_use]
    pub fn length(&self) -> usize {
        self.tasks.len() + self.unread
    }
}

/// Reads an answer to `query`.
///
/// # Errors
/// `WS403` for a failure that the tool reports, `WS203` or `WS205` where that means a refused token or
/// a missing right, `WS404` when it is not understood.
pub fn read(query: &Query, documents: &Documents) -> Result<Page, Failure> {
    if let Some(failure) = documents.failure() {
        return match says_none(query, documents) {
            true => Ok(nothing(query)),
            false => Err(missing_argument::advised(failure, query)),
        };
    }
    match query.answer {
        AnswerKind::Text if says_none(query, documents) => Ok(nothing(query)),
        AnswerKind::Text => Ok(Page::Text(text(query, documents))),
        AnswerKind::Tasks => tasks(query, documents).map(Page::Tasks),
    }
}

fn nothing(query: &Query) -> Page {
    match query.answer {
        AnswerKind::Tasks => Page::Tasks(TaskPage::default()),
        AnswerKind::Text => Page::Text(String::new()),
    }
}

/// Why the tool failed, where its result reports that.
#[must_use]
pub fn failure_in(result: &Value) -> Option<Failure> {
    Documents::of_tool_result(result).failure()
}

/// The lists of a result, for who looks for the pointer of one.
#[must_use]
pub fn lists_in(result: &Value) -> Vec<ListPlace> {
    Documents::of_tool_result(result).values().flat_map(list::places).collect()
}

/// Whether the answer is one of the texts that mean "nothing": the whole text, or the message of an
/// answer.
fn says_none(query: &Query, documents: &Documents) -> bool {
    let whole = documents.texts().collect::<Vec<_>>().join("\n");
    let messages = documents.values().filter_map(message);
    let is_none =
        |text: &str| query.reading.none.iter().any(|none| matches_none(none, text.trim()));
    let whole = Some(whole.as_str()).filter(|_| documents.values().next().is_none());
    whole.into_iter().chain(messages).any(is_none)
}

fn matches_none(none: &str, text: &str) -> bool {
    let (none, text) = (none.to_lowercase(), text.to_lowercase());
    match none.strip_suffix('*') {
        Some(begin) => text.starts_with(begin),
        None => text == none,
    }
}

/// A list that can be read counts before one that cannot, that before an empty one, and that before an
/// answer in words.
fn tasks(query: &Query, documents: &Documents) -> Result<TaskPage, Failure> {
    let (mut unreadable, mut empty) = (None, None);
    for values in documents.candidates() {
        let Some(list) = list::find(&values, &query.reading) else { continue };
        let page = page(query, &values, &list);
        if !page.tasks.is_empty() {
            return Ok(page);
        }
        match list.elements.is_empty() {
            true => empty = empty.or(Some(page)),
            false => unreadable = unreadable.or_else(|| Some(untitled(query, &list))),
        }
    }
    if let Some(failure) = unreadable {
        return Err(failure);
    }
    if let Some(empty) = empty {
        return Ok(empty);
    }
    if says_none(query, documents) || documents.values().any(|value| is_nothing(query, value)) {
        return Ok(TaskPage::default());
    }
    texts_as_elements(query, documents).ok_or_else(|| not_understood(query, documents))
}

fn page(query: &Query, values: &[&Value], list: &list::List<'_>) -> TaskPage {
    let reading = &query.reading;
    let read = list.elements.iter().map(|element| reading.map.read(*element, &reading.words));
    let tasks: Vec<Task> = read.flatten().collect();
    let length = list.elements.len();
    let first = list.elements.first().map(|element| element.value);
    let described = Some(values).filter(|_| list.is_described);
    let completeness = |values| Completeness::read(values, list.pointer, length, query);
    TaskPage {
        unread: length - tasks.len(),
        tasks,
        completeness: described.map(completeness).unwrap_or_default(),
        explanation: Explanation::of_list(list.pointer, &reading.map, first),
        next_url: None,
    }
}

/// A count of 0, or `success` with neither a list nor a titled object anywhere.
fn is_nothing(query: &Query, value: &Value) -> bool {
    let is_success = value.get("success").and_then(Value::as_bool) == Some(true);
    Completeness::is_zero(value, query)
        || (is_success && !list::has_list_or_title(value, &query.reading))
}

/// Texts are one element each where the map takes the whole element as the title.
fn texts_as_elements(query: &Query, documents: &Documents) -> Option<TaskPage> {
    let values: Vec<Value> = documents.texts().map(Value::from).collect();
    let is_title = |value: &Value| query.reading.map.source_of(Field::Title, value).is_some();
    if values.is_empty() || !values.iter().all(is_title) {
        return None;
    }
    let value = Value::Array(values);
    list::find(&[&value], &query.reading).map(|list| page(query, &[&value], &list))
}

fn untitled(query: &Query, list: &list::List<'_>) -> Failure {
    let place = match list.pointer {
        "" => "its top level".to_owned(),
        pointer => format!("`{pointer}`"),
    };
    let first = list.elements.first().map(|element| described(element.value)).unwrap_or_default();
    let number = list.elements.len();
    let noun = if number == 1 { "element" } else { "elements" };
    let text = format!(
        "the answer to `{}` has {number} {noun} at {place} without a title; the first is {first}",
        query.name,
    );
    Failure::new(Code::NotUnderstood, text).hint(format!(
        "set `queries.{}.map` to where the title is, like `{{ title = [\"/subject\"] }}`",
        query.name
    ))
}

fn not_understood(query: &Query, documents: &Documents) -> Failure {
    let parts: Vec<String> = documents.values().map(described).collect();
    let texts = documents.texts().map(|text| format!("the text `{}`", text::one_line(text, 60)));
    let parts: Vec<String> = parts.into_iter().chain(texts).take(3).collect();
    let found = if parts.is_empty() { "nothing".into() } else { parts.join(", ") };
    Failure::new(
        Code::NotUnderstood,
        format!(
            "the answer to `{}` has no list of tasks at {}; it is {}",
            query.name,
            places(query),
            brief(&found)
        ),
    )
    .hint(format!("set `queries.{}.items` to the JSON pointer of the list", query.name))
}

/// `an object with id, text`: the keys alone, since values may be long or secret.
fn described(value: &Value) -> String {
    match value {
        Value::Object(object) if object.is_empty() => "an empty object".into(),
        Value::Object(object) => {
            let keys: Vec<&str> = object.keys().take(8).map(String::as_str).collect();
            format!("an object with {}", keys.join(", "))
        }
        Value::Array(_) => "a list".into(),
        Value::String(_) => "a text".into(),
        Value::Number(_) => "a number".into(),
        Value::Bool(_) => "true or false".into(),
        Value::Null => "null".into(),
    }
}

fn places(query: &Query) -> String {
    match query.reading.items.as_slice() {
        [] => "its top level".into(),
        items => {
            items.iter().map(|item| format!("`{}`", item.as_str())).collect::<Vec<_>>().join(", ")
        }
    }
}

/// The text of an answer: what `items` leads to, else all of it.
fn text(query: &Query, documents: &Documents) -> String {
    let at_items = documents.candidates().find_map(|values| {
        let found = values.into_iter().filter_map(|value| item_at(query, value));
        let texts: Vec<String> = found.map(documents::shown).collect();
        (!texts.is_empty()).then(|| texts.join("\n"))
    });
    let text = at_items.unwrap_or_else(|| documents.to_text());
    text::masked(&text).chars().take(MAX_TEXT_CHARS).collect()
}

/// The first value that one of `items` leads to.
fn item_at<'a>(query: &Query, value: &'a Value) -> Option<&'a Value> {
    let items = query.reading.items.iter();
    items.flat_map(|pointer| pointer.find(value)).map(|found| found.value).next()
}

#[cfg(test)]
mod tests;
