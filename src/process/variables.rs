//! The variables that another program gets: a list of names that hold no secret, and those that the
//! place that names the program lists.

use crate::environment::Environment;
use crate::text;

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

/// The inherited variables and the `listed` ones. A credential among these is masked from now on: the
/// program may print it.
#[must_use]
pub fn variables(environment: &Environment, listed: &[String]) -> Vec<(String, String)> {
    for name in listed.iter().filter(|name| is_credential(name)) {
        environment.get(name).into_iter().for_each(text::register);
    }
    let is_kept = |name: &str| is_inherited(name) || listed.iter().any(|other| other == name);
    let kept = environment.iter().filter(|(name, _)| is_kept(name));
    kept.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Whether a variable of that name holds a credential, and not the place of one (`TOKEN_FILE`).
fn is_credential(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "AUTHORIZATION",
        "APIKEY",
        "BEARER",
        "COOKIE",
        "CREDENTIAL",
        "CREDENTIALS",
        "JWT",
        "KEY",
        "PASS",
        "PASSPHRASE",
        "PASSWD",
        "PASSWORD",
        "PAT",
        "SECRET",
        "TOKEN",
    ];
    const PLACES: &[&str] = &["DIR", "FILE", "HOST", "ID", "NAME", "PATH", "SOCK", "URI", "URL"];
    let name = name.to_ascii_uppercase();
    let is_place = name.rsplit('_').next().is_some_and(|last| PLACES.contains(&last));
    !is_place && name.split('_').any(|word| WORDS.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mc_a_variable_is_a_credential_by_a_word_of_its_name() {
        for name in ["GITHUB_TOKEN", "OPENAI_API_KEY_2", "db_pass", "JIRA_PAT", "SECRET", "APIKEY"]
        {
            assert!(is_credential(name), "{name}");
        }
        for name in
            ["NODE_ENV", "TOKEN_FILE", "KEYMAP", "PATH", "MONKEY", "TOKEN_URL", "API_KEY_ID"]
        {
            assert!(!is_credential(name), "{name}");
        }
    }
}
