//! Where every value comes from, for `config show`: the layers with their places, strongest first.

use serde_json::Value;

use super::defaults::DEFAULTS;
use super::layers::Layer;
use super::load::Loaded;
use super::slots;

/// One setting and all that was said about it.
#[derive(Clone, Debug)]
pub struct Origin {
    pub key: String,
    /// The strongest first; what follows it is shadowed.
    pub values: Vec<Said>,
}

/// One value at one place.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    /// As it may be shown: secrets are masked.
    pub value: String,
    /// `hooks.toml:12`, a variable, `default`.
    pub place: String,
}

/// Every setting that has a value, ordered by key.
#[must_use]
pub fn of(loaded: &Loaded) -> Vec<Origin> {
    let mut keys: Vec<String> = DEFAULTS.iter().map(|(path, _)| (*path).to_owned()).collect();
    let said = loaded.layers.iter().flat_map(|layer| &layer.settings);
    let known = said.filter(|one| slots::find(&one.words()).is_some());
    keys.extend(known.map(super::layers::Setting::key));
    keys.sort();
    keys.dedup();
    keys.into_iter().map(|key| origin(key, &loaded.layers)).collect()
}

fn origin(key: String, layers: &[Layer]) -> Origin {
    let said = layers.iter().rev().flat_map(|layer| layer.settings.iter().rev());
    let mut values: Vec<Said> = said
        .filter(|one| one.key() == key)
        .map(|one| Said { value: shown(&one.words(), &one.value), place: one.place.clone() })
        .collect();
    if let Some((_, leaf)) = DEFAULTS.iter().find(|(path, _)| *path == key) {
        let words: Vec<&str> = key.split('.').collect();
        values.push(Said { value: shown(&words, &leaf.value()), place: "default".into() });
    }
    Origin { key, values }
}

/// A literal secret, a header's value and a URL's user part are masked; where a secret is kept is not.
fn shown(words: &[&str], value: &Value) -> String {
    if !slots::is_secret(words) {
        let text = value.as_str().map(crate::secret::SafeUrl::parse);
        return match text {
            Some(Ok(url)) => format!("\"{url}\""),
            _ => value.to_string(),
        };
    }
    match value {
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::Object(map) if words.last() != Some(&"headers") => {
            Value::from(map.clone()).to_string()
        }
        Value::Object(map) => {
            let names: Vec<String> = map.keys().map(|name| format!("{name} = ****")).collect();
            format!("{{ {} }}", names.join(", "))
        }
        _ => "****".into(),
    }
}
