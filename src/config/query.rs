//! `[queries.NAME]`: named questions to a task server.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::fallback::chain;
use super::parser::{Words, duration, flag, table as table_value, text, word};
use super::reader::Reader;
use super::reading;
use crate::task::{AnswerKind, Reading};

/// One query; its arguments may hold placeholders such as `{branch.id}`.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryConfig {
    pub tool: String,
    pub arguments: Map<String, Value>,
    /// The name of its source in `[clients]`; empty: `[client]`.
    pub client: String,
    /// How its answer is read.
    pub reading: Arc<Reading>,
    pub read_only: bool,
    pub answer: AnswerKind,
    pub ttl: Duration,
    /// Instead of `fallback.chain`.
    pub fallback: Option<Vec<String>>,
}

impl Words for AnswerKind {
    const WORDS: &'static [(&'static str, Self)] =
        &[("tasks", AnswerKind::Tasks), ("text", AnswerKind::Text)];
}

impl QueryConfig {
    /// Reads `[query_defaults]`, for its mistakes alone: queries inherit from it key by key.
    pub(super) fn read_defaults(table: &Reader<'_>) {
        let _ = reading::read(table);
        let _: bool = table.get("read_only", flag());
        let _: AnswerKind = table.get("answer", word());
        let _: Duration = table.get("ttl", duration("0s", "1d"));
    }

    pub(super) fn read(table: &Reader<'_>) -> Self {
        QueryConfig {
            tool: table.get("tool", text()),
            arguments: table.get("arguments", table_value()),
            client: table.get("client", text()),
            reading: Arc::new(reading::read(table)),
            read_only: table.get("read_only", flag()),
            answer: table.get("answer", word()),
            ttl: table.get("ttl", duration("0s", "1d")),
            fallback: table.get_optional("fallback", chain()),
        }
    }
}
