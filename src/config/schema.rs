//! The typed configuration: what the rest of the program is given. One struct a table of
//! `hooks.toml`, in its order. No defaults here: they stand in `hooks.toml`, which is embedded.
//! Values are in range by construction; `config::keys` checks them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::event::Source;
use crate::secret::{SafeUrl, Secret};
use crate::task::AnswerKind;

/// All settings, resolved over all layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Folders with plugins, beside the user's own plugin folder.
    pub plugin_path: Vec<PathBuf>,
    pub session_start: SessionStart,
    pub context: ContextOptions,
    /// `[client]` and `[auth]`: the source that is asked first.
    pub client: ClientConfig,
    /// `[clients.NAME]`: further sources; unset keys come from `[client]`, never the credentials.
    pub clients: BTreeMap<String, ClientConfig>,
    pub queries: BTreeMap<String, QueryConfig>,
    /// Git branch to the server's branch id.
    pub branches: BTreeMap<String, String>,
    pub http: HttpConfig,
    pub breaker: BreakerConfig,
    pub cache: CacheConfig,
    /// `fallback.chain`: the words as written, resolved by `plan`.
    pub fallback_chain: Vec<String>,
    pub hooks: BTreeMap<String, HookConfig>,
    pub plugins: BTreeMap<String, PluginConfig>,
    pub log: LogConfig,
}

/// `[session_start]`.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionStart {
    /// The whole run, 100 ms to 60 s.
    pub deadline: Duration,
    pub sources: Vec<Source>,
    pub resume: Resume,
    pub notice: Notice,
}

/// What `resume` and `fork` repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resume {
    Full,
    Changed,
}

/// When the person gets a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    Never,
    Degraded,
    Always,
}

/// `[context]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ContextOptions {
    pub format: Format,
    /// Characters of the whole context, 200 to 9500 (its bytes are limited to 9500 too).
    pub max_chars: usize,
    /// Fields of a task that may reach the model.
    pub fields: Vec<String>,
}

/// How much the context says about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Compact,
    Full,
}

/// `[client]` with `[auth]`, or `[clients.NAME]` with `[clients.NAME.auth]`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClientConfig {
    /// `auto`, a built-in client, or `plugin:NAME`.
    pub kind: String,
    pub url: Option<SafeUrl>,
    pub era: Era,
    pub user_id: String,
    /// For `local`: the first that is there; relative ones from the repository root.
    pub files: Vec<PathBuf>,
    pub auth: AuthConfig,
}

/// Which MCP revisions to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    Auto,
    Modern,
    Legacy,
}

/// `[auth]`.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthConfig {
    pub kind: AuthKind,
    /// The identity server, without trailing slashes.
    pub url: Option<SafeUrl>,
    pub realm: String,
    pub prefix: Prefix,
    pub client_id: String,
    pub client_secret: Option<SecretSource>,
    pub token: Option<SecretSource>,
    pub scope: Vec<String>,
    pub resource: Resource,
    /// 5 s to 5 min; never more than half of the token's lifetime is used.
    pub refresh_before: Duration,
    /// The server's name in `.mcp.json`.
    pub mcp_json: String,
    /// `TOKEN_CACHE_DIR`: where tokens are kept instead of the state folder.
    pub token_dir: Option<PathBuf>,
}

/// How requests are authorised.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AuthKind {
    /// `static` with a token, `keycloak` with a client secret, else `none`.
    Auto,
    Keycloak,
    Static,
    McpJson,
    None,
}

impl AuthConfig {
    /// The kind that `auto` stands for here.
    #[must_use]
    pub fn resolved_kind(&self) -> AuthKind {
        match self.kind {
            AuthKind::Auto if self.token.is_some() => AuthKind::Static,
            AuthKind::Auto if self.client_secret.is_some() => AuthKind::Keycloak,
            AuthKind::Auto => AuthKind::None,
            kind => kind,
        }
    }
}

/// Where Keycloak's paths begin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Prefix {
    Auto,
    /// `""` or `"/auth"`, or what a proxy puts there.
    Fixed(String),
}

/// The RFC 8707 `resource` of a token request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    Auto,
    Off,
    Value(String),
}

/// Where a secret comes from; read only when it is needed.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretSource {
    /// Given in full by an environment variable or the user's own file.
    Value(Secret),
    File(PathBuf),
    /// Started without a shell; its first line is the secret.
    Command(Vec<String>),
}

/// `[queries.NAME]`; its arguments may hold placeholders such as `{branch.id}`.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryConfig {
    pub tool: String,
    pub arguments: Map<String, Value>,
    pub items: Vec<String>,
    pub read_only: bool,
    pub answer: AnswerKind,
    pub ttl: Duration,
    /// Instead of `fallback.chain`.
    pub fallback: Option<Vec<String>>,
}

/// `[http]`.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpConfig {
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    /// 1 to 11; read-only queries only.
    pub attempts: u32,
    /// Before the first repetition; doubled for each further one (`MCP_RETRY_DELAY`).
    pub retry_delay: Duration,
    /// Requests a minute, over all processes.
    pub rate_limit: u32,
    /// Bytes of a body after decompression.
    pub max_body: u64,
    pub proxy: Proxy,
    pub no_proxy: Vec<String>,
    pub ca_file: Option<PathBuf>,
    pub headers: BTreeMap<String, String>,
}

/// `http.proxy`.
#[derive(Clone, Debug, PartialEq)]
pub enum Proxy {
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` as found in the environment.
    Environment(ProxyVariables),
    None,
    Url(SafeUrl),
}

/// The proxy variables of the process, already validated.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProxyVariables {
    pub http: Option<SafeUrl>,
    pub https: Option<SafeUrl>,
    pub no_proxy: Vec<String>,
}

/// `[breaker]`.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerConfig {
    /// In a row, over all processes; 0 switches it off.
    pub failures: u32,
    pub open_for: Duration,
}

/// `[cache]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CacheConfig {
    /// Empty: the platform's cache folder.
    pub dir: Option<PathBuf>,
    pub read: CacheRead,
    /// Counted from the write; older is never shown.
    pub stale_max: Duration,
    pub max_size: u64,
    pub cleanup_interval: Duration,
}

/// `cache.read`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheRead {
    FreshFirst,
    NetworkFirst,
}

/// `[hooks.NAME]`, with what it leaves unset taken from `[hook_defaults]`.
#[derive(Clone, Debug, PartialEq)]
pub struct HookConfig {
    /// The built-in or `plugin:LIBRARY[/ITEM]`; the table's name when unset.
    pub kind: String,
    pub order: i64,
    /// Of its live attempt.
    pub timeout: Duration,
    /// Empty: all of `session_start.sources`.
    pub sources: Vec<Source>,
    pub max_chars: usize,
    pub enabled: bool,
    /// For `pending_tasks` and `next_task`.
    pub query: Option<String>,
    /// For `prime_cache`.
    pub queries: Vec<String>,
    /// For `git_context`.
    pub commits: usize,
    /// For `notes`.
    pub files: Vec<PathBuf>,
    /// For `command`.
    pub command: Vec<String>,
}

/// `[plugins.NAME]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PluginConfig {
    pub isolation: Isolation,
    pub timeout: Duration,
    /// Variables it may see.
    pub env: Vec<String>,
    /// Handed to the plugin as it stands.
    pub config: Map<String, Value>,
}

/// Where a plugin runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    Process,
    InProcess,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogConfig {
    /// A level or a whole tracing filter (`WARMSTART_LOG`).
    pub level: String,
    /// Empty: `logs` in the state folder.
    pub dir: Option<PathBuf>,
    pub keep: Duration,
    /// Lines kept in `runs.jsonl`.
    pub runs: usize,
}
