//! What a plugin says about itself, asked once when it is trusted and kept with its pin.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::{Fault, FaultKind};

/// The one thing that a plugin may want beside its configuration.
pub const BEARER_TOKEN: &str = "bearer_token";
/// Items of one kind in one library.
const MAX_ITEMS: usize = 64;

/// The answer to `describe`. Items are named in snake_case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub version: String,
    /// The boundary that it needs, `1.MINOR`.
    pub abi: String,
    #[serde(default)]
    pub clients: Vec<String>,
    /// Those clients whose answers come from this machine and are never cached.
    #[serde(default)]
    pub local: Vec<String>,
    #[serde(default)]
    pub strategies: Vec<String>,
    /// Those strategies that are also asked before the request.
    #[serde(default)]
    pub before: Vec<String>,
    #[serde(default)]
    pub hooks: Vec<String>,
    #[serde(default)]
    pub wants: Vec<String>,
}

/// What a plugin is used as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    Client,
    Strategy,
    Hook,
}

impl ItemKind {
    /// All of them.
    pub const ALL: [ItemKind; 3] = [ItemKind::Client, ItemKind::Strategy, ItemKind::Hook];

    /// The word for people.
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
    /// When it is malformed, provides nothing, or needs a newer host.
    pub fn read(described: &Value) -> Result<Self, Fault> {
        let wrong = |text: String| {
            Fault::new(FaultKind::Reply, format!("describes itself wrongly: {text}"))
        };
        let manifest =
            Manifest::deserialize(described).map_err(|error| wrong(error.to_string()))?;
        manifest.check_version()?;
        let lists = [&manifest.clients, &manifest.strategies, &manifest.hooks];
        if lists.iter().all(|list| list.is_empty()) {
            return Err(wrong("it provides neither a client nor a strategy nor a hook".into()));
        }
        for list in lists {
            let bad = list.iter().find(|name| !is_item_name(name));
            if let Some(bad) = bad {
                return Err(wrong(format!("`{}` is no name in snake_case", bad.escape_debug())));
            }
            let is_repeated = (1..list.len()).any(|place| list[..place].contains(&list[place]));
            if is_repeated || list.len() > MAX_ITEMS {
                return Err(wrong("a name stands twice, or there are too many".into()));
            }
        }
        match manifest.wants.iter().find(|want| *want != BEARER_TOKEN) {
            Some(want) => {
                Err(wrong(format!("it wants `{}`, which is not known", want.escape_debug())))
            }
            None => Ok(manifest),
        }
    }

    fn check_version(&self) -> Result<(), Fault> {
        let (major, minor) = warmstart_plugin::abi::VERSION;
        let parts = self.abi.split_once('.');
        let parsed: Option<(u16, u16)> =
            parts.and_then(|(one, two)| Some((one.parse().ok()?, two.parse().ok()?)));
        let Some(needed) = parsed else {
            let text =
                format!("names the version `{}`, not one like `1.0`", self.abi.escape_debug());
            return Err(Fault::new(FaultKind::Version, text));
        };
        if needed.0 == major && needed.1 <= minor {
            return Ok(());
        }
        let text =
            format!("needs version {} of the boundary; this host has {major}.{minor}", self.abi);
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

    /// The item that is meant: the one that is named, or the only one.
    ///
    /// # Errors
    /// A fragment that tells what there is instead.
    pub fn choose(&self, kind: ItemKind, named: Option<&str>) -> Result<String, String> {
        let items = self.items(kind);
        let known = || {
            format!("it has: {}", if items.is_empty() { "none".into() } else { items.join(", ") })
        };
        match (named, items) {
            (Some(name), _) if items.iter().any(|item| item == name) => Ok(name.to_owned()),
            (Some(name), _) => Err(format!("has no {} `{name}`; {}", kind.word(), known())),
            (None, [only]) => Ok(only.clone()),
            (None, []) => Err(format!("provides no {}", kind.word())),
            (None, _) => Err(format!("has more than one {}; {}", kind.word(), known())),
        }
    }

    /// Whether the user agreed that it gets the token of a client's server.
    #[must_use]
    pub fn wants_token(&self) -> bool {
        self.wants.iter().any(|want| want == BEARER_TOKEN)
    }
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
        let whole = json!({ "name": "x", "abi": "1.0", "clients": ["a", "b"], "later": {} });
        let manifest = Manifest::read(&whole).unwrap();
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
        ];
        for (value, kind) in refused {
            assert_eq!(Manifest::read(&value).unwrap_err().kind, kind, "{value}");
        }
    }
}
