//! What the user set: the layers (flag, environment, plugin option, project file, user file, embedded
//! defaults), read key by key into typed tables, with the origin of every value.
//! Knows no client, strategy or hook: their names are resolved in `plan`.
//!
//! A setting is in three places: its line in `hooks.toml`, its field, and its line in the table's `read`.

mod annotated;
mod auth;
mod cache;
mod client;
mod context;
mod defaults;
mod environment;
mod fallback;
pub mod file;
mod hook;
mod http;
mod kind;
mod layer;
mod load;
mod log;
mod nearest;
pub mod parser;
mod plugin;
mod preset;
mod problem;
mod proxies;
mod query;
pub mod reader;
mod reading;
pub mod reference;
mod secret_source;
mod secrets;
mod session_start;
mod stack;
pub mod trust;
pub mod untrusted;
pub mod value;
mod variables;

use std::collections::BTreeMap;
use std::path::PathBuf;

pub use annotated::{AnnotatedSetting, AnnotatedValue};
pub use auth::{AuthConfig, AuthKind, Prefix, Resource};
pub use cache::{CacheConfig, CacheRead};
pub use client::{ClientConfig, Credentials};
pub use context::{ContextOptions, Format};
pub use environment::is_ours;
pub use hook::HookConfig;
pub use http::{BreakerConfig, HttpConfig, Proxy};
pub use load::{ConfigSources, LoadedConfig, load};
pub use log::{LogConfig, LogFormat};
pub use nearest::nearest;
pub use plugin::{Isolation, PluginConfig};
pub use preset::exists as has_preset;
pub use query::QueryConfig;
pub use reader::Reader;
pub use secret_source::{SecretCommand, SecretSource};
pub use secrets::is_credential;
pub use session_start::{Agents, Notice, Resume, SessionStart};
pub use stack::{Depth, Stack};

use parser::{number, paths, text};

/// All settings, resolved over all layers. The values are in range by construction.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Folders with plugins, beside the user's own plugin folder.
    pub plugin_path: Vec<PathBuf>,
    pub session_start: SessionStart,
    pub context: ContextOptions,
    /// `[auth]`: the credentials of `[client]`.
    pub auth: AuthConfig,
    pub queries: BTreeMap<String, QueryConfig>,
    /// Git branch to the server's branch id.
    pub branches: BTreeMap<String, String>,
    pub http: HttpConfig,
    pub breaker: BreakerConfig,
    pub cache: CacheConfig,
    /// `fallback.chain`: the words as written, resolved by `plan`.
    pub fallback_chain: Vec<String>,
    pub plugins: BTreeMap<String, PluginConfig>,
    /// `[plugin_defaults]`: holds for a plugin without a table.
    pub plugin_defaults: PluginConfig,
    pub log: LogConfig,
}

/// The chain that `hooks.toml` has.
pub fn default_chain() -> Vec<String> {
    let chain = defaults::DEFAULTS.get("fallback").and_then(|table| table.get("chain"));
    chain.and_then(|steps| parser::read_list(steps.into()).ok()).unwrap_or_default()
}

impl Config {
    /// Reads everything but the tables of clients and hooks, whose owners read them (`resolve`).
    fn read(root: &Reader<'_>) -> Self {
        root.get("version", number::<u32>(1, 1));
        let (query, plugin) = (root.base("query_defaults"), root.base("plugin_defaults"));
        // Its own mistakes are reported even where nothing inherits the value.
        if query.is_needed() {
            QueryConfig::read_defaults(&query);
            query.seal();
        }
        root.leave(&["client", "clients", "hooks", "hook_defaults"]);
        let config = Config {
            plugin_path: root.get("plugin_path", paths()),
            session_start: root.table("session_start", SessionStart::read),
            context: root.table("context", ContextOptions::read),
            auth: root.table("auth", AuthConfig::read),
            queries: root.named("queries", Some(&query), |_, table| QueryConfig::read(table)),
            branches: root.entries("branches", &text()),
            http: root.table("http", HttpConfig::read),
            breaker: root.table("breaker", BreakerConfig::read),
            cache: root.table("cache", CacheConfig::read),
            fallback_chain: root.table("fallback", |table| table.get("chain", fallback::chain())),
            plugins: root.named("plugins", Some(&plugin), |_, table| PluginConfig::read(table)),
            plugin_defaults: PluginConfig::read(&plugin),
            log: root.table("log", LogConfig::read),
        };
        for table in [&query, &plugin, root] {
            table.report_unknown_keys();
        }
        config
    }

    /// The settings of the plugin `name`, which may have no table.
    #[must_use]
    pub fn plugin(&self, name: &str) -> PluginConfig {
        self.plugins.get(name).unwrap_or(&self.plugin_defaults).clone()
    }
}
