//! What is wrong with a setting, in words: its origin, its key, what is expected instead.

use super::kind::Kind;
use super::layer::{self, Origin, Setting};
use super::value::Input;
use crate::error::{Code, Failure};

/// A key that does not exist; `near` is the one that was probably meant.
pub fn unknown_key(origin: &Origin, key: &str, near: Option<&str>) -> Failure {
    let failure = match origin {
        Origin::Name(name) if name.starts_with('-') => {
            Failure::new(Code::ConfigValue, format!("{name}: there is no setting `{key}`"))
        }
        Origin::Name(name) => Failure::new(Code::ConfigValue, format!("`{name}` names no setting")),
        Origin::Line(..) => {
            Failure::new(Code::ConfigValue, format!("{origin}: there is no setting `{key}`"))
        }
    };
    match (origin, near) {
        (Origin::Name(name), Some(near)) if !name.starts_with('-') => {
            failure.hint(format!("did you mean `{}`?", variable_like(name, near)))
        }
        (_, Some(near)) => failure.hint(format!("did you mean `{near}`?")),
        (_, None) => failure.hint("`warmstart config show` lists all settings"),
    }
}

/// The variable of `key`, with the prefix of `name`.
fn variable_like(name: &str, key: &str) -> String {
    let prefix = super::environment::PREFIXES.iter().find(|prefix| name.starts_with(**prefix));
    format!("{}{}", prefix.unwrap_or(&""), key.replace('.', "__").to_ascii_uppercase())
}

/// A key that the chosen kind does not use.
pub fn without_effect(origin: &Origin, key: &str, kind: &str) -> Failure {
    let text = format!("{origin}: `{key}` has no effect with the kind `{kind}`");
    Failure::new(Code::ConfigValue, text).hint("remove it, or choose another kind")
}

/// A value where a table is expected.
pub fn value_for_a_table(setting: &Setting) -> Failure {
    let key = setting.key();
    Failure::new(Code::ConfigValue, format!("{}: `{key}` is a table", setting.origin))
        .hint(format!("write its keys below `[{key}]`"))
}

/// A value that cannot be used; `wrong` never repeats a secret.
pub fn bad_value(origin: &Origin, key: &str, kind: Kind, wrong: &str) -> Failure {
    let code = if matches!(kind, Kind::Url) { Code::ConfigUrl } else { Code::ConfigValue };
    let (wrong, hint) = match wrong.split_once("; did you mean ") {
        Some((wrong, near)) => (wrong, Some(format!("did you mean {near}"))),
        None => (wrong, None),
    };
    let failure = Failure::new(code, format!("{origin}: `{key}` {wrong}"));
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A secret where it must not be: in a project's file it would be committed, on a command line every
/// process of the machine could read it.
pub fn secret_in(
    layer: layer::Kind,
    kind: Kind,
    value: Input<'_>,
    origin: &Origin,
    key: &str,
) -> Option<Failure> {
    if !kind.can_hold_secret() || !kind.holds_secret(value) {
        return None;
    }
    const FORMS: &str = "name where it is kept: `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\"] }`";
    let text = match layer {
        layer::Kind::ProjectFile => {
            format!("{origin}: `{key}` holds a secret")
        }
        layer::Kind::Flag => format!("`--set {key}` puts a secret on the command line"),
        _ => return None,
    };
    Some(Failure::new(Code::ConfigValue, text).hint(FORMS))
}
