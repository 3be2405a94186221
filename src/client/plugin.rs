//! A plugin as a source of tasks. Passes on the query, and the token of its server if the user allowed
//! that when trusting it.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::{Client, ClientContext, ClientFuture, ClientSettings, no_tools};
use crate::auth::{Auth, ResourceIndicator};
use crate::config::ClientConfig;
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::plugin::wire::{self, PluginRequest};
use crate::plugin::{PREFIX, Plugin, ResolvedItem};
use crate::task::{Answer, AnswerKind, Query};

/// The limit of a query that has none.
const DEFAULT_LIMIT: u64 = 20;

/// `named` as a client.
#[must_use]
pub fn settings(named: ResolvedItem) -> Rc<dyn ClientSettings> {
    Rc::new(PluginSettings { named })
}

struct PluginSettings {
    named: ResolvedItem,
}

impl ClientSettings for PluginSettings {
    fn is_local(&self) -> bool {
        self.named.pin.manifest.local.contains(&self.named.item)
    }

    fn identity(&self) -> Vec<String> {
        vec![self.named.item.clone(), self.named.plugin.identity()]
    }

    fn label(&self, config: &ClientConfig) -> String {
        format!("plugin {}", config.kind.strip_prefix(PREFIX).unwrap_or_default())
    }

    fn missing(&self, _: &ClientContext) -> Vec<Failure> {
        Vec::new()
    }

    fn build(&self, context: ClientContext) -> Result<Box<dyn Client>, Failure> {
        Ok(Box::new(PluginClient { named: self.named.clone(), context }))
    }
}

struct PluginClient {
    named: ResolvedItem,
    context: ClientContext,
}

impl Client for PluginClient {
    fn ask<'a>(&'a self, query: &'a Query, deadline: Deadline) -> ClientFuture<'a, Answer> {
        Box::pin(async move {
            let fields = json!({ "query": to_json(query) });
            let mut request = PluginRequest::new("pending_tasks", &self.named.item, fields);
            if self.named.pin.manifest.wants_token()
                && let Some(auth) = self.auth()
            {
                request.token = auth.bearer(deadline).await?;
            }
            let ok = self.named.plugin.call(&request, deadline).await?;
            read(&self.named.plugin, query, &ok)
        })
    }

    fn call<'a>(
        &'a self,
        tool: &'a str,
        _arguments: &'a Map<String, Value>,
        _deadline: Deadline,
    ) -> ClientFuture<'a, Value> {
        let client = format!("plugin {}", self.named.plugin.name());
        Box::pin(async move { Err(no_tools(&client, tool)) })
    }
}

impl PluginClient {
    /// `None` without a server's URL: a token is bound to one.
    fn auth(&self) -> Option<Auth> {
        let server = self.context.config.url.as_ref()?;
        Some(self.context.auth(server, ResourceIndicator::None))
    }
}

/// The query in the form that plugins get.
#[must_use]
pub fn to_json(query: &Query) -> Value {
    let limit = query.arguments.get("limit").and_then(Value::as_u64);
    let is_next = query.arguments.get("action").and_then(Value::as_str) == Some("next");
    json!({
        "name": query.name,
        "tool": query.tool,
        "arguments": query.arguments,
        "limit": limit.unwrap_or(if is_next { 1 } else { DEFAULT_LIMIT }),
    })
}

fn read(plugin: &Plugin, query: &Query, ok: &Value) -> Result<Answer, Failure> {
    if query.answer == AnswerKind::Text
        && let Some(text) = ok.get("text").and_then(Value::as_str)
    {
        return Ok(Answer::Text(text.to_owned()));
    }
    wire::read_tasks(ok).map(Answer::Tasks).map_err(|fault| plugin.reply_failure(&fault))
}
