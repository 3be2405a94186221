//! Tasks over MCP (Streamable HTTP), in both eras. Modern first, since the answer to that call tells
//! the era at no cost; what was learnt is kept for the next runs. The flow is here; what is sent and
//! what answers mean are pure functions in `request` and `reply`.

mod exchange;
mod legacy;
mod reply;
mod request;
mod sse;
mod wire_cache;

use std::cell::Cell;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::{Asking, Builtin, Client, Setup, payload};
use crate::auth::Auth;
use crate::config::Era;
use crate::deadline::{Deadline, Timestamp};
use crate::error::{Code, Failure};
use crate::http::Http;
use crate::secret::{SafeUrl, Secret};
use crate::task::{Answer, Query};

use reply::Meaning;
use request::Call;
use wire_cache::{Known, WireCache};

pub static BUILTIN: Builtin =
    Builtin { name: "mcp", summary: "an MCP server over Streamable HTTP", build };

/// How often a call may be repeated because the server wants its state back.
const MOST_ROUNDS: u32 = 3;

pub(super) struct Mcp {
    endpoint: SafeUrl,
    era: Era,
    http: Rc<Http>,
    auth: Auth,
    wire: WireCache,
    last_id: Cell<u64>,
}

fn build(setup: Setup) -> Result<Box<dyn Client>, Failure> {
    let endpoint = super::endpoint(&setup.config)?;
    let auth = Auth::new(
        setup.config.auth.clone(),
        Rc::clone(&setup.http),
        setup.paths.clone(),
        endpoint.clone(),
        setup.root,
        true,
    );
    let wire = WireCache::new(setup.paths.as_ref(), endpoint.url().as_str(), &auth.identity());
    let (era, http) = (setup.config.era, setup.http);
    Ok(Box::new(Mcp { endpoint, era, http, auth, wire, last_id: Cell::new(0) }))
}

impl Client for Mcp {
    fn ask<'a>(&'a self, query: &'a Query, deadline: Deadline) -> Asking<'a, Answer> {
        Box::pin(async move {
            let read = |result: &Value| payload::read(query, &payload::of_tool_result(result)?);
            self.authorised(&query.tool, &query.arguments, query.read_only, deadline, &read).await
        })
    }

    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: &'a Map<String, Value>,
        deadline: Deadline,
    ) -> Asking<'a, Value> {
        Box::pin(async move {
            self.authorised(tool, arguments, false, deadline, &|result| Ok(result.clone())).await
        })
    }
}

/// One call on its way: what it carries beside the tool's arguments.
struct Going<'a> {
    tool: &'a str,
    arguments: &'a Map<String, Value>,
    token: Option<Secret>,
    repeat: bool,
    deadline: Deadline,
}

impl Mcp {
    /// Calls a tool; a refused token is renewed once. Some servers say by a result that they refuse.
    async fn authorised<T>(
        &self,
        tool: &str,
        arguments: &Map<String, Value>,
        repeat: bool,
        deadline: Deadline,
        read: &dyn Fn(&Value) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let token = self.auth.bearer(deadline).await?;
        let mut going = Going { tool, arguments, token, repeat, deadline };
        for is_second in [false, true] {
            match self.in_known_era(&going).await? {
                Meaning::Result(result) => match read(&result) {
                    Err(failure) if failure.code == Code::TOKEN_REFUSED && !is_second => {}
                    settled => return settled,
                },
                Meaning::Failed(failure) => return Err(failure),
                _ => {}
            }
            if !is_second {
                going.token = Some(self.auth.renewed(going.token.as_ref(), deadline).await?);
            }
        }
        // A session that belongs to another token would be refused each time.
        self.wire.forget();
        Err(self.auth.refusal())
    }

    /// Gives a result, a failure, or `Unauthorized`.
    async fn in_known_era(&self, going: &Going<'_>) -> Result<Meaning, Failure> {
        let known = self.wire.read();
        let is_legacy = match self.era {
            Era::Legacy => true,
            Era::Modern => false,
            Era::Auto => known.as_ref().is_some_and(|known| known.legacy),
        };
        if !is_legacy {
            return self.modern(going, known.as_ref()).await;
        }
        match self.legacy(going, known.as_ref()).await? {
            // The server has moved on since it was last asked.
            Meaning::OnceMore if self.era == Era::Auto => {
                self.wire.forget();
                self.modern(going, None).await
            }
            Meaning::OnceMore => Ok(Meaning::Failed(wrong_era("legacy", "modern"))),
            meaning => Ok(meaning),
        }
    }

    async fn modern(&self, going: &Going<'_>, known: Option<&Known>) -> Result<Meaning, Failure> {
        let mut mirrored = known.map(|known| known.mirrored(going.tool)).unwrap_or_default();
        let mut state: Option<String> = None;
        let (mut surprises, mut rounds, mut is_listed) = (0, 0, false);
        for _ in 0..=MOST_ROUNDS + 2 {
            let raw = self.send_modern(going, state.as_deref(), &mirrored).await?;
            match reply::to_modern(&raw, &self.endpoint.to_string()) {
                Meaning::Result(result) => {
                    self.remember_modern(going.tool, &mirrored, known);
                    return Ok(Meaning::Result(result));
                }
                Meaning::Again(_) if rounds == MOST_ROUNDS => break,
                Meaning::Again(next) => {
                    rounds += 1;
                    state = Some(next);
                }
                Meaning::OnceMore if surprises == 0 => surprises += 1,
                // What an earlier run learnt of the tool may have changed since.
                Meaning::MissingHeader(failure) if !is_listed => {
                    is_listed = true;
                    mirrored = self.mirrored_by_schema(going).await?;
                    if mirrored.is_empty() {
                        return Ok(Meaning::Failed(failure));
                    }
                }
                Meaning::MissingHeader(failure) => return Ok(Meaning::Failed(failure)),
                Meaning::Legacy if self.era == Era::Auto => {
                    return self.after_modern(going, &raw).await;
                }
                Meaning::Legacy | Meaning::OnceMore | Meaning::SessionGone => {
                    return Ok(Meaning::Failed(wrong_era("modern", "legacy")));
                }
                settled => return Ok(settled),
            }
        }
        Ok(Meaning::Failed(Failure::new(
            Code::TOOL_ERROR,
            "the server keeps asking for the same call",
        )))
    }

    /// The handshake, since the modern call was not understood; if that fails too, both are told.
    async fn after_modern(
        &self,
        going: &Going<'_>,
        first: &reply::Raw,
    ) -> Result<Meaning, Failure> {
        let meaning = self.legacy(going, None).await?;
        let meaning = if meaning == Meaning::OnceMore {
            Meaning::Failed(reply::unexpected(first, &self.endpoint.to_string()))
        } else {
            meaning
        };
        Ok(match meaning {
            Meaning::Failed(failure) if failure.code == Code::WRONG_ENDPOINT => {
                let both =
                    format!("{}; and HTTP {} to a modern call", failure.message, first.status);
                Meaning::Failed(Failure { message: both, ..failure })
            }
            settled => settled,
        })
    }

    fn remember_modern(&self, tool: &str, mirrored: &[(String, String)], before: Option<&Known>) {
        let mut known = Known { seen: Timestamp::now().0, ..Known::default() };
        let others = before.map(|before| before.mirrored.clone()).unwrap_or_default();
        known.mirrored = others.into_iter().filter(|(name, ..)| name != tool).collect();
        let own = mirrored
            .iter()
            .map(|(header, argument)| (tool.to_owned(), header.clone(), argument.clone()));
        known.mirrored.extend(own);
        self.wire.write(&known, before);
    }

    /// Which arguments the tool's schema wants mirrored in headers (`x-mcp-header`).
    async fn mirrored_by_schema(
        &self,
        going: &Going<'_>,
    ) -> Result<Vec<(String, String)>, Failure> {
        let make = |id| request::modern(id, "tools/list");
        let raw = self.exchange(&make, going, true, false).await?.raw;
        let Meaning::Result(result) = reply::to_modern(&raw, &self.endpoint.to_string()) else {
            return Ok(Vec::new());
        };
        let tools = result.get("tools").and_then(Value::as_array);
        let tool = tools.and_then(|tools| {
            tools.iter().find(|tool| tool.get("name").and_then(Value::as_str) == Some(going.tool))
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
        going: &Going<'_>,
        state: Option<&str>,
        mirrored: &[(String, String)],
    ) -> Result<reply::Raw, Failure> {
        let Going { tool, arguments, .. } = going;
        let call = Call { tool, arguments, request_state: state, mirrored };
        let make = |id| request::modern_call(id, &call);
        Ok(self.exchange(&make, going, going.repeat, false).await?.raw)
    }
}

fn wrong_era(asked: &str, spoken: &str) -> Failure {
    Failure::new(
        Code::WRONG_ENDPOINT,
        format!("`client.era` is {asked}, and the server speaks only {spoken} MCP"),
    )
    .hint("set `client.era = \"auto\"`")
}
