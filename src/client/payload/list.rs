//! Finds the list of tasks in an answer.

use serde_json::Value;

use super::documents::unwrap;
use crate::task::{Field, Found, Reading};

/// The elements of a list, and where it was.
pub struct List<'a> {
    pub elements: Vec<Found<'a>>,
    /// The configured pointer that led to it; empty: the whole value.
    pub pointer: &'a str,
    /// Whether it is a list in something that may describe it. A count in a single task, or in each of
    /// several blocks that are one task each, is about something else.
    pub is_described: bool,
}

/// The list in `values`: where the first of `items` leads that exists anywhere in them; else the
/// values themselves, when they are a list, or one element each.
pub fn find<'a>(values: &[&'a Value], reading: &'a Reading) -> Option<List<'a>> {
    for pointer in &reading.items {
        let found: Vec<Found<'_>> =
            values.iter().flat_map(|value| pointer.find(unwrap(value))).collect();
        if !found.is_empty() {
            let is_described = !found.iter().all(|found| is_one_element(*found, reading));
            let elements = found.into_iter().flat_map(|found| elements(found, reading)).collect();
            return Some(List { elements, pointer: pointer.as_str(), is_described });
        }
    }
    whole(values, reading)
}

fn whole<'a>(values: &[&'a Value], reading: &Reading) -> Option<List<'a>> {
    let each = || values.iter().map(|value| Found { value: unwrap(value), key: None });
    if values.iter().all(|value| unwrap(value).is_array()) {
        let elements = each().flat_map(|found| elements(found, reading)).collect();
        return Some(List { elements, pointer: "", is_described: true });
    }
    let is_list = values.len() > 1 && each().all(|element| has_title(reading, element.value));
    is_list.then(|| List { elements: each().collect(), pointer: "", is_described: false })
}

/// Whether it is an element itself, not a list of some.
fn is_one_element(found: Found<'_>, reading: &Reading) -> bool {
    found.value.is_object() && elements(found, reading).len() == 1
}

/// A list gives its elements. An object is one element, or the elements are in it by their ids.
fn elements<'a>(found: Found<'a>, reading: &Reading) -> Vec<Found<'a>> {
    match found.value {
        Value::Array(list) => list.iter().map(|value| Found { value, key: None }).collect(),
        Value::Null => Vec::new(),
        Value::Object(object)
            if !object.is_empty()
                && !has_title(reading, found.value)
                && object.values().all(|value| has_title(reading, value)) =>
        {
            object.iter().map(|(key, value)| Found { value, key: Some(key) }).collect()
        }
        _ => vec![found],
    }
}

fn has_title(reading: &Reading, element: &Value) -> bool {
    reading.map.source_of(Field::Title, element).is_some()
}

/// A list somewhere in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPlace {
    /// As `items` takes it.
    pub pointer: String,
    pub length: usize,
    /// Elements in which a title is found.
    pub titled: usize,
}

/// All lists in `value`, those inside their elements as one with `*`.
pub fn places(value: &Value) -> Vec<ListPlace> {
    let mut places = Vec::new();
    collect(unwrap(value), "", &mut places);
    places
}

fn collect(value: &Value, pointer: &str, places: &mut Vec<ListPlace>) {
    match value {
        Value::Array(list) => {
            add(ListPlace::of(pointer.to_owned(), list.iter()), places);
            for element in list {
                collect(element, &format!("{pointer}/*"), places);
            }
        }
        Value::Object(object) => {
            let by_id = ListPlace::of(format!("{pointer}/*"), object.values());
            if by_id.titled > 0 && by_id.titled == by_id.length {
                return add(by_id, places);
            }
            for (key, inner) in object {
                let key = key.replace('~', "~0").replace('/', "~1");
                collect(inner, &format!("{pointer}/{key}"), places);
            }
        }
        _ => {}
    }
}

/// Lists at the same place of several elements count as one.
fn add(place: ListPlace, places: &mut Vec<ListPlace>) {
    match places.iter_mut().find(|known| known.pointer == place.pointer) {
        Some(known) => {
            known.length += place.length;
            known.titled += place.titled;
        }
        None => places.push(place),
    }
}

impl ListPlace {
    fn of<'a>(pointer: String, elements: impl Iterator<Item = &'a Value>) -> Self {
        let reading = Reading::default();
        let titled: Vec<bool> = elements.map(|element| has_title(&reading, element)).collect();
        let count = titled.iter().filter(|has| **has).count();
        ListPlace { pointer, length: titled.len(), titled: count }
    }
}

/// Whether there is a list, or an object with a title, anywhere in `value`.
pub fn has_list_or_title(value: &Value, reading: &Reading) -> bool {
    match value {
        Value::Array(_) => true,
        Value::Object(object) => {
            has_title(reading, value)
                || object.values().any(|value| has_list_or_title(value, reading))
        }
        _ => false,
    }
}
