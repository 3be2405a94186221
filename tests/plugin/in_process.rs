//! `isolation = "in-process"`: the same answers, one deadline, and no promise against crashes.

use super::{DEADLINE, build, client_session};
use crate::support::session::write;

#[test]
fn in_process_answers_panics_and_hangs_stay_within_the_session() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let start = |mode: &str| {
        let text = format!(
            "[fallback]\nchain = [\"client:backup\"]\n[clients.backup]\nkind = \"local\"\n\
             [plugins.faulty]\nisolation = \"in-process\"\ntimeout = \"1s\"\n[plugins.faulty.config]\nmode = \"{mode}\"\n"
        );
        write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
        session.start("startup")
    };
    assert!(start("fine").context().contains("tasks from fine"), "{}", session.log());
    for (mode, cause) in [
        ("sleep", "its thread is left behind"),
        ("endless_loop", "its thread is left behind"),
        ("large", "more than 1 MiB"),
        ("internal", "failed: a mistake"),
    ] {
        let outcome = start(mode);
        assert!(outcome.within(DEADLINE).context().contains("the backup's task"), "{outcome:?}");
        assert!(session.log().contains(cause), "{mode}: {}", session.log());
        session.settle();
    }
}
