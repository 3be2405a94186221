//! What a run saw when it first looked at each question. What differs later was written by another
//! process in the meantime, whatever clocks and file times are.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::noted::NotedFailure;
use super::{Entry, Key};

/// The first looks of one run.
#[derive(Clone, Debug, Default)]
pub(super) struct FirstLooks(RefCell<BTreeMap<Key, FirstLook>>);

/// The ids of what was kept; the outer `None`: not looked at yet.
#[derive(Clone, Debug, Default)]
struct FirstLook {
    entry: Option<Option<String>>,
    failure: Option<Option<String>>,
}

impl FirstLooks {
    /// Notes the entry, unless one was noted before.
    pub(super) fn note_entry(&self, key: &Key, entry: Option<&Entry>) {
        let mut looks = self.0.borrow_mut();
        let look = looks.entry(key.clone()).or_default();
        look.entry.get_or_insert_with(|| entry.map(|entry| entry.id.clone()));
    }

    /// The same, with an entry that is read only then.
    pub(super) fn note_entry_if_new(&self, key: &Key, read: impl FnOnce() -> Option<Entry>) {
        if self.0.borrow().get(key).is_none_or(|look| look.entry.is_none()) {
            self.note_entry(key, read().as_ref());
        }
    }

    /// Notes the failure, unless one was noted before.
    pub(super) fn note_failure(&self, key: &Key, read: impl FnOnce() -> Option<NotedFailure>) {
        let mut looks = self.0.borrow_mut();
        let look = looks.entry(key.clone()).or_default();
        look.failure.get_or_insert_with(|| read().map(|noted| noted.id));
    }

    /// The id of the entry that was seen first.
    pub(super) fn entry(&self, key: &Key) -> Option<String> {
        self.0.borrow().get(key)?.entry.clone()?
    }

    /// The id of the failure that was seen first.
    pub(super) fn failure(&self, key: &Key) -> Option<String> {
        self.0.borrow().get(key)?.failure.clone()?
    }
}
