//! Under sudo with the user's HOME nothing of root's is left there.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::{OTHER_UID, give_away, scripted};
use crate::support::{Forbidden, Session, if_permitted};

/// A home of another user, in which sudo runs the program as root.
fn in_the_users_home() -> Option<Session> {
    let session = scripted();
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let root = if is_root { Ok(()) } else { Err(Forbidden("only root can fake sudo".into())) };
    if_permitted(root.and_then(|()| give_away(&session.home(), OTHER_UID)))?;
    Some(session.env("SUDO_UID", OTHER_UID.to_string()))
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[test]
fn mj_under_sudo_nothing_is_left_in_the_users_home() {
    let Some(mut session) = in_the_users_home() else { return };
    for variables in [&[][..], &["XDG_STATE_HOME", "XDG_CACHE_HOME"], &["WARMSTART_HOME"]] {
        for name in variables {
            session.set(name, session.home().join("moved").display().to_string());
        }
        let started = session.start("startup");
        assert!(started.notice().contains("(WS501)"), "{started:?}");
        for command in [&["tasks"][..], &["trust", "--yes"], &["untrust"], &["runs"]] {
            let outcome = session.run(command);
            assert!(is_empty(&session.home()), "{command:?} {variables:?}");
            if command[0] != "tasks" {
                assert_eq!(outcome.code(), 7, "{outcome:?}");
                assert!(outcome.stderr.contains("sudo -H"), "{outcome:?}");
            }
        }
        for name in variables {
            session.unset(name);
        }
    }
}

#[test]
fn mj_under_sudo_with_roots_own_home_all_is_as_ever() {
    let Some(session) = in_the_users_home() else { return };
    give_away(&session.home(), 0).unwrap();
    super::trust(&session, &[]);
    assert!(super::runs_the_script(&session));
}
