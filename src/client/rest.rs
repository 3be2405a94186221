//! Tasks over REST: any method and path, JSON back. Without a path the query's arguments are posted to
//! `…/TOOL`, as the guide's server expects.

use std::collections::BTreeMap;
use std::rc::Rc;

use reqwest::Method;
use serde_json::{Map, Value};

use super::paged::{self, PageRequest};
use super::payload::{self, Documents, Page};
use super::{Builtin, Client, ClientContext, ClientFuture, ClientSettings};
use crate::auth::{Auth, ResourceIndicator};
use crate::config::Reader;
use crate::config::parser::{Words, text, word};
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::http::{Error, Http, HttpRequest, Opened, Repeat};
use crate::secret::{SafeUrl, Secret};
use crate::task::{Answer, Query};

pub static BUILTIN: Builtin = Builtin {
    name: "rest",
    summary: "a REST server: any method and path, or a POST to URL/TOOL",
    read,
};

struct Rest {
    base: SafeUrl,
    verb: Verb,
    path: String,
    http: Rc<Http>,
    auth: Auth,
    headers: BTreeMap<String, Secret>,
}

struct RestSettings {
    verb: Verb,
    path: String,
}

/// The method of a request. With GET the arguments are in the query of the URL, else in the body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Verb {
    #[default]
    Post,
    Get,
    Put,
}

impl Words for Verb {
    const WORDS: &'static [(&'static str, Self)] =
        &[("POST", Verb::Post), ("GET", Verb::Get), ("PUT", Verb::Put)];
}

impl Verb {
    fn method(self) -> Method {
        match self {
            Verb::Post => Method::POST,
            Verb::Get => Method::GET,
            Verb::Put => Method::PUT,
        }
    }
}

fn read(table: &Reader<'_>) -> Rc<dyn ClientSettings> {
    Rc::new(RestSettings { verb: table.get("method", word()), path: table.get("path", text()) })
}

impl ClientSettings for RestSettings {
    /// The path is part of each question.
    fn identity(&self) -> Vec<String> {
        vec![self.verb.method().to_string()]
    }

    fn path(&self) -> &str {
        &self.path
    }

    fn missing(&self, context: &ClientContext) -> Vec<Failure> {
        match Rest::new(self, context.clone()) {
            Ok(client) => client.auth.missing(&client.headers),
            Err(failure) => vec![failure],
        }
    }

    fn notes(&self, context: &ClientContext) -> Vec<String> {
        let client = Rest::new(self, context.clone());
        client.map(|client| client.auth.notes(&client.headers)).unwrap_or_default()
    }

    fn build(&self, context: ClientContext) -> Result<Box<dyn Client>, Failure> {
        Ok(Box::new(Rest::new(self, context)?))
    }
}

impl Rest {
    fn new(settings: &RestSettings, context: ClientContext) -> Result<Self, Failure> {
        let base = if settings.path.is_empty() {
            super::endpoint(&context.config)?
        } else {
            super::base(&context.config)?
        };
        let auth = context.auth(&base, ResourceIndicator::None);
        let RestSettings { verb, path } = settings;
        let headers = context.config.headers;
        Ok(Rest { base, verb: *verb, path: path.clone(), http: context.http, auth, headers })
    }
}

impl Client for Rest {
    fn ask<'a>(&'a self, query: &'a Query, deadline: Deadline) -> ClientFuture<'a, Answer> {
        Box::pin(async move {
            let repeat = if query.read_only { Repeat::Safe } else { Repeat::Never };
            paged::ask(query, deadline, async |page: &PageRequest| {
                let url = match &page.url {
                    Some(url) => self.next_page(url)?,
                    None => self.url(&query.tool, &query.path)?,
                };
                let arguments = Some(&page.arguments).filter(|_| page.url.is_none());
                let call = Call { url, arguments, repeat, deadline };
                self.authorised(&call, |reply, value| read_page(query, reply, value)).await
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
        Box::pin(async move {
            let url = self.url(tool, &self.path.replace("{tool}", tool))?;
            let call = Call { url, arguments: Some(arguments), repeat: Repeat::Never, deadline };
            self.authorised(&call, |_, value| Ok(value)).await
        })
    }
}

fn read_page(query: &Query, reply: &Reply, value: Value) -> Result<Page, Failure> {
    let mut page = payload::read(query, &Documents::of_body(value))?;
    if let Page::Tasks(tasks) = &mut page {
        tasks.next_url.clone_from(&reply.next);
    }
    Ok(page)
}

/// One request.
struct Call<'a> {
    url: SafeUrl,
    arguments: Option<&'a Map<String, Value>>,
    repeat: Repeat,
    deadline: Deadline,
}

/// An answer of the server.
struct Reply {
    status: u16,
    content_type: String,
    /// The address of the next page, from `Link` (RFC 8288).
    next: Option<String>,
    body: Vec<u8>,
}

impl Rest {
    /// Sends a request with a token and has `read` read the value.
    async fn authorised<T>(
        &self,
        call: &Call<'_>,
        read: impl Fn(&Reply, Value) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let request = async |token| {
            let reply = self.send(call, token).await?;
            self.check_status(&reply, &call.url).and_then(|value| read(&reply, value))
        };
        self.auth.with_token(call.deadline, request).await
    }

    async fn send(&self, call: &Call<'_>, token: Option<Secret>) -> Result<Reply, Failure> {
        let is_get = self.verb == Verb::Get || call.arguments.is_none();
        let mut url = call.url.url().clone();
        let mut headers = vec![("accept".into(), "application/json, text/event-stream".into())];
        let mut body = Vec::new();
        match call.arguments {
            Some(arguments) if is_get => add_arguments(&mut url, arguments),
            Some(arguments) => {
                headers.push(("content-type".into(), "application/json".into()));
                body = Value::Object(arguments.clone()).to_string().into_bytes();
            }
            None => {}
        }
        let make = || HttpRequest {
            method: if is_get { Method::GET } else { self.verb.method() },
            url: url.clone().into(),
            headers: headers.clone(),
            configured: self.headers.clone(),
            bearer: token.clone(),
            body: body.clone(),
            secret_body: None,
        };
        let read = async |mut opened: Opened| -> Result<Reply, Error> {
            let content_type = opened.content_type();
            let next = opened.header("link").and_then(next_link);
            Ok(Reply { status: opened.status, content_type, next, body: opened.body().await? })
        };
        let sent = self.http.send(make, read, call.repeat, call.deadline).await;
        sent.map_err(|failure| failure.of("the task server"))
    }

    /// The address of a call: the path laid on the URL; without one the tool as its last segment,
    /// whatever characters its name has.
    fn url(&self, tool: &str, path: &str) -> Result<SafeUrl, Failure> {
        let no_path = || Failure::new(Code::ConfigUrl, "`client.url` cannot have a path");
        let mut url = self.base.url().clone();
        if path.is_empty() {
            url.path_segments_mut().map_err(|()| no_path())?.pop_if_empty().push(tool);
        } else {
            let base = url.path().trim_end_matches('/').to_owned();
            url.set_path(&format!("{base}/{}", path.trim_start_matches('/')));
        }
        Ok(url.into())
    }

    /// A page that the server names must be its own: the token goes with the request.
    fn next_page(&self, link: &str) -> Result<SafeUrl, Failure> {
        let base = self.base.url();
        let url = base.join(link).ok().filter(|url| url.origin() == base.origin());
        url.map(SafeUrl::from).ok_or_else(|| {
            let text = format!("`{}` names a next page at another server", self.base);
            Failure::new(Code::WrongEndpoint, text)
        })
    }

    fn check_status(&self, reply: &Reply, url: &SafeUrl) -> Result<Value, Failure> {
        const HINT: &str =
            "check `client.url`, `client.path`, `client.kind` and the query's `tool`";
        let value = payload::parse(&reply.body, &reply.content_type);
        let message = value.as_ref().ok().and_then(error_message).unwrap_or_default();
        let is_empty = reply.status == 204 || reply.body.trim_ascii().is_empty();
        match reply.status {
            200..=299 if is_empty => {
                let text = format!("`{url}` sent an empty answer (HTTP {})", reply.status);
                Err(Failure::new(Code::NotUnderstood, text).hint(HINT))
            }
            200..=299 => value,
            401 => Err(self.auth.refusal()),
            403 => Err(Failure::new(
                Code::Forbidden,
                format!("`{}` denies access (HTTP 403){message}", self.base),
            )
            .hint("give the client the roles and scopes that the tool requires")),
            status => Err(Failure::new(
                Code::WrongEndpoint,
                format!("`{url}` answered HTTP {status}{message}"),
            )
            .hint(HINT)),
        }
    }
}

/// Scalars as they are, lists and tables as JSON.
fn add_arguments(url: &mut reqwest::Url, arguments: &Map<String, Value>) {
    if arguments.is_empty() {
        return;
    }
    let mut pairs = url.query_pairs_mut();
    for (name, value) in arguments {
        match value {
            Value::String(text) => pairs.append_pair(name, text),
            other => pairs.append_pair(name, &other.to_string()),
        };
    }
}

/// The target of `<URL>; rel="next"`.
fn next_link(header: &str) -> Option<String> {
    let mut links =
        header.split(',').filter_map(|link| link.trim().strip_prefix('<')?.split_once('>'));
    let is_next = |parameters: &str| {
        parameters.split(';').any(|parameter| {
            parameter.trim().strip_prefix("rel=").is_some_and(|rel| rel.trim_matches('"') == "next")
        })
    };
    links.find(|(_, parameters)| is_next(parameters)).map(|(url, _)| url.to_owned())
}

/// The server's message in an error's body, to be appended to ours.
fn error_message(value: &Value) -> Option<String> {
    payload::message(value).map(|message| format!(": {}", payload::brief(message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_link_with_rel_next() {
        let table = [
            (
                r#"<http://h/t?page=2>; rel="next", <http://h/t?page=9>; rel="last""#,
                Some("http://h/t?page=2"),
            ),
            (r#"</t?page=1>; rel="prev", </t?page=3>; title="x"; rel=next"#, Some("/t?page=3")),
            (r#"<http://h/t>; rel="last""#, None),
            ("garbage", None),
        ];
        for (header, next) in table {
            assert_eq!(next_link(header).as_deref(), next, "{header}");
        }
    }
}
