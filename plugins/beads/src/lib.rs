//! A client: the issues that are ready to be worked on, as `bd ready --json` lists them. Where `bd`
//! is not installed, the next step of the chain runs.

use std::io::ErrorKind::NotFound;
use std::process::{Command, Stdio};

use serde_json::{Map, Value};
use warmstart_plugin::{Client, Ctx, Error, Query, Result, Task, export};

struct Beads;

/// `[plugins.NAME.config]`.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    /// The program and its arguments; started without a shell in the repository's root.
    command: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Config { command: ["bd", "ready", "--json"].map(str::to_owned).into() }
    }
}

impl Client for Beads {
    const NAME: &'static str = "beads";
    const LOCAL: bool = true;

    fn pending_tasks(ctx: &Ctx<'_>, query: &Query) -> Result<Vec<Task>> {
        let config: Config = ctx.config()?;
        let [program, arguments @ ..] = config.command.as_slice() else {
            return Err(ctx.wrong_setting("command", "is empty; it must name a program"));
        };
        let output = Command::new(program)
            .args(arguments)
            .current_dir(ctx.root())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| match error.kind() {
                NotFound => Error::not_found(format!("there is no `{program}`")),
                _ => Error::unavailable(format!("cannot start `{program}`: {error}")),
            })?;
        if !output.status.success() {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let line = stderr.lines().next().unwrap_or("no reason given");
            return Err(Error::unavailable(format!("`{program}` failed: {line}")));
        }
        read(&output.stdout, query.limit)
    }
}

fn read(json: &[u8], limit: usize) -> Result<Vec<Task>> {
    // An older `bd` prints `null` for an empty list.
    let issues: Option<Vec<Issue>> = serde_json::from_slice(json)?;
    Ok(issues.unwrap_or_default().into_iter().take(limit).map(Issue::task).collect())
}

/// The fields of an issue that are used.
#[derive(serde::Deserialize)]
struct Issue {
    id: String,
    title: String,
    #[serde(default)]
    status: String,
    /// 0 is the most important.
    priority: Option<u8>,
    #[serde(default)]
    issue_type: String,
}

impl Issue {
    fn task(self) -> Task {
        let priority = match self.priority {
            Some(0) => "urgent",
            Some(1) => "high",
            Some(2) => "medium",
            Some(_) => "low",
            None => "",
        };
        let mut more = Map::new();
        if !self.issue_type.is_empty() {
            more.insert("type".into(), Value::String(self.issue_type));
        }
        Task {
            id: self.id,
            title: self.title,
            status: self.status,
            priority: priority.into(),
            more,
        }
    }
}

export! { clients: [Beads], settings: Config::default() }

#[cfg(test)]
mod tests {
    use serde_json::json;
    use warmstart_plugin::ErrorKind;

    use super::*;

    fn ask(command: &[&str]) -> Result<Vec<Task>> {
        Beads::pending_tasks(&Ctx::test(json!({ "command": command })), &Query::default())
    }

    #[test]
    fn issues_become_tasks() {
        let list = br#"[{"id":"bd-1","title":"Fix it","status":"open","priority":0,"issue_type":"bug","new":1},
                        {"id":"bd-2","title":"Later","priority":4}]"#;
        let tasks = read(list, 5).unwrap();
        let fields: Vec<_> = tasks.iter().map(|t| (&*t.id, &*t.status, &*t.priority)).collect();
        assert_eq!(fields, [("bd-1", "open", "urgent"), ("bd-2", "", "low")]);
        assert_eq!(tasks[0].more["type"], "bug");
        assert_eq!(read(list, 1).unwrap().len(), 1);
        assert!(read(b"null", 5).unwrap().is_empty());
    }

    #[test]
    fn each_failure_has_its_kind() {
        assert_eq!(ask(&["no-such-program-here"]).unwrap_err().kind, ErrorKind::NotFound);
        assert_eq!(ask(&[]).unwrap_err().kind, ErrorKind::Config);
        if cfg!(unix) {
            assert_eq!(ask(&["false"]).unwrap_err().kind, ErrorKind::Unavailable);
            assert_eq!(ask(&["echo", "not json"]).unwrap_err().kind, ErrorKind::Unavailable);
            let issues = r#"[{"id":"1","title":"t"}]"#;
            assert_eq!(ask(&["echo", issues]).unwrap()[0].title, "t");
        }
    }
}
