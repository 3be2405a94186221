//! Tasks from a file of the project: a Markdown checklist, JSON or JSON lines, or a folder with one Markdown
//! file a task. The default without a server, so that a session has tasks at once. Read each time: that
//! costs less than a cache.

mod checklist;
mod folder;
mod front_matter;
mod tag;

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
/// Bytes that are read of one file a task: its front matter has to end within them.
const MAX_FRONT_MATTER_BYTES: u64 = 16 << 10;

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
        self.files.iter().filter_map(|file| folder::pattern(file).err()).collect()
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
            let list = match folder::pattern(file)? {
                Some(pattern) => self.read_folder(query, file, &pattern)?,
                None => self.read_file(query, file)?,
            };
            if let Some(list) = list {
                return Ok(Answer::Tasks(select(list, &query.arguments)));
            }
        }
        match self.is_configured && !self.files.is_empty() {
            true => Err(self.no_file()),
            false => Ok(Answer::Text(String::new())),
        }
    }

    /// `None`: there is no such file.
    fn read_file(&self, query: &Query, file: &Path) -> Result<Option<List>, Failure> {
        let Some(text) = self.open(file)? else { return Ok(None) };
        let text = text.trim_start_matches('\u{feff}');
        let value = match file.extension().and_then(std::ffi::OsStr::to_str) {
            Some("json") => self.current_tag(file, parse(file, text)?)?,
            Some("jsonl" | "ndjson") => json_lines(file, text)?,
            _ => {
                let tasks = checklist::read(text, &query.reading.words);
                return Ok(Some(List { tasks, ..List::default() }));
            }
        };
        list(query, file, value).map(Some)
    }

    fn current_tag(&self, file: &Path, value: Value) -> Result<Value, Failure> {
        let state = match tag::state_file(file) {
            Some(state) => self.open(&state)?,
            None => return Ok(value),
        };
        Ok(tag::part(value, state.as_deref()))
    }

    /// One task a file; a file without front matter counts as an element without a title. `None`: there
    /// is no such folder.
    fn read_folder(
        &self,
        query: &Query,
        file: &Path,
        pattern: &folder::FilePattern<'_>,
    ) -> Result<Option<List>, Failure> {
        let folder = disk::folder_inside(&self.root, pattern.folder);
        let folder = folder.map_err(|error| unusable(pattern.folder, error))?;
        let Some(folder) = folder else { return Ok(None) };
        let files = pattern.files(&folder);
        let files = files.map_err(|error| unusable(file, error.into()))?;
        let elements = files.paths.iter().map(|path| {
            let text = disk::read_head_inside(&self.root, path, MAX_FRONT_MATTER_BYTES);
            let text = text.map_err(|error| unusable(path, error))?.unwrap_or_default();
            Ok(Value::Object(front_matter::read(&text).unwrap_or_default()))
        });
        let list = list(query, file, elements.collect::<Result<_, Failure>>()?)?;
        let rest = if files.has_more { Rest::AtLeast(0) } else { Rest::Nothing };
        Ok(Some(List { rest, ..list }))
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
        let text = disk::read_inside(&self.root, file, MAX_FILE_BYTES);
        text.map_err(|error| unusable(file, error))
    }
}

fn unusable(file: &Path, error: InsideError) -> Failure {
    let shown = file.display();
    match error {
        InsideError::Outside(target) => {
            let target = target.display();
            let text = format!("the task file `{shown}` points outside the project, to `{target}`");
            Failure::new(Code::StoreUnusable, text)
                .hint("name it by its absolute path in your own hooks.toml")
        }
        InsideError::Unreadable(error) => {
            Failure::new(Code::StoreUnusable, format!("`{shown}` cannot be read: {error}"))
                .hint("fix the file, or name another in `client.files`")
        }
    }
}

/// The tasks of a file or folder, in its order.
#[derive(Default)]
struct List {
    tasks: Vec<Task>,
    /// Elements without a title.
    unread: usize,
    /// Tasks in files that were not read.
    rest: Rest,
}

/// The tasks in a JSON value, as in the answer of a server.
fn list(query: &Query, file: &Path, value: Value) -> Result<List, Failure> {
    match payload::read(query, &Documents::of_body(value)) {
        Ok(Page::Tasks(page)) => {
            Ok(List { tasks: page.tasks, unread: page.unread, rest: Rest::Nothing })
        }
        Ok(Page::Text(_)) => Ok(List::default()),
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
fn select(list: List, arguments: &Map<String, Value>) -> Tasks {
    let List { mut tasks, unread, rest } = list;
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
    let mut tasks = Tasks::new(tasks, rest, unread);
    tasks.cut(limit);
    tasks
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tasks(text: &str) -> List {
        let tasks = checklist::read(text, &crate::task::Vocabulary::default());
        List { tasks, ..List::default() }
    }

    #[test]
    fn the_most_important_open_tasks_are_kept() {
        let text =
            "# To do\n- [ ] write docs\n  * [~] nested, begun\n- [x] done\n+ [ ] !!! third\n";
        let arguments = json!({ "action": "list", "limit": 2 });
        let selected = select(tasks(text), arguments.as_object().unwrap());
        let titles: Vec<_> = selected.list.iter().map(|task| task.title.as_str()).collect();
        assert_eq!(titles, ["third", "nested, begun"]);
        assert_eq!((selected.rest, selected.total()), (Rest::Known(1), Some(3)));
        let next = json!({ "action": "next" });
        assert_eq!(select(tasks(text), next.as_object().unwrap()).list.len(), 1);
        let done = json!({ "status": "in_progress" });
        assert_eq!(select(tasks(text), done.as_object().unwrap()).list.len(), 1);
    }
}
