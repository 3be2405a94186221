//! `warmstart call`: one call of one tool, its result as the server sent it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Map, Value};

use super::Invocation;
use super::flags::key_value;
use super::runtime::block_on;
use super::tasks::with_sign_of_life;
use super::terminal::{self, CommandResult};
use super::tools::{self, source};
use super::workspace::Workspace;
use crate::client::{self, Client, unknown_tool};
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::event::SessionEvent;
use crate::plan::PlanOptions;
use crate::query::TaskSource;
use crate::text;

const TIMEOUT: Duration = Duration::from_secs(30);
/// For the list of tools after a call of one that does not exist.
const LIST_TIMEOUT: Duration = Duration::from_secs(5);

/// Flags of `call`.
#[derive(Args)]
pub struct Options {
    /// The tool's name
    #[arg(required_unless_present = "named", value_name = "TOOL")]
    tool: Option<String>,
    /// Its arguments; a value that is not JSON is text
    #[arg(value_name = "KEY=VALUE", value_parser = pair)]
    pairs: Vec<(String, Value)>,
    /// The tool's name, as a flag
    #[arg(long = "tool", value_name = "TOOL", conflicts_with = "tool")]
    named: Option<String>,
    /// Its arguments as JSON, like '{"action": "list"}'
    #[arg(long, value_name = "JSON", default_value = "{}", value_parser = json_object)]
    args: Map<String, Value>,
    /// One of `[clients.NAME]` instead of `[client]`
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Also print the JSON pointer of each list in the result, for `queries.NAME.items`
    #[arg(long)]
    pointers: bool,
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
    let mut arguments = options.args.clone();
    arguments.extend(options.pairs.iter().cloned());
    let call = client.call(tool, &arguments, Deadline::after(TIMEOUT));
    let result = block_on(with_sign_of_life(call, &source.label))?;
    let advised = |failure| match named_nearest(&failure, client.as_ref(), tool) {
        Some(hint) => failure.hint(hint),
        None => advised(failure, source),
    };
    let result = result.map_err(advised)?;
    terminal::print(&text::for_json(&format!("{result:#}\n")));
    if options.pointers {
        pointers(&result).iter().for_each(terminal::print_note);
    }
    if let Some(failure) = client::failure_in(&result) {
        Err(advised(unknown_tool::recognised(failure, tool)))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// For a tool that the server does not have: the question for the nearest ones, from its list.
fn named_nearest(failure: &Failure, client: &dyn Client, tool: &str) -> Option<String> {
    if failure.code != Code::UnknownTool {
        return None;
    }
    let tools = block_on(client.tools(Deadline::after(LIST_TIMEOUT))).ok()?.ok()?;
    tools::did_you_mean(&tools, tool)
}

/// The lists of a result, a line each.
fn pointers(result: &Value) -> Vec<String> {
    let lists = client::lists_in(result);
    if lists.is_empty() {
        return vec!["the result has no list".into()];
    }
    let line = |list: &client::ListPlace| {
        let pointer =
            if list.pointer.is_empty() { "\"\" (the whole answer)" } else { &list.pointer };
        format!("{pointer}: {} elements, {} with a title", list.length, list.titled)
    };
    lists.iter().map(line).collect()
}

fn pair(text: &str) -> Result<(String, Value), String> {
    key_value(text).ok_or_else(|| "no `=` in it, as in `action=list`".into())
}

fn json_object(text: &str) -> Result<Map<String, Value>, String> {
    serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))
}

/// The hint for a call by hand: that of a failure is about the queries in the configuration.
fn advised(failure: Failure, source: &TaskSource) -> Failure {
    match failure.code {
        Code::ToolError => failure.hint(
            "check the tool's name and `--args`; `warmstart config show queries` lists the tools in use",
        ),
        Code::UnknownTool => failure.hint("`warmstart tools` lists the server's tools"),
        Code::ConfigName if failure.hint.is_none() => failure.hint(format!(
            "the {} has no tools; `--client NAME` calls a server in `[clients.NAME]`",
            source.label
        )),
        _ => failure,
    }
}
