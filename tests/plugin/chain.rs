//! Plugins among the other steps of a chain: which step answers, and which one does not end it.

use std::path::Path;

use super::{STALE, build, serving, trust};
use crate::support::Session;
use crate::support::session::write;

/// A session whose chain is the plugins `first` and `second`, then the local list.
fn two(url: &str) -> Session {
    let session = Session::with_server(url)
        .deadline("30s")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_BREAKER__FAILURES", "0")
        .project_file("TODO.md", "- [ ] the backup's task\n");
    let library = build::rust("faulty");
    // Two files, since a file is trusted under one name.
    for name in ["first", "second"] {
        let copy = session.scratch().join(format!("lib{name}.so"));
        std::fs::copy(&library, &copy).unwrap();
        trust(&session, Path::new(&copy), name);
    }
    session
}

fn decide(session: &Session, first: &str, second: &str) {
    let table = |name: &str, mode: &str| {
        format!("[plugins.{name}]\ntimeout = \"20s\"\n[plugins.{name}.config]\nmode = \"{mode}\"\n")
    };
    let text = format!(
        "[fallback]\nchain = [\"plugin:first/faulty\", \"plugin:second/faulty\", \"client:backup\"]\n\
         [clients.backup]\nkind = \"local\"\n{}{}",
        table("first", first),
        table("second", second)
    );
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
}

#[test]
fn a_step_that_declines_or_fails_leaves_the_decision_to_the_next() {
    let session = two("http://127.0.0.1:9");
    for (first, second, shown) in [
        ("decline", "substitute", "tasks after unavailable"),
        ("decline", "decline", "the backup's task"),
        ("internal", "substitute", "tasks after unavailable"),
        ("panic", "decline", "the backup's task"),
        ("cached", "decline", "the backup's task"),
        ("cached", "substitute", "tasks after unavailable"),
    ] {
        decide(&session, first, second);
        let context = session.start("startup").context();
        assert!(context.contains(shown), "{first}, {second}: {context}\n{}", session.log());
        assert_eq!(session.last("pending_tasks").supply, "live", "{first}, {second}");
    }
}

#[test]
fn before_the_request_every_plugin_of_the_chain_is_asked_until_one_serves() {
    let server = serving();
    let session = two(&server.origin());
    decide(&session, "decline", "before_cached");
    assert!(session.start("startup").context().contains("from the server"), "{}", session.log());
    session.settle();
    session.age_cache(STALE);
    server.forget();
    // The limit of 100 ms for such a decision may be missed on a busy machine.
    let served = (0..super::MAX_SLOW_RUNS).any(|_| {
        session.age_cache(STALE);
        let asked = server.requests().len();
        session.start("startup");
        server.requests().len() == asked
    });
    assert!(served, "{}", session.log());
}
