//! One query through cache, client and chain, by the number of requests and by what the session shows.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use serde_json::json;

use crate::support::clock::{HOUR, shift_stored_times};
use crate::support::mcp_reply::{self, healthy, status};
use crate::support::{Act, FaultServer, Request, Session, canary};

const TASK: &str = "Mend the roof";
/// So long that a request which has no limit of its own is noticed, however busy the machine is.
const SLOW: Duration = Duration::from_secs(8);
const STALE: Duration = Duration::from_secs(20 * 60);

fn session(server: &FaultServer) -> Session {
    Session::with_server(&server.mcp())
        .deadline("30s")
        .env("WARMSTART_BREAKER__FAILURES", "0")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
}

/// A list with one task of this title.
fn one_task(title: &'static str) -> impl Fn(&Request) -> Vec<Act> + Send + Sync {
    move |request| {
        vec![Act::Send(mcp_reply::tasks(request, &json!([{ "id": "7", "title": title }])))]
    }
}

fn slowly(pause: Duration) -> impl Fn(&Request) -> Vec<Act> + Send + Sync {
    move |request| [vec![Act::Wait(pause)], healthy(request)].concat()
}

fn with_backup(session: Session, chain: &str, backup: &FaultServer) -> Session {
    session.hooks_toml(&format!(
        "[fallback]\nchain = [{chain}]\n[clients.backup]\nkind = \"mcp\"\nurl = \"{}\"\n",
        backup.mcp()
    ))
}

/// A query that may have effects: not `read_only`, shown by a hook of its own and named for priming.
const WITH_EFFECTS: &str = "[hooks.mine]\nkind = \"pending_tasks\"\nquery = \"mine\"\n\
    [hooks.pending_tasks]\nenabled = false\n\
    [hooks.prime_cache]\nqueries = [\"mine\"]\n\
    [queries.mine]\ntool = \"take_task\"\nitems = [\"/data/tasks\"]\n";

#[test]
fn a_query_that_is_not_read_only_is_neither_kept_nor_shared() {
    let server = FaultServer::start(slowly(Duration::from_millis(300)));
    let session = session(&server).hooks_toml(WITH_EFFECTS);
    let both = [session.begin("startup"), session.begin("startup")];
    for run in both {
        assert!(session.finish(run).context().contains(TASK));
    }
    assert!(session.start("startup").context().contains(TASK));
    session.settle();
    assert_eq!(server.requests().len(), 3, "one for each session");
    assert!(session.entries().is_empty());
}

#[test]
fn a_query_that_is_not_read_only_is_never_asked_in_the_background() {
    let server = FaultServer::start(slowly(SLOW));
    let session = session(&server)
        .hooks_toml(WITH_EFFECTS)
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true")
        .env("WARMSTART_HOOKS__MINE__TIMEOUT", "300ms");
    assert!(!session.start("startup").context().contains(TASK));
    session.settle();
    assert_eq!(server.requests().len(), 1);
    server.becomes(healthy);
    session.start("startup");
    session.settle();
    assert_eq!(server.requests().len(), 2, "it is not primed either");
    let asked = session.run(&["__refresh", "--renew=mine", "--prime=mine"]);
    assert_eq!((asked.code(), server.requests().len()), (0, 2), "{asked:?}");
    assert_eq!(session.log().matches("not kept").count(), 2, "{}", session.log());
}

#[test]
fn a_server_that_is_too_slow_is_asked_again_in_the_background() {
    let server = FaultServer::start(slowly(Duration::from_secs(2)));
    let session = session(&server).env("WARMSTART_HOOKS__PENDING_TASKS__TIMEOUT", "300ms");
    let outcome = session.start("startup");
    assert!(!outcome.context().contains(TASK));
    assert!(outcome.notice().contains("(WS303)"), "{outcome:?}");
    session.settle();
    assert_eq!(server.requests().len(), 2);
    assert!(session.start("startup").context().contains(TASK));
    assert_eq!(session.last("pending_tasks").supply, "fresh");
}

#[test]
fn a_renewal_does_not_take_over_the_failure_of_a_session() {
    let server = FaultServer::start(slowly(Duration::from_secs(3)));
    let session = session(&server).env("WARMSTART_HOOKS__PENDING_TASKS__TIMEOUT", "1500ms");
    let foreground = session.begin("startup");
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let renewal = session.run(&["__refresh", "--renew=tasks"]);
    assert!(session.finish(foreground).notice().contains("(WS303)"));
    assert_eq!(renewal.code(), 0);
    session.settle();
    assert_eq!((session.entries().len(), server.requests().len()), (1, 2));
    // The session started a process too, which found this one at work.
    let log = session.log();
    let failed = log.lines().filter(|line| line.contains("not renewed"));
    assert_eq!(failed.filter(|line| !line.contains("another process")).count(), 0, "{log}");
}

#[test]
fn of_two_renewals_at_once_one_asks() {
    let server = FaultServer::start(slowly(Duration::from_secs(1)));
    let session = session(&server);
    let run = || session.run(&["__refresh", "--renew=tasks"]);
    std::thread::scope(|scope| {
        let first = scope.spawn(run);
        while server.requests().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(run().code(), 0);
        // The second ended without waiting for the first.
        assert!(session.entries().is_empty(), "{}", session.log());
        assert_eq!(first.join().unwrap().code(), 0);
    });
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn after_waiting_too_long_for_another_session_the_cache_is_shown_with_the_reason() {
    let server = FaultServer::start(healthy);
    let mut session = session(&server).deadline("10s");
    session.start("startup");
    session.age_cache(STALE);
    server.becomes(|_| vec![Act::Hold]);
    let holder = session.begin("startup");
    while server.requests().len() < 2 {
        std::thread::sleep(Duration::from_millis(5));
    }
    session.set("WARMSTART_SESSION_START__DEADLINE", "1500ms");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("STALE"), "{outcome:?}");
    assert!(outcome.notice().contains("another session is already asking"), "{outcome:?}");
    assert_eq!(server.requests().len(), 2);
    session.finish(holder);
}

#[test]
fn the_timeout_of_a_hook_limits_its_request() {
    let server = FaultServer::start(slowly(SLOW));
    let session = session(&server).env("WARMSTART_HOOKS__PENDING_TASKS__TIMEOUT", "300ms");
    let outcome = session.start("startup");
    assert!(outcome.elapsed < SLOW - Duration::from_secs(2), "{outcome:?}");
    let cause = session.last("pending_tasks").cause;
    assert!(cause.contains("WS303"), "{cause}");
}

#[test]
fn the_time_limit_of_a_request_limits_it() {
    let server = FaultServer::start(slowly(SLOW));
    let session = session(&server).env("WARMSTART_HTTP__REQUEST_TIMEOUT", "300ms");
    let outcome = session.start("startup");
    assert!(outcome.elapsed < SLOW - Duration::from_secs(2), "{outcome:?}");
    let cause = session.last("pending_tasks").cause;
    assert!(cause.contains("WS303"), "{cause}");
}

#[test]
fn the_user_sees_that_an_answer_could_not_be_kept() {
    let server = FaultServer::start(healthy);
    let session = session(&server).env("WARMSTART_CACHE__READ", "network_first");
    session.start("startup");
    let folder = session.entries().remove(0).parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let outcome = session.start("startup");
    assert!(outcome.context().contains(TASK), "{outcome:?}");
    assert!(outcome.notice().contains("(WS501)"), "{outcome:?}");
}

#[test]
fn an_entry_is_never_fresh_beyond_the_age_at_which_it_expires() {
    let server = FaultServer::start(healthy);
    let session = session(&server)
        .env("WARMSTART_QUERIES__TASKS__TTL", "3h")
        .env("WARMSTART_CACHE__STALE_MAX", "1h");
    session.start("startup");
    session.settle();
    shift_stored_times(&session, -2 * HOUR);
    server.becomes(|_| status(500));
    let outcome = session.start("startup");
    assert!(!outcome.context().contains(TASK), "{outcome:?}");
    assert!(outcome.notice().contains("older than 1h"), "{outcome:?}");
}

#[test]
fn a_dry_run_leaves_a_damaged_entry_in_its_place() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    session.start("startup");
    session.settle();
    fs::write(session.entries().remove(0), "damaged").unwrap();
    let state = || {
        let files = [session.cache(), session.state()].map(|folder| canary::files(&folder));
        let read = |path: &std::path::PathBuf| (path.clone(), fs::read(path).unwrap());
        files.iter().flatten().map(read).collect::<Vec<_>>()
    };
    let before = state();
    let event = session.event("startup").to_string();
    assert!(session.start_with(&event, &["--dry-run"]).context().contains(TASK));
    assert!(state() == before, "a dry run changes nothing");
}

#[test]
fn the_answer_of_a_further_client_is_kept_under_its_own_key() {
    let server = FaultServer::start(|_| status(500));
    let backup = FaultServer::start(one_task("Ask the neighbour"));
    let session = with_backup(session(&server), "\"client:backup\"", &backup);
    for _ in 0..2 {
        assert!(session.start("startup").context().contains("Ask the neighbour"));
    }
    assert_eq!((server.requests().len(), backup.requests().len()), (2, 1));
    server.becomes(healthy);
    assert!(session.start("startup").context().contains(TASK));
}

#[test]
fn what_a_further_client_answers_keeps_the_failure_of_the_first() {
    let server = FaultServer::start(|_| status(500));
    let backup = FaultServer::start(one_task("Ask the neighbour"));
    let session = with_backup(session(&server), "\"client:backup\"", &backup);
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Ask the neighbour"));
    assert!(outcome.notice().contains("HTTP 500"), "{outcome:?}");
    assert!(session.last("pending_tasks").cause.contains("HTTP 500"));
}

#[test]
fn a_chain_ends_with_the_last_failure() {
    let server = FaultServer::start(|_| status(500));
    let backup = FaultServer::start(|_| status(404));
    let session = with_backup(session(&server), "\"client:backup\", \"cache_then_skip\"", &backup);
    let outcome = session.start("startup");
    assert!(outcome.notice().contains(&backup.authority()), "{outcome:?}");
    assert!(!outcome.notice().contains("HTTP 500"), "{outcome:?}");
}
