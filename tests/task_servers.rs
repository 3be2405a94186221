//! Answers of real task servers and odd ones, and what a session begins with: the list, what it lacks,
//! or why there is none. `ts_fN` are the findings of the first version's review with real servers.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::support::session::write;
use crate::support::{Act, FaultServer, Request, Session, mcp_reply};

/// A session in a folder without git, so that the text is the tasks alone.
fn session(server: &FaultServer) -> Session {
    Session::with_server(&server.mcp())
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("WARMSTART_HOOKS__GIT_CONTEXT__ENABLED", "false")
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "false")
        .deadline("20s")
}

/// A server that answers each call with the result that `answer` makes of the arguments.
fn answering(answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> FaultServer {
    FaultServer::start(move |request| {
        let arguments = &request.json()["params"]["arguments"];
        let body = mcp_reply::rpc(request, &answer(arguments));
        vec![Act::Send(mcp_reply::json_response(200, &body))]
    })
}

fn blocks(texts: &[&str]) -> Value {
    let blocks: Vec<Value> =
        texts.iter().map(|text| json!({ "type": "text", "text": text })).collect();
    json!({ "resultType": "complete", "content": blocks, "isError": false })
}

fn text(payload: &Value) -> Value {
    blocks(&[&payload.to_string()])
}

/// The lines below the head and the heading.
fn lines(session: &Session) -> Vec<String> {
    let outcome = session.start("startup");
    assert_eq!(outcome.notice(), "", "{outcome:?}");
    outcome.context().lines().skip(2).map(str::to_owned).collect()
}

#[test]
fn ts_f3_a_list_that_is_partly_read_says_so() {
    let list = json!({ "tasks": [{ "title": "a" }, { "id": 2 }, { "id": 3 }] });
    let server = answering(move |_| text(&list));
    let session = session(&server);
    assert_eq!(lines(&session), ["- a", "  2 entries without a title"]);
    let tasks = session.run(&["tasks"]);
    assert!(tasks.text().ends_with("2 entries without a title\n"), "{tasks:?}");
    let json = session.run(&["tasks", "--json"]).json();
    assert_eq!((&json["total"], &json["unread"]), (&Value::Null, &json!(2)));
}

/// The guide's server with these tasks, newest first: it pages, and its `total` is the page's length.
fn agenthub(tasks: Vec<Value>) -> FaultServer {
    let tasks = Arc::new(tasks);
    answering(move |arguments| {
        let status = arguments["status"].as_str();
        let all: Vec<&Value> =
            tasks.iter().filter(|task| status.is_none_or(|s| task["status"] == s)).collect();
        let number = |name: &str| arguments[name].as_u64().unwrap_or(0) as usize;
        let (offset, limit) = (number("offset"), number("limit"));
        let page: Vec<&Value> = all.iter().skip(offset).take(limit).copied().collect();
        let mut data = json!({ "count": page.len(), "filters_applied": {}, "minimal": true,
            "pagination": { "total": page.len(), "limit": limit, "offset": offset,
                "has_more": offset + page.len() < all.len() } });
        match page.as_slice() {
            [] => {}
            [one] => data["tasks"] = (*one).clone(),
            page => data["tasks"] = json!(page),
        }
        text(&json!({ "success": true, "data": data, "meta": { "operation": "list" },
            "workflow_guidance": { "hints": ["x"], "next_actions": [] } }))
    })
}

fn task(id: usize, status: &str, priority: &str) -> Value {
    json!({ "id": format!("id-{id}"), "title": format!("task {id}"), "status": status,
        "priority": priority, "progress_percentage": 0, "assignees": "@coding-agent" })
}

#[test]
fn ts_f5_the_guides_server_is_one_request_up_to_a_hundred_tasks() {
    let mut tasks: Vec<Value> = (0..99).map(|id| task(id, "done", "critical")).collect();
    tasks.push(task(99, "in_progress", "high"));
    let server = agenthub(tasks);
    let session = session(&server);
    assert_eq!(lines(&session), ["- task 99 [in_progress, high]"]);
    assert_eq!(server.requests().len(), 1);
    for one_or_none in [vec![task(1, "todo", "low")], vec![]] {
        let expected: Vec<String> =
            one_or_none.iter().map(|_| "- task 1 [todo, low]".into()).collect();
        let server = agenthub(one_or_none);
        let session = self::session(&server);
        assert_eq!(lines(&session), expected);
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn ts_f5_the_critical_task_behind_five_hundred_is_shown_first() {
    let mut tasks: Vec<Value> = (0..150).map(|id| task(id, "done", "low")).collect();
    tasks.extend((150..499).map(|id| task(id, "todo", "low")));
    tasks.push(task(499, "todo", "critical"));
    let server = agenthub(tasks);
    let session = session(&server);
    let shown = lines(&session);
    assert_eq!(shown[0], "- task 499 [todo, critical]", "{shown:?}");
    let more = shown.last().unwrap();
    assert!(more.starts_with("  at least ") && more.ends_with(" more"), "{more}");
    // The first page, in_progress, and four pages of todo.
    assert_eq!(server.requests().len(), 6);
    let sent: Vec<Value> =
        server.requests().iter().map(|r| r.json()["params"]["arguments"].clone()).collect();
    assert_eq!(sent[1], json!({ "action": "list", "limit": 100, "status": "in_progress" }));
    assert_eq!(sent[3]["offset"], 100);
}

#[test]
fn ts_f5_local_tasks_are_sorted_before_they_are_cut() {
    let list: String = (0..6).map(|n| format!("- [ ] plain {n}\n")).collect();
    let session = Session::new()
        .project_file("TODO.md", &(list + "- [ ] urgent one (critical)\n"))
        .env("WARMSTART_QUERIES__TASKS__ARGUMENTS", "{ limit = 5 }");
    let context = session.start("startup").context();
    assert!(context.contains(":\n- urgent one [todo, critical]\n- plain 0 [todo]\n"), "{context}");
    assert!(context.contains("\n  2 more"), "{context}");
}

#[test]
fn ts_f5_a_server_that_ignores_the_page_argument_ends_the_paging() {
    let page =
        json!({ "data": { "tasks": [{ "title": "a" }], "pagination": { "has_more": true } } });
    let server = answering(move |_| text(&page));
    let session = session(&server);
    assert_eq!(lines(&session), ["- a", "  possibly more"]);
    assert!(server.requests().len() <= 5, "{}", server.requests().len());
    let tasks = session.run(&["tasks", "--json"]).json();
    assert_eq!((&tasks["total"], &tasks["unread"]), (&Value::Null, &json!(0)));
}

#[test]
fn ts_f5_pages_by_cursor() {
    let server = answering(|arguments| {
        let (title, next) = match arguments["cursor"].as_str() {
            None => ("a", json!("c1")),
            Some("c1") => ("b", json!("c2")),
            _ => ("c", Value::Null),
        };
        text(&json!({ "tasks": [{ "title": title }], "nextCursor": next }))
    });
    let session = session(&server).hooks_toml(
        "[queries.tasks]\npage = { next = \"/nextCursor\", send = \"cursor\" }\nnarrow = []\n",
    );
    assert_eq!(lines(&session), ["- a", "- b", "- c"]);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn ts_f6_no_actionable_task_is_an_answer() {
    let failed = json!({ "success": false, "error": { "message": "No actionable tasks found.",
        "code": "OPERATION_FAILED", "operation": "next" }, "meta": { "persisted": false } });
    let server = answering(move |arguments| match arguments["action"].as_str() {
        Some("next") => text(&failed),
        _ => text(&json!({ "success": true, "data": { "count": 0 } })),
    });
    let session = Session::with_server(&server.mcp())
        .hooks_toml("[branches]\nmain = \"b-1\"\n")
        .deadline("20s");
    for _ in 0..2 {
        let outcome = session.start("startup");
        assert_eq!(outcome.notice(), "", "{outcome:?}");
        assert!(outcome.context().contains("Open tasks, task server"), "{outcome:?}");
        assert!(!outcome.context().contains("Recommended"), "{outcome:?}");
        session.settle();
    }
    assert_eq!(session.last("next_task").cause, "");
}

#[test]
fn ts_f8_fields_and_words_of_any_server() {
    let list = json!({ "projects": [
        { "issues": [{ "key": "A-1", "fields": { "summary": "nested", "status": { "name": "Doing" } } }] },
        { "issues": [{ "key": "B-1", "text": "own name", "state": "Parked", "level": 0 },
                     { "key": "B-2", "text": "dropped", "state": "Dropped" }] },
    ] });
    let server = answering(move |_| text(&list));
    let session = session(&server).hooks_toml(
        "[context]\nfields = [\"title\", \"status\", \"priority\", \"id\"]\n\
         [queries.tasks]\nitems = [\"/projects/*/issues\"]\n\
         map = { title = [\"/text\", \"/fields/summary\"], priority = \"/level\" }\n\
         [queries.tasks.words]\nnumbers = \"low_first\"\n\
         [queries.tasks.words.status]\ndropped = \"cancelled\"\nparked = \"blocked\"\n",
    );
    assert_eq!(lines(&session), ["- own name [Parked, 0, B-1]", "- nested [Doing, A-1]"]);
    let explained = session.run(&["tasks", "--explain"]);
    assert_eq!(explained.code(), 0, "{explained:?}");
    let expected = "note: the list is at `/projects/*/issues`: 3 elements of 1 requests, 1 closed, \
        0 without a title\nnote: title: `/fields/summary`\nnote: id: `/key`\n\
        note: status: `/fields/status/name`\nnote: priority: not found\nnote: the list is complete\n";
    assert_eq!(explained.stderr, expected);
    let called = session.run(&["call", "anything", "limit=3", "name=x y", "--pointers"]);
    assert_eq!(called.code(), 0, "{called:?}");
    let pointer = "note: /projects/*/issues: 3 elements, 1 with a title\n";
    assert!(called.stderr.contains(pointer), "{called:?}");
    let sent = server.requests().last().unwrap().json()["params"]["arguments"].clone();
    assert_eq!(sent, json!({ "limit": 3, "name": "x y" }));
}

#[test]
fn ts_f9_other_words_for_open_are_open() {
    let words = ["pending", "open", "OPEN", "TODO", "To Do", "in-progress", "never heard of"];
    let tasks: Vec<Value> =
        words.iter().map(|word| json!({ "title": word, "status": word })).collect();
    let session = Session::new()
        .hooks_toml("[client]\nfiles = [\"tasks.json\"]\n")
        .project_file("tasks.json", &json!({ "tasks": tasks }).to_string());
    let context = session.start("startup").context();
    for word in words {
        assert!(context.contains(&format!("- {word} [{word}]")), "{word}: {context}");
    }
    let lines: String = (0..3).map(|n| format!("{{\"title\":\"line {n}\"}}\n\n")).collect();
    let session = Session::new()
        .hooks_toml("[client]\nfiles = [\"issues.jsonl\"]\n[queries.tasks]\nitems = []\n")
        .project_file("issues.jsonl", &lines);
    assert!(session.start("startup").context().contains("- line 0\n- line 1\n- line 2\n"));
    let broken = session.project_file("issues.jsonl", "{\"title\":\"a\"}\n{oops}\n");
    let outcome = broken.run(&["tasks"]);
    assert!(
        outcome.stderr.contains("`issues.jsonl` is not valid JSON: line 2, column 2"),
        "{outcome:?}"
    );
}

/// A session with a folder of Markdown files, a file a task.
fn folder_session() -> Session {
    Session::new()
        .env("WARMSTART_HOOKS__GIT_CONTEXT__ENABLED", "false")
        .hooks_toml("[client]\nfiles = [\"tasks/*.md\"]\n[queries.tasks]\nitems = [\"\"]\n")
}

fn task_file(title: &str, more: &str) -> String {
    format!("---\ntitle: {title}\n{more}---\n\n- [ ] a box of its text\n")
}

#[test]
fn ts_f9_a_folder_with_a_file_a_task() {
    let session = folder_session();
    let missing = session.run(&["tasks"]);
    assert_eq!(missing.code(), 7, "{missing:?}");
    let message = "error: the task file `tasks/*.md` does not exist (WS501)\n";
    assert!(missing.stderr.starts_with(message), "{missing:?}");
    std::fs::create_dir(session.project().join("tasks")).unwrap();
    assert!(session.start("startup").context().ends_with(": none"));
    let session = session
        .project_file("tasks/t-10 - b.md", &task_file("ten", "status: To Do\n"))
        .project_file(
            "tasks/t-9 - a.md",
            &task_file("'nine'", "status: open\nlabels: [x, \"y\"]\n"),
        )
        .project_file("tasks/t-1 - c.md", &task_file("\"done\"", "status: Done\npriority: high\n"))
        .project_file("tasks/t-2.md", &task_file("two", "priority: P1\n"))
        .project_file("tasks/inner/t-3.md", &task_file("not read", ""))
        .project_file("tasks/notes.txt", "---\ntitle: not read\n---\n");
    let context = session.start("startup").context();
    let expected = ":\n- two [P1]\n- nine [open]\n- ten [To Do]";
    assert!(context.ends_with(expected), "{context}");
    let labels = session.env("WARMSTART_CONTEXT__FIELDS", "title,labels");
    let context = labels.start("startup").context();
    assert!(context.contains("- nine; labels: x, y\n"), "{context}");
    let session = labels.project_file("tasks/README.md", "# About this folder\n");
    let context = session.start("startup").context();
    assert!(context.ends_with("\n  1 entry without a title"), "{context}");
    let wrong = session.hooks_toml("[client]\nfiles = [\"*/x.md\"]\n");
    let check = wrong.run(&["config", "check"]);
    assert!(
        check.stderr.contains("`*/x.md` must have its one `*` in the last segment"),
        "{check:?}"
    );
}

#[test]
fn ts_f9_a_hostile_folder_of_tasks_is_bounded() {
    use std::os::unix::fs::symlink;
    let long = format!("---\ntitle: long text\n---\n{}", "x".repeat(3 << 20));
    let endless = format!("---\ntitle: never ends\n{}", "key: value\n".repeat(100_000));
    let session = folder_session()
        .project_file("tasks/long.md", &long)
        .project_file("tasks/endless.md", &endless)
        .project_file("tasks/title.md", &task_file(&"t".repeat(10_000), ""))
        .project_file("tasks/bytes.md", "---\ntitle: \u{202e}right to left <b>\n---\n");
    let context = session.start("startup").context();
    assert!(context.contains("- long text\n"), "{context}");
    assert!(context.contains("- right to left &lt;b&gt;\n"), "{context}");
    assert!(!context.contains("never ends") && context.len() < 2000, "{context}");
    assert!(context.ends_with("1 entry without a title"), "{context}");
    let outside = session.scratch().join("outside.md");
    std::fs::write(&outside, task_file("secret", "")).unwrap();
    symlink(&outside, session.project().join("tasks/link.md")).unwrap();
    let outcome = session.run(&["tasks"]);
    let message = "error: the task file `tasks/link.md` points outside the project";
    assert!(outcome.stderr.starts_with(message), "{outcome:?}");
    let folder = folder_session();
    std::fs::create_dir(folder.scratch().join("elsewhere")).unwrap();
    write(&folder.scratch().join("elsewhere/a.md"), task_file("secret", "").as_bytes());
    symlink(folder.scratch().join("elsewhere"), folder.project().join("tasks")).unwrap();
    let outcome = folder.run(&["tasks"]);
    let message = "error: the task file `tasks` points outside the project";
    assert!(outcome.stderr.starts_with(message), "{outcome:?}");
}

#[test]
fn ts_f9_json_lines_have_a_map_and_words() {
    let lines = "{\"key\":\"A-1\",\"fields\":{\"text\":\"low\",\"level\":9}}\n\
        {\"key\":\"A-2\",\"fields\":{\"text\":\"parked\",\"state\":\"Parked\",\"level\":1}}\n\
        {\"key\":\"A-3\",\"fields\":{\"text\":\"gone\",\"state\":\"Dropped\",\"level\":0}}\n\
        {\"key\":\"A-4\",\"fields\":{\"text\":\"first\",\"level\":0}}\n";
    for (name, text) in [
        ("issues.jsonl", lines.to_owned()),
        ("issues.ndjson", lines.replace('\n', "\r\n")),
        ("issues.json", format!("[{}]", lines.trim_end().replace('\n', ","))),
    ] {
        let session = Session::new().project_file(name, &text).hooks_toml(&format!(
            "[client]\nfiles = [\"{name}\"]\n[hooks.git_context]\nenabled = false\n\
             [queries.tasks]\nitems = [\"\"]\nwords = {{ numbers = \"low_first\", \
             status = {{ dropped = \"cancelled\", parked = \"blocked\" }} }}\n\
             map = {{ title = \"/fields/text\", status = \"/fields/state\", priority = \"/fields/level\" }}\n"
        ));
        let context = session.start("startup").context();
        assert!(
            context.ends_with(":\n- first [0]\n- parked [Parked, 1]\n- low [9]"),
            "{name}: {context}"
        );
    }
}

/// A REST server: GET with pages by `Link`.
fn rest(request: &Request) -> Vec<Act> {
    let page = if request.path.contains("page=2") { 2 } else { 1 };
    let body = json!([{ "name": format!("page {page}"), "state": "open" }]).to_string();
    let link = "</api/v1/tasks?page=2>; rel=\"next\"";
    let mut headers = vec![("Content-Type", "application/json")];
    headers.extend((page == 1).then_some(("Link", link)));
    vec![Act::Send(mcp_reply::response(200, &headers, body.as_bytes()))]
}

#[test]
fn ts_f12_rest_with_any_method_path_and_link() {
    let server = FaultServer::start(rest);
    let base = format!("{}/api", server.origin());
    let session = session(&server).env("MCP_SERVER_URL", base).hooks_toml(
        "[client]\nkind = \"rest\"\nmethod = \"GET\"\npath = \"/v1/{tool}\"\n\
         [queries.tasks]\ntool = \"tasks\"\narguments = { state = \"open issues\", ids = [1, 2] }\nnarrow = []\n",
    );
    assert_eq!(lines(&session), ["- page 1 [open]", "- page 2 [open]"]);
    let requests = server.requests();
    let sent: Vec<(&str, &str)> =
        requests.iter().map(|r| (r.method.as_str(), r.path.as_str())).collect();
    let first = "/api/v1/tasks?ids=%5B1%2C2%5D&state=open+issues";
    assert_eq!(sent, [("GET", first), ("GET", "/api/v1/tasks?page=2")]);
    assert!(requests[0].body.is_empty());
}

#[test]
fn ts_f12_a_next_page_at_another_server_is_not_followed() {
    let other = FaultServer::start(rest);
    let link = format!("<{}/api/v1/tasks?page=2>; rel=\"next\"", other.origin());
    let server = FaultServer::start(move |_| {
        let headers = [("Content-Type", "application/json"), ("Link", link.as_str())];
        vec![Act::Send(mcp_reply::response(200, &headers, br#"[{"title":"a"}]"#))]
    });
    let session = session(&server)
        .env("MCP_SERVER_URL", server.origin())
        .hooks_toml("[client]\nkind = \"rest\"\nmethod = \"GET\"\npath = \"/tasks\"\n[queries.tasks]\nnarrow = []\n");
    assert_eq!(lines(&session), ["- a", "  possibly more"]);
    assert_eq!(other.requests().len(), 0);
}

#[test]
fn ts_f12_a_path_that_needs_a_tool_is_not_asked_without_one() {
    let server = FaultServer::start(rest);
    let session = session(&server).hooks_toml(
        "[client]\nkind = \"rest\"\npath = \"/v1/{tool}\"\n[queries.tasks]\ntool = \"\"\n",
    );
    let outcome = session.run(&["tasks"]);
    assert!(outcome.stderr.contains("the query `tasks` has no `tool`"), "{outcome:?}");
    assert_eq!((outcome.code(), server.requests().len()), (3, 0), "{outcome:?}");
}

#[test]
fn several_servers_side_by_side_each_with_its_own_list() {
    let first = answering(|_| text(&json!({ "tasks": [{ "title": "of the first" }] })));
    let second = answering(|_| text(&json!({ "items": [{ "subject": "of the second" }] })));
    let session = session(&first).hooks_toml(&format!(
        "[clients.other]\nkind = \"mcp\"\nurl = \"{}\"\n\
         [queries.issues]\nclient = \"other\"\ntool = \"list_issues\"\nitems = [\"/items\"]\nread_only = true\n\
         [hooks.issues]\nkind = \"pending_tasks\"\nquery = \"issues\"\n",
        second.mcp()
    ));
    let outcome = session.start("startup");
    let context = outcome.context();
    let part = |server: &FaultServer, title: &str| {
        format!("Open tasks, task server {}:\n- {title}", server.mcp())
    };
    assert!(context.contains(&part(&first, "of the first")), "{outcome:?}");
    assert!(context.contains(&part(&second, "of the second")), "{outcome:?}");
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
    assert_eq!(second.requests()[0].json()["params"]["name"], "list_issues");
    session.start("startup");
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1), "both are kept");
    let wrong = session.hooks_toml("[queries.tasks]\nclient = \"othr\"\n");
    let check = wrong.run(&["config", "check"]);
    assert!(
        check.stderr.contains("hooks.toml:2: `queries.tasks.client`: there is no client `othr`"),
        "{check:?}"
    );
}

#[test]
fn a_source_of_other_projects_is_skipped_silently() {
    let session = Session::new()
        .hooks_toml("[client]\npreset = \"beads\"\n[hooks.git_context]\nenabled = false\n");
    assert_eq!(session.start("startup").answer(), json!({}));
    let issues = "{\"id\":\"bd-1\",\"title\":\"later\",\"status\":\"open\",\"priority\":2}\n\
         {\"id\":\"bd-2\",\"title\":\"now\",\"status\":\"in_progress\",\"priority\":0}\n\
         {\"id\":\"bd-3\",\"title\":\"over\",\"status\":\"closed\",\"priority\":0}\n";
    let session = session.project_file(".beads/issues.jsonl", issues);
    let context = session.start("startup").context();
    assert!(context.ends_with(":\n- now [in_progress, 0]\n- later [open, 2]"), "{context}");
}

#[test]
fn presets_of_further_clients_stay_in_their_own_tables() {
    let session = Session::new()
        .project_file("TODO.md", "- [ ] from the checklist\n")
        .project_file(
            ".taskmaster/tasks/tasks.json",
            &json!({ "master": { "tasks": [
            { "id": 1, "title": "from task-master", "status": "pending", "priority": "high" },
            { "id": 2, "title": "finished", "status": "done", "priority": "high" } ] } })
            .to_string(),
        )
        .hooks_toml(
            "[clients.tm]\npreset = \"task-master\"\n\
             [hooks.tm]\nkind = \"pending_tasks\"\nquery = \"tm\"\n",
        );
    let context = session.start("startup").context();
    assert!(context.contains("- from the checklist [todo]"), "{context}");
    assert!(context.contains("- from task-master [pending, high]"), "{context}");
    assert!(!context.contains("finished"), "{context}");
}
