//! Tasks from a file of the project: a Markdown checklist or JSON. The default without a server, so
//! that a session has tasks at once. Read each time: that costs less than a cache.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::payload::{self, ParseError};
use super::{Builtin, Client, ClientContext, ClientFuture, ClientSettings, no_tools};
use crate::config::parser::files;
use crate::config::{ClientConfig, Reader};
use crate::deadline::Deadline;
use crate::disk::{self, InsideError};
use crate::error::{Code, Failure};
use crate::task::{Answer, Query, Task, Tasks};

pub static BUILTIN: Builtin =
    Builtin { name: "local", summary: "a Markdown checklist or JSON file of the project", read };

const MAX_FILE_BYTES: u64 = 1 << 20;
/// More can never be shown; the total stays exact.
const MAX_TASKS: usize = 50;

struct Local {
    root: PathBuf,
    files: Vec<PathBuf>,
}

struct LocalSettings {
    files: Vec<PathBuf>,
}

fn read(table: &Reader<'_>) -> Rc<dyn ClientSettings> {
    Rc::new(LocalSettings { files: table.get("files", files()) })
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
        Ok(Box::new(Local { root: context.root, files: self.files.clone() }))
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
    /// The tasks of the first file that exists. Without one the answer is an empty text, which is not
    /// a failure: a user's `client.files` are for all projects.
    fn read(&self, query: &Query) -> Result<Answer, Failure> {
        for file in &self.files {
            if let Some(text) = self.open(file)? {
                let tasks = if file.extension().is_some_and(|kind| kind == "json") {
                    from_json(query, file, &text)?
                } else {
                    checklist(&text)
                };
                return Ok(Answer::Tasks(select(tasks, &query.arguments)));
            }
        }
        // No file is not an empty list.
        Ok(Answer::Text(String::new()))
    }

    fn open(&self, file: &Path) -> Result<Option<String>, Failure> {
        let shown = file.display();
        disk::read_inside(&self.root, file, MAX_FILE_BYTES).map_err(|error| match error {
            InsideError::Outside(target) => {
                let text = format!(
                    "the task file `{shown}` points outside the project, to `{}`",
                    target.display()
                );
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

fn from_json(query: &Query, file: &Path, text: &str) -> Result<Vec<Task>, Failure> {
    let shown = file.display();
    let value =
        payload::parse_text(text.trim_start_matches('\u{feff}')).map_err(|error| match error {
            ParseError::TooDeep => {
                Failure::new(Code::TooLarge, format!("`{shown}` is nested too deeply"))
            }
            ParseError::NotJson { line, column } => {
                let text = format!("`{shown}` is not valid JSON: line {line}, column {column}");
                Failure::new(Code::NotJson, text)
                    .hint("fix the file, or name another in `client.files`")
            }
        })?;
    let items = query.items.iter().find_map(|pointer| value.pointer(pointer)).unwrap_or(&value);
    let list = items.as_array().ok_or_else(|| {
        Failure::new(Code::NotUnderstood, format!("`{shown}` has no list of tasks"))
            .hint("write a list, or an object with a list `tasks`")
    })?;
    Ok(list.iter().filter_map(Task::read).collect())
}

/// The tasks that the query asks for: of a status, up to a limit; for `next`, the first open one.
fn select(mut tasks: Vec<Task>, arguments: &Map<String, Value>) -> Tasks {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str);
    if let Some(status) = text("status").or(Some("todo").filter(|_| text("action") == Some("next")))
    {
        tasks.retain(|task| {
            task.status.is_empty() || task.status == status || is_open(task, status)
        });
    }
    let total = tasks.len();
    let limit = match text("action") {
        Some("next") => 1,
        _ => arguments
            .get("limit")
            .and_then(Value::as_u64)
            .map_or(MAX_TASKS, |n| usize::try_from(n).unwrap_or(MAX_TASKS)),
    };
    tasks.truncate(limit.min(MAX_TASKS));
    Tasks { list: tasks, total }
}

/// A task in progress is pending too.
fn is_open(task: &Task, status: &str) -> bool {
    status == "todo" && task.status == "in_progress"
}

/// `- [ ] title` or `1. [ ] title`, with `[x]` done and `[~]`, `[/]` or `[-]` in progress; `!!`, `!!!`
/// or `(high)` for priority.
fn checklist(text: &str) -> Vec<Task> {
    let items = text.lines().enumerate().filter_map(|(number, line)| {
        let line = line.trim_start();
        let rest = after_bullet(line)?.trim_start().strip_prefix('[')?;
        let mut characters = rest.chars();
        let (mark, close) = (characters.next()?, characters.next()?);
        let title = characters.as_str().strip_prefix(' ').filter(|_| close == ']')?.trim();
        let status = match mark {
            ' ' => "todo",
            '~' | '/' | '-' => "in_progress",
            _ => "done",
        };
        let (title, priority) = priority(title);
        let task = Task {
            id: format!("line {}", number + 1),
            title: title.chars().take(500).collect(),
            status: status.into(),
            priority: priority.into(),
            more: Map::new(),
        };
        (!task.title.is_empty()).then_some(task)
    });
    items.collect()
}

/// What follows `- `, `* `, `+ `, `1. ` or `1) `.
fn after_bullet(line: &str) -> Option<&str> {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let bullets =
        if digits.len() < line.len() { [". ", ") "].as_slice() } else { &["- ", "* ", "+ "] };
    bullets.iter().find_map(|bullet| digits.strip_prefix(bullet))
}

fn priority(title: &str) -> (&str, &'static str) {
    const WORDS: &[(&str, &str)] = &[
        ("(critical)", "critical"),
        ("(urgent)", "urgent"),
        ("(high)", "high"),
        ("(medium)", "medium"),
        ("(low)", "low"),
        ("!!!", "critical"),
        ("!!", "high"),
    ];
    for (mark, word) in WORDS {
        let rest = title.strip_prefix(mark).or_else(|| title.strip_suffix(mark));
        if let Some(rest) = rest {
            return (rest.trim(), word);
        }
    }
    (title, "")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_checklist_gives_its_open_tasks() {
        let text = "# To do\n- [ ] write docs (high)\n  * [~] nested, begun\n- [x] done\n+ [ ] !! third\n- plain\n- [] odd\n- [ ]\n";
        let arguments = json!({ "action": "list", "status": "todo", "limit": 2 });
        let tasks = select(checklist(text), arguments.as_object().unwrap());
        let shown: Vec<_> = tasks
            .list
            .iter()
            .map(|t| (t.title.as_str(), t.status.as_str(), t.priority.as_str()))
            .collect();
        assert_eq!(shown, [("write docs", "todo", "high"), ("nested, begun", "in_progress", "")]);
        assert_eq!(tasks.total, 3);
        let next = json!({ "action": "next" });
        assert_eq!(select(checklist(text), next.as_object().unwrap()).list.len(), 1);
    }

    #[test]
    fn a_numbered_checklist_is_a_checklist() {
        let text =
            "1. [ ] one\n2) [x] two\n  10. [~] ten\n3.[ ] no space\n4 [ ] no mark\n5. plain\n";
        let tasks = checklist(text);
        let lines: Vec<_> =
            tasks.iter().map(|task| (task.title.as_str(), task.status.as_str())).collect();
        assert_eq!(lines, [("one", "todo"), ("two", "done"), ("ten", "in_progress")]);
    }
}
