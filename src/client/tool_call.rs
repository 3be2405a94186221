//! One call of a tool, as every client with a server gets it. Knows no protocol and no token.

use serde_json::{Map, Value};

use super::paged::PageRequest;
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
    /// The call for a page of the answer to `query`; repeated after a failure only if it changes nothing.
    #[must_use]
    pub fn of_page(query: &'a Query, page: &'a PageRequest, deadline: Deadline) -> Self {
        let repeat = if query.read_only { Repeat::Safe } else { Repeat::Never };
        ToolCall { tool: &query.tool, arguments: &page.arguments, repeat, deadline }
    }
}
