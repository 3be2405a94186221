//! How the answer to a query is read: where its list is, where a field of a task is, which words it
//! uses, and how it says that there is more.

use serde_json::{Map, Value};

use super::{MAX_FIELD_CHARS, Task, Vocabulary};
use crate::text::{masked, one_line};

/// Where the next page of a list is announced, and how it is asked for. Pointers are into the whole
/// answer.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Paging {
    /// Where the cursor of the next page is.
    pub next: Option<String>,
    /// Where it says whether there are more.
    pub more: Option<String>,
    /// Where the number of all is.
    pub total: Option<String>,
    /// The argument that takes the cursor, the page number (`page`) or the number of tasks to skip.
    /// Empty: no further page is asked for.
    pub send: String,
}

/// How to read the answer to one query.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Reading {
    /// Pointers to the list; the first that exists counts.
    pub items: Vec<Pointer>,
    pub map: FieldMap,
    pub words: Vocabulary,
    /// Texts with which the server says that there is nothing. One ending with `*` is a beginning.
    pub none: Vec<String>,
    pub page: Paging,
    /// Arguments laid over the query's own, asked for one after the other when one page is not all.
    pub narrow: Vec<Map<String, Value>>,
    pub max_pages: usize,
}

/// A JSON pointer (RFC 6901) in which a segment `*` stands for each element of a list or object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointer(String);

/// A value found by a pointer, with the name under which it was found in an object.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    pub value: &'a Value,
    pub key: Option<&'a str>,
}

impl Pointer {
    /// Checks one; the empty pointer is the whole value.
    ///
    /// # Errors
    /// When it does not begin with `/`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if !text.is_empty() && !text.starts_with('/') {
            return Err(format!("`{text}` is not a JSON pointer like `/data/tasks`"));
        }
        Ok(Pointer(text.to_owned()))
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All values that it leads to, in order.
    #[must_use]
    pub fn find<'a>(&self, value: &'a Value) -> Vec<Found<'a>> {
        let mut found = vec![Found { value, key: None }];
        for segment in self.0.split('/').skip(1) {
            found = found.into_iter().flat_map(|found| step(segment, found.value)).collect();
        }
        found
    }
}

fn step<'a>(segment: &str, value: &'a Value) -> Vec<Found<'a>> {
    let without_key = |value: &'a Value| Found { value, key: None };
    match (segment, value) {
        ("*", Value::Array(list)) => list.iter().map(without_key).collect(),
        ("*", Value::Object(object)) => {
            object.iter().map(|(key, value)| Found { value, key: Some(key) }).collect()
        }
        (name, Value::Object(object)) => {
            let name = name.replace("~1", "/").replace("~0", "~");
            object.get(&name).map(without_key).into_iter().collect()
        }
        (name, Value::Array(list)) => {
            let element = name.parse::<usize>().ok().and_then(|index| list.get(index));
            element.map(without_key).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// A field of a task that is read by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Title,
    Id,
    Status,
    Priority,
}

impl Field {
    /// All, in the order in which they are explained.
    pub const ALL: [Field; 4] = [Field::Title, Field::Id, Field::Status, Field::Priority];

    /// Its name in `map` and in `context.fields`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Field::Title => "title",
            Field::Id => "id",
            Field::Status => "status",
            Field::Priority => "priority",
        }
    }

    /// Where servers commonly put it, tried in order where the map names no place.
    fn common(self) -> &'static [&'static str] {
        match self {
            Field::Title => &["/title", "/name", "/subject", "/summary", "/fields/summary"],
            Field::Id => &["/id", "/key", "/taskId", "/task_id", "/uuid", "/_id"],
            Field::Status => {
                &["/status", "/state", "/status/name", "/state/name", "/fields/status/name"]
            }
            Field::Priority => {
                &["/priority", "/prio", "/importance", "/priority/name", "/fields/priority/name"]
            }
        }
    }
}

/// Where the fields of a task are in an element of the list.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct FieldMap {
    /// By name of the field: pointers into the element, tried in order. Title, id, status and priority
    /// are found in the common places when they are not here; without a pointer a field is not read.
    pub fields: Vec<(String, Vec<String>)>,
}

/// Whether a reader gets anything of a title.
fn is_visible(title: &str) -> bool {
    title.bytes().any(|byte| byte.is_ascii_graphic()) || !one_line(title, 8).is_empty()
}

impl FieldMap {
    /// Reads one element; `None` when it has no title.
    #[must_use]
    pub fn read(&self, element: Found<'_>, words: &Vocabulary) -> Option<Task> {
        let field = |field| self.text(field, element.value).unwrap_or_default();
        let title = Some(field(Field::Title)).filter(|title| is_visible(title))?;
        let id = Some(field(Field::Id)).filter(|id| !id.is_empty());
        let id = id
            .or_else(|| element.key.map(|key| shortened(&masked(key), MAX_FIELD_CHARS)))
            .unwrap_or_default();
        let (status, priority) = (field(Field::Status), field(Field::Priority));
        let (rank, order) = words.rank(&priority);
        let state = words.state(&status);
        let more = self.more(element.value);
        Some(Task { id, title, status, priority, state, rank, order, more })
    }

    /// The pointer that gives a field of this element, for an explanation.
    #[must_use]
    pub fn source_of(&self, field: Field, element: &Value) -> Option<&str> {
        self.places(field).find(|place| text_at(place, element).is_some())
    }

    fn text(&self, field: Field, element: &Value) -> Option<String> {
        self.places(field).find_map(|place| text_at(place, element))
    }

    fn places(&self, field: Field) -> impl Iterator<Item = &str> {
        let own = self.fields.iter().find(|(name, _)| name == field.name());
        let common = if own.is_none() { field.common() } else { &[] };
        let own = own.into_iter().flat_map(|(_, places)| places.iter().map(String::as_str));
        own.chain(common.iter().copied())
    }

    /// The element's other fields under their own names, and those that the map names.
    fn more(&self, element: &Value) -> Map<String, Value> {
        let is_typed = |name: &str| Field::ALL.iter().any(|field| field.name() == name);
        let object = element.as_object().into_iter().flatten();
        let own = object.filter(|(name, _)| !is_typed(name));
        let mut more: Map<String, Value> = own
            .filter_map(|(name, value)| Some((masked(name).into_owned(), scalar(value)?.into())))
            .collect();
        for (name, places) in self.fields.iter().filter(|(name, _)| !is_typed(name)) {
            if let Some(text) = places.iter().find_map(|place| text_at(place, element)) {
                more.insert(name.clone(), text.into());
            }
        }
        more
    }
}

fn text_at(pointer: &str, element: &Value) -> Option<String> {
    element.pointer(pointer).and_then(scalar).filter(|text| !text.is_empty())
}

/// A field as text: strings, numbers, booleans, and lists of those joined by ", ".
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(value) => Some(shortened(&masked(value), MAX_FIELD_CHARS)),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Array(list) => Some(joined(list)),
        Value::Null | Value::Object(_) => None,
    }
}

/// The elements that are fields, as far as the result can be kept.
fn joined(list: &[Value]) -> String {
    let mut text = String::new();
    for element in list.iter().filter_map(scalar) {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&element);
        // Each character has at most four bytes.
        if text.len() > 4 * MAX_FIELD_CHARS {
            break;
        }
    }
    shortened(&text, MAX_FIELD_CHARS)
}

pub(super) fn shortened(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn mb_a_field_is_cut_also_when_it_is_a_list() {
        let long = "漢".repeat(2 * MAX_FIELD_CHARS);
        let words = vec!["word"; 100_000];
        for value in [json!(long), json!([long, long]), json!(words), json!([[words]])] {
            let text = scalar(&value).unwrap();
            assert_eq!(text.chars().count(), MAX_FIELD_CHARS);
        }
        assert_eq!(scalar(&json!(["a", null, 1, ["b", true]])).unwrap(), "a, 1, b, true");
        assert_eq!(scalar(&json!([])).unwrap(), "");
    }

    #[test]
    fn a_pointer_with_a_star_leads_to_each() {
        let value = json!({ "projects": [{ "tasks": [1, 2] }, { "tasks": [3] }, {}],
            "by/id": { "a": 1, "b": 2 } });
        let count = |pointer: &str| Pointer::parse(pointer).unwrap().find(&value).len();
        assert_eq!(count("/projects/*/tasks"), 2);
        assert_eq!(count("/projects/*/tasks/*"), 3);
        assert_eq!((count(""), count("/projects/1/tasks"), count("/nothing/*")), (1, 1, 0));
        let keys: Vec<_> = Pointer::parse("/by~1id/*").unwrap().find(&value);
        assert_eq!(keys.iter().filter_map(|found| found.key).collect::<Vec<_>>(), ["a", "b"]);
        assert!(Pointer::parse("tasks").is_err());
    }

    #[test]
    fn fields_are_found_in_the_common_places_or_where_the_map_says() {
        let words = Vocabulary::default();
        let element = json!({ "key": "A-1", "fields": { "summary": "sort out", "status": { "name": "Doing" },
            "priority": { "name": "Highest" } }, "due": { "date": "2026-12-01" } });
        let read = |map: &FieldMap, value: &Value| map.read(Found { value, key: None }, &words);
        let task = read(&FieldMap::default(), &element).unwrap();
        assert_eq!((task.id.as_str(), task.title.as_str()), ("A-1", "sort out"));
        assert_eq!((task.status.as_str(), task.priority.as_str()), ("Doing", "Highest"));
        assert_eq!(read(&FieldMap::default(), &json!({ "id": 7 })), None);
        assert_eq!(read(&FieldMap::default(), &json!("text")), None);
        let own = |name: &str, place: &str| (name.to_owned(), vec![place.to_owned()]);
        let map = FieldMap { fields: vec![own("title", ""), own("due", "/due/date")] };
        assert_eq!(read(&map, &json!("text")).unwrap().title, "text");
        let map = FieldMap { fields: vec![own("due", "/due/date")] };
        assert_eq!(read(&map, &element).unwrap().more["due"], "2026-12-01");
    }
}
