//! Group 4: floods, deadlines, several plugins at once.

use std::time::{Duration, Instant};

use super::{DEADLINE, answers, build, client_session, configure, falls_back, trust};
use crate::support::child;
use crate::support::session::write;

#[test]
fn g4_a_log_flood_is_cut_and_the_call_ends_at_its_limit() {
    let session = client_session(&build::rust("faulty"), "faulty");
    falls_back(&session, "faulty", "log_flood", "did not answer within");
    let lines = session.log().matches("a line of a flood").count();
    assert!((1..=256).contains(&lines), "{lines} lines");
}

#[test]
fn g4_a_stderr_flood_is_drained_and_mostly_forgotten() {
    let session = client_session(&build::rust("faulty"), "faulty");
    answers(&session, "faulty", "stderr_flood", "tasks from stderr_flood");
    let lines = session.log().matches("of standard error").count();
    assert!((1..=64).contains(&lines), "{lines} lines");
}

#[test]
fn g4_the_session_deadline_counts_when_it_is_shorter() {
    let session = client_session(&build::rust("faulty"), "faulty").deadline("600ms");
    configure(&session, "faulty", "sleep", "");
    let file = session.home().join(".config/warmstart/hooks.toml");
    let text = std::fs::read_to_string(&file).unwrap().replace("\"1s\"", "\"60s\"");
    write(&file, text.as_bytes());
    let outcome = session.start("startup");
    outcome.within(Duration::from_millis(600));
    outcome.answer();
    session.settle();
}

#[test]
fn g4_one_hangs_and_the_other_is_kept() {
    let session = client_session(&build::rust("faulty"), "faulty");
    trust(&session, &build::rust("faulty"), "other");
    let text = "[plugins.faulty]\ntimeout = \"400ms\"\n[plugins.faulty.config]\nmode = \"sleep\"\n\
        [plugins.other]\ntimeout = \"20s\"\n[plugins.other.config]\nmode = \"fine\"\n\
        [hooks.one]\nkind = \"plugin:faulty\"\n[hooks.two]\nkind = \"plugin:other\"\n";
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
    let outcome = session.start("startup");
    let context = outcome.within(DEADLINE).context();
    assert!(context.contains("fine: startup with 0 tasks"), "{context}\n{}", session.log());
    assert!(session.log().contains("the plugin `faulty` did not answer within"));
    session.settle();
}

#[test]
fn g4_a_plugin_that_broke_is_not_asked_again_in_the_same_run() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let text = "[plugins.faulty]\ntimeout = \"20s\"\n[plugins.faulty.config]\nmode = \"abort\"\n\
        [fallback]\nchain = [\"plugin:faulty\", \"plugin:faulty/faulty\", \"skip\"]\n";
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
    session.start("startup").answer();
    let log = session.log();
    let deaths = log.lines().filter(|line| line.contains("op=") && line.contains("died")).count();
    assert_eq!(deaths, 1, "{log}");
}

#[test]
fn g4_a_request_that_is_too_large_is_not_made() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let text = format!(
        "[fallback]\nchain = [\"client:backup\"]\n[clients.backup]\nkind = \"local\"\n[plugins.faulty.config]\nmode = \"fine\"\nnote = \"{}\"\n",
        "x".repeat(300_000)
    );
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
    let outcome = session.start("startup");
    assert!(outcome.context().contains("the backup's task"), "{outcome:?}");
    assert!(session.log().contains("larger than 256 KiB"), "{}", session.log());
}

#[test]
fn b3_the_programs_of_a_plugin_end_with_us_by_any_signal() {
    for signal in [15, 9] {
        let session = client_session(&build::rust("faulty"), "faulty");
        configure(&session, "faulty", "starts_a_program", "");
        let (process, _) = session.begin("startup");
        let end = Instant::now() + Duration::from_secs(20);
        // We, the plugin's process, and its program.
        while session.children().len() < 3 {
            assert!(Instant::now() < end, "the plugin started nothing");
            std::thread::sleep(Duration::from_millis(10));
        }
        child::signal(&process, signal);
        child::wait(process, "session-start", Duration::from_secs(15));
        session.settle();
    }
}
