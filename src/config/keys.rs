//! The one table of keys: for each, how its value is read and where it goes. Defaults, files and the
//! environment all go through it, so every layer has the same ranges and the same messages.

use serde_json::Value;

use super::read::{self, Read, ReadContext};
use super::schema::*;
use crate::event::Source;
use crate::task::AnswerKind;

/// One key of a table `T`.
pub struct Key<T: 'static> {
    pub name: &'static str,
    set: fn(&mut T, &Value, &ReadContext<'_>) -> Read<()>,
}

impl<T> Key<T> {
    /// Reads `value` into its place; `Err` says what is wrong, and nothing is changed.
    pub fn set(&self, table: &mut T, value: &Value, context: &ReadContext<'_>) -> Read<()> {
        (self.set)(table, value, context)
    }
}

/// Rows of a table: `"key" => |table, value, context| place = reader;`
macro_rules! keys {
    ($name:ident: $table:ty { $($key:literal => |$t:ident, $v:ident, $a:ident| $place:expr, $read:expr;)* }) => {
        pub static $name: &[Key<$table>] = &[$(Key {
            name: $key,
            set: |$t, $v, $a| { let _ = $a; $place = $read; Ok(()) },
        }),*];
    };
}

keys! { TOP: Config {
    "version" => |_c, v, _a| (), read::number(v, 1..=1).map(drop)?;
    "plugin_path" => |c, v, a| c.plugin_path, read::paths(v, a)?;
    "session_start.deadline" => |c, v, _a| c.session_start.deadline, read::duration(v, "100ms", "60s")?;
    "session_start.sources" => |c, v, _a| c.session_start.sources, sources(v)?;
    "session_start.resume" => |c, v, _a| c.session_start.resume, read::word(v, RESUME)?;
    "session_start.notice" => |c, v, _a| c.session_start.notice, read::word(v, NOTICE)?;
    "context.format" => |c, v, _a| c.context.format, read::word(v, FORMAT)?;
    "context.max_chars" => |c, v, _a| c.context.max_chars, count(v, 200..=9500)?;
    "context.fields" => |c, v, _a| c.context.fields, read::list(v)?;
    "http.connect_timeout" => |c, v, _a| c.http.connect_timeout, read::duration(v, "10ms", "60s")?;
    "http.request_timeout" => |c, v, _a| c.http.request_timeout, read::duration(v, "10ms", "5m")?;
    "http.attempts" => |c, v, _a| c.http.attempts, number(v, 1..=11)?;
    "http.retry_delay" => |c, v, _a| c.http.retry_delay, read::duration(v, "1ms", "60s")?;
    "http.rate_limit" => |c, v, _a| c.http.rate_limit, number(v, 1..=10_000)?;
    "http.max_body" => |c, v, _a| c.http.max_body, read::size(v, "1KiB", "64MiB")?;
    "http.proxy" => |c, v, a| c.http.proxy, proxy(v, a)?;
    "http.no_proxy" => |c, v, _a| c.http.no_proxy, read::list(v)?;
    "http.ca_file" => |c, v, a| c.http.ca_file, read::path(v, a)?;
    "http.headers" => |c, v, _a| c.http.headers, headers(v)?;
    "breaker.failures" => |c, v, _a| c.breaker.failures, number(v, 0..=100)?;
    "breaker.open_for" => |c, v, _a| c.breaker.open_for, read::duration(v, "1s", "1h")?;
    "cache.dir" => |c, v, a| c.cache.dir, read::path(v, a)?;
    "cache.read" => |c, v, _a| c.cache.read, read::word(v, CACHE_READ)?;
    "cache.stale_max" => |c, v, _a| c.cache.stale_max, read::duration(v, "1m", "30d")?;
    "cache.max_size" => |c, v, _a| c.cache.max_size, read::size(v, "64KiB", "10GiB")?;
    "cache.cleanup_interval" => |c, v, _a| c.cache.cleanup_interval, read::duration(v, "1m", "30d")?;
    "fallback.chain" => |c, v, _a| c.fallback_chain, chain(v)?;
    "log.level" => |c, v, _a| c.log.level, level(v)?;
    "log.dir" => |c, v, a| c.log.dir, read::path(v, a)?;
    "log.keep" => |c, v, _a| c.log.keep, read::duration(v, "1d", "365d")?;
    "log.runs" => |c, v, _a| c.log.runs, count(v, 10..=100_000)?;
} }

keys! { CLIENT: ClientConfig {
    "kind" => |c, v, _a| c.kind, read::text(v)?;
    "url" => |c, v, _a| c.url, read::url(v)?;
    "era" => |c, v, _a| c.era, read::word(v, ERA)?;
    "user_id" => |c, v, _a| c.user_id, read::text(v)?;
    "files" => |c, v, a| c.files, read::files(v, a)?;
} }

keys! { AUTH: AuthConfig {
    "kind" => |c, v, _a| c.kind, read::word(v, AUTH_KIND)?;
    "url" => |c, v, _a| c.url, read::url(v)?;
    "realm" => |c, v, _a| c.realm, read::text(v)?;
    "prefix" => |c, v, _a| c.prefix, prefix(v)?;
    "client_id" => |c, v, _a| c.client_id, read::text(v)?;
    "client_secret" => |c, v, a| c.client_secret, read::secret(v, a)?;
    "token" => |c, v, a| c.token, read::secret(v, a)?;
    "scope" => |c, v, _a| c.scope, scope(v)?;
    "resource" => |c, v, _a| c.resource, resource(v)?;
    "refresh_before" => |c, v, _a| c.refresh_before, read::duration(v, "5s", "5m")?;
    "token_dir" => |c, v, a| c.token_dir, read::path(v, a)?;
    "mcp_json" => |c, v, _a| c.mcp_json, read::text(v)?;
} }

keys! { QUERY: QueryConfig {
    "tool" => |c, v, _a| c.tool, read::text(v)?;
    "arguments" => |c, v, _a| c.arguments, read::table(v)?;
    "items" => |c, v, _a| c.items, pointers(v)?;
    "read_only" => |c, v, _a| c.read_only, read::flag(v)?;
    "answer" => |c, v, _a| c.answer, read::word(v, ANSWER)?;
    "ttl" => |c, v, _a| c.ttl, read::duration(v, "0s", "1d")?;
    "fallback" => |c, v, _a| c.fallback, Some(chain(v)?);
} }

keys! { HOOK: HookConfig {
    "kind" => |c, v, _a| c.kind, read::text(v)?;
    "order" => |c, v, _a| c.order, read::number(v, -1000..=1000)?;
    "timeout" => |c, v, _a| c.timeout, read::duration(v, "10ms", "60s")?;
    "sources" => |c, v, _a| c.sources, sources(v)?;
    "max_chars" => |c, v, _a| c.max_chars, count(v, 50..=9500)?;
    "enabled" => |c, v, _a| c.enabled, read::flag(v)?;
    "query" => |c, v, _a| c.query, Some(read::text(v)?);
    "queries" => |c, v, _a| c.queries, read::list(v)?;
    "commits" => |c, v, _a| c.commits, count(v, 0..=20)?;
    "files" => |c, v, a| c.files, read::files(v, a)?;
    "command" => |c, v, _a| c.command, read::list(v)?;
} }

keys! { PLUGIN: PluginConfig {
    "isolation" => |c, v, _a| c.isolation, read::word(v, ISOLATION)?;
    "timeout" => |c, v, _a| c.timeout, read::duration(v, "10ms", "60s")?;
    "env" => |c, v, _a| c.env, read::list(v)?;
    "config" => |c, v, _a| c.config, read::table(v)?;
} }

const RESUME: &[(&str, Resume)] = &[("full", Resume::Full), ("changed", Resume::Changed)];
const NOTICE: &[(&str, Notice)] =
    &[("never", Notice::Never), ("degraded", Notice::Degraded), ("always", Notice::Always)];
const FORMAT: &[(&str, Format)] = &[("compact", Format::Compact), ("full", Format::Full)];
const ERA: &[(&str, Era)] =
    &[("auto", Era::Auto), ("modern", Era::Modern), ("legacy", Era::Legacy)];
const AUTH_KIND: &[(&str, AuthKind)] = &[
    ("auto", AuthKind::Auto),
    ("keycloak", AuthKind::Keycloak),
    ("static", AuthKind::Static),
    ("mcp_json", AuthKind::McpJson),
    ("none", AuthKind::None),
];
const ANSWER: &[(&str, AnswerKind)] = &[("tasks", AnswerKind::Tasks), ("text", AnswerKind::Text)];
const CACHE_READ: &[(&str, CacheRead)] =
    &[("fresh_first", CacheRead::FreshFirst), ("network_first", CacheRead::NetworkFirst)];
const ISOLATION: &[(&str, Isolation)] =
    &[("process", Isolation::Process), ("in-process", Isolation::InProcess)];

fn number(value: &Value, range: std::ops::RangeInclusive<i64>) -> Read<u32> {
    Ok(u32::try_from(read::number(value, range)?).unwrap_or(u32::MAX))
}

fn count(value: &Value, range: std::ops::RangeInclusive<i64>) -> Read<usize> {
    Ok(usize::try_from(read::number(value, range)?).unwrap_or(usize::MAX))
}

fn sources(value: &Value) -> Read<Vec<Source>> {
    let known = Source::ALL.map(Source::word);
    let source =
        |word: String| Source::from_word(&word).ok_or_else(|| read::unknown_word(&word, &known));
    read::list(value)?.into_iter().map(source).collect()
}

/// An empty chain would say nothing on purpose or by mistake: `skip` is the word for the former.
fn chain(value: &Value) -> Read<Vec<String>> {
    let words = read::list(value)?;
    if words.is_empty() {
        Err("is empty; `[\"skip\"]` shows nothing old".into())
    } else {
        Ok(words)
    }
}

/// A level, or a whole tracing filter. To the filter's own parser a mistyped level is a target.
fn level(value: &Value) -> Read<String> {
    const LEVELS: &[&str] = &["off", "error", "warn", "info", "debug", "trace"];
    let text = read::text(value)?;
    let level = text.trim().to_ascii_lowercase();
    if LEVELS.contains(&level.as_str()) {
        return Ok(level);
    }
    if !level.contains(['=', ',', '[']) {
        return Err(read::unknown_word(&level, LEVELS));
    }
    match tracing_subscriber::EnvFilter::try_new(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err("is not a level or a filter like `info,warmstart=debug`".into()),
    }
}

fn prefix(value: &Value) -> Read<Prefix> {
    let text = read::text(value)?;
    let text = text.trim_end_matches('/');
    match text {
        "auto" => Ok(Prefix::Auto),
        "" => Ok(Prefix::Fixed(String::new())),
        path if path.starts_with('/') => Ok(Prefix::Fixed(path.to_owned())),
        other => Err(format!("`{other}` is neither auto nor a path like `/auth`")),
    }
}

fn resource(value: &Value) -> Read<Resource> {
    match read::text(value)?.as_str() {
        "auto" => Ok(Resource::Auto),
        "off" => Ok(Resource::Off),
        _ => {
            let url = read::url(value)?.ok_or("is neither auto, off nor a URL")?;
            Ok(Resource::Value(url.url().as_str().trim_end_matches('/').to_owned()))
        }
    }
}

/// The guide writes scopes with blanks between, as OAuth does.
pub fn scope(value: &Value) -> Read<Vec<String>> {
    match value {
        Value::String(text) if !text.trim_start().starts_with('[') => {
            Ok(text.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect())
        }
        _ => read::list(value),
    }
}

fn pointers(value: &Value) -> Read<Vec<String>> {
    let list = read::list(value)?;
    match list.iter().find(|one| !one.is_empty() && !one.starts_with('/')) {
        Some(wrong) => Err(format!("`{wrong}` is not a JSON pointer like `/data/tasks`")),
        None => Ok(list),
    }
}

fn headers(value: &Value) -> Read<std::collections::BTreeMap<String, String>> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let pair = |(name, value): (String, Value)| {
        if name.is_empty() || !name.chars().all(is_token) {
            return Err(format!("`{name}` is not the name of a header"));
        }
        let value = read::text(&value)?;
        let is_plain = value.chars().all(|c| c == '\t' || (' '..='~').contains(&c));
        if is_plain {
            Ok((name, value))
        } else {
            Err("holds a character that no header may have".into())
        }
    };
    read::table(value)?.into_iter().map(pair).collect()
}

/// `env` takes what the proxy variables say; what cannot be read there is left out here and
/// reported by the environment's own check.
fn proxy(value: &Value, context: &ReadContext<'_>) -> Read<Proxy> {
    Ok(match read::text(value)?.as_str() {
        "env" => Proxy::Environment(super::proxies::read(context.environment)),
        "none" | "" => Proxy::None,
        _ => match read::url(value)? {
            Some(url) => Proxy::Url(url),
            None => Proxy::None,
        },
    })
}
