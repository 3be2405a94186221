//! A plugin as a step of a chain, and as a hook: every decision, before and after the request.

use std::path::Path;

use super::{DEADLINE, MAX_SLOW_RUNS, STALE, build, serves_the_cache, serving, trust};
use crate::support::session::write;
use crate::support::{Session, or_skip};

/// A session with a dead server whose chain begins with the plugin.
fn chained(library: &Path, name: &str) -> Session {
    let session = Session::with_server("http://127.0.0.1:9")
        .deadline("30s")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_BREAKER__FAILURES", "0")
        .env("WARMSTART_LOG__LEVEL", "debug")
        .project_file("TODO.md", "- [ ] the backup's task\n");
    trust(&session, library, name);
    session
}

fn decide(session: &Session, name: &str, mode: &str) {
    let text = format!(
        "[fallback]\nchain = [\"plugin:{name}\", \"cache_then_skip\"]\n[clients.backup]\nkind = \"local\"\n\
         [plugins.{name}]\ntimeout = \"20s\"\n[plugins.{name}.config]\nmode = \"{mode}\"\n"
    );
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
}

#[track_caller]
fn context(session: &Session, mode: &str) -> String {
    decide(session, "faulty", mode);
    let outcome = session.start("startup");
    outcome.within(DEADLINE).context()
}

#[test]
fn g7_every_verdict_without_a_cached_answer() {
    let session = chained(&build::rust("faulty"), "faulty");
    let text = context(&session, "substitute");
    assert!(text.contains("tasks after unavailable with Absent"), "{text}\n{}", session.log());
    assert!(session.entries().is_empty(), "a substitute is never cached");
    let text = context(&session, "ask");
    assert!(text.contains("the backup's task"), "{text}\n{}", session.log());
    for mode in ["skip", "cached", "decline", "ask_unknown"] {
        let text = context(&session, mode);
        assert!(!text.contains("backup") && !text.contains("after"), "{mode}: {text}");
    }
    decide(&session, "faulty", "fail");
    let outcome = session.start("startup");
    assert_eq!(outcome.code(), 1, "{outcome:?}");
}

#[test]
fn g7_before_the_request_a_stale_answer_can_be_served_without_asking() {
    let server = serving();
    let session = chained(&build::rust("faulty"), "faulty").env("MCP_SERVER_URL", server.origin());
    let text = context(&session, "decline");
    assert!(text.contains("from the server"), "{text}\n{}", session.log());
    serves_the_cache(&session, &server, || context(&session, "before_cached"));
    // A plugin that hangs or panics before the request costs its 100 ms; the request is made.
    for mode in ["before_hangs", "before_panics", "decline"] {
        session.age_cache(STALE);
        let asked = server.requests().len();
        let text = context(&session, mode);
        assert!(text.contains("from the server"), "{mode}: {text}\n{}", session.log());
        session.settle();
        assert!(server.requests().len() > asked, "{mode}: the server was not called");
    }
    let log = session.log();
    let (_, limit) = log.split_once("op=\"before\" code=WS606").expect("the log of `before_hangs`");
    let (_, limit) = limit.split_once("did not answer within ").expect("its limit");
    let limit: u64 = limit.split(' ').next().unwrap().parse().unwrap();
    assert!(limit <= 100, "{limit} ms of the plugin's own 20 s");
    session.age_cache(STALE);
    let asked = server.requests().len();
    context(&session, "before_refresh");
    session.settle();
    assert!(server.requests().len() > asked, "renewed in the background");
}

#[test]
fn b17_a_decision_without_a_meaning_before_the_request_is_named_and_the_request_is_made() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let library = build::raw(folder.path(), &["BEFORE=\"\\\"raw\\\"\""]);
    let server = serving();
    let session = chained(&library, "raw").env("MCP_SERVER_URL", server.origin());
    decide(&session, "raw", "skip_before");
    session.start("startup").answer();
    for _ in 0..MAX_SLOW_RUNS {
        session.age_cache(STALE);
        let (asked, logged) = (server.requests().len(), session.log().len());
        let context = session.start("startup").context();
        let log = session.log().split_off(logged);
        assert!(context.contains("from the server") && !context.contains("STALE"), "{context}");
        assert_eq!(server.requests().len(), asked + 1, "{log}");
        // Its 100 ms may pass on a busy machine.
        if !log.contains("did not answer within") {
            assert!(log.contains("decided `skip`, which has no meaning before a request"), "{log}");
            return;
        }
    }
    panic!("`before` exceeded its 100 ms in {MAX_SLOW_RUNS} runs: {}", session.log());
}

#[test]
fn g3_words_that_no_step_knows_leave_it_to_the_next() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let session = chained(&build::raw(folder.path(), &[]), "raw");
    for (mode, cause) in [
        ("odd_word", "the unknown decision `panic_now`"),
        ("no_word", "without a `decision`"),
        ("ask_without_client", "named no `client`"),
        ("null_write", "died: signal 11"),
    ] {
        decide(&session, "raw", mode);
        session.start("startup").within(DEADLINE).answer();
        assert!(session.log().contains(cause), "{mode}: {}", session.log());
    }
}

#[test]
fn g7_hooks_give_sections_in_their_order_and_fail_alone() {
    let session = Session::new()
        .deadline("30s")
        .env("WARMSTART_LOG__LEVEL", "debug")
        .project_file("TODO.md", "- [ ] the list's task\n");
    trust(&session, &build::rust("faulty"), "faulty");
    let hooks = |mode: &str| {
        let limit = super::limit(mode);
        let text = format!(
            "[hooks.extra]\nkind = \"plugin:faulty/faulty\"\n[plugins.faulty]\ntimeout = \"{limit}\"\n[plugins.faulty.config]\nmode = \"{mode}\"\n"
        );
        write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
        session.start("startup")
    };
    let text = hooks("fine").context();
    let (first, last) = (text.find("fine: startup"), text.find("\n  low"));
    assert!(first.is_some() && first < last, "{text}\n{}", session.log());
    for (mode, cause) in [
        ("panic", "panicked"),
        ("abort", "died: signal 6"),
        ("sleep", "did not answer within"),
        ("exit_0", "died: exit 0"),
    ] {
        let outcome = hooks(mode);
        let text = outcome.within(DEADLINE).context();
        assert!(text.contains("the list's task"), "{mode}: the others are whole: {text}");
        assert!(session.log().contains(cause), "{mode}: {}", session.log());
        session.settle();
    }
}

#[test]
fn a_library_without_the_kind_or_the_item_is_a_problem_with_its_reason() {
    let session = Session::new();
    trust(&session, &build::rust("todo-file"), "todo_file");
    for (chain, reason) in [
        ("plugin:todo_file", "provides no strategy"),
        ("plugin:todo_file/other", "has no strategy `other`"),
        ("plugin:unknown", "is not trusted"),
        ("plugin:../evil", "`plugin:../evil` is not the name of a plugin"),
        ("plugin:/usr/lib/x.so", "`plugin:/usr/lib/x.so` is not the name of a plugin"),
    ] {
        let text = format!("[fallback]\nchain = [\"{chain}\", \"cache_then_skip\"]\n");
        write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
        let check = session.run(&["config", "check"]);
        assert_eq!(check.code(), 3, "{check:?}");
        assert!(check.stderr.contains(reason), "{chain}: {check:?}");
        session.start("startup").answer();
    }
}

#[test]
fn a_substitute_names_the_plugin_that_supplied_it() {
    let session = chained(&build::rust("faulty"), "faulty");
    let text = context(&session, "substitute");
    assert!(text.contains("Open tasks, plugin faulty"), "{text}");
    let outcome = session.run(&["tasks"]);
    assert!(
        outcome.text().starts_with("From plugin faulty (a substitute, not the task server)\n"),
        "{outcome:?}"
    );
    assert_eq!(session.run(&["tasks", "--json"]).json()["origin"], "plugin faulty");
}

/// A session whose chain begins with a plugin that has a mistake in its configuration.
fn misconfigured(url: &str) -> Session {
    let session = Session::with_server(url)
        .deadline("20s")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("WARMSTART_HTTP__ATTEMPTS", "1");
    trust(&session, &build::rust("work-hours"), "work_hours");
    let text = "[fallback]\nchain = [\"plugin:work_hours\", \"cache_then_skip\"]\n\
                [plugins.work_hours]\ntimeout = \"10s\"\n[plugins.work_hours.config]\nhours = 8\n";
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
    session
}

#[test]
fn a_mistake_in_a_steps_configuration_reaches_the_notice_and_the_chain_continues() {
    let server = serving();
    let session = misconfigured(&server.origin());
    assert!(session.start("startup").context().contains("from the server"));
    session.age_cache(STALE);
    drop(server);
    let outcome = session.start("startup");
    assert!(outcome.context().contains("from the server"), "{outcome:?}");
    let notice = outcome.notice();
    assert!(notice.contains("refused the connection"), "{notice}");
    assert!(notice.contains("plugins.work_hours.config.hours"), "{notice}");
    let outcome = session.run(&["tasks"]);
    assert!(outcome.stderr.contains("plugins.work_hours.config.hours"), "{outcome:?}");
}
