//! From the path of a setting (`hooks.lint.timeout`) to its place in the typed configuration.
//! Tables with names of the user's own share the rows of their kind.

use serde_json::Value;

use super::defaults::DEFAULTS;
use super::keys::{AUTH, CLIENT, HOOK, Key, PLUGIN, QUERY, TOP};
use super::nearest::nearest;
use super::read::{self, Read, ReadContext};
use super::schema::*;
use crate::secret::SafeUrl;

/// The configuration while the layers are read into it.
pub struct Tables {
    pub config: Config,
    pub hook_defaults: HookConfig,
}

/// A setting that exists.
pub enum Slot<'a> {
    Top(&'static Key<Config>),
    Client(&'static Key<ClientConfig>),
    Auth(&'static Key<AuthConfig>),
    OtherClient(&'a str, &'static Key<ClientConfig>),
    OtherAuth(&'a str, &'static Key<AuthConfig>),
    Query(&'a str, &'static Key<QueryConfig>),
    Branch(&'a str),
    HookDefaults(&'static Key<HookConfig>),
    Hook(&'a str, &'static Key<HookConfig>),
    Plugin(&'a str, &'static Key<PluginConfig>),
}

/// The setting at `path`, if there is one.
pub fn find<'a>(path: &[&'a str]) -> Option<Slot<'a>> {
    match path {
        ["client", key] => row(CLIENT, key).map(Slot::Client),
        ["auth", key] => row(AUTH, key).map(Slot::Auth),
        ["clients", name, "auth", key] => row(AUTH, key).map(|row| Slot::OtherAuth(name, row)),
        ["clients", name, key] => row(CLIENT, key).map(|row| Slot::OtherClient(name, row)),
        ["queries", name, key] => row(QUERY, key).map(|row| Slot::Query(name, row)),
        ["branches", name] => Some(Slot::Branch(name)),
        ["hook_defaults", key] => row(HOOK, key).map(Slot::HookDefaults),
        ["hooks", name, key] => row(HOOK, key).map(|row| Slot::Hook(name, row)),
        ["plugins", name, key] => row(PLUGIN, key).map(|row| Slot::Plugin(name, row)),
        [key] => row(TOP, key).map(Slot::Top),
        [table, key] => top(table, key).map(Slot::Top),
        _ => None,
    }
}

fn row<T>(rows: &'static [Key<T>], name: &str) -> Option<&'static Key<T>> {
    rows.iter().find(|row| row.name == name)
}

/// A row whose name is `TABLE.KEY`.
fn top(table: &str, key: &str) -> Option<&'static Key<Config>> {
    TOP.iter().find(|row| {
        row.name.strip_prefix(table).and_then(|rest| rest.strip_prefix('.')) == Some(key)
    })
}

impl Tables {
    pub fn blank() -> Self {
        Tables { config: Config::blank(), hook_defaults: HookConfig::blank() }
    }

    /// Reads `value` into its place. A table that is named for the first time begins with what the
    /// general one says; credentials are never taken over.
    pub fn set(&mut self, slot: &Slot<'_>, value: &Value, context: &ReadContext<'_>) -> Read<()> {
        let config = &mut self.config;
        match slot {
            Slot::Top(key) => key.set(config, value, context),
            Slot::Client(key) => key.set(&mut config.client, value, context),
            Slot::Auth(key) => key.set(&mut config.client.auth, value, context),
            Slot::OtherClient(name, key) => key.set(other(config, name), value, context),
            Slot::OtherAuth(name, key) => key.set(&mut other(config, name).auth, value, context),
            Slot::Query(name, key) => {
                let query = config.queries.entry((*name).to_owned());
                key.set(query.or_insert_with(QueryConfig::blank), value, context)
            }
            Slot::Branch(name) => {
                config.branches.insert((*name).to_owned(), read::text(value)?);
                Ok(())
            }
            Slot::HookDefaults(key) => key.set(&mut self.hook_defaults, value, context),
            Slot::Hook(name, key) => {
                let hook = config.hooks.entry((*name).to_owned());
                key.set(hook.or_insert_with(|| self.hook_defaults.clone()), value, context)
            }
            Slot::Plugin(name, key) => {
                let plugin = config.plugins.entry((*name).to_owned());
                key.set(plugin.or_insert_with(PluginConfig::blank), value, context)
            }
        }
    }
}

fn other<'a>(config: &'a mut Config, name: &str) -> &'a mut ClientConfig {
    let primary = &config.client;
    let auth = AuthConfig { refresh_before: primary.auth.refresh_before, ..AuthConfig::blank() };
    let base = ClientConfig { auth, ..primary.clone() };
    config.clients.entry(name.to_owned()).or_insert(base)
}

/// The key that was probably meant by `path`, in full.
pub fn nearest_key(path: &[&str]) -> Option<String> {
    let (last, table) = path.split_last()?;
    let names: Vec<&str> = match table {
        ["client"] | ["clients", _] => CLIENT.iter().map(|row| row.name).collect(),
        ["auth"] | ["clients", _, "auth"] => AUTH.iter().map(|row| row.name).collect(),
        ["queries", _] => QUERY.iter().map(|row| row.name).collect(),
        ["hook_defaults"] | ["hooks", _] => HOOK.iter().map(|row| row.name).collect(),
        ["plugins", _] => PLUGIN.iter().map(|row| row.name).collect(),
        _ => {
            let whole = path.join(".");
            let known: Vec<String> = DEFAULTS.iter().map(|(path, _)| path.join(".")).collect();
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            return nearest(&whole, &known).map(str::to_owned);
        }
    };
    let near = nearest(last, &names)?;
    Some(table.iter().copied().chain([near]).collect::<Vec<_>>().join("."))
}

/// Whether the value at `path` is a secret, or holds some.
#[must_use]
pub fn is_secret(path: &[&str]) -> bool {
    matches!(
        path,
        ["auth", "client_secret" | "token"]
            | ["clients", _, "auth", "client_secret" | "token"]
            | ["http", "headers"]
    )
}

/// Whether a secret itself stands in the value, not only where it is kept.
#[must_use]
pub fn holds_secret(path: &[&str], value: &Value) -> bool {
    match (path.last(), value) {
        (Some(&("client_secret" | "token")), Value::String(text)) => {
            is_secret(path) && !text.is_empty()
        }
        (Some(&"headers"), Value::Object(headers)) => {
            headers.keys().any(|name| is_credential(name))
        }
        (Some(&("url" | "proxy")), Value::String(text)) => {
            SafeUrl::parse(text).is_ok_and(|url| url.url().password().is_some())
        }
        _ => false,
    }
}

/// Whether a name is what credentials are usually called.
#[must_use]
pub fn is_credential(name: &str) -> bool {
    const WORDS: &[&str] =
        &["secret", "token", "password", "passwd", "authorization", "cookie", "api_key", "api-key"];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::defaults::TEXT;

    /// The tables that `hooks.toml` fills, each with the rows of its kind.
    #[test]
    fn every_key_has_a_default_or_an_example_in_the_embedded_file() {
        let is_set = |path: &[&str]| DEFAULTS.iter().any(|(known, _)| *known == path);
        for row in TOP {
            let path: Vec<&str> = row.name.split('.').collect();
            assert!(is_set(&path), "{}", row.name);
        }
        CLIENT.iter().for_each(|row| assert!(is_set(&["client", row.name]), "{}", row.name));
        AUTH.iter().for_each(|row| assert!(is_set(&["auth", row.name]), "{}", row.name));
        let example = |name: &str| TEXT.contains(&format!("\n# {name} = "));
        for row in QUERY {
            assert!(is_set(&["queries", "tasks", row.name]) || example(row.name), "{}", row.name);
        }
        for name in HOOK.iter().map(|row| row.name) {
            let in_some_hook =
                DEFAULTS.iter().any(|(path, _)| matches!(path, ["hooks", _, key] if *key == name));
            assert!(is_set(&["hook_defaults", name]) || in_some_hook || example(name), "{name}");
        }
        for name in PLUGIN.iter().map(|row| row.name) {
            let table = TEXT.contains(&format!("\n# [plugins.jira.{name}]"));
            assert!(example(name) || table, "{name}");
        }
    }

    #[test]
    fn c07_the_nearest_key_is_that_of_the_same_table() {
        let near = |path: &[&str]| nearest_key(path).unwrap_or_default();
        assert_eq!(near(&["client", "ulr"]), "client.url");
        assert_eq!(near(&["clients", "b", "auth", "scop"]), "clients.b.auth.scope");
        assert_eq!(near(&["hooks", "x", "timout"]), "hooks.x.timeout");
        assert_eq!(near(&["sesion_start", "deadline"]), "session_start.deadline");
        assert_eq!(near(&["weather", "today"]), "");
    }
}
