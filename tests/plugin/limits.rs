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

#[test]
fn m27_a_plugin_has_few_files_little_memory_and_a_session_of_its_own() {
    let session = client_session(&build::rust("faulty"), "faulty").deadline("20s");
    configure(&session, "faulty", "sleep", "");
    let (process, _) = session.begin("startup");
    let line = |id: u32| std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let is_plugin = |id: &u32| String::from_utf8_lossy(&line(*id)).contains("__plugin-host");
    let end = Instant::now() + Duration::from_secs(20);
    let (id, limits) = loop {
        let plugin = session.children().into_iter().find(is_plugin);
        let limits = plugin
            .and_then(|id| Some((id, std::fs::read_to_string(format!("/proc/{id}/limits")).ok()?)));
        // The limits are set after the request has been read.
        match limits {
            Some((id, limits)) if limits.contains("Max open files            256") => {
                break (id, limits);
            }
            _ => assert!(Instant::now() < end, "no plugin with a limit of files: {limits:?}"),
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    assert_eq!(fields[3], id.to_string(), "its session: {stat}");
    assert!(limits.contains("Max core file size        0"), "{limits}");
    assert!(limits.contains("Max data size             536870912"), "{limits}");
    child::signal(&process, 9);
    child::wait(process, "session-start", Duration::from_secs(15));
    session.settle();
}
