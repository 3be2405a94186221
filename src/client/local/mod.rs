//! Tasks from a file of the project: a Markdown checklist, JSON or JSON lines. The default without a
//! server, so that a session has tasks at once. Read each time: that costs less than a cache.

mod checklist;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::payload::{self, Documents, Page, ParseError};
use super::{Builtin, Client, ClientContext, ClientFuture, ClientSettings, no_tools};
use crate::config::parser::files;
use crate::config::{ClientConfig, Reader};
use crate::deadline::Deadline;
use crate::disk::{self, InsideError};
use crate::error::{Code, Failure};
use crate::task::{Answer, Query, Rest, State, Task, Tasks};

pub static BUILTIN: Builtin =
    Builtin { name: "local", summary: "a Markdown checklist or JSON file of the project", read };

const MAX_FILE_BYTES: u64 = 1 << 20;

struct Local {
    root: PathBuf,
    files: Vec<PathBuf>,
    /// Whether the user named the files: then one has to exist.
    is_configured: bool,
}

struct LocalSettings {
    files: Vec<PathBuf>,
    is_configured: bool,
}

fn read(table: &Reader<'_>) -> Rc<dyn ClientSettings> {
    let is_configured = table.is_set("files", files());
    Rc::new(LocalSettings { files: table.get("files", files()), is_configured })
}

impl ClientSettings for LocalSettings {
    fn is_local(&self) -> bool {
        true
    }

    fn label(&self, _: &ClientConfig) -> String {
        "local task file".into()
    }

    fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn missing(&self, _: &ClientContext) -> Vec<Failure> {
        Vec::new()
    }

    fn build(&self, context: ClientContext) -> Result<Box<dyn Client>, Failure> {
        let LocalSettings { files, is_configured } = self;
        Ok(Box::new(Local {
            root: context.root,
            files: files.clone(),
            is_configured: *is_configured,
        }))
    }
}

impl Client for Local {
    fn ask<'a>(&'a self, query: &'a Query, _deadline: Deadline) -> ClientFuture<'a, Answer> {
        Box::pin(async move { self.read(query) })
    }

    fn call<'a>(
        &'a self,
        tool: &'a str,
        _arguments: &'a Map<String, Value>,
        _deadline: Deadline,
    ) -> ClientFuture<'a, Value> {
        Box::pin(async move { Err(no_tools("local", tool)) })
    }
}

impl Local {
    /// The tasks of the first file that exists. Without one of the default names the answer is an empty
    /// text: most projects have none.
    fn read(&self, query: &Query) -> Result<Answer, Failure> {
        for file in &self.files {
            if let Some(text) = self.open(file)? {
                let (tasks, unread) = read_file(query, file, &text)?;
                return Ok(Answer::Tasks(select(tasks, unread, &query.arguments)));
            }
        }
        match self.is_configured && !self.files.is_empty() {
            true => Err(self.no_file()),
            false => Ok(Answer::Text(String::new())),
        }
    }

    fn no_file(&self) -> Failure {
        let names: Vec<String> =
            self.files.iter().map(|file| format!("`{}`", file.display())).collect();
        let text = match names.as_slice() {
            [name] => format!("the task file {name} does not exist"),
            names => format!("none of the task files {} exists", names.join(", ")),
        };
        Failure::new(Code::StoreUnusable, text)
            .hint("correct `client.files`; `client.only_in` skips projects without such a file")
    }

    fn open(&self, file: &Path) -> Result<Option<String>, Failure> {
        let shown = file.display();
        disk::read_inside(&self.root, file, MAX_FILE_BYTES).map_err(|error| match error {
            InsideError::Outside(target) => {
                let target = target.display();
                let text =
                    format!("the task file `{shown}` points outside the project, to `{target}`");
                Failure::new(Code::StoreUnusable, text)
                    .hint("name it by its absolute path in your own hooks.toml")
            }
            InsideError::Unreadable(error) => {
                Failure::new(Code::StoreUnusable, format!("`{shown}` cannot be read: {error}"))
                    .hint("fix the file, or name another in `client.files`")
            }
        })
    }
}

/// The tasks of a file, and how many elements have no title.
fn read_file(query: &Query, file: &Path, text: &str) -> Result<(Vec<Task>, usize), Failure> {
    let text = text.trim_start_matches('\u{feff}');
    let value = match file.extension().and_then(std::ffi::OsStr::to_str) {
        Some("json") => parse(file, text)?,
        Some("jsonl" | "ndjson") => json_lines(file, text)?,
        _ => return Ok((checklist::read(text, &query.reading.words), 0)),
    };
    match payload::read(query, &Documents::of_body(value)) {
        Ok(Page::Tasks(page)) => Ok((page.tasks, page.unread)),
        Ok(Page::Text(_)) => Ok((Vec::new(), 0)),
        Err(failure) => {
            let message = format!("`{}`: {}", file.display(), failure.message);
            Err(Failure { message, ..failure })
        }
    }
}

fn parse(file: &Path, text: &str) -> Result<Value, Failure> {
    payload::parse_text(text).map_err(|error| not_json(file, &error, 0))
}

/// One value a line (JSON lines); empty lines are skipped.
fn json_lines(file: &Path, text: &str) -> Result<Value, Failure> {
    payload::check_size(text).map_err(|error| not_json(file, &error, 0))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let values = lines.map(|(number, line)| {
        payload::parse_text(line).map_err(|error| not_json(file, &error, number))
    });
    values.collect()
}

/// `skipped` is the number of lines before the text that was parsed.
fn not_json(file: &Path, error: &ParseError, skipped: usize) -> Failure {
    let shown = file.display();
    match error {
        ParseError::TooDeep => {
            Failure::new(Code::TooLarge, format!("`{shown}` is nested too deeply"))
        }
        ParseError::TooMany => {
            Failure::new(Code::TooLarge, format!("`{shown}` has too many values"))
        }
        ParseError::NotJson { line, column } => {
            let line = skipped + line;
            let text = format!("`{shown}` is not valid JSON: line {line}, column {column}");
            Failure::new(Code::NotJson, text)
                .hint("fix the file, or name another in `client.files`")
        }
    }
}

/// The open tasks that the query asks for: of its `status`, up to its `limit`; for `next`, the first.
fn select(mut tasks: Vec<Task>, unread: usize, arguments: &Map<String, Value>) -> Tasks {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    if let Some(status) = text("status") {
        let wanted = crate::task::Vocabulary::default().state(status);
        let is_begun = |task: &Task| wanted == State::Todo && task.state == State::InProgress;
        tasks.retain(|task| task.state == wanted || is_begun(task));
    }
    let limit = match text("action") {
        Some("next") => 1,
        _ => arguments
            .get("limit")
            .and_then(Value::as_u64)
            .map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX)),
    };
    let mut tasks = Tasks::new(tasks, Rest::Nothing, unread);
    tasks.cut(limit);
    tasks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tasks(text: &str) -> Vec<Task> {
        checklist::read(text, &crate::task::Vocabulary::default())
    }

    #[test]
    fn the_most_important_open_tasks_are_kept() {
        let text =
            "# To do\n- [ ] write docs\n  * [~] nested, begun\n- [x] done\n+ [ ] !!! third\n";
        let arguments = json!({ "action": "list", "limit": 2 });
        let selected = select(tasks(text), 0, arguments.as_object().unwrap());
        let titles: Vec<_> = selected.list.iter().map(|task| task.title.as_str()).collect();
        assert_eq!(titles, ["third", "nested, begun"]);
        assert_eq!((selected.rest, selected.total()), (Rest::Known(1), Some(3)));
        let next = json!({ "action": "next" });
        assert_eq!(select(tasks(text), 0, next.as_object().unwrap()).list.len(), 1);
        let done = json!({ "status": "in_progress" });
        assert_eq!(select(tasks(text), 0, done.as_object().unwrap()).list.len(), 1);
    }
}
