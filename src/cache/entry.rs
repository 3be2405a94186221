//! The form of an entry on disk: a line with the format and a checksum, then JSON.
//! The checksum detects a torn or damaged file, since entries are not flushed to the device.
//! An entry is never written larger than it can be read again.

use serde::{Deserialize, Serialize};

use crate::deadline::Timestamp;
use crate::digest::sha256_hex;
use crate::task::Answer;

const MAGIC: &str = "warmstart-entry 2 ";
/// A larger file is not ours.
pub(super) const MAX_BYTES: u64 = 256 << 10;
/// Characters of a field, tried in this order until the entry is small enough.
const FIELD_CHARS: [usize; 3] = [300, 200, 100];
/// Tasks without further fields, and characters of a text, that are always small enough.
const MIN_TASKS: usize = 50;
const MIN_TEXT_CHARS: usize = 20_000;

/// One understood answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When the source gave it.
    pub written: Timestamp,
    /// Different for every entry that is written, also where answer and second are the same.
    pub id: String,
    /// The name of the query, for a user who inspects the cache.
    pub query: String,
    /// The label of its source, for the source line.
    pub origin: String,
    pub answer: Answer,
}

impl Entry {
    /// The bytes of the file, at most `MAX_BYTES`. What is too long for that is cut, in this entry too, so
    /// that the same is shown now and from the cache.
    #[must_use]
    pub fn encode_within_limit(&mut self) -> Vec<u8> {
        let mut bytes = self.encode();
        for chars in FIELD_CHARS {
            if bytes.len() as u64 <= MAX_BYTES {
                return bytes;
            }
            self.shorten_fields(chars);
            bytes = self.encode();
        }
        if bytes.len() as u64 > MAX_BYTES {
            self.shorten_to_minimum();
            bytes = self.encode();
        }
        bytes
    }

    fn shorten_fields(&mut self, chars: usize) {
        if let Answer::Tasks(tasks) = &mut self.answer {
            tasks.list.iter_mut().for_each(|task| task.shorten(chars));
        }
    }

    /// Keeps what is sure to be small enough, with six bytes of JSON for a character.
    fn shorten_to_minimum(&mut self) {
        match &mut self.answer {
            Answer::Tasks(tasks) => {
                tasks.cut(MIN_TASKS);
                tasks.list.iter_mut().for_each(|task| task.more.clear());
            }
            Answer::Text(text) => *text = text.chars().take(MIN_TEXT_CHARS).collect(),
        }
    }

    /// The bytes of the file.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        // Maps have string keys and numbers are integers: this cannot fail.
        let body = serde_json::to_vec(self).unwrap_or_default();
        let mut bytes = format!("{MAGIC}{}\n", sha256_hex(&body)).into_bytes();
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads the bytes of a file; `None` if they are incomplete or of another format.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC.as_bytes())?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (sum, body) = (&rest[..end], &rest[end + 1..]);
        if sum != sha256_hex(body).as_bytes() {
            return None;
        }
        serde_json::from_slice(body).ok()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::task::{Task, Tasks};

    fn entry(answer: Answer) -> Entry {
        let (query, origin) = ("tasks".into(), "x".into());
        Entry { written: Timestamp(1000), id: "1".into(), query, origin, answer }
    }

    fn tasks(count: usize, field: &str, more: usize) -> Answer {
        let more = (0..more).map(|n| (format!("field_{n}"), json!(field)));
        let task = Task {
            id: field.into(),
            title: field.into(),
            status: field.into(),
            priority: field.into(),
            more: more.collect(),
            ..Task::default()
        };
        Answer::Tasks(Tasks { list: vec![task; count], ..Tasks::default() })
    }

    #[test]
    fn mb_an_entry_is_never_larger_than_it_can_be_read_again() {
        let answers = [
            tasks(50, &"x".repeat(500), 16),
            tasks(50, &"漢".repeat(500), 16),
            tasks(50, &"\u{1}".repeat(500), 300),
            tasks(5000, &"\u{1}".repeat(500), 0),
            Answer::Text("\u{1}".repeat(400_000)),
        ];
        for answer in answers {
            let mut large = entry(answer);
            let bytes = large.encode_within_limit();
            assert!(bytes.len() as u64 <= MAX_BYTES, "{} bytes", bytes.len());
            assert_eq!(Entry::decode(&bytes), Some(large), "what is shown now is what is kept");
        }
    }

    #[test]
    fn mb_what_is_small_enough_is_not_cut() {
        let answer = tasks(20, &"漢".repeat(500), 2);
        let mut small = entry(answer.clone());
        assert!(small.encode_within_limit().len() as u64 <= MAX_BYTES);
        assert_eq!(small.answer, answer);
    }
}
