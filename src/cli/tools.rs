//! `warmstart tools`: the tools of the task server with their arguments.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::Invocation;
use super::runtime::block_on;
use super::table::{self, Column};
use super::tasks::with_sign_of_life;
use super::terminal::{self, CommandResult};
use super::workspace::Workspace;
use crate::client::tool_list::Argument;
use crate::client::{Tool, unknown_tool};
use crate::config;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::event::SessionEvent;
use crate::plan::{Plan, PlanOptions};
use crate::query::TaskSource;
use crate::text;

const TIMEOUT: Duration = Duration::from_secs(30);
/// Names in a hint.
const MAX_NEAREST: usize = 3;
/// Letters of a part of a name that is searched for.
const LEAST_PART: usize = 3;

/// Flags of `tools`.
#[derive(Args)]
pub struct Options {
    /// Only this tool, with its description
    name: Option<String>,
    /// One of `[clients.NAME]` instead of `[client]`
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Lists the tools.
///
/// # Errors
/// Why the list is not known, or that there is no tool of that name.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let plan = workspace.plan(SessionEvent::unknown(), invocation, PlanOptions::default());
    let source = source(&plan, options.client.as_deref())?;
    let client = (source.build)()?;
    let asking = client.tools(Deadline::after(TIMEOUT));
    let all = block_on(with_sign_of_life(asking, &source.label))??;
    let shown = match &options.name {
        Some(name) => std::slice::from_ref(named(&all, name)?),
        None => all.as_slice(),
    };
    let text = match (options.json, &options.name, shown) {
        (true, ..) => text::for_json(&format!("{:#}\n", as_json(source, shown))),
        (false, Some(_), [tool]) => details(tool),
        _ => list(shown),
    };
    terminal::print(&text);
    Ok(ExitCode::SUCCESS)
}

/// The client that `--client` names, `[client]` without it.
///
/// # Errors
/// There is no such client.
pub(super) fn source<'a>(plan: &'a Plan, name: Option<&str>) -> Result<&'a TaskSource, Failure> {
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

fn named<'a>(tools: &'a [Tool], name: &str) -> Result<&'a Tool, Failure> {
    tools.iter().find(|tool| tool.name == name).ok_or_else(|| {
        let failure = unknown_tool::no_tool(name);
        match did_you_mean(tools, name) {
            Some(hint) => failure.hint(hint),
            None => failure.hint("`warmstart tools` lists its tools"),
        }
    })
}

/// The question for the tools whose names are like `name`, or have it as a part.
pub(super) fn did_you_mean(tools: &[Tool], name: &str) -> Option<String> {
    let mut names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
    let mut near = Vec::new();
    while let Some(next) = config::nearest(name, &names).filter(|_| near.len() < MAX_NEAREST) {
        names.retain(|other| *other != next);
        near.push(next);
    }
    let is_part = |other: &&str| name.len() >= LEAST_PART && has_part(other, name);
    near.extend(names.into_iter().filter(is_part).take(MAX_NEAREST - near.len()));
    let quoted: Vec<String> = near.iter().map(|name| format!("`{}`", table::cell(name))).collect();
    (!quoted.is_empty()).then(|| format!("did you mean {}?", quoted.join(" or ")))
}

/// Whether `part` is in `name`, or is like its beginning.
fn has_part(name: &str, part: &str) -> bool {
    let begin: String = name.chars().take(part.chars().count()).collect();
    name.contains(part) || config::nearest(part, &[&begin]).is_some()
}

fn list(tools: &[Tool]) -> String {
    const COLUMNS: [Column; 2] = [Column::whole("TOOL"), Column::elastic("ARGUMENTS")];
    if tools.is_empty() {
        return "The server has no tools.\n".into();
    }
    let row = |tool: &Tool| {
        let arguments: Vec<String> = tool.arguments.iter().map(signature).collect();
        vec![table::cell(&tool.name), table::cell(&arguments.join(", "))]
    };
    table::render(&COLUMNS, &tools.iter().map(row).collect::<Vec<_>>())
}

/// `action: string`; a `?` marks an optional argument.
fn signature(argument: &Argument) -> String {
    let mark = if argument.is_required { "" } else { "?" };
    match argument.kind.as_str() {
        "" => format!("{}{mark}", argument.name),
        kind => format!("{}{mark}: {kind}", argument.name),
    }
}

fn details(tool: &Tool) -> String {
    const COLUMNS: [Column; 4] = [
        Column::whole("ARGUMENT"),
        Column::elastic("TYPE"),
        Column::fixed("REQUIRED"),
        Column::elastic("DESCRIPTION"),
    ];
    let row = |argument: &Argument| {
        let required = if argument.is_required { "yes" } else { "no" };
        let [name, kind, description] =
            [&argument.name, &argument.kind, &argument.description].map(|text| table::cell(text));
        vec![name, kind, required.into(), description]
    };
    let rows: Vec<Vec<String>> = tool.arguments.iter().map(row).collect();
    let arguments = match rows.is_empty() {
        true => "It has no arguments.\n".to_owned(),
        false => table::render(&COLUMNS, &rows),
    };
    format!("{}\n\n{arguments}", table::wrapped(&heading(tool)))
}

fn heading(tool: &Tool) -> String {
    let name = table::cell(&tool.name);
    match table::cell(&tool.description).as_str() {
        "" => name,
        description => format!("{name}: {description}"),
    }
}

fn as_json(source: &TaskSource, tools: &[Tool]) -> Value {
    let argument = |argument: &Argument| {
        json!({ "name": argument.name, "type": argument.kind, "required": argument.is_required,
            "description": argument.description })
    };
    let tool = |tool: &Tool| {
        json!({ "name": tool.name, "description": tool.description,
            "arguments": tool.arguments.iter().map(argument).collect::<Vec<_>>() })
    };
    let tools: Vec<Value> = tools.iter().map(tool).collect();
    json!({ "schema": 1, "origin": source.label, "tools": tools })
}
