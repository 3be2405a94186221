//! Many sessions at once: one of them asks, all of them show the answer.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};

use super::{OPEN, asking, live, task_lines};
use crate::support::{or_skip, peer};

const CROWD: usize = 50;

#[test]
fn a014_i16_fifty_at_once_with_an_expired_token_and_an_empty_cache() {
    let Some(identity) = or_skip(peer::oidc_server(&[])) else { return };
    let Some(server) = or_skip(peer::task_server(&["--auth", "jwks"])) else { return };
    server.set(&json!({ "issuer": format!("{}/realms/dhafnck", identity.origin()) }));
    let session = asking(&server.mcp())
        .env("WARMSTART_CACHE__READ", "fresh_first")
        .with_keycloak(identity.origin(), "claude-hooks", "claude-hooks-secret")
        .deadline("45s");
    live(&session);
    for entry in session.entries() {
        fs::remove_file(entry).unwrap();
    }
    session.age_tokens(Duration::from_secs(600));
    server.take_requests();
    identity.take_requests();
    let crowd: Vec<_> = (0..CROWD).map(|_| session.begin("startup")).collect();
    let mut texts: Vec<Vec<String>> = Vec::new();
    for one in crowd {
        texts.push(task_lines(&session.finish(one)));
    }
    assert!(texts.iter().all(|lines| lines.len() == OPEN), "{texts:#?}");
    assert_eq!(identity.stats().count("/token"), 1);
    assert_eq!(server.stats().count("mcp:tools/call"), 1);
    let runs = session.runs();
    assert_eq!(runs.len(), CROWD + 1, "every run is on record, none torn");
}

#[test]
fn no_request_at_all_while_the_cache_is_fresh() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(&server.mcp()).env("WARMSTART_CACHE__READ", "fresh_first");
    let first = live(&session);
    server.take_requests();
    for source in ["startup", "clear", "compact"] {
        let outcome = session.start(source);
        assert_eq!(task_lines(&outcome), first);
        assert_eq!(session.last("pending_tasks").supply, "fresh");
    }
    let stats = server.stats();
    assert_eq!((stats.requests, stats.connections), (0, 0));
}

#[test]
fn d025_stale_while_revalidate_renews_once_in_the_background() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(&server.mcp())
        .env("WARMSTART_CACHE__READ", "fresh_first")
        .env("FALLBACK_STRATEGY", "stale_while_revalidate");
    live(&session);
    session.age_cache(Duration::from_secs(20 * 60));
    server.set(&json!({ "seed": 8, "delay_ms": 300 }));
    server.take_requests();
    let crowd: Vec<_> = (0..5).map(|_| session.begin("startup")).collect();
    for one in crowd {
        assert!(session.finish(one).context().contains("STALE"));
    }
    session.settle();
    assert_eq!(server.stats().count("tools/call"), 1, "one child at a time");
    let outcome = session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "fresh");
    assert!(!outcome.context().contains("STALE"));
}

#[test]
fn d026_the_child_holds_none_of_our_pipes() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(&server.mcp())
        .env("WARMSTART_CACHE__READ", "fresh_first")
        .env("FALLBACK_STRATEGY", "stale_while_revalidate");
    live(&session);
    session.age_cache(Duration::from_secs(20 * 60));
    server.faults(&json!([{ "match": "mcp", "do": "pass", "delay_ms": 3000, "times": 1 }]));
    // `start` reads stdout and stderr to their end, so a pipe that the child kept would show.
    let outcome = session.start("startup");
    assert!(outcome.context().contains("STALE"));
    assert!(outcome.elapsed < Duration::from_millis(2500), "{:?}", outcome.elapsed);
    assert_eq!(session.children().len(), 1, "the child is at work");
    session.settle();
    let value: Vec<Value> = session.runs();
    assert_eq!(value.len(), 2);
}
