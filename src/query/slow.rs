//! Sources that start a program for each question and may be too slow for a session start. The times of
//! their last answers decide whether a session waits, or shows the last answer and asks in the
//! background. A session that has nothing at all waits longer, once for a source and project.

use std::cell::{Cell, OnceCell, RefCell};
use std::time::Duration;

use super::{Bindings, PreparedQuery, Queries, QueryResult, TaskSource, Timeout};
use crate::cache::{Identity, Key, Lookup};
use crate::config::CacheRead;
use crate::deadline::{Deadline, Timestamp, duration_text};
use crate::error::{Code, Failure};
use crate::task::Query;

/// How a session gets an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// It asks, for the hook's timeout.
    Foreground,
    /// It asks, for `session_start.first_deadline`.
    First,
    /// The background asks; the session shows the last answer, if there is one.
    Background,
}

/// What is known before the attempt.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Of the last answers; `None`: none was measured.
    median: Option<Duration>,
    /// Whether there is an answer that may be shown.
    has_answer: bool,
    /// Whether no session has waited for the first answer yet.
    may_wait: bool,
}

/// The decision. A source of unknown speed is not waited for when there is an answer to show.
fn decide(known: Known, timeout: Duration) -> Attempt {
    let is_fast = known.median.map(|median| median < timeout / 2);
    match (is_fast, known.has_answer) {
        (Some(true), _) => Attempt::Foreground,
        (_, true) => Attempt::Background,
        (_, false) if known.may_wait => Attempt::First,
        (None, false) => Attempt::Foreground,
        (Some(false), false) => Attempt::Background,
    }
}

/// The middle one; of an even number, the larger of the two in the middle.
fn median(times: &[Duration]) -> Option<Duration> {
    let mut times = times.to_vec();
    times.sort_unstable();
    times.get(times.len() / 2).copied()
}

/// The waiting for the first answer, in one run.
#[derive(Default)]
pub(super) struct FirstWait {
    /// Until when; unset outside a session start, where no slow source is skipped.
    until: OnceCell<Deadline>,
    /// Whether a query has nothing at all, and may be waited for.
    is_expected: Cell<bool>,
    /// The sources for which it has begun, and is noted for the next sessions.
    begun: RefCell<Vec<Identity>>,
}

/// What follows from the decision for one query.
pub(super) enum Waiting {
    /// Ask until then.
    Until(Deadline),
    /// The last answer is shown instead.
    Answered(QueryResult),
    /// There is nothing to show.
    Nothing(Failure),
}

impl Queries {
    /// Makes this run a session start, which shows the last answer of a slow source, and waits until
    /// `until` for the first answer of a source that starts a program.
    pub fn wait_for_first_answer(&self, until: Deadline) {
        let _ = self.first.until.set(until);
    }

    /// Whether this run is a session start.
    pub(super) fn is_session_start(&self) -> bool {
        self.first.until.get().is_some()
    }

    /// Until when this run waits for a first answer, if a query that was not answered from disk needs
    /// one.
    #[must_use]
    pub fn first_wait(&self) -> Option<Deadline> {
        self.first.until.get().copied().filter(|_| self.first.is_expected.get())
    }

    /// Notes that `name` was not answered from disk.
    pub(super) fn expect_first_answer(&self, name: &str, bindings: &Bindings) {
        if self.first.until.get().is_none() || !self.source_of(name).starts_program {
            return;
        }
        let Ok(prepared) = self.prepare(name, bindings) else { return };
        let source = prepared.source;
        let (known, _) = self.known(source, &prepared.query, Duration::ZERO);
        if decide(known, Duration::ZERO) == Attempt::First {
            self.first.is_expected.set(true);
        }
    }

    /// How `source` is asked for `prepared`.
    pub(super) fn waiting(
        &self,
        source: &TaskSource,
        prepared: &PreparedQuery<'_>,
        timeout: Timeout,
        deadline: Deadline,
    ) -> Waiting {
        let limit = timeout.cap(deadline);
        let Some(first) = self.first.until.get().filter(|_| is_measured(source, &prepared.query))
        else {
            return Waiting::Until(limit);
        };
        let (known, cached) = self.known(source, &prepared.query, timeout.time);
        match decide(known, timeout.time) {
            Attempt::First if self.begin_first_wait(source) => Waiting::Until(limit.later(*first)),
            Attempt::Background if self.read == CacheRead::FreshFirst => {
                self.note_due(&prepared.query);
                match QueryResult::cached(cached, None) {
                    Some(result) => Waiting::Answered(result),
                    None => Waiting::Nothing(self.too_slow(source, &prepared.query, known.median)),
                }
            }
            _ => Waiting::Until(limit),
        }
    }

    /// A source that was asked for too short a time is asked again in the background, where its time
    /// is measured.
    pub(super) fn renew_after_timeout(
        &self,
        source: &TaskSource,
        query: &Query,
        failure: &Failure,
    ) {
        if failure.code == Code::Timeout && is_measured(source, query) {
            self.note_due(query);
        }
    }

    fn known(&self, source: &TaskSource, query: &Query, timeout: Duration) -> (Known, Lookup) {
        let key = Key::new(&source.identity, query);
        let median = median(&self.cache.times(&key));
        let mut cached = self.lookup(source, query);
        if median.is_some_and(|median| median >= timeout / 2) {
            cached = self.cache.for_slow_source(cached, query.ttl, Timestamp::now());
        }
        let may_wait = self.has_begun(source) || !self.cache.has_waited(&source.identity);
        (Known { median, has_answer: cached.view.is_usable(), may_wait }, cached)
    }

    fn has_begun(&self, source: &TaskSource) -> bool {
        self.first.begun.borrow().contains(&source.identity)
    }

    /// Noted before the program is started: one that does not end must not make every session wait.
    fn begin_first_wait(&self, source: &TaskSource) -> bool {
        if self.has_begun(source) {
            return true;
        }
        let is_noted = self.cache.note_waited(&source.identity);
        if is_noted {
            self.first.begun.borrow_mut().push(source.identity.clone());
        }
        is_noted
    }

    /// Why a slow source is not waited for: its last failure in the background, if there was one.
    fn too_slow(&self, source: &TaskSource, query: &Query, median: Option<Duration>) -> Failure {
        let key = Key::new(&source.identity, query);
        let unexplained = || {
            let time = duration_text(median.unwrap_or_default());
            let text = format!(
                "the {} takes {time} for an answer, so it is asked in the background",
                source.label
            );
            Failure::new(Code::Timeout, text)
                .hint("the next session shows its answer; `warmstart tasks` waits for it")
        };
        self.cache.last_failure(&key).unwrap_or_else(unexplained)
    }
}

/// Whether the times of its answers are kept.
fn is_measured(source: &TaskSource, query: &Query) -> bool {
    source.starts_program && source.is_cached && query.read_only
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_waits_for_a_fast_source_and_once_for_a_first_answer() {
        use Attempt::{Background, First, Foreground};
        let timeout = Duration::from_millis(1500);
        // Median in milliseconds, an answer to show, may wait: the attempt.
        let table = [
            (Some(0), true, true, Foreground),
            (Some(749), true, false, Foreground),
            (Some(749), false, false, Foreground),
            (Some(749), false, true, Foreground),
            (Some(750), true, true, Background),
            (Some(750), true, false, Background),
            (Some(750), false, true, First),
            (Some(750), false, false, Background),
            (Some(20_000), true, false, Background),
            (None, true, true, Background),
            (None, true, false, Background),
            (None, false, true, First),
            (None, false, false, Foreground),
        ];
        for (millis, has_answer, may_wait, expected) in table {
            let median = millis.map(Duration::from_millis);
            let known = Known { median, has_answer, may_wait };
            assert_eq!(decide(known, timeout), expected, "{known:?}");
        }
    }

    #[test]
    fn the_median_is_that_of_the_last_answers() {
        let median = |millis: &[u64]| {
            let times: Vec<Duration> = millis.iter().copied().map(Duration::from_millis).collect();
            median(&times).map(|time| time.as_millis())
        };
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[5]), Some(5));
        assert_eq!(median(&[9000, 100, 200]), Some(200));
        assert_eq!(median(&[100, 900]), Some(900), "rather too slow than too fast");
    }
}
