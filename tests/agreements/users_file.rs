//! The user's own hooks.toml, which is not obeyed when others control it, and a home that is none.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::{FILE, OTHER_UID, add_script, give_away, runs_the_script, set_mode};
use crate::support::session::write;
use crate::support::{Session, if_permitted};

const SCRIPT: &str =
    "[hooks.run]\nkind = \"command\"\ncommand = [\"/bin/echo\", \"the script ran\"]\n";

fn own(session: &Session) -> PathBuf {
    session.home().join(".config/warmstart/hooks.toml")
}

#[track_caller]
fn refused(session: &Session, what: &str, command: &str) {
    let started = session.start("startup");
    assert!(!started.context().contains("the script ran"), "{what}: {started:?}");
    assert!(started.notice().contains("(WS101)"), "{what}: {started:?}");
    let checked = session.run(&["config", "check"]);
    assert_eq!(checked.code(), 3, "{what}: {checked:?}");
    assert!(checked.stderr.contains(&format!("run `{command}")), "{what}: {checked:?}");
    let tasks = session.run(&["tasks"]);
    assert_eq!(tasks.code(), 0, "all else works: {tasks:?}");
}

#[test]
fn l_the_users_file_that_others_can_write_is_not_obeyed() {
    let session = Session::new().hooks_toml(SCRIPT);
    assert!(runs_the_script(&session));
    let file = own(&session);
    for mode in [0o602, 0o666] {
        set_mode(&file, mode);
        refused(&session, "the file", &format!("chmod go-w {}", file.display()));
    }
    set_mode(&file, 0o644);
    assert!(runs_the_script(&session));
    let folder = file.parent().unwrap();
    set_mode(folder, 0o777);
    refused(&session, "its folder", &format!("chmod go-w {}`", folder.display()));
}

#[test]
fn l_the_users_file_of_another_user_is_not_obeyed() {
    let session = Session::new().hooks_toml(SCRIPT);
    let file = own(&session);
    if if_permitted(give_away(&file, OTHER_UID)).is_none() {
        return;
    }
    refused(&session, "the file", "chown ");
    give_away(&file, 0).unwrap();
    assert!(runs_the_script(&session), "root's is obeyed");
}

#[test]
fn l_the_users_file_may_be_a_link_to_a_file_that_others_cannot_write() {
    let session = Session::new();
    let target = session.home().join("dotfiles/hooks.toml");
    write(&target, SCRIPT.as_bytes());
    fs::create_dir_all(own(&session).parent().unwrap()).unwrap();
    symlink(&target, own(&session)).unwrap();
    assert!(runs_the_script(&session));
    set_mode(&target, 0o666);
    refused(&session, "the target", "chmod go-w ");
}

#[test]
fn l_a_named_file_that_others_can_write_is_obeyed_in_the_project_alone() {
    let session = Session::new();
    let outside = session.scratch().join("ci.toml");
    write(&outside, b"[context]\nmax_chars = 300\n");
    let inside = session.project().join("ci.toml");
    write(&inside, b"[context]\nmax_chars = 300\n");
    let obeys = |session: &Session, flags: &[&str]| {
        let shown = session.run(&[flags, &["config", "show", "context.max_chars"]].concat());
        shown.text().contains("context.max_chars = 300")
    };
    for (file, is_obeyed) in [(&outside, false), (&inside, true)] {
        let name = file.display().to_string();
        for mode in [0o600, 0o666] {
            set_mode(file, mode);
            let expected = is_obeyed || mode == 0o600;
            assert_eq!(obeys(&session, &["--config", &name]), expected, "{name} {mode:o}");
            let session = Session::new().env("WARMSTART_CONFIG", &name);
            if file == &outside {
                assert_eq!(obeys(&session, &[]), expected, "{name} {mode:o}");
            }
        }
    }
    assert!(obeys(&session, &["--config", "ci.toml"]));
    assert!(!obeys(&session, &["--config", "../tmp/ci.toml"]));
    symlink(&outside, session.project().join("link.toml")).unwrap();
    assert!(!obeys(&session, &["--config", "link.toml"]));
    let refused = session.run(&["--config", outside.to_str().unwrap(), "tasks"]);
    assert_eq!(refused.code(), 3, "{refused:?}");
    assert!(refused.stderr.contains("chmod go-w "), "{refused:?}");
}

/// The clone's folder would be the home, and its `trust.json` the user's.
#[test]
fn l_a_relative_home_is_no_home() {
    let session = Session::new();
    add_script(&session.project());
    super::trust(&session, &[]);
    assert!(runs_the_script(&session));
    session.settle();
    for folder in [".local", ".config", ".cache"] {
        let _ = fs::rename(session.home().join(folder), session.project().join(folder));
    }
    let before = entries(&session);
    for home in [".", "home", "../project", ""] {
        let mut relative = session.program(&["session-start"]);
        relative.env("HOME", home).env("USERPROFILE", session.home());
        let event = session.event("startup").to_string();
        let started = crate::support::run::to_its_end(&mut relative, event.as_bytes());
        assert!(!started.context().contains("the script ran"), "{home}: {started:?}");
        assert!(started.notice().contains("(WS501)"), "{home}: {started:?}");
        let mut trust = session.program(&["trust", "--yes"]);
        trust.env("HOME", home).env("USERPROFILE", session.home());
        let refused = crate::support::run::to_its_end(&mut trust, b"");
        assert_eq!(refused.code(), 7, "{home}: {refused:?}");
    }
    assert_eq!(entries(&session), before, "nothing was written");
    assert!(!session.home().join(".local").exists());
}

#[test]
fn l_relative_xdg_folders_are_ignored() {
    let mut session = Session::new();
    add_script(&session.project());
    super::trust(&session, &[]);
    fs::rename(session.state(), session.project().join("warmstart")).unwrap();
    for name in ["XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        session.set(name, ".");
    }
    write(&session.project().join("warmstart/hooks.toml"), SCRIPT.as_bytes());
    let started = session.start("startup");
    assert!(!started.context().contains("the script ran"), "{started:?}");
    assert!(started.notice().contains(FILE), "{started:?}");
    assert!(session.state().exists(), "the platform's folder is used");
}

fn entries(session: &Session) -> Vec<PathBuf> {
    crate::support::canary::files(&session.project())
}
