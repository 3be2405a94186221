//! Empty tables, for the values of the layers to be read into. No defaults: those stand in
//! `hooks.toml`; a test holds that every key of a table with defaults is set there.

use std::time::Duration;

use super::schema::*;
use crate::task::AnswerKind;

impl Config {
    /// All empty: what the defaults are read into.
    pub(super) fn blank() -> Self {
        Config {
            plugin_path: Vec::new(),
            session_start: SessionStart {
                deadline: Duration::ZERO,
                sources: Vec::new(),
                resume: Resume::Full,
                notice: Notice::Never,
            },
            context: ContextOptions { format: Format::Compact, max_chars: 0, fields: Vec::new() },
            client: ClientConfig::blank(),
            clients: Default::default(),
            queries: Default::default(),
            branches: Default::default(),
            http: HttpConfig {
                connect_timeout: Duration::ZERO,
                request_timeout: Duration::ZERO,
                attempts: 1,
                retry_delay: Duration::ZERO,
                rate_limit: 1,
                max_body: 0,
                proxy: Proxy::None,
                no_proxy: Vec::new(),
                ca_file: None,
                headers: Default::default(),
            },
            breaker: BreakerConfig { failures: 0, open_for: Duration::ZERO },
            cache: CacheConfig {
                dir: None,
                read: CacheRead::FreshFirst,
                stale_max: Duration::ZERO,
                max_size: 0,
                cleanup_interval: Duration::ZERO,
            },
            fallback_chain: Vec::new(),
            hooks: Default::default(),
            plugins: Default::default(),
            log: LogConfig { level: String::new(), dir: None, keep: Duration::ZERO, runs: 0 },
        }
    }
}

impl ClientConfig {
    pub(super) fn blank() -> Self {
        ClientConfig {
            kind: String::new(),
            url: None,
            era: Era::Auto,
            user_id: String::new(),
            files: Vec::new(),
            auth: AuthConfig::blank(),
        }
    }
}

impl AuthConfig {
    /// No credentials.
    pub(super) fn blank() -> Self {
        AuthConfig {
            kind: AuthKind::None,
            url: None,
            realm: String::new(),
            prefix: Prefix::Auto,
            client_id: String::new(),
            client_secret: None,
            token: None,
            scope: Vec::new(),
            resource: Resource::Auto,
            refresh_before: Duration::from_secs(60),
            mcp_json: String::new(),
            token_dir: None,
        }
    }
}

impl QueryConfig {
    /// A query of the user's own, before its keys are read.
    pub(super) fn blank() -> Self {
        QueryConfig {
            tool: String::new(),
            arguments: Default::default(),
            items: Vec::new(),
            read_only: false,
            answer: AnswerKind::Tasks,
            ttl: Duration::from_secs(900),
            fallback: None,
        }
    }
}

impl HookConfig {
    pub(super) fn blank() -> Self {
        HookConfig {
            kind: String::new(),
            order: 0,
            timeout: Duration::ZERO,
            sources: Vec::new(),
            max_chars: 0,
            enabled: true,
            query: None,
            queries: Vec::new(),
            commits: 0,
            files: Vec::new(),
            command: Vec::new(),
        }
    }
}

impl PluginConfig {
    /// What holds for a plugin without a table of its own.
    #[must_use]
    pub fn blank() -> Self {
        PluginConfig {
            isolation: Isolation::Process,
            timeout: Duration::from_secs(1),
            env: Vec::new(),
            config: Default::default(),
        }
    }
}
