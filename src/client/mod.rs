//! Sources of tasks. A client answers a named query with an understood answer or a failure; it knows
//! nothing of caches, fallbacks and hooks.
//!
//! To add one: a file here with a `BUILTIN`, `mod NAME;` and `&NAME::BUILTIN,` below.

use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::auth::{Auth, AuthContext, ResourceIndicator};
use crate::config::{ClientConfig, Reader};
use crate::deadline::{Deadline, Timestamp};
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::http::Http;
use crate::paths::Paths;
use crate::secret::SafeUrl;
use crate::task::{Answer, Query};

mod local;
mod mcp;
mod paged;
pub mod payload;
pub mod plugin;
mod rest;
mod stdio;
mod tool_call;
pub mod tool_list;
pub mod unknown_tool;
mod wire;

pub use payload::{ListPlace, failure_in, lists_in};
pub use tool_list::Tool;

/// What a client's methods return. Not `Send`: the runtime has one thread.
pub type ClientFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Failure>> + 'a>>;

/// A source of tasks.
pub trait Client {
    /// Asks one query and reads its answer; ends by the deadline.
    fn ask<'a>(&'a self, query: &'a Query, deadline: Deadline) -> ClientFuture<'a, Answer>;

    /// Calls one tool and gives its result as the server sent it. Not retried after a failure.
    fn call<'a>(
        &'a self,
        tool: &'a str,
        arguments: &'a Map<String, Value>,
        deadline: Deadline,
    ) -> ClientFuture<'a, Value>;

    /// Its tools; by default it has none.
    fn tools(&self, _deadline: Deadline) -> ClientFuture<'_, Vec<Tool>> {
        let failure = Failure::new(Code::ConfigName, "this client has no tools");
        Box::pin(async { Err(failure.hint(SET_URL)) })
    }

    /// Until when `tool` counts as one that the server does not have, by an answer of the last day. Asks
    /// nothing.
    fn missing_until(&self, _tool: &str) -> Option<Timestamp> {
        None
    }
}

const SET_URL: &str =
    "set `client.url` (MCP_SERVER_URL), or name a client with a server: `--client NAME`";

/// The failure of a call to a client that has no tools.
fn no_tools(client: &str, tool: &str) -> Failure {
    let text = format!("the client `{client}` has no tools, so `{tool}` cannot be called");
    Failure::new(Code::ConfigName, text).hint(SET_URL)
}

/// The inputs of a client. Building one opens and reads nothing.
#[derive(Clone)]
pub struct ClientContext {
    /// Its own table, `[client]` or `[clients.NAME]`, with its credentials.
    pub config: ClientConfig,
    /// The one HTTP client of the process.
    pub http: Rc<Http>,
    pub environment: Arc<Environment>,
    /// `None` without a home folder: nothing is kept.
    pub paths: Option<Paths>,
    /// The repository's root, or the session's folder.
    pub root: PathBuf,
    /// Whether the user trusted this project: only then may its own programs run.
    pub trusted: bool,
    pub home: Option<PathBuf>,
}

impl ClientContext {
    /// How the client authorises its requests to `server`.
    fn auth(&self, server: &SafeUrl, resource: ResourceIndicator) -> Auth {
        let context = AuthContext {
            config: self.config.auth.clone(),
            http: Rc::clone(&self.http),
            paths: self.paths.clone(),
            root: self.root.clone(),
        };
        Auth::new(context, server.clone(), resource)
    }
}

/// One entry of the registry.
pub struct Builtin {
    /// The word for `client.kind`.
    pub name: &'static str,
    pub summary: &'static str,
    /// Reads its own settings from its table.
    pub read: fn(&Reader<'_>) -> Rc<dyn ClientSettings>,
}

/// The settings of one client, and what other modules have to know about it.
pub trait ClientSettings {
    /// Whether it reads files of this machine: its answers are not cached.
    fn is_local(&self) -> bool {
        false
    }

    /// Whether each question starts a program: it may be slow, so that its times are measured.
    fn starts_program(&self) -> bool {
        false
    }

    /// The names of the variables that its program gets beside the usual ones.
    fn variables(&self) -> &[String] {
        &[]
    }

    /// What selects its data beside the common settings: part of the cache identity.
    fn identity(&self) -> Vec<String> {
        Vec::new()
    }

    /// For messages and source lines.
    fn label(&self, config: &ClientConfig) -> String {
        match &config.url {
            Some(url) => format!("task server {url}"),
            None => format!("client {}", config.kind),
        }
    }

    /// The files that it looks for, in order.
    fn files(&self) -> &[PathBuf] {
        &[]
    }

    /// The path of its requests, with placeholders; empty for a client without paths.
    fn path(&self) -> &str {
        ""
    }

    /// What is missing before it can be asked, found without starting or asking anything.
    fn missing(&self, context: &ClientContext) -> Vec<Failure>;

    /// What depends on the machine that it runs on, found without a lookup.
    fn notes(&self, _context: &ClientContext) -> Vec<String> {
        Vec::new()
    }

    /// Builds it.
    ///
    /// # Errors
    /// The first thing that is missing.
    fn build(&self, context: ClientContext) -> Result<Box<dyn Client>, Failure>;
}

/// The clients that need no plugin.
pub static BUILTINS: &[&Builtin] = &[
    // Servers.
    &mcp::BUILTIN,
    &stdio::BUILTIN,
    &rest::BUILTIN,
    // Files of this machine.
    &local::BUILTIN,
];

/// The built-in client of that name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Builtin> {
    BUILTINS.iter().copied().find(|builtin| builtin.name == name)
}

/// The kinds that `auto` chooses from.
pub const AUTO: &[&Builtin] = &[&mcp::BUILTIN, &stdio::BUILTIN, &local::BUILTIN];

/// The kind, with `auto` resolved: `mcp` with a URL, `stdio` with a command, else `local`.
#[must_use]
pub fn resolve_kind<'a>(config: &'a ClientConfig, table: &Reader<'_>) -> &'a str {
    match (config.kind.as_str(), &config.url) {
        ("auto", Some(_)) if stdio::is_nearer_than_url(table) => stdio::BUILTIN.name,
        ("auto", Some(_)) => mcp::BUILTIN.name,
        ("auto", None) if stdio::is_configured(table) => stdio::BUILTIN.name,
        ("auto", None) => local::BUILTIN.name,
        (kind, _) => kind,
    }
}

/// The URL of the server.
///
/// # Errors
/// `WS105` when none is set.
pub fn base(config: &ClientConfig) -> Result<SafeUrl, Failure> {
    config.url.clone().ok_or_else(|| {
        Failure::new(Code::ConfigUrl, "`client.url`, the URL of the task server, is not set")
            .hint("set MCP_SERVER_URL, like http://localhost:8000")
    })
}

/// The URL of the MCP endpoint: a URL without a path is a base, and its endpoint is `/mcp`.
///
/// # Errors
/// `WS105` when no URL is set.
pub fn endpoint(config: &ClientConfig) -> Result<SafeUrl, Failure> {
    let mut url = base(config)?.url().clone();
    if url.path() == "/" {
        url.set_path("/mcp");
    }
    Ok(url.into())
}
