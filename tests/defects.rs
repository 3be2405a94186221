//! Defects of the program that this one replaces, each with a test named after its row of the
//! inventory. Rows that the fault matrix, the wire tests or a unit test cover are not repeated.

use std::fs;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use crate::support::mcp_reply::{healthy, json_response, payload, result, rpc, tasks, three_tasks};
use crate::support::{Act, FaultServer, Forbidden, Request, Session, canary, if_permitted};
use serde_json::json;

/// `next` gives one task, everything else three.
fn next_and_list(request: &Request) -> Vec<Act> {
    let asked = &request.json()["params"]["arguments"]["action"];
    if asked == "next" {
        let one =
            json!({ "success": true, "data": { "task": { "id": "9", "title": "Do this next" } } });
        return vec![Act::Send(json_response(200, &rpc(request, &result(&one))))];
    }
    vec![Act::Send(tasks(request, &three_tasks()))]
}

#[test]
fn x01_an_outage_never_mixes_up_two_questions() {
    let server = FaultServer::start(next_and_list);
    let session = Session::with_server(&server.mcp()).hooks_toml("[branches]\nmain = \"b-1\"\n");
    let live = session.start("startup").context();
    assert!(live.contains("Mend the roof") && live.contains("Do this next"), "{live}");
    session.age_cache(Duration::from_secs(1200));
    drop(server);
    let stale = session.start("startup").context();
    let (list, next) = stale.split_once("Recommended next").expect("both parts");
    assert!(list.contains("Mend the roof") && !list.contains("Do this next"), "{stale}");
    assert!(next.contains("Do this next") && !next.contains("Mend the roof"), "{stale}");
}

#[test]
fn x03_all_hooks_and_attempts_share_one_deadline() {
    let server = FaultServer::always(vec![Act::Hold]);
    let session = Session::with_server(&server.mcp()).deadline("600ms").hooks_toml(
        "[branches]\nmain = \"b-1\"\n[hooks.more]\nkind = \"pending_tasks\"\nquery = \"tasks\"\n",
    );
    let outcome = session.start("startup");
    outcome.answer();
    session.kept_deadline(Duration::from_millis(600), &outcome);
    assert!(outcome.notice().contains("WS303"), "{outcome:?}");
    assert!(server.connections() <= 3, "one for each of three hooks at most");
}

#[test]
fn x05_the_cache_lies_where_the_program_says() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp());
    session.start("startup");
    let paths = session.run(&["config", "path"]).text().to_owned();
    let line = paths.lines().find_map(|line| line.strip_prefix("cache:")).expect("a line").trim();
    let entries = session.entries();
    assert!(!entries.is_empty() && entries.iter().all(|entry| entry.starts_with(line)), "{paths}");
}

#[test]
fn x10_a_ttl_of_zero_is_never_fresh() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).env("WARMSTART_QUERIES__TASKS__TTL", "0s");
    for asked in 1..=3 {
        assert!(session.start("startup").context().contains("Mend the roof"));
        assert_eq!(server.requests().len(), asked);
    }
}

#[test]
fn x18_i22_killed_at_any_moment_nothing_is_left_half_done() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).env("WARMSTART_CACHE__READ", "network_first");
    for round in 0..40u64 {
        let (mut child, _) = session.begin("startup");
        std::thread::sleep(Duration::from_micros(round * 700));
        let _ = child.kill();
        let _ = child.wait();
        for (path, bytes) in session.cached_bytes() {
            assert!(
                warmstart::testing::Entry::decode(&bytes).is_some(),
                "{} is torn",
                path.display()
            );
        }
    }
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert_eq!(outcome.notice(), "");
}

#[test]
fn x20_tracing_never_reaches_standard_output() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .env("RUST_LOG", "trace")
        .env("WARMSTART_LOG", "trace")
        .secret("MCP_AUTH_TOKEN", "a-token-to-keep-secret");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"));
    assert_eq!(outcome.stderr, "");
    let log = session.log();
    assert!(log.contains("http{"), "the log has the stages: {log}");
    canary::absent("a-token-to-keep-secret", log.as_bytes(), "the log");
}

#[test]
fn x27_c007_urls_with_paths_ipv6_and_user_parts() {
    let server = FaultServer::start(healthy);
    let with_user = format!("http://joe:pass-word-1@{}/deep/mcp", server.authority());
    let session = Session::with_server(&with_user).guard("pass-word-1");
    let context = session.start("startup").context();
    assert!(context.contains("/deep/mcp") && !context.contains("joe"), "{context}");
    assert_eq!(server.requests()[0].path, "/deep/mcp");
    let six = TcpListener::bind("[::1]:0");
    let six = six.map_err(|error| Forbidden(format!("IPv6 on loopback: {error}")));
    let Some(six) = if_permitted(six) else { return };
    let url = format!("http://[::1]:{}/mcp", six.local_addr().expect("an address").port());
    let origin = server.authority();
    std::thread::spawn(move || {
        let (mut from, _) = six.accept().expect("a connection");
        let mut to = TcpStream::connect(origin).expect("the server");
        let mut back = (to.try_clone().expect("a handle"), from.try_clone().expect("a handle"));
        std::thread::spawn(move || std::io::copy(&mut back.0, &mut back.1));
        let _ = std::io::copy(&mut from, &mut to);
    });
    let session = Session::with_server(&url);
    assert!(session.start("startup").context().contains("Mend the roof"));
}

#[test]
fn x33_x34_one_daily_file_one_line_a_run_and_nothing_of_the_hosts_input() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp());
    for _ in 0..3 {
        session.start("startup");
    }
    assert_eq!(fs::read_dir(session.state().join("logs")).expect("the folder").count(), 1);
    let log = session.log();
    assert_eq!(log.matches("session started").count(), 3, "{log}");
    assert!(!log.contains("transcript"), "{log}");
    let mut record = String::new();
    let path = session.state().join("runs.jsonl");
    fs::File::open(path).and_then(|mut file| file.read_to_string(&mut record)).expect("the record");
    assert_eq!(record.lines().count(), 3);
    assert!(!record.contains("transcript"), "{record}");
}

#[test]
fn x35_the_kind_of_session_comes_from_the_event_alone() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .project_file("test/debug/security/readme", "")
        .hooks_toml("[session_start]\nsources = [\"resume\"]\n");
    let mut event = session.event("startup");
    event["cwd"] = json!(session.project().join("test/debug/security"));
    assert_eq!(session.start_with(&event.to_string(), &[]).text(), "{}\n");
    event["source"] = json!("resume");
    let outcome = session.start_with(&event.to_string(), &[]);
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
}

#[test]
fn x29_each_kind_of_answer_has_its_own_code() {
    let html =
        b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>".to_vec();
    let moved = b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.2:1/\r\ncontent-length: 0\r\n\r\n"
        .to_vec();
    let of = |status: u16| json_response(status, &json!({}));
    let table = [
        (of(403), "WS205"),
        (of(404), "WS401"),
        (of(413), "WS401"),
        (of(408), "WS322"),
        (of(502), "WS322"),
        (of(504), "WS322"),
        (html, "WS402"),
        (moved, "WS307"),
        (json_response(200, &json!({ "hello": 1 })), "WS402"),
        (json_response(200, &payload(&json!([]))), "WS402"),
    ];
    for (answer, code) in table {
        let server = FaultServer::always(vec![Act::Send(answer.clone())]);
        let session = Session::with_server(&server.mcp()).env("WARMSTART_HTTP__ATTEMPTS", "1");
        let notice = session.start("startup").notice();
        let begin = String::from_utf8_lossy(&answer[..answer.len().min(40)]).into_owned();
        assert!(notice.contains(code), "{begin}: {notice}");
    }
}
