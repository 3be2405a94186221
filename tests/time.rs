//! Times that come from files: a clock that was ahead or behind holds nothing back and removes nothing
//! that is in use, and processes find the answer of another by what is in its file, not by its file time.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use crate::support::clock::{DAY, HOUR, YEAR, from_now, set_file_times, shift_stored_times};
use crate::support::mcp_reply::{healthy, status};
use crate::support::{Act, FaultServer, Request, Session, canary};

const TASK: &str = "Mend the roof";
/// A few more than there are processors, so that some wait while others ask.
const CROWD: usize = 12;

/// A session that asks at most once and is never turned away by the breaker.
fn session(server: &FaultServer) -> Session {
    Session::with_server(&server.mcp())
        .deadline("30s")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_BREAKER__FAILURES", "0")
}

fn files_ending(session: &Session, end: &str) -> usize {
    let all = [session.cache(), session.state()].map(|folder| canary::files(&folder)).concat();
    all.iter().filter(|path| path.to_string_lossy().ends_with(end)).count()
}

#[test]
fn b1_ma_a_failure_from_the_future_holds_no_request_back() {
    for ahead in [2 * HOUR, DAY, YEAR] {
        let server = FaultServer::start(|_| status(500));
        let session = session(&server);
        assert!(session.start("startup").notice().contains("500"));
        shift_stored_times(&session, ahead);
        server.forget();
        server.becomes(healthy);
        assert!(session.start("startup").context().contains(TASK), "{ahead} s ahead");
        assert_eq!(server.count("/mcp"), 1, "{ahead} s ahead");
        let live = session.run(&["tasks", "--live"]);
        assert_eq!((live.code(), server.count("/mcp")), (0, 2), "{live:?}");
    }
}

#[test]
fn b1_ma_an_answer_removes_the_record_of_the_failure() {
    let server = FaultServer::start(|_| status(500));
    let session = session(&server);
    session.start("startup");
    assert_eq!(files_ending(&session, ".failure"), 1);
    server.becomes(healthy);
    session.start("startup");
    assert_eq!(files_ending(&session, ".failure"), 0);
}

#[test]
fn b1_priming_asks_again_after_a_failure_from_the_future() {
    let is_broken = std::sync::Arc::new(AtomicBool::new(true));
    let broken = is_broken.clone();
    let server = FaultServer::start(move |request| match asks_for_branches(request) {
        true if broken.load(Ordering::SeqCst) => status(500),
        _ => healthy(request),
    });
    let session = session(&server).env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    session.start("startup");
    session.settle();
    let asked = || server.requests().iter().filter(|request| asks_for_branches(request)).count();
    assert_eq!(asked(), 1);
    session.start("startup");
    session.settle();
    assert_eq!(asked(), 1, "not again so soon after a failure");
    shift_stored_times(&session, DAY);
    is_broken.store(false, Ordering::SeqCst);
    session.start("startup");
    session.settle();
    assert_eq!(asked(), 2);
}

fn asks_for_branches(request: &Request) -> bool {
    String::from_utf8_lossy(&request.body).contains("manage_git_branch")
}

#[test]
fn b7_one_of_many_asks_whatever_the_file_times_are() {
    let (server, runs) = crowd(|request| {
        let mut acts = vec![Act::Wait(Duration::from_millis(400))];
        acts.extend(healthy(request));
        acts
    });
    assert!(runs.iter().all(|(context, _)| context.contains(TASK)), "{runs:#?}");
    assert_eq!(server.count("/mcp"), 1);
}

#[test]
fn b7_waiting_sessions_take_over_a_failure_whatever_the_file_times_are() {
    let (server, runs) = crowd(|_| {
        let mut acts = vec![Act::Wait(Duration::from_millis(1500))];
        acts.extend(status(500));
        acts
    });
    assert!(runs.iter().all(|(_, notice)| notice.contains("500")), "{runs:#?}");
    assert_eq!(server.count("/mcp"), 1);
}

/// Many sessions at once with an empty cache, while all file times change between 1970 and 2100.
/// Context and notice of each.
fn crowd(
    script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
) -> (FaultServer, Vec<(String, String)>) {
    let server = FaultServer::start(script);
    let session = session(&server);
    let is_over = AtomicBool::new(false);
    let runs = std::thread::scope(|scope| {
        scope.spawn(|| {
            let odd = [SystemTime::UNIX_EPOCH, from_now(75 * YEAR)];
            for time in odd.iter().cycle() {
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
                set_file_times(&session, *time);
            }
        });
        let begun: Vec<_> = (0..CROWD).map(|_| session.begin("startup")).collect();
        let ended: Vec<_> = begun.into_iter().map(|run| session.finish(run)).collect();
        is_over.store(true, Ordering::SeqCst);
        ended.iter().map(|run| (run.context(), run.notice())).collect()
    });
    (server, runs)
}

#[test]
fn b7_file_times_change_nothing() {
    for time in [SystemTime::UNIX_EPOCH, from_now(-YEAR), from_now(75 * YEAR)] {
        let server = FaultServer::start(healthy);
        let session = session(&server).env("CACHE_CLEANUP_INTERVAL", "60");
        let first = session.start("startup").context();
        session.settle();
        set_file_times(&session, time);
        session.start("startup");
        session.settle();
        set_file_times(&session, time);
        let text = session.start("startup").context();
        assert_eq!((text, server.count("/mcp")), (first, 1), "{time:?}");
        session.settle();
        assert_eq!(session.entries().len(), 1, "clean-up kept what is fresh: {time:?}");
    }
}

#[test]
fn b9_a_clean_up_of_the_future_does_not_put_off_the_next() {
    let server = FaultServer::start(healthy);
    let session = session(&server).env("SESSION_CACHE_MAX_SIZE", "1");
    session.start("startup");
    session.settle();
    let folder = session.entries().remove(0).parent().unwrap().to_owned();
    assert_eq!(files_ending(&session, "last-cleanup"), 1, "the first run cleans up");
    shift_stored_times(&session, YEAR);
    for n in 0..30 {
        fs::write(folder.join(format!("{n:064}.json")), vec![b'x'; 100_000]).unwrap();
    }
    session.start("startup");
    session.settle();
    let size: u64 = session.entries().iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(size <= 1 << 20, "{size} bytes are left");
}

#[test]
fn b9_a_failure_of_git_from_the_future_is_tried_again() {
    let session = Session::new().deadline("30s");
    let git = session.scratch().join("git");
    let broken = format!("{}:{}", git.display(), "/nowhere");
    let mut program = session.program(&["session-start"]);
    crate::support::repository::commit(&session.project(), "a first commit");
    let event = session.event("startup").to_string();
    program.env("PATH", broken);
    let without = crate::support::run::to_its_end(&mut program, event.as_bytes());
    assert!(!without.context().contains("a first commit"), "{without:?}");
    assert!(!session.start("startup").context().contains("a first commit"), "not tried at once");
    shift_stored_times(&session, YEAR);
    let later = session.start("startup").context();
    assert!(later.contains("a first commit"), "{later}");
}

#[test]
fn b9_a_change_in_the_future_is_not_shown() {
    let server = FaultServer::start(healthy);
    let session = session(&server).env("CACHE_CLEANUP_INTERVAL", "30d");
    session.start("startup");
    let this_year = year_of(0);
    shift_stored_times(&session, YEAR);
    let unchanged = session.start("startup").context();
    assert!(unchanged.contains(&this_year), "{unchanged}");
    assert!(!unchanged.contains(&year_of(YEAR)), "{unchanged}");
    assert_eq!(session.start("startup").context(), unchanged, "identical state, identical bytes");
}

fn year_of(seconds: i64) -> String {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(seconds);
    now.strftime("%Y-").to_string()
}

#[test]
fn b9_a_clean_up_while_the_clock_is_ahead_removes_nothing_that_is_in_use() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    session.start("startup");
    session.settle();
    shift_stored_times(&session, -YEAR);
    let kept = || {
        let ends = [".json", ".log", ".txt", "runs.jsonl"];
        ends.map(|end| files_ending(&session, end))
    };
    let before = kept();
    assert!(before[0] >= 2 && before[1] == 1, "{before:?}");
    assert_eq!(session.run(&["__refresh", "--upkeep"]).code(), 0);
    let after = kept();
    assert!(
        before.iter().zip(after).all(|(before, after)| *before <= after),
        "{before:?} {after:?}"
    );
    // A day later the clock is still the same, so it is right.
    shift_stored_times(&session, -2 * DAY);
    assert_eq!(session.run(&["__refresh", "--upkeep"]).code(), 0);
    assert_eq!(session.entries().len(), 0, "the old entry is removed after all");
}

#[test]
fn b9_a_clock_that_is_behind_removes_nothing_that_is_in_use() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    session.start("startup");
    session.settle();
    shift_stored_times(&session, YEAR);
    assert_eq!(session.run(&["__refresh", "--upkeep"]).code(), 0);
    assert_eq!(session.entries().len(), 1);
}

#[test]
fn a_few_seconds_ahead_are_the_clock_of_another_machine() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    session.start("startup");
    for ahead in [3, 60] {
        shift_stored_times(&session, ahead);
        session.start("startup");
        let expected = if ahead < 10 { "fresh" } else { "live" };
        assert_eq!(session.last("pending_tasks").supply, expected, "{ahead} s ahead");
    }
}
