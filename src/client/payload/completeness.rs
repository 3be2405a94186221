//! What an answer says of the tasks that it does not hold.

use serde_json::Value;

use super::documents::unwrap;
use crate::task::{Paging, Pointer, Query};

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
    /// Of the answer `values`, whose list is where `pointer` leads and has `length` elements.
    pub fn read(values: &[&Value], pointer: &str, length: usize, query: &Query) -> Self {
        let paging = &query.reading.page;
        let places: Vec<Places<'_>> =
            values.iter().map(|value| Places::of(unwrap(value), pointer)).collect();
        let mores = places.iter().flat_map(|places| places.all(paging.more.as_deref(), MORE));
        let mores: Vec<bool> = mores.filter_map(Value::as_bool).collect();
        let mut nexts = places.iter().flat_map(|places| places.all(paging.next.as_deref(), NEXT));
        let totals = places.iter().filter_map(|places| places.total(paging));
        let limit = query.arguments.get("limit").and_then(Value::as_u64);
        Completeness {
            // One list that is not complete is enough.
            more: mores.iter().copied().reduce(|one, other| one || other),
            next: nexts.find_map(cursor),
            total: totals.reduce(usize::saturating_add),
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
        let items = query.reading.items.iter();
        let beside = items.flat_map(|pointer| parents(value, pointer.as_str()));
        let beside = beside.flat_map(|beside| TOTAL.iter().filter_map(|at| beside.pointer(at)));
        let configured = query.reading.page.total.as_deref().and_then(|at| value.pointer(at));
        configured.into_iter().chain(beside).any(|value| value.as_u64() == Some(0))
    }
}

/// Where to look: beside the list, or beside each of several lists, then at the top.
struct Places<'a> {
    value: &'a Value,
    beside: Vec<&'a Value>,
}

impl<'a> Places<'a> {
    fn of(value: &'a Value, pointer: &str) -> Self {
        Places { value, beside: parents(value, pointer) }
    }

    /// What is at the configured place, and at the common ones.
    fn all(
        &self,
        configured: Option<&str>,
        common: &'static [&'static str],
    ) -> impl Iterator<Item = &'a Value> {
        let configured = configured.and_then(|pointer| self.value.pointer(pointer));
        let roots = self.beside.clone().into_iter().chain([self.value]);
        let common = roots.flat_map(|root| common.iter().filter_map(|at| root.pointer(at)));
        configured.into_iter().chain(common)
    }

    /// The largest number at the top, or the sum of the largest ones beside the lists.
    fn total(&self, paging: &Paging) -> Option<usize> {
        let largest = |root: &Value| TOTAL.iter().filter_map(|at| root.pointer(at)?.as_u64()).max();
        let total = match paging.total.as_deref() {
            Some(pointer) => self.value.pointer(pointer).and_then(Value::as_u64),
            None => {
                let beside = self.beside.iter().filter_map(|root| largest(root));
                beside.reduce(u64::saturating_add).max(largest(self.value))
            }
        };
        total.and_then(|total| usize::try_from(total.min(MAX_TOTAL)).ok())
    }
}

/// The objects in which the lists at `pointer` are.
fn parents<'a>(value: &'a Value, pointer: &str) -> Vec<&'a Value> {
    let parent = pointer.rsplit_once('/').and_then(|(parent, _)| Pointer::parse(parent).ok());
    let found = parent.map(|parent| parent.find(value)).unwrap_or_default();
    found.into_iter().map(|found| found.value).collect()
}

fn cursor(value: &Value) -> Option<Value> {
    match value {
        Value::String(text) if !text.is_empty() => Some(value.clone()),
        Value::Number(_) => Some(value.clone()),
        _ => None,
    }
}
