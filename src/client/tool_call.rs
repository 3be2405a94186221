//! One call of a tool, as every client with a server gets it. Knows no protocol and no token.

use serde_json::{Map, Value};

use crate::deadline::Deadline;
use crate::http::Repeat;
use crate::task::Query;

/// One call of one tool.
#[derive(Clone, Copy, Debug)]
pub struct ToolCall<'a> {
    pub tool: &'a str,
    pub arguments: &'a Map<String, Value>,
    pub repeat: Repeat,
    pub deadline: Deadline,
}

impl<'a> ToolCall<'a> {
    /// The call that answers `query`; repeated after a failure only if it changes nothing.
    #[must_use]
    pub fn of_query(query: &'a Query, deadline: Deadline) -> Self {
        let repeat = if query.read_only { Repeat::Safe } else { Repeat::Never };
        ToolCall { tool: &query.tool, arguments: &query.arguments, repeat, deadline }
    }
}
