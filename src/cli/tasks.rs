//! `warmstart tasks`: the same data as a session gets, as a table or as JSON.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::Invocation;
use super::runtime::block_on;
use super::table::{self, Column};
use super::terminal::{self, CommandResult, print_warning};
use super::workspace::Workspace;
use crate::config::CacheRead;
use crate::deadline::{Deadline, Timestamp, duration_text};
use crate::error::{Class, Code, Failure};
use crate::event::SessionEvent;
use crate::hook::bindings;
use crate::plan::{Plan, PlanOptions};
use crate::provenance::{Provenance, ServedFrom};
use crate::query::{Bindings, Queries, QueryResult, Timeout};
use crate::task::{Answer, Task, Tasks};
use crate::text;

/// Longer than a session start: at a terminal there is time.
const TIMEOUT: Duration = Duration::from_secs(15);
/// After this long without an answer the terminal shows what is waited for.
const SILENT_TIME: Duration = Duration::from_secs(1);
/// Characters of an answer that is text.
const MAX_TEXT_CHARS: usize = 20_000;

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
    /// Ask the server even when the cache is fresh; exit 4 or 5 when only the cache could answer
    #[arg(long, conflicts_with = "cached")]
    live: bool,
    /// Do not ask the server
    #[arg(long)]
    cached: bool,
    /// Show at most this many, the most important ones
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Ask the server, and explain where in its answer each field was found
    #[arg(long, conflicts_with = "cached")]
    explain: bool,
}

impl Options {
    fn is_live(&self) -> bool {
        self.live || self.explain
    }
}

/// Shows the tasks.
///
/// # Errors
/// Why there are none to show.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let read = options.is_live().then_some(CacheRead::NetworkFirst);
    let plan_options = PlanOptions { read, ..PlanOptions::default() };
    let plan = workspace.plan(SessionEvent::unknown(), invocation, plan_options);
    let answered = ask(&plan, options).and_then(|result| Answered::new(result, options.limit));
    let printed = match &answered {
        Ok(answered) => answered.provenance.failure.as_ref(),
        Err(failure) => Some(failure),
    };
    plan.problems.iter().filter(|problem| printed != Some(*problem)).for_each(print_warning);
    let answered = answered?;
    if options.json {
        terminal::print(&text::for_json(&format!("{:#}\n", answered.json())));
    } else {
        terminal::print(&answered.text(&plan));
        answered.provenance.failure.iter().for_each(print_warning);
    }
    if options.explain {
        answered.explanation().iter().for_each(terminal::print_note);
    }
    Ok(answered.exit_code(options.is_live()))
}

fn ask(plan: &Plan, options: &Options) -> Result<QueryResult, Failure> {
    let queries = &plan.session.queries;
    // A file on this machine is its own cache.
    let name = match options.which {
        Which::List => "tasks",
        Which::Next => "next",
    };
    let source = queries.source_of(name);
    let is_local = !source.is_cached;
    let bindings = match options.which {
        Which::List => bindings::with_branch(&plan.session, name)?,
        Which::Next if is_local => {
            return Err(Failure::new(Code::Hook, "a local task file recommends no task")
                .hint("`warmstart tasks` lists the open ones"));
        }
        Which::Next => bindings_of_next(plan, options.cached)?,
    };
    if let Some(result) = queries.from_disk(name, &bindings) {
        return Ok(result);
    }
    if options.cached && !is_local {
        return Ok(from_cache(queries, name, &bindings));
    }
    let answer =
        queries.live(name, &bindings, Timeout::built_in(TIMEOUT), Deadline::after(TIMEOUT));
    block_on(with_sign_of_life(answer, &source.label))
}

/// With `--cached` it is not a failure of a cached answer that the server was not asked.
fn from_cache(queries: &Queries, name: &str, bindings: &Bindings) -> QueryResult {
    let failure = Failure::new(Code::NotUnderstood, "no cached tasks")
        .hint("run `warmstart tasks` without `--cached`");
    let result = queries.from_cache_alone(name, bindings, failure);
    match result.answer {
        Some(_) => result.with_failure(None),
        None => result,
    }
}

/// With the server's id of the checked-out branch; unless `is_cached`, the server may be asked for it.
fn bindings_of_next(plan: &Plan, is_cached: bool) -> Result<Bindings, Failure> {
    let cached = bindings::with_branch(&plan.session, "next");
    if cached.is_ok() || is_cached {
        return cached;
    }
    let (timeout, deadline) = (Timeout::built_in(TIMEOUT), Deadline::after(TIMEOUT));
    let answer = bindings::asking_for_branch(&plan.session, "next", timeout, deadline);
    block_on(with_sign_of_life(answer, &plan.session.queries.primary().label))?
}

/// Waits for `future`; after a second without an answer a terminal shows that it is waited for.
pub(super) async fn with_sign_of_life<T>(future: impl Future<Output = T>, label: &str) -> T {
    let mut future = std::pin::pin!(future);
    if let Ok(value) = tokio::time::timeout(SILENT_TIME, &mut future).await {
        return value;
    }
    if std::io::stderr().is_terminal() {
        terminal::print_note(&format!("waiting for {label} ..."));
    }
    future.await
}

/// An answer that can be shown, in the order and number in which it is.
struct Answered {
    answer: Answer,
    provenance: Provenance,
}

impl Answered {
    fn new(result: QueryResult, limit: Option<usize>) -> Result<Self, Failure> {
        let QueryResult { answer, provenance } = result;
        let Some(mut answer) = answer else {
            let unexplained = || Failure::new(Code::NotUnderstood, "the source gave no answer");
            return Err(provenance.failure.unwrap_or_else(unexplained));
        };
        if let Answer::Tasks(tasks) = &mut answer {
            tasks.cut(limit.unwrap_or(usize::MAX));
        }
        Ok(Answered { answer, provenance })
    }

    /// With `--live` an answer that the server did not give is not a success.
    fn exit_code(&self, is_live: bool) -> ExitCode {
        let class = self.provenance.failure.as_ref().filter(|_| is_live).map(Failure::class);
        match class {
            Some(class @ (Class::Auth | Class::Unavailable | Class::Protocol)) => {
                ExitCode::from(class.exit_code())
            }
            _ => ExitCode::SUCCESS,
        }
    }

    /// How the answer was read; a cached answer and a checklist have no pointers.
    fn explanation(&self) -> Vec<String> {
        let tasks = self.answer.tasks();
        let explained = tasks.and_then(|tasks| Some((tasks.explanation.as_ref()?, tasks.rest)));
        match explained {
            Some((explanation, rest)) => explanation.lines(rest),
            None => vec!["the answer was not read from JSON just now: no pointers".into()],
        }
    }

    fn json(&self) -> Value {
        let tasks = self.answer.tasks();
        json!({
            "schema": 1,
            "supply": self.provenance.served.word(),
            "origin": self.provenance.origin,
            "written": self.provenance.written.map(Timestamp::iso),
            "failure": self.provenance.failure.as_ref().map(failure_json),
            "total": tasks.and_then(Tasks::total),
            "unread": tasks.map(|tasks| tasks.unread),
            "tasks": tasks.map(|tasks| &tasks.list),
            "text": match &self.answer { Answer::Text(text) => Some(text), Answer::Tasks(_) => None },
        })
    }

    fn text(&self, plan: &Plan) -> String {
        let state = self.state(&plan.session.queries.primary().label, Timestamp::now());
        let body = match &self.answer {
            Answer::Text(text) if text.is_empty() => return no_text(plan),
            Answer::Text(text) => lines(text),
            Answer::Tasks(tasks) if tasks.is_none() => String::from("No open tasks.\n"),
            Answer::Tasks(tasks) => {
                let remarks = tasks.remarks(0).into_iter().map(|remark| remark + "\n");
                tasks_table(&tasks.list) + &remarks.collect::<String>()
            }
        };
        format!("{state}\n{body}")
    }

    /// Who answered, and how old the answer is; `primary` is the source that was asked first.
    fn state(&self, primary: &str, now: Timestamp) -> String {
        let is_substitute = self.provenance.failure.is_some() && self.provenance.origin != primary;
        let origin = match table::cell(&self.provenance.origin) {
            origin if !is_substitute => origin,
            origin if origin.is_empty() => "the fallback chain (a substitute)".into(),
            origin => format!("{origin} (a substitute, not the task server)"),
        };
        let age = self.provenance.written.and_then(|written| written.age(now)).unwrap_or_default();
        let age = duration_text(age);
        match self.provenance.served {
            ServedFrom::Live if is_substitute => format!("From {origin}"),
            ServedFrom::Live => format!("Live from {origin}"),
            ServedFrom::Fresh => format!("From {origin}, cached {age} ago"),
            ServedFrom::Stale => format!("From {origin}, STALE: cached {age} ago"),
            ServedFrom::Nothing => "Nothing".into(),
        }
    }
}

/// A failure for scripts: its code as it is printed elsewhere.
fn failure_json(failure: &Failure) -> Value {
    json!({
        "code": failure.code.to_string(),
        "class": failure.class().word(),
        "message": failure.message,
        "hint": failure.hint,
    })
}

/// Why a text is empty: for a task file that none of the configured ones exists.
fn no_text(plan: &Plan) -> String {
    let source = plan.session.queries.primary();
    if source.is_cached {
        return "The answer is an empty text.\n".into();
    }
    let files: Vec<String> = source.files.iter().map(|file| file.display().to_string()).collect();
    let text = match files.as_slice() {
        [] => "There is no task file: `client.files` is empty".to_owned(),
        [file] => format!("There is no task file: `{file}` does not exist"),
        files => format!("There is no task file: none of `{}` exists", files.join("`, `")),
    };
    let advice =
        "Write a checklist (`- [ ] title`) there, or set `client.files` or MCP_SERVER_URL.";
    text::for_terminal(&format!("{text}.\n{advice}\n"))
}

fn lines(text: &str) -> String {
    let lines = text::multi_line(text, MAX_TEXT_CHARS);
    lines.iter().map(|line| table::cell(line) + "\n").collect()
}

fn tasks_table(tasks: &[Task]) -> String {
    const COLUMNS: [Column; 4] = [
        Column::fixed("PRIORITY"),
        Column::fixed("STATUS"),
        Column::elastic("TITLE"),
        Column::fixed("ID"),
    ];
    let row = |task: &Task| {
        let [priority, status, title] =
            [&task.priority, &task.status, &task.title].map(|text| table::cell(text));
        vec![priority, status, title, table::id_cell(&task.id)]
    };
    table::render(&COLUMNS, &tasks.iter().map(row).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_substitute_is_never_live_and_never_without_an_origin() {
        let state = |origin: &str, failure| {
            let result = QueryResult::live(Answer::Text("x".into()), Timestamp(0), origin.into());
            Answered::new(result.with_failure(failure), None)
                .unwrap()
                .state("task server x", Timestamp(0))
        };
        let failure = || Some(Failure::new(Code::Refused, "x"));
        let cases = [
            ("task server x", None, "Live from task server x"),
            ("task server x", failure(), "Live from task server x"),
            ("plugin p", failure(), "From plugin p (a substitute, not the task server)"),
            ("", failure(), "From the fallback chain (a substitute)"),
        ];
        for (origin, failure, expected) in cases {
            assert_eq!(state(origin, failure), expected);
        }
    }
}
