//! The whole of a plugin as one value, and the way from a request to a reply: parse, find the item,
//! call it, and never let a panic cross the boundary.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::abi::{Host, Str, VERSION};
use crate::context::Ctx;
use crate::error::{Error, ErrorKind, Result};
use crate::port::Port;
use crate::values::{Cache, Decision, Failure, Query, Section, Serve, Session, Task};
use crate::{Client, Hook, Strategy};

/// Returned to the host when it could not be talked to; it treats any value but 0 as a fault.
const NO_HOST: i32 = 70;
const REFUSED: i32 = 71;

/// What [`crate::export!`] builds. Not made by hand.
#[derive(Debug)]
pub struct Plugin {
    /// The crate's name.
    pub name: &'static str,
    /// The crate's version.
    pub version: &'static str,
    /// Sources of tasks.
    pub clients: &'static [ClientItem],
    /// Steps of a fallback chain.
    pub strategies: &'static [StrategyItem],
    /// Pieces of a session start.
    pub hooks: &'static [HookItem],
    /// What it asks the user for: `bearer_token`.
    pub wants: &'static [&'static str],
}

/// A [`Client`] as a value.
#[derive(Debug)]
pub struct ClientItem {
    name: &'static str,
    is_local: bool,
    pending_tasks: fn(&Ctx<'_>, &Query) -> Result<Vec<Task>>,
}

impl ClientItem {
    /// The item of `C`.
    #[must_use]
    pub const fn of<C: Client>() -> Self {
        ClientItem { name: C::NAME, is_local: C::LOCAL, pending_tasks: C::pending_tasks }
    }
}

/// A [`Strategy`] as a value.
#[derive(Debug)]
pub struct StrategyItem {
    name: &'static str,
    has_before: bool,
    before: fn(&Ctx<'_>, &Query, &Cache) -> Result<Option<Serve>>,
    after: fn(&Ctx<'_>, &Query, &Failure, &Cache) -> Result<Decision>,
}

impl StrategyItem {
    /// The item of `S`.
    #[must_use]
    pub const fn of<S: Strategy>() -> Self {
        StrategyItem {
            name: S::NAME,
            has_before: S::BEFORE,
            before: S::before,
            after: S::after_failure,
        }
    }
}

/// A [`Hook`] as a value.
#[derive(Debug)]
pub struct HookItem {
    name: &'static str,
    session_start: fn(&Ctx<'_>, &Session) -> Result<Vec<Section>>,
}

impl HookItem {
    /// The item of `H`.
    #[must_use]
    pub const fn of<H: Hook>() -> Self {
        HookItem { name: H::NAME, session_start: H::session_start }
    }
}

#[derive(Deserialize)]
#[serde(default)]
struct Request {
    op: String,
    plugin: String,
    name: String,
    config: Map<String, Value>,
    deadline_ms: u64,
    root: PathBuf,
    bearer_token: Option<String>,
    query: Query,
    failure: Failure,
    cache: Cache,
    event: Session,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            op: String::new(),
            plugin: "NAME".into(),
            name: String::new(),
            config: Map::new(),
            deadline_ms: 1000,
            root: ".".into(),
            bearer_token: None,
            query: Query::default(),
            failure: Failure::default(),
            cache: Cache::default(),
            event: Session::default(),
        }
    }
}

impl Plugin {
    /// Answers one request of the host; what [`crate::export!`] calls.
    ///
    /// # Safety
    /// `host` and `request` are as the host of version 1 gives them: valid until this returns.
    #[expect(unsafe_code, reason = "the entry from C")]
    pub unsafe fn answer(&self, host: *mut Host, request: Str) -> i32 {
        // SAFETY: the caller's promise.
        let Some(port) = (unsafe { Port::open(host) }) else { return NO_HOST };
        // SAFETY: the caller's promise.
        let request = unsafe { request.bytes() }.unwrap_or_default();
        let reply = catch_unwind(AssertUnwindSafe(|| self.reply(request, &port)))
            .unwrap_or_else(panic_reply);
        if port.reply(&reply.to_string()) { 0 } else { REFUSED }
    }

    fn reply(&self, request: &[u8], port: &Port) -> Value {
        let result = serde_json::from_slice(request)
            .map_err(|error| Error::internal(format!("the request is not understood: {error}")))
            .and_then(|request| self.dispatch(request, port));
        match result {
            Ok(value) => json!({ "ok": value }),
            Err(error) => error_reply(&error),
        }
    }

    fn dispatch(&self, request: Request, port: &Port) -> Result<Value> {
        let context = Ctx {
            plugin: request.plugin,
            config: request.config,
            root: request.root,
            bearer_token: request.bearer_token,
            deadline: Instant::now() + Duration::from_millis(request.deadline_ms),
            port: Some(port),
        };
        let (name, query) = (request.name.as_str(), &request.query);
        match request.op.as_str() {
            "describe" => Ok(self.describe()),
            "pending_tasks" => {
                let item = find(self.clients, name, |item| item.name)?;
                Ok(json!({ "tasks": (item.pending_tasks)(&context, query)? }))
            }
            "before" => {
                let item = find(self.strategies, name, |item| item.name)?;
                Ok(serve_reply((item.before)(&context, query, &request.cache)?))
            }
            "after_failure" => {
                let item = find(self.strategies, name, |item| item.name)?;
                let decision = (item.after)(&context, query, &request.failure, &request.cache)?;
                Ok(decision_reply(&decision))
            }
            "session_start" => {
                let item = find(self.hooks, name, |item| item.name)?;
                Ok(json!({ "sections": (item.session_start)(&context, &request.event)? }))
            }
            other => Err(Error::not_supported(format!("this plugin has no `{other}`"))),
        }
    }

    fn describe(&self) -> Value {
        let clients: Vec<_> = self.clients.iter().map(|item| item.name).collect();
        let local = self.clients.iter().filter(|item| item.is_local).map(|item| item.name);
        let strategies: Vec<_> = self.strategies.iter().map(|item| item.name).collect();
        let before = self.strategies.iter().filter(|item| item.has_before).map(|item| item.name);
        let hooks: Vec<_> = self.hooks.iter().map(|item| item.name).collect();
        json!({
            "name": self.name,
            "version": self.version,
            "abi": format!("{}.{}", VERSION.0, VERSION.1),
            "clients": clients,
            "local": local.collect::<Vec<_>>(),
            "strategies": strategies,
            "before": before.collect::<Vec<_>>(),
            "hooks": hooks,
            "wants": self.wants,
        })
    }
}

fn find<'a, T>(items: &'a [T], name: &str, name_of: fn(&T) -> &'static str) -> Result<&'a T> {
    let found = items.iter().find(|item| name_of(item) == name);
    found.ok_or_else(|| Error::not_supported(format!("this plugin has no `{name}` of that kind")))
}

fn serve_reply(serve: Option<Serve>) -> Value {
    let word = match serve {
        None => "decline",
        Some(Serve::Cached) => "cached",
        Some(Serve::CachedThenRefresh) => "cached_then_refresh",
    };
    json!({ "decision": word })
}

fn decision_reply(decision: &Decision) -> Value {
    match decision {
        Decision::Cached => json!({ "decision": "cached" }),
        Decision::Ask(client) => json!({ "decision": "ask", "client": client }),
        Decision::Substitute(tasks) => json!({ "decision": "substitute", "tasks": tasks }),
        Decision::Skip => json!({ "decision": "skip" }),
        Decision::Fail => json!({ "decision": "fail" }),
        Decision::Decline => json!({ "decision": "decline" }),
    }
}

fn error_reply(error: &Error) -> Value {
    let mut told = json!({ "kind": error.kind, "message": error.message });
    if let Some(wait) = error.retry_after {
        told["retry_after_ms"] = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).into();
    }
    json!({ "error": told })
}

fn panic_reply(payload: Box<dyn Any + Send>) -> Value {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    discard(payload);
    let text = text.unwrap_or_else(|| "a panic without a message".into());
    error_reply(&Error::new(ErrorKind::Panic, text))
}

/// Drops a payload whose `Drop` may panic again; what comes of that is dropped likewise, and leaked
/// when it never ends.
fn discard(mut payload: Box<dyn Any + Send>) {
    const PATIENCE: usize = 8;
    for _ in 0..PATIENCE {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
}
