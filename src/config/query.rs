//! `[queries.NAME]`: named questions to a task server.

use std::time::Duration;

use serde_json::{Map, Value};

use super::fallback::chain;
use super::kind::Kind;
use super::parser::{
    Parsed, Parser, ReadContext, Words, duration, flag, parser, read_list, table as table_value,
    text, word,
};
use super::reader::Reader;
use super::value::Input;
use crate::task::AnswerKind;

/// One query; its arguments may hold placeholders such as `{branch.id}`.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryConfig {
    pub tool: String,
    pub arguments: Map<String, Value>,
    /// JSON pointers into the answer.
    pub items: Vec<String>,
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
        let _: bool = table.get("read_only", flag());
        let _: AnswerKind = table.get("answer", word());
        let _: Duration = table.get("ttl", duration("0s", "1d"));
    }

    pub(super) fn read(table: &Reader<'_>) -> Self {
        QueryConfig {
            tool: table.get("tool", text()),
            arguments: table.get("arguments", table_value()),
            items: table.get("items", pointers()),
            read_only: table.get("read_only", flag()),
            answer: table.get("answer", word()),
            ttl: table.get("ttl", duration("0s", "1d")),
            fallback: table.get_optional("fallback", chain()),
        }
    }
}

fn pointers() -> Parser<impl Fn(Input<'_>, ReadContext<'_>) -> Parsed<Vec<String>>> {
    parser(Kind::List(None), |value, _| {
        let list = read_list(value)?;
        match list.iter().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            Some(wrong) => Err(format!("`{wrong}` is not a JSON pointer like `/data/tasks`")),
            None => Ok(list),
        }
    })
}
