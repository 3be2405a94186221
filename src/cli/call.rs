//! `warmstart call`: one call of one tool, its result as the server sent it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::Invocation;
use super::runtime::block_on;
use super::tasks::with_sign_of_life;
use super::terminal::{self, CommandResult};
use super::workspace::Workspace;
use crate::client;
use crate::config;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::event::SessionEvent;
use crate::plan::{Plan, PlanOptions};
use crate::query::TaskSource;
use crate::text;

const TIMEOUT: Duration = Duration::from_secs(30);

/// Flags of `call`.
#[derive(Args)]
pub struct Options {
    /// The tool's name
    #[arg(required_unless_present = "named", value_name = "TOOL")]
    tool: Option<String>,
    /// The tool's name, as a flag
    #[arg(long = "tool", value_name = "TOOL", conflicts_with = "tool")]
    named: Option<String>,
    /// Its arguments, like '{"action": "list"}'
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json_object)]
    args: Map<String, Value>,
    /// One of `[clients.NAME]` instead of `[client]`
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
}

/// Calls the tool and prints its result.
///
/// # Errors
/// What failed on the way there, or in the tool.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let plan = workspace.plan(SessionEvent::unknown(), invocation, PlanOptions::default());
    let source = source(&plan, options.client.as_deref())?;
    let tool = options.tool.as_ref().or(options.named.as_ref()).map_or("", String::as_str);
    let client = (source.build)()?;
    let call = client.call(tool, &options.args, Deadline::after(TIMEOUT));
    let result = block_on(with_sign_of_life(call, &source.label))?;
    let result = result.map_err(|failure| advised(failure, source))?;
    terminal::print(&text::for_json(&format!("{result:#}\n")));
    if let Some(failure) = client::failure_in(&result) {
        Err(advised(failure, source))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn json_object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

fn source<'a>(plan: &'a Plan, name: Option<&str>) -> Result<&'a TaskSource, Failure> {
    let queries = &plan.session.queries;
    let Some(name) = name else { return Ok(queries.primary()) };
    queries.other(name).ok_or_else(|| {
        let configured: Vec<&str> = queries.others().collect();
        let hint = match config::nearest(name, &configured) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("add `[clients.{name}]` to your hooks.toml"),
        };
        Failure::new(Code::ConfigName, format!("there is no client `{name}`")).hint(hint)
    })
}

/// The hint for a call by hand: that of a failure is about the queries in the configuration.
fn advised(failure: Failure, source: &TaskSource) -> Failure {
    match failure.code {
        Code::ToolError => failure.hint(
            "check the tool's name and `--args`; `warmstart config show queries` lists the tools in use",
        ),
        Code::ConfigName if failure.hint.is_none() => failure.hint(format!(
            "the {} has no tools; `--client NAME` calls a server in `[clients.NAME]`",
            source.label
        )),
        _ => failure,
    }
}
