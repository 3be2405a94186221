//! `[http]` and `[breaker]`: requests and their limits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::kind::Kind;
use super::parser::{
    Parsed, Parser, ReadContext, duration, headers, list, number, parser, path, read_text,
    read_url, size,
};
use super::proxies::{self, ProxyVariables};
use super::reader::Reader;
use super::value::Input;
use crate::secret::{SafeUrl, Secret};

/// `[http]`.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(test, derive(Default))]
pub struct HttpConfig {
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    /// Of read-only queries only.
    pub attempts: u32,
    /// Before the second attempt; doubled for each further one.
    pub retry_delay: Duration,
    /// Requests a minute, of all processes together.
    pub rate_limit: u32,
    /// Bytes of a body after decompression.
    pub max_body: u64,
    pub proxy: Proxy,
    pub no_proxy: Vec<String>,
    pub ca_file: Option<PathBuf>,
    /// Hosts that may get a credential over plain http, beside this machine.
    pub plain_hosts: Vec<String>,
    /// Of `[client]`. Any of them may be a credential.
    pub headers: BTreeMap<String, Secret>,
}

/// `http.proxy`.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Proxy {
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` as found in the environment.
    Environment(ProxyVariables),
    #[default]
    None,
    Url(SafeUrl),
}

/// `[breaker]`.
#[derive(Clone, Debug, PartialEq)]
pub struct BreakerConfig {
    /// In a row, of all processes together; 0 switches it off.
    pub failures: u32,
    pub open_for: Duration,
}

impl HttpConfig {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        HttpConfig {
            connect_timeout: table.get("connect_timeout", duration("10ms", "60s")),
            request_timeout: table.get("request_timeout", duration("10ms", "5m")),
            attempts: table.get("attempts", number(1, 11)),
            retry_delay: table.get("retry_delay", duration("1ms", "60s")),
            rate_limit: table.get("rate_limit", number(1, 10_000)),
            max_body: table.get("max_body", size("1KiB", "64MiB")),
            proxy: table.get("proxy", proxy()),
            no_proxy: table.get("no_proxy", list()),
            ca_file: table.get("ca_file", path()),
            plain_hosts: table.get("plain_hosts", list()),
            headers: table.get("headers", headers()),
        }
    }
}

impl BreakerConfig {
    pub(super) fn read(table: &Reader<'_>) -> Self {
        BreakerConfig {
            failures: table.get("failures", number(0, 100)),
            open_for: table.get("open_for", duration("1s", "1h")),
        }
    }
}

/// `env` takes the proxy variables; unusable ones are reported with the environment.
fn proxy() -> Parser<impl Fn(Input<'_>, ReadContext<'_>) -> Parsed<Proxy>> {
    parser(Kind::Url, |value, context| {
        Ok(match read_text(value)? {
            "env" => Proxy::Environment(proxies::read(context.environment)),
            "none" | "" => Proxy::None,
            text => read_url(text)?.map_or(Proxy::None, Proxy::Url),
        })
    })
}
