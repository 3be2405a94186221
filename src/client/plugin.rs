//! A plugin as a source of tasks. Hands on the query, and the token of its server if the user agreed
//! to that when trusting it.

use serde_json::{Value, json};

use super::{Client, ClientContext, ClientFuture};
use crate::auth::Auth;
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::plugin::wire::{self, PluginRequest};
use crate::plugin::{Plugin, ResolvedItem};
use crate::task::{Answer, AnswerKind, Query};

/// How many tasks are wanted when the query does not say.
const DEFAULT_LIMIT: u64 = 20;

/// The client that `named` is, with the settings of its own table.
#[must_use]
pub fn client(named: ResolvedItem, context: ClientContext) -> Box<dyn Client> {
    Box::new(PluginClient { named, context })
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
}

impl PluginClient {
    /// Without a server's URL there is nothing that a token could be bound to.
    fn auth(&self) -> Option<Auth> {
        let ClientContext { config, http, paths, root, .. } = self.context.clone();
        let server = config.url?;
        Some(Auth::new(config.auth, http, paths, server, root, false))
    }
}

/// The query in the plugin's words.
#[must_use]
pub fn to_json(query: &Query) -> Value {
    let asked = query.arguments.get("limit").and_then(Value::as_u64);
    let is_next = query.arguments.get("action").and_then(Value::as_str) == Some("next");
    json!({
        "name": query.name,
        "tool": query.tool,
        "arguments": query.arguments,
        "limit": asked.unwrap_or(if is_next { 1 } else { DEFAULT_LIMIT }),
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
