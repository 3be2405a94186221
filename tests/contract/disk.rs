//! D001–D027: the cache, the state, and their folders.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::fresh;
use crate::support::mcp_reply::healthy;
use crate::support::{FaultServer, Session, canary};

#[track_caller]
fn supplied(session: &Session, supply: &str) {
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert_eq!(session.last("pending_tasks").supply, supply, "{outcome:?}");
}

#[test]
fn d001_d002_d004_a_damaged_entry_is_asked_for_again() {
    let (_server, session) = fresh();
    let entry = session.entries().remove(0);
    let whole = fs::read(&entry).unwrap();
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for bytes in [&whole[..0], &whole[..10], &whole[..whole.len() - 1], &flipped, b"{}"] {
        fs::write(&entry, bytes).unwrap();
        supplied(&session, "live");
        supplied(&session, "fresh");
    }
    assert!(canary::files(&session.cache()).len() > 1, "the damaged ones are kept aside");
}

#[test]
fn d003_a_damaged_entry_and_no_server() {
    let (server, session) = fresh();
    drop(server);
    fs::write(session.entries().remove(0), "garbage").unwrap();
    let outcome = session.start("startup");
    assert!(!outcome.context().contains("Mend the roof"));
    assert!(outcome.notice().contains("WS302"), "{outcome:?}");
}

#[test]
fn d005_x09_folders_are_made_private() {
    let (_server, session) = fresh();
    for folder in [session.cache(), session.state()] {
        let mode = fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o700, "{}", folder.display());
    }
}

#[test]
fn d007_nothing_is_written_where_others_can_write() {
    let (_server, session) = fresh();
    let folder = session.entries().remove(0).parent().unwrap().to_owned();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let before = session.cached_bytes();
    let session = session.env("WARMSTART_CACHE__READ", "network_first");
    supplied(&session, "live");
    assert_eq!(session.cached_bytes(), before);
    assert!(session.log().contains("WS501"), "{}", session.log());
}

/// Puts `plant` where the entry was; nothing outside may be touched.
fn in_place_of_the_entry(plant: impl Fn(&Path, &Path)) {
    let (_server, session) = fresh();
    let entry = session.entries().remove(0);
    let target = session.scratch().join("target");
    fs::write(&target, "untouched").unwrap();
    fs::remove_file(&entry).unwrap();
    plant(&entry, &target);
    supplied(&session, "live");
    assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
}

#[test]
fn d017_i13_an_entry_that_is_no_file() {
    in_place_of_the_entry(|entry, target| symlink(target, entry).unwrap());
    in_place_of_the_entry(|entry, _| fs::create_dir(entry).unwrap());
    in_place_of_the_entry(|entry, _| {
        use rustix::fs::{CWD, FileType, mknodat};
        mknodat(CWD, entry, FileType::Fifo, 0o600.into(), 0).unwrap();
    });
    in_place_of_the_entry(|entry, target| fs::hard_link(target, entry).unwrap());
}

#[test]
fn d018_i21_an_entry_of_a_newer_format_is_kept() {
    let (_server, session) = fresh();
    let newer = session.cache().join("v999/answers/entry.json");
    fs::create_dir_all(newer.parent().unwrap()).unwrap();
    fs::write(&newer, "from tomorrow").unwrap();
    supplied(&session, "fresh");
    session.settle();
    assert_eq!(fs::read_to_string(newer).unwrap(), "from tomorrow");
}

#[test]
fn d019_a_crowded_folder_costs_nothing() {
    let (_server, session) = fresh();
    let folder = session.entries().remove(0).parent().unwrap().to_owned();
    for n in 0..20_000 {
        fs::write(folder.join(format!("{n:064}.json")), "").unwrap();
    }
    let session = session.deadline("300ms");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"));
    session.kept_deadline(Duration::from_millis(300), &outcome);
}

#[test]
fn d020_i20_entries_from_the_future_and_from_1970() {
    let (_server, session) = fresh();
    for age in [-7 * 24 * 3600_i64, 1_800_000_000, i64::from(i32::MAX)] {
        let entry = session.entries().remove(0);
        let bytes = fs::read(&entry).unwrap();
        let mut value = warmstart::testing::Entry::decode(&bytes).unwrap();
        value.written.0 -= age;
        fs::write(&entry, value.encode()).unwrap();
        supplied(&session, "live");
    }
}

#[test]
fn d022_x11_files_of_others_are_left_alone() {
    let (_server, session) = fresh();
    let foreign = session.entries().remove(0).with_file_name("notes-of-the-user.json");
    fs::write(&foreign, "{ not ours").unwrap();
    let session = session.env("CACHE_CLEANUP_INTERVAL", "60");
    supplied(&session, "fresh");
    session.settle();
    assert_eq!(fs::read_to_string(foreign).unwrap(), "{ not ours");
}

#[test]
fn d023_homes_that_are_none() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).deadline("15s");
    let event = session.event("startup").to_string();
    for home in [None, Some("relative"), Some("/nowhere/at/all"), Some("")] {
        let mut command = session.program(&["session-start"]);
        command.env_remove("HOME");
        if let Some(home) = home {
            command.env("HOME", home);
        }
        let outcome = crate::support::run::to_its_end(&mut command, event.as_bytes());
        assert!(outcome.context().contains("Mend the roof"), "{home:?}: {outcome:?}");
    }
    assert!(!session.project().join("relative").exists());
    let _ = fs::remove_dir_all("/nowhere");
}

#[test]
fn d024_a_log_that_cannot_be_written() {
    let (_server, session) = fresh();
    let logs = session.state().join("logs");
    let usual = session.start("startup").context();
    fs::remove_dir_all(&logs).unwrap();
    fs::write(&logs, "a file where the folder should be").unwrap();
    let outcome = session.start("startup");
    assert_eq!((outcome.context(), outcome.notice()), (usual, String::new()));
}

#[test]
fn d027_damaged_limits_and_breakers_are_healthy_ones() {
    let (_server, session) = fresh();
    let session = session.env("WARMSTART_CACHE__READ", "network_first");
    supplied(&session, "live");
    let state: Vec<PathBuf> = canary::files(&session.state());
    let numbers = state.iter().filter(|path| !path.ends_with("runs.jsonl"));
    for file in numbers {
        fs::write(file, "\u{0}garbage").unwrap();
    }
    supplied(&session, "live");
}

#[test]
fn i13_nothing_is_written_outside_our_folders() {
    let (_server, session) = fresh();
    session.start("startup");
    session.settle();
    let ours = [session.cache(), session.state()];
    let all = canary::files(&session.home());
    let strange: Vec<&PathBuf> =
        all.iter().filter(|path| !ours.iter().any(|folder| path.starts_with(folder))).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert!(canary::files(&session.scratch()).is_empty());
}
