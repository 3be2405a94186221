//! What is wrong with a setting, in words: its place, its key, what was wanted instead.

use super::layers::Setting;
use super::slots;
use crate::error::{Code, Failure};

/// A secret that stands in a project's file.
pub fn literal_secret(setting: &Setting) -> Failure {
    let text = format!("{}: `{}` holds a secret", setting.place, setting.key());
    Failure::new(Code::CONFIG_VALUE, text).hint(
        "a project's file must name where it is: `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\"] }`",
    )
}

/// A key that does not exist.
pub fn unknown(setting: &Setting) -> Failure {
    let failure = Failure::new(
        Code::CONFIG_VALUE,
        format!("{}: there is no setting `{}`", setting.place, setting.key()),
    );
    match slots::nearest_key(&setting.words()) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`warmstart config show` lists them"),
    }
}

/// A value that cannot be used; `wrong` never repeats a secret.
pub fn bad_value(setting: &Setting, wrong: &str) -> Failure {
    let is_url = setting.path.last().is_some_and(|key| key == "url");
    let code = if is_url { Code::CONFIG_URL } else { Code::CONFIG_VALUE };
    Failure::new(code, format!("{}: `{}` {wrong}", setting.place, setting.key()))
}

/// What an untrusted file asked for; `changed`: it was trusted with another content.
pub fn refusal(shown: &str, refused: &[Setting], changed: bool) -> Option<Failure> {
    const MAX_NAMED: usize = 4;
    if refused.is_empty() {
        return None;
    }
    let mut keys: Vec<String> = refused.iter().take(MAX_NAMED).map(Setting::key).collect();
    if refused.len() > MAX_NAMED {
        keys.push(format!("{} more", refused.len() - MAX_NAMED));
    }
    let state = if changed { "has changed since it was trusted" } else { "is not trusted" };
    let text = format!("`{shown}` {state}; ignored: {}", keys.join(", "));
    Some(
        Failure::new(Code::FILE_UNTRUSTED, text)
            .hint("read it, then run `warmstart trust` in the project"),
    )
}
