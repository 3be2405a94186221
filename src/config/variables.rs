//! The variables of the troubleshooting guide and its sibling documents: what each one sets here, in
//! its own units and ranges, or why it sets nothing. Of two names for one key the first is stronger.

use figment::value::{Dict, Value};

use super::parser::{self, Parsed};
use super::value::Input;

/// What a variable does.
#[derive(Clone, Copy)]
pub enum Variable {
    /// The keys it sets, and how its text becomes their value.
    Sets(&'static [&'static str], fn(&str) -> Parsed<Effect>),
    /// No effect, because …
    Ignored(&'static str),
}

use Variable::{Ignored, Sets};

/// What one text of a variable means.
pub enum Effect {
    Set(Value),
    /// It sets nothing, for this reason.
    None(&'static str),
}

/// The position of `name` in the table.
#[must_use]
pub fn position(name: &str) -> Option<usize> {
    TABLE.iter().position(|(known, _)| *known == name)
}

/// Every variable.
pub static TABLE: &[(&str, Variable)] = &[
    ("MCP_SERVER_URL", Sets(&["client.url"], text)),
    ("MCP_SERVER_TIMEOUT", Sets(&["http.request_timeout"], |v| seconds(v, 1, 300))),
    ("KEYCLOAK_URL", Sets(&["auth.url"], text)),
    ("KEYCLOAK_REALM", Sets(&["auth.realm"], text)),
    ("KEYCLOAK_CLIENT_ID", Sets(&["auth.client_id"], text)),
    ("KEYCLOAK_CLIENT_SECRET", Sets(&["auth.client_secret"], text)),
    ("KEYCLOAK_CLIENT_SECRET_FILE", Sets(&["auth.client_secret"], file)),
    ("KEYCLOAK_SERVICE_CLIENT_ID", Sets(&["auth.client_id"], text)),
    ("KEYCLOAK_SERVICE_CLIENT_SECRET", Sets(&["auth.client_secret"], text)),
    ("KEYCLOAK_SERVICE_SCOPES", Sets(&["auth.scope"], text)),
    ("TOKEN_REFRESH_BEFORE_EXPIRY", Sets(&["auth.refresh_before"], |v| seconds(v, 30, 300))),
    ("TOKEN_CACHE_DIR", Sets(&["auth.token_dir"], text)),
    ("MCP_AUTH_TOKEN", Sets(&["auth.token"], text)),
    ("AUTH_ENABLED", Sets(&["auth.kind"], no_auth)),
    ("FALLBACK_CACHE_TTL", Sets(&["cache.stale_max"], |v| seconds(v, 300, 86_400))),
    ("FALLBACK_STRATEGY", Sets(&["fallback.chain"], |v| set(vec![v.trim()]))),
    ("TASK_CACHE_TTL", Sets(&["queries.tasks.ttl", "queries.next.ttl"], |v| seconds(v, 60, 3600))),
    ("SESSION_CACHE_TTL", Sets(&["queries.branches.ttl"], |v| seconds(v, 300, 7200))),
    ("SESSION_CACHE_MAX_SIZE", Sets(&["cache.max_size"], megabytes)),
    ("CACHE_CLEANUP_INTERVAL", Sets(&["cache.cleanup_interval"], |v| seconds(v, 60, 2_592_000))),
    ("RATE_LIMIT_REQUESTS_PER_MINUTE", Sets(&["http.rate_limit"], |v| number(v, 10, 1000))),
    ("HTTP_MAX_RETRIES", Sets(&["http.attempts"], |v| set(whole(v, 0, 10)? + 1))),
    ("MCP_MAX_RETRIES", Sets(&["http.attempts"], |v| number(v, 1, 11))),
    ("MCP_RETRY_DELAY", Sets(&["http.retry_delay"], |v| seconds(v, 0, 60))),
    ("CLAUDE_CONTEXT_MODE", Sets(&["context.format"], text)),
    ("APP_LOG_LEVEL", Sets(&["log.level"], level)),
    ("LOG_PATH", Sets(&["log.dir"], folder)),
    ("AI_DATA", Sets(&["log.dir"], folder)),
    ("AI_DOCS", Ignored("no file of that folder is read")),
    ("GIT_CACHE_TTL", Ignored("commits are kept by their id, which cannot go stale")),
    ("HTTP_POOL_CONNECTIONS", Ignored("one run opens one connection to each host")),
    ("HTTP_POOL_MAXSIZE", Ignored("one run opens one connection to each host")),
    (
        "SSL_VERIFY",
        Ignored("certificates are always checked; `http.ca_file` adds your own authority"),
    ),
    ("TOKEN_CACHE_TTL", Ignored("a token is kept until it expires")),
    (
        "TOKEN_REFRESH_BUFFER",
        Ignored("it belongs to the server; TOKEN_REFRESH_BEFORE_EXPIRY is ours"),
    ),
    ("PUBLIC_KEY_CACHE_TTL", Ignored("it belongs to the server; no key is fetched here")),
    ("HOOK_JWT_SECRET", Ignored("requests carry a bearer token and are not signed")),
    ("HOOK_JWT_ALGORITHM", Ignored("requests carry a bearer token and are not signed")),
    ("CLAUDE_SUBAGENT", Ignored("the host names the agent in the event")),
    ("CLAUDE_SESSION_TYPE", Ignored("the host names the kind of session in the event")),
    ("CLAUDE_AGENT_ROLE", Ignored("the host names the agent in the event")),
    ("MCP_STATUS_CACHE_DURATION", Ignored("there is no status line to keep")),
    (
        "MCP_CONNECTION_TIMEOUT",
        Ignored("it belonged to the status line; `http.connect_timeout` is ours"),
    ),
    ("ENABLE_CLAUDE_EDIT", Ignored("it belongs to another hook")),
];

#[expect(clippy::unnecessary_wraps, reason = "a converter may refuse its text")]
fn set(value: impl Into<Value>) -> Parsed<Effect> {
    Ok(Effect::Set(value.into()))
}

fn text(value: &str) -> Parsed<Effect> {
    set(value)
}

fn file(value: &str) -> Parsed<Effect> {
    set(Dict::from([("file".to_owned(), value.into())]))
}

/// The kit that had these names took relative folders from the project.
fn folder(value: &str) -> Parsed<Effect> {
    let is_own = value.starts_with("~/") || std::path::Path::new(value).is_absolute();
    let relative = "nothing is written into a project; an absolute folder would do";
    if is_own { set(value) } else { Ok(Effect::None(relative)) }
}

/// Bare numbers are seconds under the guide's names; fractions are allowed, units too.
fn seconds(value: &str, least: u32, most: u32) -> Parsed<Effect> {
    let text = value.trim();
    let number: f64 = match text.strip_suffix("ms") {
        Some(number) => number.parse::<f64>().map(|number| number / 1000.0),
        None => text.strip_suffix('s').unwrap_or(text).parse(),
    }
    .map_err(|_| format!("`{text}` is not a number of seconds ({least} to {most})"))?;
    if !(f64::from(least)..=f64::from(most)).contains(&number) {
        return Err(format!("`{text}` is out of range ({least} to {most} seconds)"));
    }
    let millis = (number * 1000.0).round().max(1.0);
    let text = if millis % 1000.0 == 0.0 {
        format!("{}s", millis / 1000.0)
    } else {
        format!("{millis}ms")
    };
    set(text)
}

fn whole(value: &str, least: i64, most: i64) -> Parsed<i64> {
    parser::read_number(Input::Text(value.trim()), least, most)
}

fn number(value: &str, least: i64, most: i64) -> Parsed<Effect> {
    set(whole(value, least, most)?)
}

fn megabytes(value: &str) -> Parsed<Effect> {
    set(format!("{}MiB", whole(value, 1, 10_240)?))
}

fn no_auth(value: &str) -> Parsed<Effect> {
    let enabled = parser::read_flag(Input::Text(value))?;
    let on = "how requests are authorised follows from what is configured";
    if enabled { Ok(Effect::None(on)) } else { set("none") }
}

/// Python's names for the levels.
fn level(value: &str) -> Parsed<Effect> {
    let level = match value.trim().to_ascii_lowercase().as_str() {
        "debug" => "debug",
        "info" => "info",
        "warning" | "warn" => "warn",
        "error" | "critical" => "error",
        other => return Err(format!("`{other}` is not one of DEBUG, INFO, WARNING, ERROR")),
    };
    set(level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::AnnotatedSetting;

    #[test]
    fn every_variable_sets_a_setting_that_exists() {
        let known: Vec<String> =
            crate::resolve::settings().iter().map(AnnotatedSetting::key).collect();
        for (name, variable) in TABLE {
            let Sets(keys, _) = variable else { continue };
            for key in *keys {
                assert!(known.iter().any(|known| known == key), "{name}: {key}");
            }
        }
    }

    /// The value that `text` gives the variable `name`; `None` if it has no effect or is refused.
    fn value(name: &str, text: &str) -> Option<Value> {
        let Sets(_, convert) = TABLE[position(name)?].1 else { return None };
        match convert(text) {
            Ok(Effect::Set(value)) => Some(value),
            Ok(Effect::None(_)) | Err(_) => None,
        }
    }

    #[test]
    fn b18_numbers_and_levels_keep_their_meaning() {
        let table = [
            ("MCP_SERVER_TIMEOUT", "1500ms", Some("1500ms")),
            ("MCP_SERVER_TIMEOUT", "2500 ms", None),
            ("MCP_SERVER_TIMEOUT", "2000ms", Some("2s")),
            ("MCP_SERVER_TIMEOUT", "999ms", None),
            ("MCP_SERVER_TIMEOUT", "2s", Some("2s")),
            ("MCP_SERVER_TIMEOUT", " 1.5 ", Some("1500ms")),
            ("MCP_RETRY_DELAY", "0", Some("1ms")),
            ("MCP_RETRY_DELAY", "0.0001", Some("1ms")),
            ("MCP_RETRY_DELAY", "-1", None),
            ("APP_LOG_LEVEL", "DEBUG", Some("debug")),
            ("APP_LOG_LEVEL", "info", Some("info")),
            ("APP_LOG_LEVEL", "WARNING", Some("warn")),
            ("APP_LOG_LEVEL", "Warn", Some("warn")),
            ("APP_LOG_LEVEL", "ERROR", Some("error")),
            ("APP_LOG_LEVEL", "CRITICAL", Some("error")),
            ("APP_LOG_LEVEL", "loud", None),
        ];
        for (name, text, expected) in table {
            assert_eq!(value(name, text), expected.map(Value::from), "{name}={text}");
        }
    }
}
