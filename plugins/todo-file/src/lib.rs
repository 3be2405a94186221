//! A client: the open entries of a Markdown to-do list.

use std::path::PathBuf;

use warmstart_plugin::{Client, Ctx, Query, Result, Task, export};

struct TodoFile;

/// `[plugins.NAME.config]`.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// Absolute, or relative to the repository's root.
    path: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Config { path: "TODO.md".into() }
    }
}

impl Client for TodoFile {
    const NAME: &'static str = "todo_file";
    const LOCAL: bool = true;

    fn pending_tasks(ctx: &Ctx<'_>, query: &Query) -> Result<Vec<Task>> {
        let config: Config = ctx.config()?;
        let text = std::fs::read_to_string(ctx.path(config.path))?;
        Ok(text.lines().enumerate().filter_map(open_task).take(query.limit).collect())
    }
}

/// `- [ ] title` or, for a task in progress, `- [~] title`; the bullet may be `-`, `*` or `+`.
fn open_task((index, line): (usize, &str)) -> Option<Task> {
    let entry = line.trim_start().strip_prefix(['-', '*', '+'])?.trim_start();
    let (status, title) = match (entry.strip_prefix("[ ]"), entry.strip_prefix("[~]")) {
        (Some(title), _) => ("todo", title),
        (_, Some(title)) => ("in_progress", title),
        _ => return None,
    };
    let title = title.trim();
    let task =
        || Task { id: (index + 1).to_string(), status: status.into(), ..Task::titled(title) };
    (!title.is_empty()).then(task)
}

export! { clients: [TodoFile], settings: Config::default() }

#[cfg(test)]
mod tests {
    use serde_json::json;
    use warmstart_plugin::ErrorKind;

    use super::*;

    fn ask(text: &str, limit: usize) -> Vec<Task> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("list.md"), text).unwrap();
        let ctx = Ctx::test(json!({ "path": "list.md" })).with_root(folder.path());
        TodoFile::pending_tasks(&ctx, &Query { limit, ..Query::default() }).unwrap()
    }

    #[test]
    fn open_entries_are_tasks_in_their_order() {
        let tasks = ask("# List\n- [x] done\n  * [~] begun\n+ [ ] new\n- [ ]\nprose\n- [ ] cut", 2);
        let fields: Vec<_> = tasks.iter().map(|t| (&*t.id, &*t.title, &*t.status)).collect();
        assert_eq!(fields, [("3", "begun", "in_progress"), ("4", "new", "todo")]);
    }

    #[test]
    fn a_missing_file_is_reported_as_not_found() {
        let ctx = Ctx::test(json!({ "path": "/nowhere/TODO.md" }));
        let error = TodoFile::pending_tasks(&ctx, &Query::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
    }

    #[test]
    fn a_misspelt_setting_is_named() {
        let ctx = Ctx::test(json!({ "pth": "x" }));
        let error = TodoFile::pending_tasks(&ctx, &Query::default()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Config);
        assert!(error.message.starts_with("`plugins.test.config.pth`"), "{error}");
    }
}
