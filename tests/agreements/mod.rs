//! Agreements (trust, pins, tokens) and the user's own settings beside other users of the machine:
//! concurrent commands, damaged stores, folders that others control, sudo.

mod neighbours;
mod question;
mod store;
mod sudo;
mod users_file;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::support::session::write;
use crate::support::{Forbidden, Session};

const FILE: &str = ".claude/hooks.toml";
/// A user of the machine who is not the one who runs the tests.
const OTHER_UID: u32 = 12346;

/// A project whose script runs once the file is trusted.
fn scripted() -> Session {
    let session = Session::new();
    add_script(&session.project());
    session
}

fn add_script(project: &Path) {
    write(
        &project.join(FILE),
        b"[hooks.run]\nkind = \"command\"\ncommand = [\"/bin/echo\", \"the script ran\"]\n",
    );
}

#[track_caller]
fn trust(session: &Session, arguments: &[&str]) {
    let trusted = session.run(&[&["trust", "--yes"], arguments].concat());
    assert_eq!(trusted.code(), 0, "{trusted:?}");
}

fn runs_the_script(session: &Session) -> bool {
    session.start("startup").context().contains("the script ran")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Gives `path` to another user, which only root may do.
fn give_away(path: &Path, uid: u32) -> Result<(), Forbidden> {
    std::os::unix::fs::lchown(path, Some(uid), Some(uid))
        .map_err(|error| Forbidden(format!("chown: {error}")))
}
