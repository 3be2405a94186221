//! The form of an entry on disk: a line with the format and a checksum, then JSON.
//! The checksum detects a torn or damaged file, since entries are not flushed to the device.

use serde::{Deserialize, Serialize};

use crate::deadline::Timestamp;
use crate::digest::sha256_hex;
use crate::task::Answer;

const MAGIC: &str = "warmstart-entry 1 ";

/// One understood answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When the source gave it.
    pub written: Timestamp,
    /// The name of the query, for a user who inspects the cache.
    pub query: String,
    /// The label of its source, for the source line.
    pub origin: String,
    pub answer: Answer,
}

impl Entry {
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
