//! A client of an MCP server, whatever carries the messages: a transport gives the result of one request,
//! the rest follows from it.

use serde_json::{Map, Value};

use super::missing_tools::MissingTools;
use crate::client::payload::{self, Documents};
use crate::client::tool_call::ToolCall;
use crate::client::tool_list::{self, Tool};
use crate::client::{Client, ClientFuture, paged};
use crate::deadline::{Deadline, Timestamp};
use crate::error::Failure;
use crate::task::{Answer, Query};

/// A transport.
pub(crate) trait ToolServer {
    /// Makes the request and has `read` read its result.
    ///
    /// # Errors
    /// Why there is none, or those of `read`.
    async fn request<T>(
        &self,
        call: ToolCall<'_>,
        read: impl Fn(Value) -> Result<T, Failure>,
    ) -> Result<T, Failure>;

    /// The tools that the server does not have by its own answers.
    fn missing_tools(&self) -> &MissingTools;

    /// The same; a tool that the server does not have is noted.
    ///
    /// # Errors
    /// As for `request`.
    async fn result<T>(
        &self,
        call: ToolCall<'_>,
        read: impl Fn(Value) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.missing_tools().noted(call.tool, self.request(call, read).await)
    }
}

impl<S: ToolServer> Client for S {
    fn ask<'a>(&'a self, query: &'a Query, deadline: Deadline) -> ClientFuture<'a, Answer> {
        Box::pin(async move {
            let read = |result| payload::read(query, &Documents::of_tool_result(&result));
            paged::ask(query, deadline, async |page| {
                self.result(ToolCall::of_page(query, page, deadline), read).await
            })
            .await
        })
    }

    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: &'a Map<String, Value>,
        deadline: Deadline,
    ) -> ClientFuture<'a, Value> {
        Box::pin(async move { self.result(ToolCall::by_hand(tool, arguments, deadline), Ok).await })
    }

    fn tools(&self, deadline: Deadline) -> ClientFuture<'_, Vec<Tool>> {
        Box::pin(tool_list::ask(async move |parameters| {
            self.result(ToolCall::of_list(&parameters, deadline), Ok).await
        }))
    }

    fn missing_until(&self, tool: &str) -> Option<Timestamp> {
        self.missing_tools().until(tool)
    }
}
