//! A plugin as one value, and the handling of a request: parse it, find the item, call it, and turn
//! a panic into an error reply.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::abi::{Host, Str, VERSION};
use crate::context::Ctx;
use crate::error::{Error, ErrorKind, Result};
use crate::port::Port;
use crate::values::{Cache, Decision, Failure, Query, Section, Serve, Session, Task};
use crate::{Client, Hook, Strategy};

/// Returned when the host's struct is unusable; the host treats any value but 0 as a fault.
const NO_HOST: i32 = 70;
/// Returned when the host refused the reply.
const REFUSED: i32 = 71;
/// How often dropping a panic's payload may panic again before it is leaked.
const MAX_DROPS: usize = 8;

/// Built by [`crate::export!`].
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
    /// Hooks of the session start.
    pub hooks: &'static [HookItem],
    /// What it requests from the user: `bearer_token`.
    pub wants: &'static [&'static str],
    /// The table of its settings with their defaults; none if it does not declare them.
    pub settings: &'static [fn() -> Result<Value>],
}

/// The settings that [`crate::export!`] was given, as JSON.
///
/// # Errors
/// When the value cannot be expressed in JSON.
pub fn settings_value(settings: &impl Serialize) -> Result<Value> {
    serde_json::to_value(settings)
        .map_err(|error| Error::internal(format!("`settings` is not a table: {error}")))
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
    /// Answers one request of the host; called by the function that [`crate::export!`] makes.
    ///
    /// # Safety
    /// `host` and `request` are as a host of version 1 passes them: valid until this returns.
    #[expect(unsafe_code, reason = "the entry from C")]
    pub unsafe fn answer(&self, host: *mut Host, request: Str) -> i32 {
        // SAFETY: guaranteed by the caller.
        let Some(port) = (unsafe { Port::open(host) }) else { return NO_HOST };
        // SAFETY: guaranteed by the caller.
        let request = unsafe { request.bytes() }.unwrap_or_default();
        let reply = catch_unwind(AssertUnwindSafe(|| self.reply(request, &port)))
            .unwrap_or_else(panic_reply);
        if port.reply(&reply.to_string()) { 0 } else { REFUSED }
    }

    fn reply(&self, request: &[u8], port: &Port) -> Value {
        let result = serde_json::from_slice(request)
            .map_err(|error| Error::internal(format!("invalid request: {error}")))
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
            "describe" => self.describe(),
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

    fn describe(&self) -> Result<Value> {
        let clients: Vec<_> = self.clients.iter().map(|item| item.name).collect();
        let local = self.clients.iter().filter(|item| item.is_local).map(|item| item.name);
        let strategies: Vec<_> = self.strategies.iter().map(|item| item.name).collect();
        let before = self.strategies.iter().filter(|item| item.has_before).map(|item| item.name);
        let hooks: Vec<_> = self.hooks.iter().map(|item| item.name).collect();
        let mut description = json!({
            "name": self.name,
            "version": self.version,
            "abi": format!("{}.{}", VERSION.0, VERSION.1),
            "clients": clients,
            "local": local.collect::<Vec<_>>(),
            "strategies": strategies,
            "before": before.collect::<Vec<_>>(),
            "hooks": hooks,
            "wants": self.wants,
        });
        if let Some(settings) = self.settings.first() {
            description["settings"] = settings()?;
        }
        Ok(description)
    }
}

fn find<'a, T>(items: &'a [T], name: &str, name_of: fn(&T) -> &'static str) -> Result<&'a T> {
    let item = items.iter().find(|item| name_of(item) == name);
    item.ok_or_else(|| Error::not_supported(format!("this plugin has no `{name}` of that kind")))
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
    let mut fields = json!({ "kind": error.kind, "message": error.message });
    if let Some(wait) = error.retry_after {
        fields["retry_after_ms"] = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).into();
    }
    json!({ "error": fields })
}

fn panic_reply(payload: Box<dyn Any + Send>) -> Value {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    discard(payload);
    let text = text.unwrap_or_else(|| "a panic without a message".into());
    error_reply(&Error::new(ErrorKind::Panic, text))
}

/// Drops a payload whose `Drop` may panic again, with a payload of its own; leaked if that repeats.
fn discard(mut payload: Box<dyn Any + Send>) {
    for _ in 0..MAX_DROPS {
        match catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            Ok(()) => return,
            Err(next) => payload = next,
        }
    }
    std::mem::forget(payload);
}
