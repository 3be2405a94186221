//! What is wrong with a setting, in words: its origin, its key, what is expected instead.

use super::kind::Kind;
use super::layer::{self, Origin, Setting};
use super::value::Input;
use crate::error::{Code, Failure};

/// A key that does not exist; `near` is the one that was probably meant.
pub fn unknown_key(origin: &Origin, key: &str, near: Option<&str>) -> Failure {
    let variable = match origin {
        Origin::Name(name) if !name.starts_with('-') => Some(name),
        _ => None,
    };
    let text = match variable {
        Some(name) => format!("`{name}` names no setting"),
        None => format!("{origin}: there is no setting `{key}`"),
    };
    let hint = match (variable, near) {
        (Some(name), Some(near)) => format!("did you mean `{}`?", variable_like(name, near)),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (_, None) => "`warmstart config show` lists all settings".into(),
    };
    Failure::new(Code::ConfigValue, text).hint(hint)
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
    let failure = |wrong: &str| Failure::new(code, format!("{origin}: `{key}` {wrong}"));
    match wrong.split_once("; did you mean ") {
        Some((wrong, near)) => failure(wrong).hint(format!("did you mean {near}")),
        None => failure(wrong),
    }
}

/// What is wrong with a value because of the layer that it is in.
pub fn misplaced(
    layer: layer::Kind,
    kind: Kind,
    value: Input<'_>,
    origin: &Origin,
    key: &str,
) -> Option<Failure> {
    // Variables and flags hold texts: a table there is a key written below a value. Only a secret's
    // form may be given that way.
    if value.is_table() && !layer.is_file() && !matches!(kind, Kind::Secret) {
        let below = value.entries().unwrap_or_default().first().map_or("", |(name, _)| *name);
        return Some(unknown_key(origin, &format!("{key}.{below}"), None));
    }
    secret_in(layer, kind, value, origin, key)
}

/// A secret where it must not be: in a project's file it would be committed, on a command line every
/// process of the machine could read it.
fn secret_in(
    layer: layer::Kind,
    kind: Kind,
    value: Input<'_>,
    origin: &Origin,
    key: &str,
) -> Option<Failure> {
    if !kind.holds_secret(value) {
        return None;
    }
    const FORMS: &str = "name where it is kept: `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\"] }`";
    let text = match layer {
        layer::Kind::ProjectFile => format!("{origin}: `{key}` holds a secret"),
        layer::Kind::Flag => format!("`--set {key}` puts a secret on the command line"),
        _ => return None,
    };
    Some(Failure::new(Code::ConfigValue, text).hint(FORMS))
}
