//! A plugin's description of itself, requested once when it is trusted and kept with its pin.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::fault::{Fault, FaultKind};

/// The only permission that a plugin can request.
pub const BEARER_TOKEN: &str = "bearer_token";
/// Items of one kind in one library, and settings.
const MAX_ITEMS: usize = 64;

/// The answer to `describe`. Items are named in snake_case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub version: String,
    /// The version of the plugin interface that it requires, `1.MINOR`.
    pub abi: String,
    #[serde(default)]
    pub clients: Vec<String>,
    /// The clients whose answers come from this machine and are never cached.
    #[serde(default)]
    pub local: Vec<String>,
    #[serde(default)]
    pub strategies: Vec<String>,
    /// The strategies that are also called before the request.
    #[serde(default)]
    pub before: Vec<String>,
    #[serde(default)]
    pub hooks: Vec<String>,
    /// The permissions that it requests.
    #[serde(default)]
    pub wants: Vec<String>,
    /// Every setting of `[plugins.NAME.config]` with its default or an example, `null` for one that
    /// has neither. Unset: the plugin does not declare its settings, and any key is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Map<String, Value>>,
}

/// The kinds of item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    Client,
    Strategy,
    Hook,
}

impl ItemKind {
    /// All of them.
    pub const ALL: [ItemKind; 3] = [ItemKind::Client, ItemKind::Strategy, ItemKind::Hook];

    /// As shown to the user.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            ItemKind::Client => "client",
            ItemKind::Strategy => "strategy",
            ItemKind::Hook => "hook",
        }
    }
}

impl Manifest {
    /// Reads and checks the answer to `describe`.
    ///
    /// # Errors
    /// When it is malformed, provides nothing, or requires a newer host.
    pub fn read(described: &Value) -> Result<Self, Fault> {
        let manifest =
            Manifest::deserialize(described).map_err(|error| invalid(&error.to_string()))?;
        manifest.check_version()?;
        let lists = [&manifest.clients, &manifest.strategies, &manifest.hooks];
        if lists.iter().all(|list| list.is_empty()) {
            return Err(invalid("it provides neither a client nor a strategy nor a hook"));
        }
        lists.into_iter().try_for_each(|list| check_names(list))?;
        manifest.check_settings()?;
        match manifest.wants.iter().find(|want| *want != BEARER_TOKEN) {
            Some(want) => {
                Err(invalid(&format!("it requests the unknown `{}`", want.escape_debug())))
            }
            None => Ok(manifest),
        }
    }

    fn check_settings(&self) -> Result<(), Fault> {
        let Some(settings) = &self.settings else { return Ok(()) };
        if settings.len() > MAX_ITEMS {
            return Err(invalid(&format!("it has more than {MAX_ITEMS} settings")));
        }
        match settings.keys().find(|key| !is_setting_name(key)) {
            Some(key) => {
                Err(invalid(&format!("`{}` is not the name of a setting", key.escape_debug())))
            }
            None => Ok(()),
        }
    }

    /// The first key of the table `[plugins.NAME.config]` that the plugin does not have.
    #[must_use]
    pub fn unknown_setting<'a>(&self, config: &'a Map<String, Value>) -> Option<&'a str> {
        let settings = self.settings.as_ref()?;
        config.keys().find(|key| !settings.contains_key(*key)).map(String::as_str)
    }

    fn check_version(&self) -> Result<(), Fault> {
        let (major, minor) = warmstart_plugin::abi::VERSION;
        let required: Option<(u16, u16)> = self
            .abi
            .split_once('.')
            .and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let Some(required) = required else {
            let text = format!(
                "requires the version `{}`, which is not like `1.0`",
                self.abi.escape_debug()
            );
            return Err(Fault::new(FaultKind::Version, text));
        };
        if required.0 == major && required.1 <= minor {
            return Ok(());
        }
        let text = format!(
            "requires version {} of the plugin interface; this host has {major}.{minor}",
            self.abi
        );
        Err(Fault::new(FaultKind::Version, text))
    }

    /// The items of one kind.
    #[must_use]
    pub fn items(&self, kind: ItemKind) -> &[String] {
        match kind {
            ItemKind::Client => &self.clients,
            ItemKind::Strategy => &self.strategies,
            ItemKind::Hook => &self.hooks,
        }
    }

    /// The item called `named`, or the only one.
    ///
    /// # Errors
    /// A predicate that follows the plugin's name and lists its items.
    pub fn choose(&self, kind: ItemKind, named: Option<&str>) -> Result<String, String> {
        let items = self.items(kind);
        let list = || {
            format!("it has: {}", if items.is_empty() { "none".into() } else { items.join(", ") })
        };
        match (named, items) {
            (Some(name), _) if items.iter().any(|item| item == name) => Ok(name.to_owned()),
            (Some(name), _) => Err(format!("has no {} `{name}`; {}", kind.word(), list())),
            (None, [only]) => Ok(only.clone()),
            (None, []) => Err(format!("provides no {}", kind.word())),
            (None, _) => Err(format!("has more than one {}; {}", kind.word(), list())),
        }
    }

    /// Whether it gets the token of a client's server; the user confirmed that when trusting it.
    #[must_use]
    pub fn wants_token(&self) -> bool {
        self.wants.iter().any(|want| want == BEARER_TOKEN)
    }
}

fn check_names(names: &[String]) -> Result<(), Fault> {
    if let Some(name) = names.iter().find(|name| !is_item_name(name)) {
        return Err(invalid(&format!("`{}` is not a name in snake_case", name.escape_debug())));
    }
    let is_repeated = (1..names.len()).any(|index| names[..index].contains(&names[index]));
    if is_repeated || names.len() > MAX_ITEMS {
        return Err(invalid(&format!("it repeats a name, or has more than {MAX_ITEMS} of a kind")));
    }
    Ok(())
}

fn invalid(reason: &str) -> Fault {
    Fault::new(FaultKind::Reply, format!("has an invalid description: {reason}"))
}

/// A bare key in TOML.
fn is_setting_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

fn is_item_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_is_read_or_refused_with_its_reason() {
        let described = json!({ "name": "x", "abi": "1.0", "clients": ["a", "b"], "later": {} });
        let manifest = Manifest::read(&described).unwrap();
        assert_eq!(manifest.choose(ItemKind::Client, Some("b")).unwrap(), "b");
        assert!(manifest.choose(ItemKind::Client, None).unwrap_err().contains("more than one"));
        assert!(manifest.choose(ItemKind::Hook, None).unwrap_err().contains("provides no hook"));
        let refused = [
            (json!([]), FaultKind::Reply),
            (json!({ "abi": "1.0" }), FaultKind::Reply),
            (json!({ "abi": "1.1", "hooks": ["a"] }), FaultKind::Version),
            (json!({ "abi": "2.0", "hooks": ["a"] }), FaultKind::Version),
            (json!({ "abi": "one", "hooks": ["a"] }), FaultKind::Version),
            (json!({ "abi": "1.0", "hooks": ["a b"] }), FaultKind::Reply),
            (json!({ "abi": "1.0", "hooks": ["a", "a"] }), FaultKind::Reply),
            (json!({ "abi": "1.0", "hooks": ["a"], "wants": ["all"] }), FaultKind::Reply),
            (json!({ "abi": "1.0", "hooks": ["a"], "settings": ["a"] }), FaultKind::Reply),
            (json!({ "abi": "1.0", "hooks": ["a"], "settings": { "a b": 1 } }), FaultKind::Reply),
        ];
        for (value, kind) in refused {
            assert_eq!(Manifest::read(&value).unwrap_err().kind, kind, "{value}");
        }
    }

    #[test]
    fn a_key_is_unknown_only_to_a_plugin_that_declares_its_settings() {
        let config = json!({ "path": "x", "pth": "x" });
        let config = config.as_object().unwrap();
        let unknown = |settings: Value| {
            let described = json!({ "abi": "1.0", "hooks": ["a"], "settings": settings });
            Manifest::read(&described).unwrap().unknown_setting(config).map(str::to_owned)
        };
        assert_eq!(unknown(json!(null)), None);
        assert_eq!(unknown(json!({ "path": null })).as_deref(), Some("pth"));
        assert_eq!(unknown(json!({})).as_deref(), Some("path"));
        assert_eq!(unknown(json!({ "path": 1, "pth": [], "more": 2 })), None);
    }
}
