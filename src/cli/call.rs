//! `warmstart call`: one call of one tool, its result as the server sent it.

use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::terminal::{self, CommandResult, Usage};
use super::workspace::Workspace;
use super::{Invocation, tasks::block_on};
use crate::client::{self, ClientContext};
use crate::config::ClientConfig;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::http::Http;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Flags of `call`.
#[derive(Args)]
pub struct Options {
    /// The tool's name
    #[arg(long)]
    tool: String,
    /// Its arguments, a JSON object
    #[arg(long, default_value = "{}")]
    args: String,
    /// One of `[clients.NAME]` instead of `[client]`
    #[arg(long)]
    client: Option<String>,
}

/// Calls the tool and prints its result.
///
/// # Errors
/// What was wrong with the arguments, the way there, or the tool.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let arguments: Map<String, Value> = serde_json::from_str(&options.args).map_err(|error| {
        Usage::new(format!("`--args` is not a JSON object: {error}"))
            .hint("like --args '{\"action\": \"list\"}'")
    })?;
    let workspace = Workspace::here(invocation)?;
    let config = &workspace.loaded.config;
    let own = match &options.client {
        None => &config.client,
        Some(name) => config.clients.get(name).ok_or_else(|| {
            let known: Vec<&str> = config.clients.keys().map(String::as_str).collect();
            Failure::new(Code::CONFIG_NAME, format!("there is no client `{name}`"))
                .hint(format!("known: {}", known.join(", ")))
        })?,
    };
    let client = build(&workspace, own, invocation)?;
    let asked = client.call(&options.tool, &arguments, Deadline::after(TIMEOUT));
    let result = block_on(asked)??;
    terminal::print(&format!("{result:#}\n"));
    let is_error = result.get("isError").and_then(Value::as_bool) == Some(true);
    Ok(ExitCode::from(if is_error { 6 } else { 0 }))
}

fn build(
    workspace: &Workspace,
    own: &ClientConfig,
    invocation: &Invocation,
) -> Result<Box<dyn client::Client>, Failure> {
    let kind = client::resolve_kind(own);
    let builtin = client::find(kind)
        .ok_or_else(|| Failure::new(Code::CONFIG_NAME, format!("there is no client `{kind}`")))?;
    let config = &workspace.loaded.config;
    (builtin.build)(ClientContext {
        config: own.clone(),
        whole: Arc::new(config.clone()),
        http: Rc::new(Http::new(config, workspace.paths.as_ref())),
        environment: Arc::new(invocation.environment.clone()),
        paths: workspace.paths.clone(),
        root: workspace.root.clone(),
    })
}
