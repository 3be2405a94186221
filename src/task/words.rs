//! What servers call a state and a priority, in our terms: for filtering and order. The server's own
//! word is what is shown.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Where a task is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Also a task without a state, or with an unknown one: it counts as open.
    #[default]
    Todo,
    InProgress,
    Blocked,
    Review,
    Done,
    Cancelled,
}

impl State {
    /// All, with the names used in the configuration.
    pub const WORDS: &'static [(&'static str, State)] = &[
        ("todo", State::Todo),
        ("in_progress", State::InProgress),
        ("blocked", State::Blocked),
        ("review", State::Review),
        ("done", State::Done),
        ("cancelled", State::Cancelled),
    ];

    /// Whether there is still something to do.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(self, State::Done | State::Cancelled)
    }
}

/// How important a task is; smaller is more important.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rank {
    Critical,
    High,
    Medium,
    /// No priority, or an unknown one. Before `Low`, which is a choice.
    #[default]
    None,
    Low,
}

impl Rank {
    /// All, with the names used in the configuration.
    pub const WORDS: &'static [(&'static str, Rank)] = &[
        ("critical", Rank::Critical),
        ("high", Rank::High),
        ("medium", Rank::Medium),
        ("none", Rank::None),
        ("low", Rank::Low),
    ];
}

/// Further names of the states, in the form of [`folded`].
const STATES: &[(&str, State)] = &[
    ("open", State::Todo),
    ("pending", State::Todo),
    ("new", State::Todo),
    ("backlog", State::Todo),
    ("ready", State::Todo),
    ("to_do", State::Todo),
    ("doing", State::InProgress),
    ("started", State::InProgress),
    ("active", State::InProgress),
    ("wip", State::InProgress),
    ("inprogress", State::InProgress),
    ("in_review", State::Review),
    ("testing", State::Review),
    ("completed", State::Done),
    ("complete", State::Done),
    ("closed", State::Done),
    ("resolved", State::Done),
    ("finished", State::Done),
    ("archived", State::Done),
    ("canceled", State::Cancelled),
    ("wontfix", State::Cancelled),
    ("deleted", State::Cancelled),
];

/// Further names of the ranks.
const RANKS: &[(&str, Rank)] = &[
    ("urgent", Rank::Critical),
    ("highest", Rank::Critical),
    ("normal", Rank::Medium),
    ("lowest", Rank::Low),
    ("p0", Rank::Critical),
    ("p1", Rank::High),
    ("p2", Rank::Medium),
    ("p3", Rank::Low),
    ("p4", Rank::Low),
];

/// Which end of a scale of numbers is the most important one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Numbers {
    /// Numbers are shown and do not change the order.
    #[default]
    Unranked,
    LowFirst,
    HighFirst,
}

/// The words of one server, beside those that are built in. Keys are in the form of [`folded`].
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Vocabulary {
    pub states: BTreeMap<String, State>,
    pub ranks: BTreeMap<String, Rank>,
    pub numbers: Numbers,
}

impl Vocabulary {
    /// The state that `word` names; an unknown one counts as `Todo`, so that no task is lost.
    #[must_use]
    pub fn state(&self, word: &str) -> State {
        let word = folded(word);
        let own = self.states.get(&word).copied();
        own.or_else(|| find(State::WORDS, &word))
            .or_else(|| find(STATES, &word))
            .unwrap_or_default()
    }

    /// The rank that `word` names, and the order among equal ranks: smaller first.
    #[must_use]
    pub fn rank(&self, word: &str) -> (Rank, i64) {
        let folded = folded(word);
        let own = self.ranks.get(&folded).copied();
        let rank = own.or_else(|| find(Rank::WORDS, &folded)).or_else(|| find(RANKS, &folded));
        match (rank, folded.parse::<i64>()) {
            (Some(rank), _) => (rank, 0),
            (None, Ok(number)) => self.rank_of_number(number),
            (None, Err(_)) => (Rank::None, 0),
        }
    }

    /// On a scale with the low numbers first 0 to 3 are critical to low, as P0 to P3. A scale with the
    /// high numbers first has no known top: its numbers are only put in order.
    fn rank_of_number(&self, number: i64) -> (Rank, i64) {
        match self.numbers {
            Numbers::Unranked => (Rank::None, 0),
            Numbers::HighFirst => (Rank::None, number.saturating_neg()),
            Numbers::LowFirst => match number {
                ..=0 => (Rank::Critical, number),
                1 => (Rank::High, number),
                2 => (Rank::Medium, number),
                _ => (Rank::Low, number),
            },
        }
    }
}

fn find<T: Copy>(table: &[(&str, T)], word: &str) -> Option<T> {
    table.iter().find(|(name, _)| *name == word).map(|(_, meaning)| *meaning)
}

/// The word without case, and with `-`, `_` and blanks alike: `In Progress` is `in_progress`.
#[must_use]
pub fn folded(word: &str) -> String {
    let separated = word.trim().chars().map(|c| match c {
        '-' | ' ' => '_',
        other => other,
    });
    separated.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_read_without_case_and_separators() {
        let words = Vocabulary::default();
        let table = [
            ("todo", State::Todo),
            ("To Do", State::Todo),
            ("PENDING", State::Todo),
            ("In-Progress", State::InProgress),
            ("doing", State::InProgress),
            ("Testing", State::Review),
            ("blocked", State::Blocked),
            ("Closed", State::Done),
            ("archived", State::Done),
            ("canceled", State::Cancelled),
            ("won", State::Todo),
            ("", State::Todo),
        ];
        for (word, state) in table {
            assert_eq!(words.state(word), state, "{word}");
        }
        let states = BTreeMap::from([("on_ice".to_owned(), State::Cancelled)]);
        let own = Vocabulary { states, ..Vocabulary::default() };
        assert_eq!(own.state("On Ice"), State::Cancelled);
    }

    #[test]
    fn a_number_is_a_rank_only_on_a_scale_whose_direction_is_known() {
        let on = |numbers| Vocabulary { numbers, ..Vocabulary::default() };
        assert_eq!(on(Numbers::Unranked).rank("0"), (Rank::None, 0));
        assert_eq!(on(Numbers::LowFirst).rank("0"), (Rank::Critical, 0));
        assert_eq!(on(Numbers::LowFirst).rank("7"), (Rank::Low, 7));
        let high_first = on(Numbers::HighFirst);
        assert!(high_first.rank("9") < high_first.rank("1"));
        assert_eq!(on(Numbers::Unranked).rank("P0"), (Rank::Critical, 0));
        assert_eq!(on(Numbers::Unranked).rank("Urgent"), (Rank::Critical, 0));
        assert!(Rank::Critical < Rank::High && Rank::None < Rank::Low);
    }
}
