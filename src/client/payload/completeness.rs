//! What an answer says of the tasks that it does not hold.

use serde_json::Value;

use super::documents::unwrap;
use crate::task::{Paging, Query};

/// A server's own count is not believed beyond this.
const MAX_TOTAL: u64 = 1_000_000;

/// The common places, beside the list or at the top.
const MORE: &[&str] = &[
    "/pagination/has_more",
    "/has_more",
    "/hasMore",
    "/pagination/hasMore",
    "/pageInfo/hasNextPage",
];
const NEXT: &[&str] = &["/nextCursor", "/next_cursor", "/pagination/next_cursor"];
const TOTAL: &[&str] = &["/pagination/total", "/total", "/total_count", "/totalCount", "/count"];

/// What one page says of the others.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Completeness {
    /// `has_more`, where the page has it.
    pub more: Option<bool>,
    /// The cursor of the next page.
    pub next: Option<Value>,
    /// The largest number that the page gives for all.
    pub total: Option<usize>,
    /// Whether the page is as long as the query's `limit`: then there may be another.
    pub is_full: bool,
}

impl Completeness {
    /// Of the page `value`, whose list is where `pointer` leads and has `length` elements.
    pub fn read(value: &Value, pointer: &str, length: usize, query: &Query) -> Self {
        let value = unwrap(value);
        let paging = &query.reading.page;
        let places = Places { value, beside: parent(value, pointer) };
        let limit = query.arguments.get("limit").and_then(Value::as_u64);
        Completeness {
            more: places.find(paging.more.as_deref(), MORE, Value::as_bool),
            next: places.find(paging.next.as_deref(), NEXT, cursor),
            total: places.total(paging),
            is_full: limit.is_some_and(|limit| limit > 0 && length as u64 >= limit),
        }
    }

    /// Whether the page reports another one.
    pub fn has_next(&self) -> bool {
        self.more.unwrap_or(self.next.is_some())
    }

    /// Whether `length` elements may not be all.
    pub fn may_have_more(&self, length: usize) -> bool {
        let exceeds = self.total.is_some_and(|total| total > length);
        let says_nothing = self.more.is_none() && self.total.is_none();
        self.has_next() || exceeds || (says_nothing && self.is_full)
    }

    /// Whether the page says in numbers that there is nothing: a count of 0 beside the place of the
    /// list, or at `page.total`.
    pub fn is_zero(value: &Value, query: &Query) -> bool {
        let value = unwrap(value);
        let items = query.reading.items.iter().map(|pointer| parent(value, pointer.as_str()));
        let is_zero = |value: &Value| value.as_u64() == Some(0);
        let configured = query.reading.page.total.as_deref().and_then(|at| value.pointer(at));
        let beside =
            items.flatten().flat_map(|beside| TOTAL.iter().filter_map(|at| beside.pointer(at)));
        configured.into_iter().chain(beside).any(is_zero)
    }
}

/// Where to look: beside the list, then at the top.
struct Places<'a> {
    value: &'a Value,
    beside: Option<&'a Value>,
}

impl<'a> Places<'a> {
    fn find<T>(
        &self,
        configured: Option<&str>,
        common: &[&str],
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Option<T> {
        let configured = configured.and_then(|pointer| self.value.pointer(pointer));
        configured.into_iter().chain(self.common(common)).find_map(read)
    }

    fn common(&self, pointers: &[&str]) -> impl Iterator<Item = &'a Value> {
        let roots = self.beside.into_iter().chain([self.value]);
        roots.flat_map(|root| pointers.iter().filter_map(|pointer| root.pointer(pointer)))
    }

    fn total(&self, paging: &Paging) -> Option<usize> {
        let number = |value: &Value| value.as_u64();
        let total = match paging.total.as_deref() {
            Some(pointer) => self.value.pointer(pointer).and_then(number),
            None => self.common(TOTAL).filter_map(number).max(),
        };
        total.and_then(|total| usize::try_from(total.min(MAX_TOTAL)).ok())
    }
}

/// The object in which the list is.
fn parent<'a>(value: &'a Value, pointer: &str) -> Option<&'a Value> {
    let (parent, _) = pointer.rsplit_once('/')?;
    value.pointer(parent)
}

fn cursor(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if !text.is_empty() => Some(value.clone()),
        Value::Number(_) => Some(value.clone()),
        _ => None,
    }
}
