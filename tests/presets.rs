//! `client.preset`, for each task server that it names: ten tasks put in by the server's own program, and
//! the exact text of a session that sets nothing but the preset. The lock files below `tests/peers` name
//! the versions.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::session::{PATH, write};
use crate::support::stdio_server::StdioServer;
use crate::support::{Missing, Session, child, control, install, or_skip, peer};

/// A session with this preset and nothing else.
fn session(preset: &str) -> Session {
    Session::new().deadline("20s").hooks_toml(&format!("[client]\npreset = \"{preset}\"\n"))
}

/// The text of a session start about tasks: from the line that names their source on.
fn tasks(session: &Session) -> String {
    let outcome = session.start("startup");
    assert_eq!(outcome.notice(), "", "{outcome:?}");
    let context = outcome.context();
    let begin = context.find("Open tasks").unwrap_or_else(|| panic!("no tasks: {outcome:?}"));
    let end = context[begin..].find("\nGit").map_or(context.len(), |end| begin + end);
    context[begin..end].trim_end().to_owned()
}

/// Renames the folder or file of the server to another of its usual names.
fn move_folder(session: &Session, from: &str, to: &str) {
    std::fs::rename(session.project().join(from), session.project().join(to)).unwrap();
}

/// A program of the test with nothing in its environment but a home and a path.
fn program(path: &PathBuf, session: &Session) -> Command {
    let mut command = Command::new(path);
    let node = install::node_22().ok().and_then(|node| node.parent().map(PathBuf::from));
    let path = node.filter(|folder| folder.is_absolute());
    let path = path.map_or(PATH.to_owned(), |folder| format!("{}:{PATH}", folder.display()));
    command.env_clear().env("HOME", session.scratch()).env("PATH", path);
    // Nothing leaves this machine: a port on which nothing listens.
    command.env("DO_NOT_TRACK", "1").env("https_proxy", "http://127.0.0.1:9");
    command.current_dir(session.project());
    command
}

fn node_program(server: &str, script: &str, session: &Session) -> Result<Command, Missing> {
    let script = install::npm_server(server)?.join("node_modules").join(script);
    let mut command = program(&install::node_22()?, session);
    command.arg("--no-warnings").arg(script);
    Ok(command)
}

const AGENTHUB: [&str; 8] = [
    "--shape",
    "agenthub",
    "--auth",
    "static",
    "--auth-style",
    "agenthub",
    "--token",
    "a-token-of-the-test",
];

/// A session with the guide's variables alone.
fn guide(server: &peer::Peer) -> Session {
    Session::with_server(server.origin())
        .secret("MCP_AUTH_TOKEN", "a-token-of-the-test")
        .env("WARMSTART_CACHE__READ", "network_first")
        .deadline("20s")
}

/// Ten tasks, by the server's own tool.
fn fill_agenthub(server: &peer::Peer) {
    server.set(&json!({ "tasks": 0, "branches": 1 }));
    let created = [
        ("Low one", "todo", "low"),
        ("Done one", "done", "critical"),
        ("Cancelled one", "cancelled", "urgent"),
        ("Begun", "in_progress", "medium"),
        ("Urgent one", "todo", "urgent"),
        ("Critical one", "todo", "critical"),
        ("Blocked", "blocked", "high"),
        ("In review", "review", "medium"),
        ("Archived", "archived", "high"),
        ("Colon: \"quoted\" & more", "todo", "medium"),
    ];
    let headers =
        [("Content-Type", "application/json"), ("Authorization", "Bearer a-token-of-the-test")];
    for (title, status, priority) in created {
        let body =
            json!({ "action": "create", "title": title, "status": status, "priority": priority });
        let (status, answer) = control::request(
            "POST",
            server.origin(),
            "/mcp/manage_task",
            &headers,
            &body.to_string(),
        );
        assert_eq!(status, 200, "{answer}");
    }
    server.take_requests();
}

#[test]
fn agenthub_with_and_without_the_preset() {
    let Some(server) = or_skip(peer::task_server(&AGENTHUB)) else { return };
    fill_agenthub(&server);
    let heading = format!("Open tasks, task server {}", server.origin());
    let expected = format!(
        "{heading}:\n\
         - Critical one [todo, critical]\n\
         - Urgent one [todo, urgent]\n\
         - Blocked [blocked, high]\n\
         - Begun [in_progress, medium]\n\
         - Colon: \"quoted\" & more [todo, medium]\n\
         - In review [review, medium]\n\
         - Low one [todo, low]"
    );
    let preset = || guide(&server).hooks_toml("[client]\npreset = \"agenthub\"\n");
    for session in [guide(&server), preset()] {
        assert_eq!(tasks(&session), expected);
        assert_eq!(server.take_requests(), 1);
    }
    let further = Session::new()
        .project_file("TODO.md", "- [ ] of the checklist\n")
        .secret("HUB_TOKEN", "a-token-of-the-test")
        .deadline("20s")
        .hooks_toml(&format!(
            "[clients.hub]\npreset = \"agenthub\"\nurl = \"{}\"\n\
             [clients.hub.auth]\nkind = \"static\"\ntoken = {{ env = \"HUB_TOKEN\" }}\n\
             [hooks.hub]\nkind = \"pending_tasks\"\nquery = \"hub\"\n",
            server.origin()
        ));
    let local = "Open tasks, local task file:\n- of the checklist [todo]\n";
    let context = further.start("startup").context();
    assert!(context.contains(local), "{context}");
    assert!(further.start("startup").context().ends_with(&expected));
    assert_eq!(server.take_requests(), 1, "the second time it is kept");
    server.set(&json!({ "tasks": 0 }));
    let session = preset();
    assert_eq!(tasks(&session), format!("{heading}: none"));
    server.take_requests();
    server.set(&json!({ "tasks": 100 }));
    let text = tasks(&session);
    assert!(text.starts_with(&format!("{heading}:\n- ")) && !text.contains("at least"), "{text}");
    assert_eq!(server.take_requests(), 1, "a hundred tasks of all statuses");
}

#[test]
fn agenthub_recommends_a_task_with_the_id_of_the_project() {
    let Some(server) = or_skip(peer::task_server(&AGENTHUB)) else { return };
    fill_agenthub(&server);
    let preset = "[client]\npreset = \"agenthub\"\n";
    let without = guide(&server).hooks_toml(preset);
    let next = without.run(&["tasks", "next"]);
    assert_eq!(next.code(), 6, "{next:?}");
    let message = "error: the server's id of the branch `main` is unknown: the tool failed: Missing required \
        field: project_id. Expected: A valid project_id string (WS403)\n\
        hint: set `[queries.branches] arguments = { action = \"list\", project_id = \"ID\" }`, \
        or add `main = \"ID\"` to `[branches]` in hooks.toml\n";
    assert_eq!(next.stderr, message);
    let project = "[queries.branches]\narguments = { action = \"list\", project_id = \"p-1\" }\n";
    let session = guide(&server)
        .hooks_toml(&format!("{preset}{project}"))
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true")
        .env("WARMSTART_CACHE__READ", "fresh_first");
    assert!(!session.start("startup").context().contains("Recommended"));
    session.settle();
    let context = session.start("startup").context();
    let part = format!(
        "Recommended next, task server {}:\n- Critical one [todo, critical]\n",
        server.origin()
    );
    assert!(context.contains(&part), "{context}\n{}", session.log());
    session.settle();
    server.set(&json!({ "tasks": 0 }));
    session.age_cache(std::time::Duration::from_secs(20 * 60));
    for _ in 0..2 {
        let outcome = session.start("startup");
        assert_eq!(outcome.notice(), "", "nothing left is an answer: {outcome:?}");
        session.settle();
    }
    assert!(!session.start("startup").context().contains("Recommended"));
}

#[test]
fn beads() {
    // The program is in no package registry that the tests use: lines as its documentation has them.
    let issue = |id: &str, title: &str, status: &str, priority: u8| {
        json!({ "id": id, "title": title, "description": "", "status": status, "priority": priority,
            "issue_type": "task", "created_at": "2026-01-02T03:04:05.678901Z",
            "updated_at": "2026-01-02T03:04:05.678901Z" })
        .to_string()
    };
    let issues = [
        issue("bd-1", "Later", "open", 3),
        issue("bd-2", "Closed", "closed", 0),
        issue("bd-3", "Begun", "in_progress", 2),
        issue("bd-4", "Now", "open", 0),
        issue("bd-5", "Deleted", "tombstone", 0),
        issue("bd-6", "Waits", "blocked", 1),
        issue("bd-7", "Backlog", "open", 4),
        issue("bd-8", "Deferred", "deferred", 2),
        issue("bd-9", "Colon: \"quoted\"", "open", 1),
        issue("bd-10", "Also closed", "closed", 2),
    ];
    let session = session("beads").project_file(".beads/issues.jsonl", &(issues.join("\n") + "\n"));
    let expected = "Open tasks, local task file:\n\
        - Now [open, 0]\n\
        - Waits [blocked, 1]\n\
        - Colon: \"quoted\" [open, 1]\n\
        - Begun [in_progress, 2]\n\
        - Deferred [deferred, 2]\n\
        - Later [open, 3]\n\
        - Backlog [open, 4]";
    assert_eq!(tasks(&session), expected);
    move_folder(&session, ".beads/issues.jsonl", ".beads/beads.jsonl");
    assert_eq!(tasks(&session), expected);
}

fn backlog_program() -> Result<PathBuf, Missing> {
    let folder = install::npm_server("backlog_md")?.join("node_modules/backlog.md-linux-x64");
    let file = folder.join("backlog");
    let missing = || Missing("Backlog.md for this kind of machine".into());
    file.exists().then_some(file).ok_or_else(missing)
}

#[test]
fn backlog_md() {
    let session = session("backlog-md");
    let run = |arguments: &[&str]| {
        let mut command = program(&backlog_program()?, &session);
        let output = child::output(command.args(arguments), child::LIMIT).expect("it starts");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        Ok::<_, Missing>(())
    };
    let init = ["init", "Demo", "--defaults", "--no-git", "--integration-mode", "none"];
    let Some(()) = or_skip(run(&init)) else { return };
    assert_eq!(tasks(&session), "Open tasks, local task file: none");
    let long = "A title that is so long that the writer of its front matter has to fold the line \
        after eighty columns";
    let created: [(&str, &[&str]); 10] = [
        ("Low one", &["--priority", "low"]),
        ("Done one", &["--priority", "high", "-s", "Done"]),
        ("Colon: \"quoted\" & 'single' # hash", &["--priority", "high", "-l", "a,b"]),
        (long, &["--priority", "medium"]),
        ("Begun", &["--priority", "medium", "-s", "In Progress", "-a", "@me"]),
        ("Without a priority", &["-d", "---\ntitle: of the description\n---\n- [ ] box"]),
        ("ünïcode 🎉 back\\slash", &[]),
        ("Archived", &["--priority", "high"]),
        ("Draft", &["--draft", "--priority", "high"]),
        ("Part of the first", &["-p", "task-1", "--priority", "high"]),
    ];
    for (title, options) in created {
        or_skip(run(&[&["task", "create", title], options].concat()));
    }
    or_skip(run(&["task", "archive", "task-8"]));
    let expected = format!(
        "Open tasks, local task file:\n\
         - Part of the first [To Do, high]\n\
         - Colon: \"quoted\" & 'single' # hash [To Do, high]\n\
         - Begun [In Progress, medium]\n\
         - {long} [To Do, medium]\n\
         - Without a priority [To Do]\n\
         - ünïcode 🎉 back\\slash [To Do]\n\
         - Low one [To Do, low]"
    );
    assert_eq!(tasks(&session), expected);
    let mut command = program(&backlog_program().unwrap(), &session);
    let by_mcp = over_streams(
        command.args(["mcp", "start"]),
        "tool = \"task_list\"\nanswer = \"text\"\narguments = {}\n",
        &session.project(),
    );
    let groups = format!(
        "  To Do:\n  [LOW] TASK-1 - Low one\n\
         \x20 [HIGH] TASK-3 - Colon: \"quoted\" & 'single' # hash\n\
         \x20 [MEDIUM] TASK-4 - {long}\n\
         \x20 TASK-6 - Without a priority\n\
         \x20 TASK-7 - ünïcode 🎉 back\\slash\n\
         \x20 [HIGH] TASK-1.1 - Part of the first\n\
         \x20 In Progress:\n  [MEDIUM] TASK-5 - Begun\n\
         \x20 Done:\n  [HIGH] TASK-2 - Done one"
    );
    assert_eq!(by_mcp, groups);
    move_folder(&session, "backlog", ".backlog");
    assert_eq!(tasks(&session), expected);
}

const TASK_MASTER: &str = "task-master-ai/dist/mcp-server.js";

/// The lines of the tasks when the server itself is asked over its standard streams, in the project at
/// `root`.
fn over_streams(command: &Command, query: &str, root: &Path) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<&str> = words.filter_map(|word| word.to_str()).collect();
    let session = Session::new().deadline("60s").hooks_toml(&format!(
        "[session_start]\nfirst_deadline = \"60s\"\n[client]\ncommand = {}\n[queries.tasks]\nnarrow = []\n{query}",
        json!(words)
    ));
    let event = json!({ "session_id": "s-1", "cwd": root, "hook_event_name": "SessionStart", "source": "startup" });
    let outcome = session.start_with(&event.to_string(), &[]);
    assert_eq!(outcome.notice(), "", "{outcome:?}");
    let context = outcome.context();
    let lines =
        context.lines().skip_while(|line| !line.starts_with("Open tasks, program ")).skip(1);
    lines.take_while(|line| !line.starts_with("Git")).collect::<Vec<_>>().join("\n")
}

#[test]
fn task_master() {
    let session = session("task-master");
    let root = session.project().canonicalize().unwrap();
    let Some(mut command) = or_skip(node_program("task_master", TASK_MASTER, &session)) else {
        return;
    };
    let quiet = json!({ "global": { "anonymousTelemetry": false } }).to_string();
    write(&root.join(".taskmaster/config.json"), quiet.as_bytes());
    let mut server = StdioServer::start(command.env("TASK_MASTER_TOOLS", "all"), &root);
    let mut call = |tool: &str, arguments: Value| {
        let mut arguments = arguments;
        arguments["projectRoot"] = json!(root);
        server.call(tool, &arguments)
    };
    let created = [
        ("Low one", "low", "pending"),
        ("Done one", "high", "done"),
        ("Cancelled one", "high", "cancelled"),
        ("Begun", "medium", "in-progress"),
        ("High one", "high", "pending"),
        ("In review", "medium", "review"),
        ("Deferred", "low", "deferred"),
        ("Blocked", "high", "blocked"),
        ("Medium one", "medium", "pending"),
        ("Colon: \"quoted\"", "medium", "pending"),
    ];
    for (index, (title, priority, status)) in created.into_iter().enumerate() {
        let task =
            json!({ "title": title, "description": "x", "details": "y", "priority": priority });
        call("add_task", task);
        if status != "pending" {
            call("set_task_status", json!({ "id": (index + 1).to_string(), "status": status }));
        }
    }
    let expected = "Open tasks, local task file:\n\
        - High one [pending, high]\n\
        - Blocked [blocked, high]\n\
        - Begun [in-progress, medium]\n\
        - In review [review, medium]\n\
        - Medium one [pending, medium]\n\
        - Colon: \"quoted\" [pending, medium]\n\
        - Low one [pending, low]\n\
        - Deferred [deferred, low]";
    assert_eq!(tasks(&session), expected);
    let by_mcp = over_streams(
        &node_program("task_master", TASK_MASTER, &session).unwrap(),
        "tool = \"get_tasks\"\nitems = [\"/data/tasks\"]\narguments = { projectRoot = \"{repository.root}\" }\n",
        &root,
    );
    assert_eq!(by_mcp, expected.split_once('\n').unwrap().1);
    call("add_tag", json!({ "name": "feature" }));
    call("use_tag", json!({ "name": "feature" }));
    assert_eq!(tasks(&session), "Open tasks, local task file: none");
    call("add_task", json!({ "title": "Of the tag", "description": "x", "details": "y" }));
    assert_eq!(tasks(&session), "Open tasks, local task file:\n- Of the tag [pending, medium]");
}

#[test]
fn shrimp() {
    let session = session("shrimp");
    let root = session.project().canonicalize().unwrap();
    let script = "mcp-shrimp-task-manager/dist/index.js";
    let Some(mut command) = or_skip(node_program("shrimp", script, &session)) else { return };
    command.env("DATA_DIR", ".shrimp").env("TEMPLATES_USE", "en").env("ENABLE_GUI", "false");
    let mut server = StdioServer::start(&mut command, &root);
    assert!(server.call("list_tasks", &json!({ "status": "all" })).contains("##"));
    assert_eq!(tasks(&session), "Open tasks, local task file: none");
    let named: Vec<Value> = (1..=10)
        .map(|n| {
            json!({ "name": format!("Task: {n}"), "description": "a description that is long",
            "implementationGuide": "a guide" })
        })
        .collect();
    let raw = json!(named).to_string();
    server.call(
        "split_tasks",
        &json!({ "updateMode": "append", "tasksRaw": raw,
        "globalAnalysisResult": "x" }),
    );
    let file = root.join(".shrimp/tasks.json");
    let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let id = |n: usize| written["tasks"][n]["id"].as_str().unwrap().to_owned();
    server.call("execute_task", &json!({ "taskId": id(6) }));
    server.call("execute_task", &json!({ "taskId": id(0) }));
    server.call(
        "verify_task",
        &json!({ "taskId": id(0), "score": 90,
        "summary": "a summary that has at least thirty characters" }),
    );
    server.call("delete_task", &json!({ "taskId": id(9) }));
    let rest = [2, 3, 4, 5, 6, 8, 9].map(|n| format!("\n- Task: {n} [pending]")).concat();
    let expected = format!("Open tasks, local task file:\n- Task: 7 [in_progress]{rest}");
    assert_eq!(tasks(&session), expected);
    move_folder(&session, ".shrimp", "shrimp-data");
    assert_eq!(tasks(&session), expected);
}

#[test]
fn better_todo() {
    let session = session("better-todo");
    assert!(!session.start("startup").context().contains("Open tasks"), "it has no task file");
    let Some(server) = or_skip(peer::better_todo(&session.project())) else { return };
    write(&session.project().join(".task/task.md"), b"");
    let session = session.env("MCP_SERVER_URL", server.origin());
    let heading = format!("Open tasks, task server {}", server.origin());
    assert_eq!(tasks(&session), format!("{heading}: none"));
    let post = |path: &str, body: Value| {
        let answer = control::post(server.origin(), path, &body);
        assert!(answer.is_object() && answer["detail"].is_null(), "{path} {body}: {answer}");
    };
    post(
        "/tasks/from-plan",
        json!([
            { "title": "First", "children": [{ "title": "Part a" }, { "title": "Part b" }, { "title": "Part c" }] },
            { "title": "Second: with a colon", "children": [{ "title": "Part d" }] },
            { "title": "Third" }, { "title": "Fourth" }, { "title": "Fifth" }, { "title": "Removed" },
        ]),
    );
    for path in ["First/Part a", "First/Part b", "Third", "Fifth"] {
        post("/tasks/start", json!({ "path": path }));
    }
    for path in ["First/Part a", "Third"] {
        post("/tasks/finish", json!({ "path": path }));
    }
    let removed = json!({ "path": "Removed" }).to_string();
    let json = [("Content-Type", "application/json")];
    assert_eq!(control::request("DELETE", server.origin(), "/tasks", &json, &removed).0, 200);
    server.take_requests();
    let expected = format!(
        "{heading}:\n\
         - First [[-]]\n\
         - Part b [[-]]\n\
         - Fifth [[-]]\n\
         - Part c [[]]\n\
         - Second: with a colon [[]]\n\
         - Part d [[]]\n\
         - Fourth [[]]"
    );
    let session = session.env("WARMSTART_CACHE__READ", "network_first");
    assert_eq!(tasks(&session), expected);
    let log = server.stats().log;
    let further = session.hooks_toml(&format!(
        "[clients.todo]\npreset = \"better-todo\"\nurl = \"{}\"\n[client]\nkind = \"local\"\n\
         [hooks.todo]\nkind = \"pending_tasks\"\nquery = \"todo\"\n",
        server.origin()
    ));
    assert!(further.start("startup").context().contains(&expected));
    assert_eq!(log, [json!({ "method": "GET", "path": "/tasks", "query": "" })]);
}

/// A further client has no defaults for its query, so this preset repeats them.
#[test]
fn the_preset_of_agenthub_repeats_the_defaults() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = |file: &str| -> toml::Table {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let file: toml::Table = text.parse().unwrap();
        file["queries"]["tasks"].as_table().unwrap().clone()
    };
    let defaults = table("hooks.toml");
    for (key, value) in table("presets/agenthub.toml") {
        assert_eq!(defaults.get(&key), Some(&value), "{key}");
    }
}

#[test]
fn each_preset_has_its_row_in_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    for file in std::fs::read_dir(root.join("presets")).unwrap() {
        let name = file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned();
        assert!(readme.contains(&format!("\n| `{name}` | ")), "no row for {name}");
    }
}

#[test]
fn the_recipe_for_github_issues_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(root.join("README.md")).unwrap();
    let recipe =
        readme.split("```toml\n").find(|block| block.starts_with("[hooks.github]")).unwrap();
    let recipe = recipe.split("```").next().unwrap();
    let session = Session::new().hooks_toml(recipe).deadline("20s");
    let folder = tempfile::tempdir().unwrap();
    let (program, log) = (folder.path().join("gh"), session.scratch().join("arguments"));
    let text = format!(
        "#!/bin/sh\npwd > {log}\nprintf '%s\\n' \"$@\" >> {log}\necho '#7 <write> docs'\necho '#9 fix'\n",
        log = log.display()
    );
    write(&program, text.as_bytes());
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    let session = session.env("PATH", format!("{}:{PATH}", folder.path().display()));
    let outcome = session.start("startup");
    assert_eq!(outcome.notice(), "", "{outcome:?}");
    let part = "Output of gh, command gh:\n  #7 &lt;write&gt; docs\n  #9 fix";
    assert!(outcome.context().contains(part), "{outcome:?}");
    let project = session.project().canonicalize().unwrap();
    let expected = format!(
        "{}\nissue\nlist\n--limit\n20\n--json\nnumber,title\n--template\n\
         {{{{range .}}}}#{{{{.number}}}} {{{{.title}}}}{{{{\"\\n\"}}}}{{{{end}}}}\n",
        project.display()
    );
    assert_eq!(std::fs::read_to_string(log).unwrap(), expected);
}
