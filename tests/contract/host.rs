//! The host's requirements 1–17 that no other test names: envelope, size, sources, adapters.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use super::fresh;
use crate::support::mcp_reply::{self, healthy};
use crate::support::{Act, FaultServer, Session, run};

#[test]
fn h01_h02_no_configuration_at_all() {
    let session = Session::new();
    let outcome = session.start("startup");
    outcome.answer();
    assert_eq!(outcome.notice(), "");
    assert_eq!(outcome.stderr, "");
}

#[test]
fn h02_nothing_to_say_is_an_empty_object() {
    let session = Session::new();
    std::fs::remove_dir_all(session.project().join(".git")).unwrap();
    assert_eq!(session.start("startup").text(), "{}\n");
}

#[test]
fn h03_x03_a_server_that_never_answers() {
    let server = FaultServer::start(|_| vec![Act::Hold]);
    for (deadline, millis) in [("300ms", 300), ("1s", 1000)] {
        let session = Session::with_server(&server.mcp()).deadline(deadline);
        let outcome = session.start("startup");
        outcome.answer();
        session.kept_deadline(Duration::from_millis(millis), &outcome);
        assert!(outcome.elapsed < Duration::from_secs(10), "{outcome:?}");
    }
}

#[test]
fn h05_a_thousand_tasks_fit_and_the_rest_is_counted() {
    for title in ["plain words", "漢字の題名を持つ仕事", "🦀🚀🎉"] {
        let tasks: Vec<Value> = (0..900)
            .map(|n| json!({ "id": n.to_string(), "title": format!("{title} {n}"), "status": "todo", "priority": "high" }))
            .collect();
        let tasks = Value::from(tasks);
        let server =
            FaultServer::start(move |request| vec![Act::Send(mcp_reply::tasks(request, &tasks))]);
        let session = Session::with_server(&server.mcp())
            .deadline("15s")
            .hooks_toml("[context]\nmax_chars = 9500\n[hooks.pending_tasks]\nmax_chars = 9500\n");
        let context = session.start("startup").context();
        assert!(context.len() <= 9_500, "{}", context.len());
        assert!(context.encode_utf16().count() <= 10_000);
        assert!(context.contains(" more"), "{context}");
    }
}

#[test]
fn h09_b04_identical_state_gives_identical_bytes() {
    let (server, session) = fresh();
    let first = session.start("startup").context();
    let session = session.env("WARMSTART_CACHE__READ", "network_first");
    assert_eq!(session.start("startup").context(), first, "live or cached, it is the same");
    server.becomes(|request| {
        let other = json!([{ "id": "9", "title": "Another", "status": "todo" }]);
        vec![Act::Send(mcp_reply::tasks(request, &other))]
    });
    std::thread::sleep(Duration::from_millis(1100));
    let second = session.start("startup").context();
    server.becomes(healthy);
    std::thread::sleep(Duration::from_millis(1100));
    let third = session.start("startup").context();
    assert!(first != second && second != third && first != third, "a, b, a are three texts");
    assert!(third.contains("Mend the roof"));
}

#[test]
fn h10_every_source_is_answered() {
    let (_server, session) = fresh();
    let full = session.start("startup").context();
    for source in ["clear", "compact", "unheard-of"] {
        assert_eq!(session.start(source).context(), full, "{source}");
    }
    assert_eq!(session.start("resume").context(), "", "already shown in this session");
    let mut session = session.env("WARMSTART_SESSION_START__RESUME", "full");
    assert_eq!(session.start("resume").context(), full);
    session.set("WARMSTART_SESSION_START__RESUME", "changed");
    session.next_session("00000000-0000-4000-8000-000000000002");
    assert_eq!(session.start("resume").context(), full, "not shown in that session");
}

#[test]
fn h11_i06_parallel_runs_with_random_kills_leave_a_whole_cache() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .env("WARMSTART_CACHE__READ", "network_first")
        .env("RATE_LIMIT_REQUESTS_PER_MINUTE", "1000")
        .deadline("10s");
    for round in 0..6_u64 {
        let crowd: Vec<_> = (0..10).map(|_| session.begin("startup")).collect();
        for (n, (mut child, began)) in crowd.into_iter().enumerate() {
            if n % 2 == 0 {
                std::thread::sleep(Duration::from_millis(round * 3));
                child.kill().unwrap();
                child.wait().unwrap();
            } else {
                let outcome = session.finish((child, began));
                outcome.answer();
            }
        }
    }
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    session.age_cache(Duration::ZERO);
}

#[test]
fn h12_the_person_is_told_only_what_is_wrong_and_may_switch_that_off() {
    let (server, session) = fresh();
    assert_eq!(session.start("startup").notice(), "");
    drop(server);
    session.age_cache(Duration::from_secs(1200));
    let notice = session.start("startup").notice();
    assert!(notice.contains("WS302") && notice.len() < 600, "{notice}");
    let session = session.env("WARMSTART_SESSION_START__NOTICE", "never");
    assert_eq!(session.start("startup").notice(), "");
    assert!(session.log().contains("WS302"), "the log has the cause");
}

#[test]
fn h13_i05_the_hosts_own_secrets_go_nowhere() {
    let server = FaultServer::start(|_| mcp_reply::status(500));
    let session = Session::with_server(&server.mcp())
        .secret("ANTHROPIC_API_KEY", "h13-canary-0123456789-anthropic")
        .secret("CLAUDE_CODE_MESSAGING_TOKEN", "h13-canary-0123456789-messaging")
        .secret("MCP_AUTH_TOKEN", "h13-canary-0123456789-bearer")
        .env("WARMSTART_LOG", "trace")
        .deadline("2s");
    let event = session.event("startup").to_string();
    session.start_with(&event, &["--explain"]);
    for command in
        [&["config", "show", "--origin"][..], &["config", "check"], &["runs"], &["tasks"]]
    {
        session.run(command);
    }
}

#[test]
fn h14_x14_the_project_is_found_from_a_subfolder() {
    let (server, session) = fresh();
    let below = session.project().join("deep/er");
    std::fs::create_dir_all(&below).unwrap();
    let mut event = session.event("startup");
    event["cwd"] = below.display().to_string().into();
    let outcome = session.start_with(&event.to_string(), &[]);
    assert_eq!(session.last("pending_tasks").supply, "fresh", "{outcome:?}");
    let other = session.scratch().join("other");
    crate::support::repository::plant(&other, "main");
    event["cwd"] = other.display().to_string().into();
    session.start_with(&event.to_string(), &[]);
    assert_eq!(session.last("pending_tasks").supply, "live", "another repository, another entry");
    assert_eq!(server.requests().len(), 1);
    std::fs::remove_dir_all(other).unwrap();
}

#[test]
fn h16_each_host_gets_its_own_form() {
    let (_server, session) = fresh();
    let event = session.event("startup").to_string();
    let start = |agent: &str| session.start_with(&event, &["--agent", agent]);
    let usual = start("claude").text().to_owned();
    for agent in ["codex", "gemini", "qwen"] {
        assert_eq!(start(agent).text(), usual, "{agent}");
    }
    let context = start("claude").context();
    assert_eq!(start("copilot").json(), json!({ "additionalContext": context }));
    assert_eq!(start("cursor").json(), json!({ "additional_context": context }));
    assert_eq!(start("plain").text().trim_end(), context);
}

#[test]
fn h17_options_of_the_hosts_plugin_are_a_layer() {
    let server = FaultServer::start(healthy);
    let session = Session::new().deadline("15s");
    session.start("startup");
    assert_eq!(server.requests().len(), 0, "works with none set");
    let session = session.env("CLAUDE_PLUGIN_OPTION_CLIENT__URL", server.mcp());
    assert!(session.start("startup").context().contains("Mend the roof"));
}

#[test]
fn h08_i15_explain_and_dry_run_change_nothing() {
    let (_server, session) = fresh();
    let before = crate::support::canary::files(&session.home());
    let event = session.event("startup").to_string();
    let outcome = session.start_with(&event, &["--explain", "--dry-run"]);
    assert!(outcome.context().contains("Mend the roof"));
    let line = outcome.stderr.lines().find(|line| line.contains("pending_tasks")).unwrap();
    assert!(line.contains("fresh"), "{line}");
    assert_eq!(crate::support::canary::files(&session.home()), before);
}

#[test]
fn s012_i22_after_any_signal_in_the_middle_of_a_query_the_next_run_is_whole() {
    let server = FaultServer::start(|_| vec![Act::Hold]);
    let session = Session::with_server(&server.mcp()).deadline("20s");
    for signal in [Signal::TERM, Signal::KILL] {
        let asked = server.requests().len();
        let (child, began) = session.begin("startup");
        while server.requests().len() == asked {
            std::thread::sleep(Duration::from_millis(5));
        }
        let id = Pid::from_raw(child.id().try_into().unwrap()).unwrap();
        kill_process(id, signal).unwrap();
        let outcome = run::finish(child, began);
        let text = String::from_utf8(outcome.stdout).unwrap();
        assert!(text.is_empty() || text.ends_with("}\n"), "{signal:?}: {text}");
        assert!(outcome.elapsed < Duration::from_secs(10), "{signal:?}");
    }
    server.becomes(healthy);
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
}

#[test]
fn s019_two_registrations_both_answer_the_same() {
    let (_server, session) = fresh();
    let both = [session.begin("startup"), session.begin("startup")];
    let texts: Vec<String> = both.into_iter().map(|one| session.finish(one).context()).collect();
    assert_eq!(texts[0], texts[1]);
    assert!(!texts[0].is_empty());
}
