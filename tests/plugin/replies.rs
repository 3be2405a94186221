//! Group 3: the contents of a reply.

use super::{answers, build, client_session, falls_back};
use crate::support::or_skip;

#[test]
fn g3_g7_replies_that_are_none_fall_back_and_are_named() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let session = client_session(&build::raw(folder.path(), &[]), "raw");
    for (mode, cause) in [
        ("no_reply", "returned the code 7"),
        ("silent_zero", "returned without a reply"),
        ("reply_then_code", "returned the code 3"),
        ("empty_reply", "not JSON"),
        ("null_reply", "null pointer"),
        ("endless_reply", "null pointer or an impossible length"),
        ("bad_utf8", "not JSON"),
        ("bad_json", "not JSON"),
        ("forged_frame", "not JSON"),
        ("just_above", "more than 1 MiB"),
        ("far_above", "more than 1 MiB"),
        ("deep", "not JSON: recursion limit"),
        ("not_an_object", "JSON that is not an object"),
        ("neither", "neither `ok` nor `error`"),
        ("no_tasks", "without a list of `tasks`"),
        ("odd_kind", "unknown error kind `bored`"),
    ] {
        falls_back(&session, "raw", mode, cause);
    }
}

#[test]
fn g3_replies_that_are_odd_and_good_are_taken() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let session = client_session(&build::raw(folder.path(), &[]), "raw");
    let two = answers(&session, "raw", "two_replies", "first");
    assert!(!two.context().contains("second"), "{two:?}");
    answers(&session, "raw", "newline", "two lines");
    answers(&session, "raw", "unknown_fields", "kept");
    for mode in ["just_below", "exactly"] {
        answers(&session, "raw", mode, "");
        assert!(!session.log().contains("more than 1 MiB"), "{mode}: {}", session.log());
    }
}

#[test]
fn g3_large_replies_of_rust_are_refused_and_control_characters_do_not_pass() {
    let session = client_session(&build::rust("faulty"), "faulty");
    falls_back(&session, "faulty", "large", "more than 1 MiB");
    let outcome = answers(&session, "faulty", "control", "red");
    let context = outcome.context();
    let is_clean = |c: char| !c.is_control() || c == '\n';
    assert!(context.chars().all(is_clean) && !context.contains('\u{202e}'), "{context:?}");
    assert!(!context.contains("\nsecond line"), "{context:?}");
    answers(&session, "faulty", "many", "more");
}
