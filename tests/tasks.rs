//! `warmstart tasks`: the data of a session start as a table and as JSON, with its age, harmless on a
//! terminal.

use std::time::Duration;

use crate::support::{Act, FaultServer, Outcome, Session, mcp_reply};
use serde_json::{Value, json};

#[track_caller]
fn printed(outcome: &Outcome) -> String {
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    outcome.text().to_owned()
}

#[test]
fn q10_a_table_that_says_how_old_it_is() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp()).env("HTTP_MAX_RETRIES", "0");
    let table = "PRIORITY\tSTATUS\tTITLE\tID\nhigh\ttodo\tMend the roof\t1\n\
                 medium\ttodo\tWater the plants\t2\nlow\ttodo\tRead the post\t3\n";
    let live = printed(&session.run(&["tasks"]));
    assert_eq!(live, format!("Live from task server {}\n{table}", server.mcp()));
    session.age_cache(Duration::from_secs(60));
    let fresh = printed(&session.run(&["tasks"]));
    let (first, rest) = fresh.split_once('\n').unwrap();
    assert!(first.ends_with(", cached 1 min ago"), "{first}");
    assert_eq!(rest, table);
    assert_eq!(server.requests().len(), 1);
    assert!(printed(&session.run(&["tasks", "--live"])).starts_with("Live from "));
    assert_eq!(server.requests().len(), 2);
    session.age_cache(Duration::from_secs(1800));
    drop(server);
    let outcome = session.run(&["tasks"]);
    assert!(printed(&outcome).contains(", STALE: cached 30 min"), "{outcome:?}");
    assert!(outcome.stderr.contains("(WS302)"), "{outcome:?}");
}

#[test]
fn q10_cached_asks_nobody_and_says_when_there_is_nothing() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    let outcome = session.run(&["tasks", "--cached"]);
    assert_ne!(outcome.code(), 0, "{outcome:?}");
    assert_eq!((outcome.text(), server.requests().len()), ("", 0));
    session.run(&["tasks"]);
    assert!(printed(&session.run(&["tasks", "--cached"])).contains("Mend the roof"));
    session.age_cache(Duration::from_secs(1800));
    let stale = session.run(&["tasks", "--cached"]);
    assert!(printed(&stale).contains(", STALE: cached 30 min"), "{stale:?}");
    assert_eq!((stale.stderr.as_str(), server.requests().len()), ("", 1));
}

#[test]
fn q11_json_for_scripts() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    let answer = session.run(&["tasks", "--json"]).json();
    assert_eq!((&answer["schema"], &answer["supply"]), (&json!(1), &json!("live")));
    let mut expected = mcp_reply::three_tasks();
    for task in expected.as_array_mut().unwrap() {
        task["state"] = task["status"].clone();
        task["rank"] = task["priority"].clone();
    }
    assert_eq!(answer["tasks"], expected);
    let answer = session.run(&["tasks", "--json", "--limit", "1"]).json();
    assert_eq!(answer["tasks"].as_array().unwrap().len(), 1);
    assert_eq!((&answer["supply"], &answer["total"]), (&json!("fresh"), &json!(3)));
    assert!(printed(&session.run(&["tasks", "--limit", "1"])).ends_with("\n2 more\n"));
}

#[test]
fn m10_nothing_that_a_terminal_obeys_is_printed() {
    let title = "a\u{1b}[2J\u{9b}31m\u{202e}b\u{e0041}\r\nc <d>";
    let tasks = json!([{ "id": "\u{1b}]0;x\u{7}", "title": title }]);
    let server =
        FaultServer::start(move |request| vec![Act::Send(mcp_reply::tasks(request, &tasks))]);
    let session = Session::with_server(&server.mcp());
    let table = printed(&session.run(&["tasks"]));
    assert!(table.contains("a [2J 31mb c <d>"), "{table:?}");
    for row in table.lines().skip(1) {
        assert_eq!(row.matches('\t').count(), 3, "tabs are between cells alone: {row:?}");
    }
    let table = table.replace('\t', " ");
    let json = printed(&session.run(&["tasks", "--json"]));
    let value: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["tasks"][0]["title"], title, "a script gets the server's text");
    for text in [table, json] {
        let obeyed =
            |c: char| (c.is_control() && c != '\n') || ['\u{202e}', '\u{e0041}'].contains(&c);
        assert!(!text.contains(obeyed), "{text:?}");
    }
}

#[test]
fn q12_the_next_task_by_the_servers_branch() {
    let server = FaultServer::start(|request| {
        let body = request.json();
        let payload = match body["params"]["name"].as_str() {
            Some("manage_git_branch") => {
                json!({ "success": true, "data": { "branches": [{ "id": "b-9", "name": "main" }] } })
            }
            _ => {
                let branch = &body["params"]["arguments"]["git_branch_id"];
                let task = json!({ "id": "9", "title": format!("Next on {branch}") });
                json!({ "success": true, "data": { "task": task } })
            }
        };
        let answer = mcp_reply::rpc(request, &mcp_reply::result(&payload));
        vec![Act::Send(mcp_reply::json_response(200, &answer))]
    });
    let session = Session::with_server(&server.mcp());
    assert!(printed(&session.run(&["tasks", "next"])).contains("Next on \"b-9\""));
}

#[test]
fn l01_a_local_list_needs_no_server_and_no_cache() {
    let session = Session::new().project_file("TODO.md", "- [ ] Fix it\n- [x] Done\n");
    for flags in [&["tasks"][..], &["tasks", "--cached"], &["tasks", "--live"]] {
        let table = printed(&session.run(flags));
        assert!(table.contains("Fix it") && !table.contains("Done"), "{flags:?}: {table}");
    }
    let next = session.run(&["tasks", "next"]);
    assert!(next.stderr.contains("hint: `warmstart tasks`"), "{next:?}");
}

#[test]
#[cfg(unix)]
fn l01_a_list_that_leads_out_of_the_project_is_not_read() {
    let session = Session::new();
    let private = session.scratch().join("private.md");
    std::fs::write(&private, "- [ ] My own business\n").unwrap();
    std::os::unix::fs::symlink(&private, session.project().join("TODO.md")).unwrap();
    let refused = session.run(&["tasks"]);
    assert!(!refused.text().contains("business"), "{refused:?}");
    assert!(refused.stderr.contains("points outside the project"), "{refused:?}");
    let path = private.display();
    let named = session.hooks_toml(&format!("[client]\nfiles = [\"{path}\"]\n"));
    assert!(printed(&named.run(&["tasks"])).contains("My own business"));
}
