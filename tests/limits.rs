//! Rate limit, circuit breaker, retries and redirects: how often a server is asked.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;

use crate::support::clock::{from_now, shift_stored_times};
use crate::support::mcp_reply::{self, healthy, json_response, response, rpc};
use crate::support::{Act, FaultServer, Request, Session};

/// A session that asks each time, with all the time that a busy machine needs.
fn asking(server: &FaultServer) -> Session {
    Session::with_server(&server.mcp())
        .env("WARMSTART_CACHE__READ", "network_first")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("WARMSTART_HTTP__RETRY_DELAY", "1ms")
        .deadline("15s")
}

fn notice(session: &Session) -> String {
    session.start("startup").notice()
}

#[test]
fn b9_l10_the_rate_limit_holds_over_all_runs() {
    let server = FaultServer::start(healthy);
    let session = asking(&server).env("WARMSTART_HTTP__RATE_LIMIT", "2");
    for _ in 0..2 {
        assert_eq!(notice(&session), "");
    }
    for _ in 0..3 {
        let notice = notice(&session);
        assert!(notice.contains("(WS323)") && notice.contains("2 requests a minute"), "{notice}");
    }
    assert_eq!(server.requests().len(), 2);
}

/// The lock of the one origin that the session has asked.
fn lock_file(session: &Session) -> PathBuf {
    lock_in(&session.state().join("http"))
}

fn lock_in(folder: &Path) -> PathBuf {
    let files = fs::read_dir(folder).unwrap().flatten();
    let mut locks = files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "lock"));
    locks.next().expect("a lock file")
}

#[test]
fn b8_a_record_that_stays_busy_means_no_request() {
    let server = FaultServer::start(healthy);
    let session = asking(&server);
    notice(&session);
    server.forget();
    let lock = File::open(lock_file(&session)).unwrap();
    lock.lock().unwrap();
    let session = session.deadline("1s");
    let outcome = session.start("startup");
    let notice = outcome.notice();
    assert!(notice.contains("holds the record") && notice.contains("(WS303)"), "{outcome:?}");
    assert!(outcome.context().contains("Mend the roof"), "the cache answers: {outcome:?}");
    assert!(server.requests().is_empty());
    drop(lock);
    session.settle();
}

#[test]
fn b8_a_record_that_is_busy_for_a_moment_is_waited_for() {
    let server = FaultServer::start(healthy);
    let session = asking(&server);
    notice(&session);
    let lock = File::open(lock_file(&session)).unwrap();
    lock.lock().unwrap();
    let started = session.begin("startup");
    std::thread::sleep(Duration::from_millis(400));
    assert_eq!(server.requests().len(), 1, "nothing is sent past a held record");
    drop(lock);
    assert_eq!(session.finish(started).notice(), "");
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn b12_sessions_that_the_breaker_turns_away_use_no_rate() {
    let server = FaultServer::start(|_| mcp_reply::status(500));
    let mut session = asking(&server)
        .env("WARMSTART_BREAKER__FAILURES", "1")
        .env("WARMSTART_BREAKER__OPEN_FOR", "1h")
        .env("WARMSTART_HTTP__RATE_LIMIT", "2");
    assert!(notice(&session).contains("(WS322)"));
    for _ in 0..4 {
        assert!(notice(&session).contains("(WS324)"));
    }
    assert_eq!(server.requests().len(), 1);
    session.set("WARMSTART_BREAKER__FAILURES", "0");
    server.becomes(healthy);
    assert_eq!(notice(&session), "");
}

#[test]
fn b12_what_a_server_answers_about_the_request_is_no_outage() {
    let redirect = || vec![Act::Send(response(301, &[("Location", "/other")], b""))];
    for status in [401, 403, 404, 408, 301] {
        let server = FaultServer::start(move |_| match status {
            301 => redirect(),
            status => mcp_reply::status(status),
        });
        let session = asking(&server).env("WARMSTART_BREAKER__FAILURES", "1");
        for run in 0..3 {
            server.forget();
            let notice = notice(&session);
            assert!(!notice.contains("(WS324)"), "{status}, run {run}: {notice}");
            assert!(!server.requests().is_empty(), "{status}, run {run}");
        }
    }
}

#[test]
fn b12_an_outage_opens_the_breaker_with_the_last_of_its_failures() {
    let server = FaultServer::start(|_| mcp_reply::status(500));
    let session = asking(&server).env("WARMSTART_BREAKER__FAILURES", "2");
    let codes = (0..4).map(|_| notice(&session).contains("(WS324)"));
    assert_eq!(codes.collect::<Vec<_>>(), [false, false, true, true]);
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn b12_of_many_that_find_it_half_open_one_probes() {
    let server = FaultServer::start(|_| mcp_reply::status(500));
    let mut session = asking(&server)
        .env("WARMSTART_BREAKER__FAILURES", "1")
        .env("WARMSTART_BREAKER__OPEN_FOR", "1s");
    assert!(notice(&session).contains("(WS322)"));
    std::thread::sleep(Duration::from_millis(1_100));
    server.forget();
    server
        .becomes(|request| [&[Act::Wait(Duration::from_secs(2))][..], &healthy(request)].concat());
    // Each asks another question, so that no lock but that of the record brings them together.
    let started: Vec<_> = (0..6)
        .map(|number| {
            session.set("WARMSTART_CLIENT__USER_ID", format!("user-{number}"));
            session.begin("startup")
        })
        .collect();
    let notices = started.into_iter().map(|run| session.finish(run).notice());
    let refused = notices.filter(|notice| notice.contains("(WS324)")).count();
    assert_eq!((refused, server.requests().len()), (5, 1));
}

#[test]
fn b12_a_burst_of_sessions_primes_once() {
    let server = FaultServer::start(|request| {
        let body = request.json();
        if body["params"]["name"] == "manage_git_branch" {
            let text = json!([{ "type": "text", "text": "Unknown tool: manage_git_branch" }]);
            let answer = rpc(request, &json!({ "isError": true, "content": text }));
            return vec![Act::Send(json_response(200, &answer))];
        }
        healthy(request)
    });
    let session = Session::with_server(&server.mcp())
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true")
        .deadline("15s");
    let started: Vec<_> = (0..8).map(|_| session.begin("startup")).collect();
    for run in started {
        session.finish(run).answer();
    }
    session.settle();
    let calls = server.requests();
    let of = |tool: &str| calls.iter().filter(|call| call.json()["params"]["name"] == tool).count();
    assert_eq!((of("manage_git_branch"), of("manage_task")), (1, 1));
}

#[test]
fn rt_b11_a_call_that_may_have_been_carried_out_is_not_repeated() {
    let server = FaultServer::start(|_| mcp_reply::status(503));
    let session = asking(&server);
    let outcome = session.run(&["call", "manage_task", "--args", "{}"]);
    assert_eq!(outcome.code(), 5, "{outcome:?}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn rt_b11_a_session_with_little_time_asks_twice_at_most() {
    let server = FaultServer::start(|_| mcp_reply::status(503));
    let session = asking(&server).env("HTTP_MAX_RETRIES", "5").deadline("4s");
    assert!(notice(&session).contains("(WS322)"));
    assert_eq!(server.requests().len(), 2);
    server.forget();
    let session = asking(&server).env("HTTP_MAX_RETRIES", "3");
    assert!(notice(&session).contains("(WS322)"));
    assert_eq!(server.requests().len(), 4);
}

/// A redirect to `location`, and the tasks when it is followed or asked again.
#[test]
fn a_retry_counts_for_the_rate_limit() {
    let server = FaultServer::start(|_| mcp_reply::status(503));
    let session = asking(&server).env("WARMSTART_HTTP__RATE_LIMIT", "1");
    assert!(notice(&session).contains("(WS322)"), "the server's failure, not the limit");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_probe_of_a_half_open_breaker_is_one_request() {
    let server = FaultServer::start(|_| mcp_reply::status(500));
    let session = asking(&server).env("WARMSTART_BREAKER__FAILURES", "1");
    notice(&session);
    shift_stored_times(&session, -60);
    server.forget();
    server.becomes(|_| mcp_reply::status(503));
    assert!(notice(&session).contains("(WS322)"));
    assert_eq!(server.requests().len(), 1);
    assert!(notice(&session).contains("(WS324)"), "it is open again");
}

#[test]
fn a_breaker_that_another_process_opens_ends_the_retries() {
    let server = FaultServer::start(|_| mcp_reply::status(503));
    let session = asking(&server);
    let state = session.state().join("http");
    server.becomes(move |_| {
        let record = lock_in(&state).with_extension("breaker");
        let until = from_now(20).duration_since(UNIX_EPOCH).unwrap().as_millis();
        let open = format!(r#"{{"failures":3,"open_until":{until},"away_until":0}}"#);
        fs::write(record, open).unwrap();
        mcp_reply::status(503)
    });
    assert!(notice(&session).contains("(WS322)"));
    assert_eq!(server.requests().len(), 1);
}

fn redirected_once(status: u16, location: &'static str) -> impl Fn(&Request) -> Vec<Act> {
    move |request| match request.n {
        0 => vec![Act::Send(response(status, &[("Location", location)], b""))],
        _ => healthy(request),
    }
}

#[test]
fn b13_a_redirect_that_changes_the_method_is_not_followed() {
    for status in [300, 301, 302, 303, 305, 306] {
        let server = FaultServer::start(redirected_once(status, "/mcp/"));
        let notice = notice(&asking(&server));
        assert!(notice.contains("(WS401)") && notice.contains(&status.to_string()), "{notice}");
        assert_eq!(server.requests().len(), 1, "{status}");
    }
}

#[test]
fn b13_not_modified_is_no_redirect() {
    let server = FaultServer::start(redirected_once(304, "/mcp/"));
    let notice = notice(&asking(&server));
    assert!(!notice.contains("redirect") && !notice.is_empty(), "{notice}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn b8_a_crowd_with_a_slow_disk_stays_within_the_limit() {
    let Some(()) = crate::contract::kernel::tracing() else { return };
    let server = FaultServer::start(healthy);
    let session = asking(&server).env("WARMSTART_HTTP__RATE_LIMIT", "4").deadline("30s");
    let slow = "-einject=rename,renameat,renameat2:delay_enter=50000";
    // Each asks another question, so that no lock but that of the record brings them together.
    let start = |number: usize| {
        let user = format!("WARMSTART_CLIENT__USER_ID=user-{number}");
        let words = ["env", &user, "strace", "-f", "-qq", "-o", "/dev/null", slow];
        crate::contract::kernel::by_way_of(&session, &words)
    };
    let notices: Vec<String> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..12).map(|number| scope.spawn(move || start(number).notice())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    let refused = notices.iter().filter(|notice| notice.contains("(WS323)")).count();
    assert_eq!((refused, server.requests().len()), (8, 4), "{notices:?}");
}
