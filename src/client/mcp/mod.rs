//! Tasks over MCP (Streamable HTTP), in both eras. The modern call goes first, since its answer shows
//! the era at no cost; the server's profile is kept for the next runs. The flow is here; reading answers
//! is a pure function in `reply`, and what does not depend on HTTP is in `wire`.

mod exchange;
mod legacy;
mod reply;
mod sse;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::payload::Documents;
use super::tool_call::ToolCall;
use super::wire::MAX_ROUNDS;
use super::wire::outcome::CallOutcome;
use super::wire::profile::{ServerProfile, WireCache};
use super::wire::request::{self, CallParams};
use super::{Builtin, Client, ClientContext, ClientFuture, ClientSettings, paged, payload};
use crate::auth::{Auth, ResourceIndicator};
use crate::config::Reader;
use crate::config::parser::{Words, word};
use crate::deadline::{Deadline, Timestamp};
use crate::error::{Code, Failure};
use crate::http::{Http, Repeat};
use crate::secret::{SafeUrl, Secret};
use crate::task::{Answer, Query};

use exchange::Stream;

pub static BUILTIN: Builtin =
    Builtin { name: "mcp", summary: "an MCP server over Streamable HTTP", read };

pub(super) struct Mcp {
    endpoint: SafeUrl,
    era: Era,
    http: Rc<Http>,
    auth: Auth,
    headers: BTreeMap<String, Secret>,
    wire: WireCache,
    last_id: Cell<u64>,
}

struct McpSettings {
    era: Era,
}

/// Which MCP revisions to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Era {
    #[default]
    Auto,
    Modern,
    Legacy,
}

impl Words for Era {
    const WORDS: &'static [(&'static str, Self)] =
        &[("auto", Era::Auto), ("modern", Era::Modern), ("legacy", Era::Legacy)];
}

fn read(table: &Reader<'_>) -> Rc<dyn ClientSettings> {
    Rc::new(McpSettings { era: table.get("era", word()) })
}

impl ClientSettings for McpSettings {
    fn missing(&self, context: &ClientContext) -> Vec<Failure> {
        match Mcp::new(context.clone(), self.era) {
            Ok(client) => client.auth.missing(&client.headers),
            Err(failure) => vec![failure],
        }
    }

    fn notes(&self, context: &ClientContext) -> Vec<String> {
        let client = Mcp::new(context.clone(), self.era);
        client.map(|client| client.auth.notes(&client.headers)).unwrap_or_default()
    }

    fn build(&self, context: ClientContext) -> Result<Box<dyn Client>, Failure> {
        Ok(Box::new(Mcp::new(context, self.era)?))
    }
}

impl Mcp {
    fn new(context: ClientContext, era: Era) -> Result<Self, Failure> {
        let endpoint = super::endpoint(&context.config)?;
        let auth = context.auth(&endpoint, ResourceIndicator::Server);
        let wire =
            WireCache::new(context.paths.as_ref(), endpoint.url().as_str(), &auth.identity());
        let (http, headers) = (context.http, context.config.headers);
        Ok(Mcp { endpoint, era, http, auth, headers, wire, last_id: Cell::new(0) })
    }
}

impl Client for Mcp {
    fn ask<'a>(&'a self, query: &'a Query, deadline: Deadline) -> ClientFuture<'a, Answer> {
        Box::pin(async move {
            let read = |result| payload::read(query, &Documents::of_tool_result(&result));
            paged::ask(query, deadline, async |page| {
                self.authorised(ToolCall::of_page(query, page, deadline), read).await
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
            let call = ToolCall { tool, arguments, repeat: Repeat::Never, deadline };
            self.authorised(call, Ok).await
        })
    }
}

/// One call of a tool with the token that it is made with.
struct AuthorisedCall<'a> {
    tool_call: ToolCall<'a>,
    token: Option<Secret>,
}

impl Mcp {
    /// Calls a tool with a token and has `read` read its result: some servers refuse a token in it.
    async fn authorised<T>(
        &self,
        call: ToolCall<'_>,
        read: impl Fn(Value) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let request =
            async |token| match self.call_in_era(&AuthorisedCall { tool_call: call, token }).await?
            {
                CallOutcome::Result(result) => read(result),
                CallOutcome::Failed(failure) => Err(failure),
                _ => Err(self.auth.refusal()),
            };
        self.auth.with_token(call.deadline, request).await.inspect_err(|failure| {
            // A kept session of another token would be refused each time.
            if failure.code == Code::TokenRefused {
                self.wire.forget();
            }
        })
    }

    /// Gives a result, a failure, or `Unauthorized`.
    async fn call_in_era(&self, call: &AuthorisedCall<'_>) -> Result<CallOutcome, Failure> {
        let profile = self.wire.read();
        let is_legacy = match self.era {
            Era::Legacy => true,
            Era::Modern => false,
            Era::Auto => profile.as_ref().is_some_and(|profile| profile.legacy),
        };
        if !is_legacy {
            return self.modern(call, profile.as_ref()).await;
        }
        match self.legacy(call, profile.as_ref()).await? {
            // The server was updated since it was last asked.
            CallOutcome::RetryModern if self.era == Era::Auto => {
                self.wire.forget();
                self.modern(call, None).await
            }
            CallOutcome::RetryModern => Ok(CallOutcome::Failed(wrong_era("legacy", "modern"))),
            outcome => Ok(outcome),
        }
    }

    async fn modern(
        &self,
        call: &AuthorisedCall<'_>,
        profile: Option<&ServerProfile>,
    ) -> Result<CallOutcome, Failure> {
        let mut mirrored =
            profile.map(|profile| profile.mirrored(call.tool_call.tool)).unwrap_or_default();
        let mut state: Option<String> = None;
        let (mut retries, mut rounds, mut is_listed) = (0, 0, false);
        for _ in 0..=MAX_ROUNDS + 2 {
            let raw = self.send_modern(call, state.as_deref(), &mirrored).await?;
            match reply::to_modern(&raw, &self.endpoint.to_string()) {
                CallOutcome::Result(result) => {
                    self.remember_modern(call.tool_call.tool, &mirrored, profile);
                    return Ok(CallOutcome::Result(result));
                }
                CallOutcome::RetryWithState(_) if rounds == MAX_ROUNDS => break,
                CallOutcome::RetryWithState(next) => {
                    rounds += 1;
                    state = Some(next);
                }
                CallOutcome::RetryModern if retries == 0 => retries += 1,
                // The tool's schema may have changed since the profile was kept.
                CallOutcome::MissingHeader(failure) if !is_listed => {
                    is_listed = true;
                    mirrored = self.mirrored_by_schema(call).await?;
                    if mirrored.is_empty() {
                        return Ok(CallOutcome::Failed(failure));
                    }
                }
                CallOutcome::MissingHeader(failure) => return Ok(CallOutcome::Failed(failure)),
                CallOutcome::Legacy if self.era == Era::Auto => {
                    return self.after_modern(call, &raw).await;
                }
                CallOutcome::Legacy | CallOutcome::RetryModern | CallOutcome::SessionGone => {
                    return Ok(CallOutcome::Failed(wrong_era("modern", "legacy")));
                }
                settled => return Ok(settled),
            }
        }
        Ok(CallOutcome::Failed(
            Failure::new(Code::ToolError, "the server asks to repeat the same call without end")
                .hint("check the server's log"),
        ))
    }

    /// The handshake, since the modern call was not understood; if both fail, both are reported.
    async fn after_modern(
        &self,
        call: &AuthorisedCall<'_>,
        first: &reply::RawReply,
    ) -> Result<CallOutcome, Failure> {
        Ok(match self.legacy(call, None).await? {
            CallOutcome::RetryModern => {
                CallOutcome::Failed(reply::unexpected(first, &self.endpoint.to_string()))
            }
            CallOutcome::Failed(failure) if failure.code == Code::WrongEndpoint => {
                let both = format!(
                    "{}; and HTTP {} to a call of MCP 2026-07-28",
                    failure.message, first.status
                );
                CallOutcome::Failed(Failure { message: both, ..failure })
            }
            settled => settled,
        })
    }

    fn remember_modern(
        &self,
        tool: &str,
        mirrored: &[(String, String)],
        before: Option<&ServerProfile>,
    ) {
        let mut profile = ServerProfile { seen: Timestamp::now().0, ..ServerProfile::default() };
        let others = before.map(|before| before.mirrored.clone()).unwrap_or_default();
        profile.mirrored = others.into_iter().filter(|(name, ..)| name != tool).collect();
        let of_tool = mirrored
            .iter()
            .map(|(header, argument)| (tool.to_owned(), header.clone(), argument.clone()));
        profile.mirrored.extend(of_tool);
        self.wire.write(&profile, before);
    }

    /// The arguments that the tool's schema requires in headers too (`x-mcp-header`).
    async fn mirrored_by_schema(
        &self,
        call: &AuthorisedCall<'_>,
    ) -> Result<Vec<(String, String)>, Failure> {
        let make = |id| request::modern(id, "tools/list");
        let raw = self.exchange(&make, call, Repeat::Safe, Stream::Once).await?.raw;
        let CallOutcome::Result(result) = reply::to_modern(&raw, &self.endpoint.to_string()) else {
            return Ok(Vec::new());
        };
        let tools = result.get("tools").and_then(Value::as_array);
        let tool = tools.and_then(|tools| {
            tools
                .iter()
                .find(|tool| tool.get("name").and_then(Value::as_str) == Some(call.tool_call.tool))
        });
        let properties = tool.and_then(|tool| tool.pointer("/inputSchema/properties"));
        let properties = properties.and_then(Value::as_object).into_iter().flatten();
        let marked = properties.filter_map(|(argument, schema)| {
            let name = schema.get("x-mcp-header")?.as_str()?;
            Some((format!("mcp-param-{}", name.to_ascii_lowercase()), argument.clone()))
        });
        Ok(marked.collect())
    }

    async fn send_modern(
        &self,
        call: &AuthorisedCall<'_>,
        state: Option<&str>,
        mirrored: &[(String, String)],
    ) -> Result<reply::RawReply, Failure> {
        let ToolCall { tool, arguments, .. } = call.tool_call;
        let params = CallParams { tool, arguments, request_state: state, mirrored };
        let make = |id| request::modern_call(id, &params);
        Ok(self.exchange(&make, call, call.tool_call.repeat, Stream::Once).await?.raw)
    }
}

fn wrong_era(configured: &str, spoken: &str) -> Failure {
    Failure::new(
        Code::WrongEndpoint,
        format!("`client.era` is `{configured}`, but the server speaks only {spoken} MCP"),
    )
    .hint("set `client.era = \"auto\"`")
}
