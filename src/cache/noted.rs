//! The record of a request that failed: for the processes that waited for its answer, and so that the
//! background does not repeat it at once.

use serde::{Deserialize, Serialize};

use super::unique_id;
use crate::deadline::StoredTime;
use crate::error::Failure;

pub(super) const MAX_BYTES: u64 = 64 << 10;

/// See the module.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NotedFailure {
    /// Different for every record that is written.
    pub(super) id: String,
    pub(super) at: StoredTime,
    pub(super) failure: Failure,
}

impl NotedFailure {
    /// The record of a failure of now.
    pub(super) fn new(failure: &Failure) -> Self {
        NotedFailure { id: unique_id(), at: StoredTime::now(), failure: failure.clone() }
    }

    #[cfg(test)]
    pub(super) fn example() -> Self {
        NotedFailure::new(&Failure::new(crate::error::Code::Refused, "refused"))
    }

    /// The bytes of the file.
    pub(super) fn encode(&self) -> Vec<u8> {
        // Text and numbers: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads the bytes of a file; `None` if they are damaged.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
