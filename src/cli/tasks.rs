//! `warmstart tasks`: the same data as a session gets, as a table for people.

use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::outcome::{self, Outcome};
use super::setting::Setting;
use super::{Started, outcome::complain};
use crate::config::CacheRead;
use crate::context::sanitise;
use crate::deadline::{Deadline, Timestamp};
use crate::error::{Code, Failure};
use crate::event::SessionEvent;
use crate::hook::bindings;
use crate::query::{Answered, Supply};
use crate::task::{Answer, Task};

/// A person waits longer than a session.
const PATIENCE: Duration = Duration::from_secs(15);
const LONGEST: usize = 200;

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
pub fn run(options: &Options, started: &Started) -> Outcome {
    let setting = Setting::here(started);
    let read = options.live.then_some(CacheRead::NetworkFirst);
    let plan = setting.plan(SessionEvent::unknown(), started, false, read);
    plan.problems.iter().for_each(complain);
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
        return Err(
            failure.unwrap_or_else(|| Failure::new(Code::NOT_UNDERSTOOD, "nothing came back"))
        );
    };
    if options.json {
        let json = format!("{:#}\n", as_json(&answered, &answer));
        outcome::print(&sanitise::json(&json));
    } else {
        outcome::print(&as_text(&answered, &answer));
        failure.iter().for_each(complain);
    }
    Ok(ExitCode::SUCCESS)
}

fn ask(plan: &crate::plan::Plan, name: &str, options: &Options) -> Result<Answered, Failure> {
    let scope = &plan.scope;
    // A file on this machine is its own cache.
    let is_local = !scope.queries.primary().is_cached;
    if is_local && name == "next" {
        return Err(Failure::new(Code::HOOK, "a local task file recommends no task")
            .hint("`warmstart tasks` lists the open ones"));
    }
    let known = bindings::with_branch(scope, name).or_else(|failure| match name {
        "next" if !options.cached => {
            ask_branches(plan).and_then(|()| bindings::with_branch(scope, name))
        }
        _ => Err(failure),
    })?;
    if let Some(found) = scope.queries.from_disk(name, &known) {
        return Ok(found);
    }
    if options.cached && !is_local {
        let failure = Failure::new(Code::NOT_UNDERSTOOD, "nothing of it is cached");
        let found = scope.queries.without_asking(name, &known, failure);
        // That nobody was asked is no failure of what was found.
        let failure = found.failure.filter(|_| found.answer.is_none());
        return Ok(Answered { failure, ..found });
    }
    let deadline = Deadline::after(PATIENCE);
    block_on(scope.queries.live(name, &known, PATIENCE, deadline))
}

/// Fills the list of branches, which the next task is found by.
fn ask_branches(plan: &crate::plan::Plan) -> Result<(), Failure> {
    let known = bindings::known(&plan.scope);
    let renewed = plan.scope.queries.renew(bindings::BRANCHES, &known, Deadline::after(PATIENCE));
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

fn as_json(answered: &Answered, answer: &Answer) -> serde_json::Value {
    let tasks = answer.tasks();
    json!({
        "schema": 1,
        "supply": answered.supply.word(),
        "origin": answered.origin,
        "written": answered.written,
        "failure": answered.failure,
        "total": tasks.map(|tasks| tasks.total),
        "tasks": tasks.map(|tasks| &tasks.list),
        "text": match answer { Answer::Text(text) => Some(text), Answer::Tasks(_) => None },
    })
}

fn as_text(answered: &Answered, answer: &Answer) -> String {
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

fn state(answered: &Answered, now: Timestamp) -> String {
    let origin = sanitise::line(&answered.origin, LONGEST);
    let age = answered.written.and_then(|written| written.age(now)).unwrap_or_default();
    let age = jiff::SignedDuration::from_secs(i64::try_from(age.as_secs()).unwrap_or(i64::MAX));
    match answered.supply {
        Supply::Live => format!("Live from {origin}"),
        Supply::Fresh => format!("From {origin}, cached {age:#} ago"),
        Supply::Stale => format!("From {origin}, STALE: cached {age:#} ago"),
        Supply::Nothing => "Nothing".into(),
    }
}

fn table(tasks: &[Task]) -> String {
    let mut table = Table::new();
    let width = u16::try_from(outcome::width()).unwrap_or(u16::MAX);
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width).set_header(["PRIORITY", "STATUS", "TITLE", "ID"]);
    for task in tasks {
        let cell = |text: &str| plain(&sanitise::line(text, LONGEST));
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
