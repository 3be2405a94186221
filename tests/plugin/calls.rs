//! Groups 2 and 7: plugins that misbehave instead of answering.

use std::time::Duration;

use super::{HANGS_AT_LOAD, answers, build, client_session, falls_back};
use crate::support::or_skip;

#[test]
fn g2_g7_rust_faults_fall_back_and_are_named() {
    let session = client_session(&build::rust("faulty"), "faulty");
    for (mode, cause) in [
        ("panic", "panicked: a string slice"),
        ("panic_string", "panicked: a formatted string: 7"),
        ("panic_other", "panicked: a panic without a message"),
        ("panic_in_drop", "panicked: in a destructor"),
        ("panic_payload_bomb", "panicked: a panic without a message"),
        ("panic_twice", "died: signal 6"),
        ("abort", "died: signal 6"),
        ("stack_overflow", "died: signal 6"),
        ("exit_0", "died: exit 0 without a reply"),
        ("exit_3", "died: exit 3 without a reply"),
        ("endless_loop", "did not answer within"),
        ("sleep", "did not answer within"),
    ] {
        falls_back(&session, "faulty", mode, cause);
    }
}

#[test]
fn g2_errors_of_its_own_words_decide_the_class() {
    let session = client_session(&build::rust("faulty"), "faulty");
    for (mode, cause) in [
        ("not_supported", "has no answer: not here (WS325)"),
        ("not_found", "has no answer: nothing there (WS325)"),
        ("unavailable", "cannot answer now: locked (WS325)"),
        ("auth", "was refused: refused (WS203)"),
        ("config", "has an invalid setting: `site` is wrong (WS102)"),
        ("internal", "failed: a mistake (WS610)"),
    ] {
        falls_back(&session, "faulty", mode, cause);
    }
}

#[test]
fn g2_noise_and_meddling_do_not_reach_the_answer() {
    let session = client_session(&build::rust("faulty"), "faulty");
    answers(&session, "faulty", "noise", "tasks from noise");
    assert!(session.log().contains("printed: noise on standard error"), "{}", session.log());
    answers(&session, "faulty", "changes_folder", "tasks from changes_folder");
    answers(&session, "faulty", "stderr_flood", "tasks from stderr_flood");
    let outcome = answers(&session, "faulty", "honours_cancelled", "tasks from honours_cancelled");
    assert!(outcome.elapsed >= Duration::from_millis(4800), "80 % of 6 s: {outcome:?}");
}

#[test]
fn g2_g7_faults_that_take_c_fall_back_and_leave_no_process() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let session = client_session(&build::raw(folder.path(), &[]), "raw");
    for (mode, cause) in [
        ("null_write", "died: signal 11"),
        ("double_free", "died: signal 6"),
        ("kill_self", "died: signal 9"),
        ("leaks", "died: signal 6"),
        ("closes_all", "died: "),
    ] {
        falls_back(&session, "raw", mode, cause);
    }
    answers(&session, "raw", "changes_all", "changed");
    answers(&session, "raw", "forks", "forked");
    assert!(session.children().is_empty(), "the forked process ended with its group");
}

#[test]
fn g2_g7_a_constructor_that_hangs_is_ended_at_the_limit() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let slow = build::raw(folder.path(), &["SLOW_START"]);
    let mut session = client_session(&slow, "raw");
    answers(&session, "raw", "not yet", "works");
    session.set("LANG", "hang");
    falls_back(&session, "raw", HANGS_AT_LOAD, "did not answer within");
    let file = slow.to_str().unwrap();
    let refused = session.run(&["plugin", "trust", file, "--name", "slow", "--yes"]);
    assert_eq!(refused.code(), 9, "without a description there is no trust: {refused:?}");
    assert!(refused.stderr.contains("did not answer within"), "{refused:?}");
}

#[test]
fn g2_g7_a_library_that_cannot_unwind_dies_alone() {
    let folder = tempfile::tempdir().unwrap();
    let session = client_session(&build::aborting(folder.path()), "abort");
    falls_back(&session, "abort", "any", "died: signal 6");
    assert!(session.log().contains("printed: nothing catches this"), "{}", session.log());
}
