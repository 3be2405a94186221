//! The variables that another program gets: a list of names that hold no secret, and those that the
//! place that names the program lists.

use crate::environment::Environment;

/// What programs need to find their files, and password managers to find their agents.
const INHERITED: &[&str] = &[
    "HOME",
    "PATH",
    "USER",
    "LOGNAME",
    "SHELL",
    "LANG",
    "TZ",
    "TMPDIR",
    "SSH_AUTH_SOCK",
    "GPG_TTY",
    "GNUPGHOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "PASSWORD_STORE_DIR",
    // Windows
    "USERPROFILE",
    "USERNAME",
    "APPDATA",
    "LOCALAPPDATA",
    "PROGRAMDATA",
    "SYSTEMROOT",
    "SYSTEMDRIVE",
    "COMSPEC",
    "PATHEXT",
    "TEMP",
    "TMP",
];
const INHERITED_PREFIXES: &[&str] = &["LC_", "XDG_"];

/// Whether every program gets the variable.
#[must_use]
pub fn is_inherited(name: &str) -> bool {
    INHERITED.contains(&name) || INHERITED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// The inherited variables and the `listed` ones.
#[must_use]
pub fn variables(environment: &Environment, listed: &[String]) -> Vec<(String, String)> {
    let is_kept = |name: &str| is_inherited(name) || listed.iter().any(|other| other == name);
    let kept = environment.iter().filter(|(name, _)| is_kept(name));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
