//! How an answer was read, for `warmstart tasks --explain`.

use super::{Field, FieldMap, Rest};

/// Where the list and the fields of its tasks were found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// The pointer to the list; empty: the whole answer.
    pub list: String,
    /// Elements of all pages, the closed and the unread ones among them.
    pub elements: usize,
    pub closed: usize,
    pub unread: usize,
    /// Requests that were made for it.
    pub pages: usize,
    /// For each field the pointer that gave it in the first task, if any did.
    pub fields: Vec<(String, Option<String>)>,
}

impl Explanation {
    /// Of a list at `list`; `first` is one of its elements.
    #[must_use]
    pub fn of_list(list: &str, map: &FieldMap, first: Option<&serde_json::Value>) -> Self {
        let source = |field: Field| {
            let pointer = first.and_then(|element| map.source_of(field, element));
            (field.name().to_owned(), pointer.map(str::to_owned))
        };
        let own = map.fields.iter().filter(|(name, _)| Field::ALL.iter().all(|f| f.name() != name));
        let own = own.map(|(name, places)| {
            let has = |place: &&String| first.is_some_and(|value| value.pointer(place).is_some());
            (name.clone(), places.iter().find(has).cloned())
        });
        Explanation {
            list: list.to_owned(),
            fields: Field::ALL.into_iter().map(source).chain(own).collect(),
            ..Explanation::default()
        }
    }

    /// The lines of the explanation.
    #[must_use]
    pub fn lines(&self, rest: Rest) -> Vec<String> {
        let place = |pointer: &str| match pointer {
            "" => "the whole answer".to_owned(),
            pointer => format!("`{pointer}`"),
        };
        let mut lines = vec![format!(
            "the list is at {}: {} elements of {} requests, {} closed, {} without a title",
            place(&self.list),
            self.elements,
            self.pages,
            self.closed,
            self.unread
        )];
        for (name, pointer) in &self.fields {
            let found = pointer.as_ref().map_or("not found".to_owned(), |pointer| place(pointer));
            lines.push(format!("{name}: {found}"));
        }
        lines.push(match rest.text() {
            None => "the list is complete".to_owned(),
            Some(more) => format!("the list is not complete: {more}"),
        });
        lines
    }
}
