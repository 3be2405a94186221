//! The hooks that are bound to queries: the open tasks, the recommended one for the branch, and the
//! queries filled in the background for the next session.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Act, FaultServer, Request, Session, mcp_reply};

const TABLE: &str = "[branches]\nmain = \"b-7\"\n";

/// A server that knows the branch `main` as `b-9` and recommends a task for every branch. It answers
/// after 60 ms, so that requests made at the same time are answered at the same time.
fn server() -> FaultServer {
    server_with_slow_branches(Duration::from_millis(60))
}

/// The same, with this delay before the list of branches.
fn server_with_slow_branches(delay: Duration) -> FaultServer {
    FaultServer::start(move |request| {
        if mcp_reply::is_token_request(request) {
            return mcp_reply::healthy(request);
        }
        let payload = match (tool(request).as_str(), argument(request, "action").as_str()) {
            ("manage_git_branch", _) => {
                json!({ "success": true, "data": { "branches": [{ "id": "b-9", "name": "main" }] } })
            }
            (_, "next") => {
                let title = format!("Next on {}", argument(request, "git_branch_id"));
                json!({ "success": true, "data": { "task": { "id": "9", "title": title } } })
            }
            _ => mcp_reply::payload(&mcp_reply::three_tasks()),
        };
        let is_branches = tool(request) == "manage_git_branch";
        let delay = if is_branches { delay } else { Duration::from_millis(60) };
        let answer = mcp_reply::rpc(request, &mcp_reply::result(&payload));
        vec![Act::Wait(delay), Act::Send(mcp_reply::json_response(200, &answer))]
    })
}

fn tool(request: &Request) -> String {
    request.json()["params"]["name"].as_str().unwrap_or_default().to_owned()
}

fn argument(request: &Request, name: &str) -> String {
    let body = request.json();
    body["params"]["arguments"][name].as_str().unwrap_or_default().to_owned()
}

fn asked(server: &FaultServer) -> Vec<(String, Value)> {
    let requests = server.requests();
    let calls = requests.iter().map(|one| (tool(one), one.json()["params"]["arguments"].clone()));
    calls.collect()
}

#[test]
fn x37_the_branch_id_comes_from_the_table() {
    let server = server();
    let session = Session::with_server(&server.mcp()).deadline("20s").hooks_toml(TABLE);
    let context = session.start("startup").context();
    assert!(context.contains("\nRecommended next, task server "), "{context}");
    assert!(context.contains("\n- Next on b-7\n"), "{context}");
    assert_eq!(asked(&server).len(), 2, "the tasks and the next one, and no list of branches");
}

#[test]
fn x12_hooks_that_ask_at_the_same_time_share_one_token() {
    let server = server();
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .with_keycloak(&server.origin(), "claude-hooks", "canary-secret")
        .hooks_toml(TABLE);
    let context = session.start("startup").context();
    assert!(context.contains("Mend the roof") && context.contains("Next on b-7"), "{context}");
    assert_eq!(server.count("/token"), 1);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn x37_without_an_id_nothing_is_asked() {
    let server = server();
    let session = Session::with_server(&server.mcp()).deadline("20s");
    let outcome = session.start("startup");
    assert!(!outcome.context().contains("Recommended"), "{outcome:?}");
    assert_eq!(outcome.notice(), "", "an unknown branch is not worth a notice");
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    let sent = String::from_utf8_lossy(&requests[0].body).into_owned();
    assert!(sent.contains("\"arguments\""), "{sent}");
    assert!(!sent.contains("branch.id"), "a placeholder was sent: {sent}");
}

#[test]
fn b07_the_next_session_finds_what_was_filled_in_the_background() {
    let server = server();
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    session.start("startup");
    session.settle();
    let after_first = asked(&server);
    assert_eq!(after_first.len(), 3, "tasks, then branches and next: {after_first:?}");
    let context = session.start("startup").context();
    session.settle();
    assert!(context.contains("\n- Next on b-9\n"), "{context}");
    assert_eq!(asked(&server).len(), 3, "all of it was fresh");
}

#[test]
fn x37_placeholders_of_the_session_and_the_repository() {
    let server = server();
    let table = "[queries.tasks.arguments]\naction = \"list\"\nbranch = \"{git.branch}\"\n\
                 where = \"{repository.name}/{session.id}\"\n";
    let session = Session::with_server(&server.mcp()).deadline("20s").hooks_toml(table);
    session.start("startup");
    let calls = asked(&server);
    assert_eq!(calls[0].1["branch"], "main");
    let place = calls[0].1["where"].as_str().unwrap();
    assert!(place.starts_with("project/00000000-"), "{place}");
}

#[test]
fn s04_two_lists_are_two_tables() {
    let server = server();
    let table = "[hooks.mine]\nkind = \"pending_tasks\"\nquery = \"mine\"\norder = 5\n\
                 [queries.mine]\ntool = \"manage_task\"\narguments = { action = \"mine\" }\n\
                 items = [\"/data/tasks\"]\nread_only = true\nanswer = \"tasks\"\nttl = \"15m\"\n";
    let session = Session::with_server(&server.mcp()).deadline("20s").hooks_toml(table);
    let context = session.start("startup").context();
    assert_eq!(context.matches("Open tasks, ").count(), 2, "{context}{:?}", session.log());
    assert_eq!(asked(&server).len(), 2);
}

#[test]
fn s04_a_hook_takes_part_in_its_own_sources() {
    let server = server();
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .hooks_toml("[hooks.pending_tasks]\nsources = [\"clear\"]\n");
    assert!(!session.start("startup").context().contains("Open tasks"));
    assert_eq!(server.requests().len(), 0);
    assert!(session.start("clear").context().contains("Open tasks"));
}

#[test]
fn s04_the_order_is_the_users() {
    let server = server();
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .hooks_toml("[hooks.git_context]\norder = 1\n");
    let context = session.start("startup").context();
    assert!(context.find("Git, ").unwrap() < context.find("Open tasks").unwrap(), "{context}");
}

/// Longer than a second: entries are dated in whole seconds, so this answer is always dated later than
/// the beginning of the run that asked for it.
const OVER_A_SECOND: Duration = Duration::from_millis(1200);

#[test]
fn tasks_next_uses_a_list_of_branches_that_took_longer_than_a_second() {
    let server = server_with_slow_branches(OVER_A_SECOND);
    let session = Session::with_server(&server.mcp());
    let outcome = session.run(&["tasks", "next"]);
    assert!(outcome.text().contains("Next on b-9"), "{outcome:?}");
}

#[test]
fn tasks_next_uses_the_branches_it_asked_for_where_no_entry_counts_as_fresh() {
    let server = server();
    for table in ["[queries.branches]\nttl = \"0s\"\n", "[cache]\nread = \"network_first\"\n"] {
        let session = Session::with_server(&server.mcp()).hooks_toml(table);
        let outcome = session.run(&["tasks", "next"]);
        assert!(outcome.text().contains("Next on b-9"), "{table}: {outcome:?}");
    }
}

#[test]
fn priming_uses_a_list_of_branches_that_took_longer_than_a_second() {
    let server = server_with_slow_branches(OVER_A_SECOND);
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    session.start("startup");
    session.settle();
    let calls = asked(&server);
    let actions: Vec<&str> =
        calls.iter().filter_map(|(_, arguments)| arguments["action"].as_str()).collect();
    assert_eq!(actions, ["list", "list", "next"], "tasks, branches, next: {}", session.log());
    assert!(session.start("startup").context().contains("\n- Next on b-9\n"));
}

/// A server without `manage_git_branch`.
fn server_without_branches() -> FaultServer {
    FaultServer::start(|request| match tool(request).as_str() {
        "manage_git_branch" => {
            let text = json!([{ "type": "text", "text": "Unknown tool: manage_git_branch" }]);
            let result = json!({ "isError": true, "content": text });
            let answer = mcp_reply::rpc(request, &result);
            vec![Act::Send(mcp_reply::json_response(200, &answer))]
        }
        _ => mcp_reply::healthy(request),
    })
}

#[test]
fn tasks_next_names_the_query_and_the_table_when_the_server_has_no_branches() {
    let server = server_without_branches();
    let session = Session::with_server(&server.mcp());
    let outcome = session.run(&["tasks", "next"]);
    assert_eq!(outcome.code(), 6, "{outcome:?}");
    assert!(
        outcome.stderr.contains("the server has no tool `manage_git_branch` (WS406)"),
        "{outcome:?}"
    );
    let hint = "check `queries.branches`, or add `main = \"ID\"` to `[branches]` in hooks.toml";
    assert!(outcome.stderr.contains(hint), "{outcome:?}");
}

#[test]
fn a_session_without_a_next_task_records_why_and_explains_it_without_a_notice() {
    let server = server_without_branches();
    let session = Session::with_server(&server.mcp())
        .deadline("20s")
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    session.start("startup");
    assert!(session.last("next_task").cause.contains("is not in the cache"), "not asked for yet");
    session.settle();
    let event = session.event("startup").to_string();
    let outcome = session.start_with(&event, &["--explain"]);
    let reason = "the server has no tool `manage_git_branch` (WS406)";
    let line = outcome.stderr.lines().find(|line| line.starts_with("next_task"));
    assert!(line.is_some_and(|line| line.contains(reason)), "{outcome:?}");
    assert!(session.last("next_task").cause.contains(reason));
    assert_eq!(outcome.notice(), "", "many servers have no branches");
}

#[test]
fn tasks_that_the_server_did_not_send_are_counted() {
    let server = FaultServer::start(|request| {
        let data = json!({ "tasks": mcp_reply::three_tasks(), "pagination": { "total": 10 } });
        let result = mcp_reply::result(&json!({ "success": true, "data": data }));
        let answer = mcp_reply::rpc(request, &result);
        vec![Act::Send(mcp_reply::json_response(200, &answer))]
    });
    let session = Session::with_server(&server.mcp()).deadline("20s");
    assert!(session.start("startup").context().contains("7 more"));
    assert!(session.run(&["tasks"]).text().ends_with("\n7 more\n"));
}

#[test]
fn a_broken_local_list_is_named_with_the_place() {
    let session = Session::new()
        .hooks_toml("[client]\nfiles = [\"tasks.json\"]\n")
        .project_file("tasks.json", "[\n  { \"title\": \"a\" },\n  { title }\n]\n");
    let outcome = session.run(&["tasks"]);
    let text = "`tasks.json` is not valid JSON: line 3, column 5 (WS402)";
    assert!(outcome.stderr.contains(text), "{outcome:?}");
    assert!(!outcome.stderr.contains("URL"), "{outcome:?}");
    let list = session.project_file("tasks.json", "{ \"todo\": {} }");
    let outcome = list.run(&["tasks"]);
    assert!(
        outcome.stderr.contains("`tasks.json`: the answer to `tasks` has no list of tasks at"),
        "{outcome:?}"
    );
}

#[test]
fn a_call_to_a_client_without_tools_names_the_client_and_what_to_do() {
    let outcome = Session::new().run(&["call", "--tool", "manage_task"]);
    assert_ne!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.stderr.contains("the client `local` has no tools"), "{outcome:?}");
    assert!(outcome.stderr.contains("hint: set `client.url` (MCP_SERVER_URL)"), "{outcome:?}");
}
