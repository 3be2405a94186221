//! Tasks over MCP (Streamable HTTP), in both eras. The modern call goes first, since its answer shows
//! the era at no cost; the server's profile is kept for the next runs. The flow is here; reading answers
//! is a pure function in `reply`, and what does not depend on HTTP is in `wire`.

mod endpoint;
mod exchange;
mod legacy;
mod reply;
mod sse;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::tool_call::ToolCall;
use super::wire::MAX_ROUNDS;
use super::wire::missing_tools::MissingTools;
use super::wire::outcome::CallOutcome;
use super::wire::profile::{ServerProfile, WireCache};
use super::wire::request::{self, CallParams};
use super::wire::tool_server::ToolServer;
use super::{Builtin, Client, ClientContext, ClientSettings};
use crate::auth::{Auth, ResourceIndicator};
use crate::config::Reader;
use crate::config::parser::{Words, word};
use crate::deadline::Timestamp;
use crate::error::{Code, Failure};
use crate::http::{Http, Repeat};
use crate::secret::{SafeUrl, Secret};

use endpoint::Endpoint;
use exchange::Stream;
use legacy::Handshake;

pub static BUILTIN: Builtin =
    Builtin { name: "mcp", summary: "an MCP server over Streamable HTTP", read };

pub(super) struct Mcp {
    endpoint: Endpoint,
    era: Era,
    http: Rc<Http>,
    auth: Auth,
    headers: BTreeMap<String, Secret>,
    wire: WireCache,
    missing_tools: MissingTools,
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
        let (paths, identity) = (context.paths.as_ref(), auth.identity());
        let wire = WireCache::new(paths, endpoint.url().as_str(), &identity);
        let missing_tools = MissingTools::new(paths, endpoint.url().as_str(), &identity);
        let (http, headers) = (context.http, context.config.headers);
        let (endpoint, last_id) = (Endpoint::new(endpoint), Cell::new(0));
        Ok(Mcp { endpoint, era, http, auth, headers, wire, missing_tools, last_id })
    }

    /// The address in use.
    fn address(&self) -> SafeUrl {
        self.endpoint.address()
    }

    /// The same in messages.
    fn place(&self) -> String {
        self.address().to_string()
    }
}

/// One call of a tool with the token that it is made with.
struct AuthorisedCall<'a> {
    tool_call: ToolCall<'a>,
    token: Option<Secret>,
}

impl ToolServer for Mcp {
    /// Makes the request with a token; some servers refuse a token in their result, so `read` may too.
    async fn request<T>(
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

    fn missing_tools(&self) -> &MissingTools {
        &self.missing_tools
    }
}

impl Mcp {
    /// Gives a result, a failure, or `Unauthorized`.
    async fn call_in_era(&self, call: &AuthorisedCall<'_>) -> Result<CallOutcome, Failure> {
        let profile = self.wire.read();
        self.endpoint.remembered(profile.as_ref().is_some_and(|profile| profile.other_slash));
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
            match reply::to_modern(&raw, &self.place()) {
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
                    let wrong_era = || wrong_era("modern", "legacy");
                    let failure = reply::refusal(&raw).unwrap_or_else(wrong_era);
                    return Ok(CallOutcome::Failed(failure));
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
        let outcome = match self.handshake(call).await? {
            Handshake::Done(session) => return self.call_in_new_session(call, &session).await,
            Handshake::Other(outcome) => outcome,
        };
        Ok(match (outcome, reply::refusal(first)) {
            (CallOutcome::Failed(_) | CallOutcome::RetryModern, Some(refusal)) => {
                CallOutcome::Failed(refusal)
            }
            (CallOutcome::RetryModern, None) => {
                CallOutcome::Failed(reply::unexpected(first, &self.place()))
            }
            (CallOutcome::Failed(failure), None) if failure.code == Code::WrongEndpoint => {
                let both = format!(
                    "{}; and HTTP {} to a call of MCP 2026-07-28",
                    failure.message, first.status
                );
                CallOutcome::Failed(Failure { message: both, ..failure })
            }
            (settled, _) => settled,
        })
    }

    fn remember_modern(
        &self,
        tool: &str,
        mirrored: &[(String, String)],
        before: Option<&ServerProfile>,
    ) {
        let (seen, other_slash) = (Timestamp::now().0, self.endpoint.has_other_slash());
        let mut profile = ServerProfile { seen, other_slash, ..ServerProfile::default() };
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
        let parameters = Map::new();
        let list = ToolCall::of_list(&parameters, call.tool_call.deadline).params();
        let make = |id| request::modern_call(id, &list);
        let raw = self.exchange(&make, call, Repeat::Safe, Stream::Once).await?.raw;
        let CallOutcome::Result(result) = reply::to_modern(&raw, &self.place()) else {
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
        let params = CallParams { request_state: state, mirrored, ..call.tool_call.params() };
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
