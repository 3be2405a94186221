//! `warmstart tasks`: the same data as a session gets, as a table for people.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::terminal::{self, CommandResult};
use super::workspace::Workspace;
use super::{Invocation, terminal::print_warning};
use crate::config::CacheRead;
use crate::context::sanitise;
use crate::deadline::{Deadline, Timestamp};
use crate::error::{Code, Failure};
use crate::event::SessionEvent;
use crate::hook::bindings;
use crate::query::{QueryResult, ServedFrom};
use crate::task::{Answer, Task};

/// A person waits longer than a session.
const TIMEOUT: Duration = Duration::from_secs(15);
const MAX_CELL_CHARS: usize = 200;

/// Which tasks.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub enum Which {
    /// The open tasks
    #[default]
    List,
    /// The task recommended for this branch
    Next,
}

/// Flags of `tasks`.
#[derive(Args)]
pub struct Options {
    #[arg(value_enum, default_value_t)]
    which: Which,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Ask the server, even when the cache is fresh
    #[arg(long, conflicts_with = "cached")]
    live: bool,
    /// Do not ask the server
    #[arg(long)]
    cached: bool,
    /// Show no more than this many
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Shows the tasks.
///
/// # Errors
/// Why there are none to show.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let read = options.live.then_some(CacheRead::NetworkFirst);
    let plan = workspace.plan(SessionEvent::unknown(), invocation, false, read);
    plan.problems.iter().for_each(print_warning);
    let name = match options.which {
        Which::List => "tasks",
        Which::Next => "next",
    };
    let mut answered = ask(&plan, name, options)?;
    if let (Some(limit), Some(Answer::Tasks(tasks))) = (options.limit, &mut answered.answer) {
        tasks.list.truncate(limit);
    }
    let failure = answered.failure.clone();
    let Some(answer) = answered.answer.clone() else {
        let failure =
            failure.unwrap_or_else(|| Failure::new(Code::NOT_UNDERSTOOD, "nothing came back"));
        return Err(failure.into());
    };
    if options.json {
        let json = format!("{:#}\n", as_json(&answered, &answer));
        terminal::print(&sanitise::json(&json));
    } else {
        terminal::print(&as_text(&answered, &answer));
        failure.iter().for_each(print_warning);
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(plan: &crate::plan::Plan, name: &str, options: &Options) -> Result<QueryResult, Failure> {
    let session = &plan.session;
    // A file on this machine is its own cache.
    let is_local = !session.queries.primary().is_cached;
    if is_local && name == "next" {
        return Err(Failure::new(Code::HOOK, "a local task file recommends no task")
            .hint("`warmstart tasks` lists the open ones"));
    }
    let known = bindings::with_branch(session, name).or_else(|failure| match name {
        "next" if !options.cached => {
            ask_branches(plan).and_then(|()| bindings::with_branch(session, name))
        }
        _ => Err(failure),
    })?;
    if let Some(found) = session.queries.from_disk(name, &known) {
        return Ok(found);
    }
    if options.cached && !is_local {
        let failure = Failure::new(Code::NOT_UNDERSTOOD, "nothing of it is cached");
        let found = session.queries.from_cache_alone(name, &known, failure);
        // That nobody was asked is no failure of what was found.
        let failure = found.failure.filter(|_| found.answer.is_none());
        return Ok(QueryResult { failure, ..found });
    }
    let deadline = Deadline::after(TIMEOUT);
    block_on(session.queries.live(name, &known, TIMEOUT, deadline))
}

/// Fills the list of branches, which the next task is found by.
fn ask_branches(plan: &crate::plan::Plan) -> Result<(), Failure> {
    let known = bindings::known(&plan.session);
    let renewed = plan.session.queries.renew(bindings::BRANCHES, &known, Deadline::after(TIMEOUT));
    block_on(renewed)?.map(drop)
}

/// Runs one future to its end.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::new(Code::INTERNAL, format!("no runtime: {error}")))?;
    let value = runtime.block_on(future);
    runtime.shutdown_background();
    Ok(value)
}

fn as_json(answered: &QueryResult, answer: &Answer) -> serde_json::Value {
    let tasks = answer.tasks();
    json!({
        "schema": 1,
        "supply": answered.served.word(),
        "origin": answered.origin,
        "written": answered.written,
        "failure": answered.failure,
        "total": tasks.map(|tasks| tasks.total),
        "tasks": tasks.map(|tasks| &tasks.list),
        "text": match answer { Answer::Text(text) => Some(text), Answer::Tasks(_) => None },
    })
}

fn as_text(answered: &QueryResult, answer: &Answer) -> String {
    let mut text = format!("{}\n", state(answered, Timestamp::now()));
    match answer {
        Answer::Text(said) if said.is_empty() => {
            text.push_str("There is no task file yet: write a checklist into TODO.md, or set MCP_SERVER_URL.\n");
        }
        Answer::Text(said) => {
            for line in sanitise::lines(said, 20_000) {
                text.push_str(&plain(&line));
                text.push('\n');
            }
        }
        Answer::Tasks(tasks) if tasks.list.is_empty() => text.push_str("No open tasks.\n"),
        Answer::Tasks(tasks) => {
            text.push_str(&table(&tasks.list));
            text.push('\n');
            if tasks.total > tasks.list.len() {
                text.push_str(&format!("{} more\n", tasks.total - tasks.list.len()));
            }
        }
    }
    text
}

fn state(answered: &QueryResult, now: Timestamp) -> String {
    let origin = sanitise::line(&answered.origin, MAX_CELL_CHARS);
    let age = answered.written.and_then(|written| written.age(now)).unwrap_or_default();
    let age = jiff::SignedDuration::from_secs(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    match answered.served {
        ServedFrom::Live => format!("Live from {origin}"),
        ServedFrom::Fresh => format!("From {origin}, cached {age:#} ago"),
        ServedFrom::Stale => format!("From {origin}, STALE: cached {age:#} ago"),
        ServedFrom::Nothing => "Nothing".into(),
    }
}

fn table(tasks: &[Task]) -> String {
    let mut table = Table::new();
    let width = u16::try_from(terminal::width()).unwrap_or(u16::MAX);
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(["PRIORITY", "STATUS", "TITLE", "ID"]);
    for task in tasks {
        let cell = |text: &str| plain(&sanitise::line(text, MAX_CELL_CHARS));
        let row = [&task.priority, &task.status, &task.title, &task.id].map(|text| cell(text));
        table.add_row(row);
    }
    table
        .lines()
        .map(|line| format!("{}\n", line.trim_end()))
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// A terminal does not need the escapes that a model's host does.
fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">")
}
