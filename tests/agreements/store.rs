//! The store of trusted files: concurrent changes, and a store that cannot be read.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::{FILE, add_script, give_away, runs_the_script, scripted, set_mode, trust};
use crate::support::run;
use crate::support::session::write;
use crate::support::{Session, if_permitted, repository};

fn store(session: &Session) -> PathBuf {
    session.state().join("trust.json")
}

/// A further repository with a script.
fn project(session: &Session, name: &str) -> PathBuf {
    let folder = session.scratch().join(name);
    repository::plant(&folder, "main");
    add_script(&folder);
    folder
}

fn trusted_count(session: &Session) -> usize {
    session.run(&["trust", "--show"]).text().lines().filter(|line| line.contains("/.claude/")).count()
        // The line `FILE sets:` of the current project.
        - 1
}

#[test]
fn b2_twenty_trusts_at_once_are_all_kept() {
    let session = scripted();
    let folders: Vec<PathBuf> =
        (0..20).map(|number| project(&session, &format!("project-{number}"))).collect();
    let children: Vec<_> = folders
        .iter()
        .map(|folder| run::start(session.program(&["trust", "--yes"]).current_dir(folder), b""))
        .collect();
    for child in children {
        let trusted = run::finish(child, std::time::Instant::now());
        assert_eq!(trusted.code(), 0, "{trusted:?}");
    }
    assert_eq!(trusted_count(&session), 20);
}

#[test]
fn b2_a_store_that_cannot_be_read_is_an_error_and_stays_as_it_is() {
    let session = scripted();
    trust(&session, &[]);
    let store = store(&session);
    let whole = fs::read(&store).unwrap();
    let padded = [&whole[..], &b" ".repeat(2 << 20)].concat();
    for bytes in [&b"{"[..], b"", b"[1]", b"{\"x\": 1}", &whole[..whole.len() - 3], &padded] {
        fs::write(&store, bytes).unwrap();
        for command in [&["trust", "--yes"][..], &["untrust"], &["trust", "--show"]] {
            let refused = session.run(command);
            assert_eq!(refused.code(), 7, "{command:?}: {refused:?}");
            assert!(refused.stderr.contains("trust.json` cannot be read"), "{refused:?}");
            assert!(refused.stderr.contains("hint: move "), "{refused:?}");
            assert_eq!(fs::read(&store).unwrap(), bytes, "{command:?}");
        }
        let started = session.start("startup");
        assert!(started.notice().contains("is not trusted"), "{started:?}");
        assert!(started.notice().contains("trust.json` cannot be read"), "{started:?}");
    }
    fs::write(&store, &whole).unwrap();
    assert!(runs_the_script(&session));
}

#[test]
fn b2_a_store_of_another_kind_or_user_is_an_error_and_stays_as_it_is() {
    let session = scripted();
    trust(&session, &[]);
    let store = store(&session);
    let aside = session.scratch().join("aside.json");
    let refused = |what: &str| {
        for command in [&["trust", "--yes"][..], &["untrust"]] {
            let refused = session.run(command);
            assert_eq!(refused.code(), 7, "{what}: {refused:?}");
        }
        assert!(!runs_the_script(&session), "{what}");
    };
    fs::rename(&store, &aside).unwrap();
    fs::create_dir(&store).unwrap();
    refused("a folder");
    fs::remove_dir(&store).unwrap();
    symlink(&aside, &store).unwrap();
    refused("a link");
    fs::remove_file(&store).unwrap();
    fs::hard_link(&aside, &store).unwrap();
    refused("a second name of another file");
    fs::remove_file(&aside).unwrap();
    set_mode(&store, 0o602);
    refused("a file that others can write");
    set_mode(&store, 0o600);
    assert!(runs_the_script(&session));
    if if_permitted(give_away(&store, super::OTHER_UID)).is_some() {
        refused("a file of another user");
    }
}

#[test]
fn b2_a_write_that_fails_leaves_the_old_store() {
    let session = scripted();
    trust(&session, &[]);
    let before = fs::read(store(&session)).unwrap();
    let other = project(&session, "other");
    let program = session.program(&[]);
    let line = format!("ulimit -f 0; exec '{}' trust --yes", program.get_program().display());
    let mut shell = std::process::Command::new("/bin/sh");
    shell.args(["-c", &line]).current_dir(&other).env_clear();
    shell.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let refused = run::to_its_end(&mut shell, b"");
    assert_eq!(refused.code(), 7, "{refused:?}");
    assert!(refused.stderr.contains("the trust cannot be stored"), "{refused:?}");
    assert_eq!(fs::read(store(&session)).unwrap(), before);
    let left = fs::read_dir(session.state()).unwrap().flatten();
    let left: Vec<_> =
        left.filter(|entry| entry.file_name().to_string_lossy().starts_with(".writing-")).collect();
    assert!(left.is_empty(), "{left:?}");
}

/// Mutant 132.
#[test]
fn b2_a_project_that_was_deleted_can_be_untrusted_by_its_path() {
    let session = scripted();
    trust(&session, &[]);
    // Inside a repository, whose own trust must not be taken instead.
    let deleted = session.project().join("deleted");
    repository::plant(&deleted, "main");
    add_script(&deleted);
    trust(&session, &[deleted.to_str().unwrap()]);
    fs::remove_dir_all(&deleted).unwrap();
    assert_eq!(trusted_count(&session), 2);
    let untrusted = session.run(&["untrust", "deleted"]);
    assert!(untrusted.text().ends_with("is no longer trusted.\n"), "{untrusted:?}");
    assert_eq!(trusted_count(&session), 1);
    assert!(runs_the_script(&session));
}

#[test]
fn b2_a_full_store_loses_its_deleted_projects_and_no_other() {
    let session = scripted();
    trust(&session, &[]);
    let store = store(&session);
    let text = fs::read_to_string(&store).unwrap();
    let mut entries: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(&text).unwrap();
    let digest = "0".repeat(64);
    for number in 0..10_100 {
        entries.insert(format!("/deleted/{number}/{FILE}"), digest.clone().into());
    }
    let full = serde_json::to_string(&entries).unwrap();
    assert!(full.len() < 1 << 20 && full.len() + 2 * 10_100 > 1 << 20, "{}", full.len());
    write(&store, full.as_bytes());
    trust(&session, &[project(&session, "new").to_str().unwrap()]);
    assert_eq!(trusted_count(&session), 2);
    assert!(runs_the_script(&session));
}
