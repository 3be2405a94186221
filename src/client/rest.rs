//! Tasks over plain REST: a POST of the query's arguments to `…/TOOL`, JSON back.

use std::collections::BTreeMap;
use std::rc::Rc;

use reqwest::Method;
use serde_json::{Map, Value};

use super::tool_call::ToolCall;
use super::{Builtin, Client, ClientContext, ClientFuture, ClientSettings, payload};
use crate::auth::{Auth, ResourceIndicator};
use crate::config::Reader;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::http::{Error, Http, HttpRequest, Opened, Repeat};
use crate::secret::{SafeUrl, Secret};
use crate::task::{Answer, Query};

pub static BUILTIN: Builtin =
    Builtin { name: "rest", summary: "a REST server: POST of the arguments to URL/TOOL", read };

struct Rest {
    base: SafeUrl,
    http: Rc<Http>,
    auth: Auth,
    headers: BTreeMap<String, Secret>,
}

struct RestSettings;

fn read(_: &Reader<'_>) -> Rc<dyn ClientSettings> {
    Rc::new(RestSettings)
}

impl ClientSettings for RestSettings {
    fn missing(&self, context: &ClientContext) -> Vec<Failure> {
        match Rest::new(context.clone()) {
            Ok(client) => client.auth.missing(&client.headers),
            Err(failure) => vec![failure],
        }
    }

    fn notes(&self, context: &ClientContext) -> Vec<String> {
        let client = Rest::new(context.clone());
        client.map(|client| client.auth.notes(&client.headers)).unwrap_or_default()
    }

    fn build(&self, context: ClientContext) -> Result<Box<dyn Client>, Failure> {
        Ok(Box::new(Rest::new(context)?))
    }
}

impl Rest {
    fn new(context: ClientContext) -> Result<Self, Failure> {
        let base = super::endpoint(&context.config)?;
        let auth = context.auth(&base, ResourceIndicator::None);
        Ok(Rest { base, http: context.http, auth, headers: context.config.headers })
    }
}

impl Client for Rest {
    fn ask<'a>(&'a self, query: &'a Query, deadline: Deadline) -> ClientFuture<'a, Answer> {
        Box::pin(async move {
            let call = ToolCall::of_query(query, deadline);
            self.authorised(call, |value| payload::read(query, &value)).await
        })
    }

    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: &'a Map<String, Value>,
        deadline: Deadline,
    ) -> ClientFuture<'a, Value> {
        Box::pin(async move {
            let call = ToolCall { tool, arguments, repeat: Repeat::Never, deadline };
            self.authorised(call, Ok).await
        })
    }
}

/// An answer of the server.
struct Reply {
    status: u16,
    content_type: String,
    body: Vec<u8>,
}

impl Rest {
    /// Posts with a token and has `read` read the value.
    async fn authorised<T>(
        &self,
        call: ToolCall<'_>,
        read: impl Fn(Value) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let request = async |token| {
            let reply = self.post(call, token).await?;
            self.check_status(&reply, call.tool).and_then(&read)
        };
        self.auth.with_token(call.deadline, request).await
    }

    async fn post(&self, call: ToolCall<'_>, token: Option<Secret>) -> Result<Reply, Failure> {
        let url = self.url(call.tool)?;
        let body = Value::Object(call.arguments.clone()).to_string().into_bytes();
        let make = || HttpRequest {
            method: Method::POST,
            url: url.clone(),
            headers: vec![
                ("content-type".into(), "application/json".into()),
                ("accept".into(), "application/json, text/event-stream".into()),
            ],
            configured: self.headers.clone(),
            bearer: token.clone(),
            body: body.clone(),
            secret_body: None,
        };
        let read = async |mut opened: Opened| -> Result<Reply, Error> {
            let content_type = opened.content_type();
            Ok(Reply { status: opened.status, content_type, body: opened.body().await? })
        };
        self.http.send(make, read, call.repeat, call.deadline).await
    }

    /// The tool is one segment of the path, whatever characters its name has.
    fn url(&self, tool: &str) -> Result<SafeUrl, Failure> {
        let mut url = self.base.url().clone();
        url.path_segments_mut()
            .map_err(|()| Failure::new(Code::ConfigUrl, "`client.url` cannot have a path"))?
            .pop_if_empty()
            .push(tool);
        Ok(url.into())
    }

    fn check_status(&self, reply: &Reply, tool: &str) -> Result<Value, Failure> {
        let base = &self.base;
        let value = payload::parse(&reply.body, &reply.content_type);
        let message = value.as_ref().ok().and_then(error_message).unwrap_or_default();
        let is_empty = reply.status == 204 || reply.body.trim_ascii().is_empty();
        match reply.status {
            200..=299 if is_empty => {
                let text = format!("`{base}/{tool}` sent an empty answer (HTTP {})", reply.status);
                Err(Failure::new(Code::NotUnderstood, text)
                    .hint("check `client.url`, `client.kind` and the query's `tool`"))
            }
            200..=299 => value,
            401 => Err(self.auth.refusal()),
            403 => Err(Failure::new(
                Code::Forbidden,
                format!("`{base}` denies access (HTTP 403){message}"),
            )
            .hint("give the client the roles and scopes that the tool requires")),
            status => Err(Failure::new(
                Code::WrongEndpoint,
                format!("`{base}/{tool}` answered HTTP {status}{message}"),
            )
            .hint("check `client.url`, `client.kind` and the query's `tool`")),
        }
    }
}

/// The server's message in an error's body, to be appended to ours.
fn error_message(value: &Value) -> Option<String> {
    let message = value.pointer("/error/message").or_else(|| value.get("message"));
    let message = message.or_else(|| value.get("error")).and_then(Value::as_str)?;
    Some(format!(": {}", payload::brief(message)))
}
