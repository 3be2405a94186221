//! One request about tools, as every client with a server gets it. Knows no protocol and no token.

use serde_json::{Map, Value};

use super::paged::PageRequest;
use super::wire::request::CallParams;
use crate::deadline::Deadline;
use crate::http::Repeat;
use crate::task::Query;

/// What is asked about tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToolMethod {
    Call,
    /// The list of tools. The request has no tool, and its arguments are the parameters.
    List,
}

impl ToolMethod {
    /// The method of the protocol.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ToolMethod::Call => "tools/call",
            ToolMethod::List => "tools/list",
        }
    }
}

/// One call of one tool, or a request for the list of tools.
#[derive(Clone, Copy, Debug)]
pub struct ToolCall<'a> {
    pub method: ToolMethod,
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
        let (method, tool) = (ToolMethod::Call, query.tool.as_str());
        ToolCall { method, tool, arguments: &page.arguments, repeat, deadline }
    }

    /// A call by hand: not repeated.
    #[must_use]
    pub fn by_hand(tool: &'a str, arguments: &'a Map<String, Value>, deadline: Deadline) -> Self {
        ToolCall { method: ToolMethod::Call, tool, arguments, repeat: Repeat::Never, deadline }
    }

    /// A request for a page of the list of tools.
    #[must_use]
    pub fn of_list(parameters: &'a Map<String, Value>, deadline: Deadline) -> Self {
        let (method, repeat) = (ToolMethod::List, Repeat::Safe);
        ToolCall { method, tool: "", arguments: parameters, repeat, deadline }
    }

    /// What goes over the wire.
    #[must_use]
    pub fn params(&self) -> CallParams<'a> {
        let ToolCall { method, tool, arguments, .. } = *self;
        CallParams { method, tool, arguments, request_state: None, mirrored: &[] }
    }
}
