//! `isolation = "in-process"`: the same answers and one deadline, but no protection from crashes.

use super::{DEADLINE, build, client_session, configure};

#[test]
fn in_process_answers_panics_and_hangs_stay_within_the_session() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let start = |mode: &str| {
        configure(&session, "faulty", mode, "isolation = \"in-process\"");
        session.start("startup")
    };
    assert!(start("fine").context().contains("tasks from fine"), "{}", session.log());
    for (mode, cause) in [
        ("sleep", "its thread is still running"),
        ("endless_loop", "its thread is still running"),
        ("large", "more than 1 MiB"),
        ("internal", "failed: a mistake"),
    ] {
        let outcome = start(mode);
        assert!(outcome.within(DEADLINE).context().contains("the backup's task"), "{outcome:?}");
        assert!(session.log().contains(cause), "{mode}: {}", session.log());
        session.settle();
    }
}
