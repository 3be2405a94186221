//! The table of error codes: one row for each cause that has its own cure. The hints, `explain` and
//! `docs/errors.md` read it. The first digit groups the codes for the reader; what follows from a code is
//! in its row alone.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Class;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $class:ident, $audience:ident, $title:literal,
        $causes:expr, $cures:expr;)*) => {
        /// The number behind `WS302`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(into = "u16", try_from = "u16")]
        #[repr(u16)]
        pub enum Code { $($(#[$doc])* $name = $number),* }

        /// Every code, in the order of the numbers.
        pub static TABLE: &[CodeInfo] = &[$(CodeInfo {
            code: Code::$name,
            class: Class::$class,
            audience: Audience::$audience,
            title: $title,
            causes: $causes,
            cures: $cures,
        }),*];
    };
}

/// What is known about a code.
#[derive(Debug)]
pub struct CodeInfo {
    pub code: Code,
    /// Decides the exit code, and what a fallback strategy sees.
    pub class: Class,
    pub audience: Audience,
    /// In lower case, without the number.
    pub title: &'static str,
    pub causes: &'static [&'static str],
    /// What to do, with the command.
    pub cures: &'static [&'static str],
}

/// Who learns of a failure during a session start; each includes the ones before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Audience {
    Log,
    User,
    Model,
}

codes! {
    ConfigUnreadable = 101, Config, User, "configuration file unreadable",
        &["the file is not valid TOML, or not UTF-8", "the file cannot be opened, or is larger than 1 MiB, or 256 KiB in a project",
          "another user owns or can change your own file, or a folder above it"],
        &["fix the line and column in the message", "run the `chmod` or `chown` command in the message", "`warmstart config check` lists everything that is wrong"];
    ConfigValue = 102, Config, User, "invalid setting",
        &["the value has the wrong kind or is out of range", "the key or variable does not exist", "two settings contradict each other"],
        &["fix the file and line, or the variable, in the message", "`docs/settings.md` has every kind and range"];
    ConfigNewer = 103, Config, User, "configuration in a newer format",
        &["`version` in the file is larger than this program supports"],
        &["upgrade warmstart", "set `version = 1` if the file uses nothing newer"];
    ConfigName = 104, Config, User, "unknown name in the configuration",
        &["a client, strategy, query, hook or plugin of that name does not exist"],
        &["use the nearest name in the message", "add the table that defines it"];
    ConfigUrl = 105, Config, User, "invalid URL",
        &["the URL has no scheme or no host"],
        &["write the URL as `http://localhost:8000` or `https://…`"];
    Unencrypted = 106, Config, Model, "credential would travel unencrypted",
        &["a token, a client secret, a header of `http.headers` or a URL's password would go over plain http to another machine", "the name in the URL has an address that is not a loopback address"],
        &["use https, or a server on this machine", "let the name have loopback addresses alone: `127.0.0.1 NAME` in the hosts file", "name the host in `http.plain_hosts` of your own hooks.toml, if you trust the network up to it"];
    SecretMissing = 201, Auth, Model, "credential missing",
        &["no token or client secret is configured", "the variable, file or program that should supply it gives nothing"],
        &["set `MCP_AUTH_TOKEN`, or `KEYCLOAK_URL`, `KEYCLOAK_REALM`, `KEYCLOAK_CLIENT_ID` and `KEYCLOAK_CLIENT_SECRET`", "`warmstart config show auth --origin` shows where each value comes from"];
    ClientRefused = 202, Auth, Model, "client id or secret refused",
        &["the client secret is wrong (Keycloak: `unauthorized_client`)", "the client is unknown or disabled (Keycloak: `invalid_client`)", "a requested scope is not allowed (Keycloak: `invalid_scope`)"],
        &["compare the secret with Keycloak: Clients, the client, Credentials", "check `KEYCLOAK_CLIENT_ID` and the realm"];
    TokenRefused = 203, Auth, Model, "token refused",
        &["the token has expired or was revoked", "the server expects another audience or issuer", "a clock is wrong"],
        &["set a valid token", "check the audience and the issuer that the server expects, and both clocks"];
    ServiceAccountOff = 204, Auth, Model, "service account disabled",
        &["the client has no service account (Keycloak: Client not enabled to retrieve service account)", "the client is public"],
        &["in Keycloak: Clients, the client, Settings: enable client authentication and service account roles"];
    Forbidden = 205, Auth, Model, "access denied",
        &["the client lacks a role or scope that the tool requires"],
        &["give the client the roles and scopes of the tool (such as mcp:read, mcp-user, task-viewer)"];
    RealmUnknown = 206, Auth, Model, "realm not found",
        &["the realm does not exist or is disabled", "Keycloak's paths begin elsewhere (`/auth`)"],
        &["check `KEYCLOAK_REALM` and `KEYCLOAK_URL`", "set `auth.prefix` where a proxy changes the path"];
    Dns = 301, Unavailable, Model, "name not resolved",
        &["the host name is wrong", "the name server does not answer or does not know the name"],
        &["check the host name in the URL", "check the name server, or add the name to the hosts file"];
    Refused = 302, Unavailable, Model, "connection refused",
        &["the server is not running", "host or port is wrong", "a firewall refuses the connection"],
        &["start the server", "check host and port of the URL"];
    Timeout = 303, Unavailable, Model, "no answer in time",
        &["the server is slow or overloaded", "the network loses packets", "the limit is too small"],
        &["check the server and the network", "raise the setting that the message names"];
    Tls = 304, Unavailable, Model, "TLS failed",
        &["the certificate is expired, or for another name", "the authority is not trusted on this machine", "the server does not use TLS on this port"],
        &["check the scheme of the URL, the certificate's name and its dates", "add a private authority with `http.ca_file`"];
    Proxy = 305, Unavailable, Model, "proxy failed",
        &["the proxy does not answer or requires a login (HTTP 407)"],
        &["check `http.proxy` or the proxy variables", "name the host in `NO_PROXY`"];
    RedirectLoop = 306, Unavailable, Model, "redirect loop",
        &["the URL is not that of the endpoint"], &["check the URL"];
    RedirectForeign = 307, Unavailable, Model, "redirect to another server",
        &["the endpoint has moved, or a login page answers"],
        &["set the URL to the endpoint itself; credentials do not follow redirects"];
    TooManyRequests = 321, Unavailable, Model, "rate limited by the server",
        &["the server answered HTTP 429"], &["wait until the time in the message", "send fewer requests"];
    ServerError = 322, Unavailable, Model, "server error",
        &["the server answered HTTP 500 to 599"], &["check the server's log"];
    RateLimited = 323, Unavailable, Model, "own rate limit reached",
        &["all processes together sent `http.rate_limit` requests within a minute"],
        &["wait a minute", "raise `http.rate_limit`"];
    BreakerOpen = 324, Unavailable, Model, "circuit breaker open",
        &["the server failed `breaker.failures` times in a row"],
        &["fix the server; the next attempt is at the time in the message", "`warmstart --set breaker.failures=0 tasks` ignores the breaker once"];
    PluginUnavailable = 325, Unavailable, Model, "plugin has no answer",
        &["the plugin reported that its source does not answer"], &["see the plugin's message in `warmstart logs show`"];
    ProgramFailed = 326, Unavailable, Model, "task server's program failed",
        &["the program of `client.command` was not found", "it ended, or closed its output, before it answered"],
        &["run the program of `client.command` by hand in the project", "`warmstart logs show` shows what it printed"];
    WrongEndpoint = 401, Protocol, Model, "wrong endpoint",
        &["the path of the URL is not that of the endpoint (HTTP 400, 404, 405, 415)", "`client.kind` or `client.era` does not fit the server"],
        &["check `client.url`; the MCP endpoint usually ends in /mcp", "check `client.kind`"];
    NotJson = 402, Protocol, Model, "answer is not JSON",
        &["a login page or a proxy answered", "the URL is that of a web page"], &["check the URL"];
    ToolError = 403, Protocol, Model, "tool failed",
        &["its arguments are wrong", "the tool itself failed"],
        &["check the query's `tool` and `arguments`", "`warmstart call TOOL` shows the tool's own answer"];
    NotUnderstood = 404, Protocol, Model, "answer not understood",
        &["the list of tasks is elsewhere in the answer"],
        &["set `queries.NAME.items` to the JSON pointer of the list; `warmstart call TOOL` shows the answer"];
    TooLarge = 405, Protocol, Model, "answer too large",
        &["the answer exceeds `http.max_body`, or is nested too deeply"],
        &["ask for fewer tasks", "raise `http.max_body`"];
    UnknownTool = 406, Protocol, Model, "tool not found",
        &["the server has no tool of that name, or only other clients may see it"],
        &["`warmstart tools` lists its tools", "set the query's `tool`, or disable the hook that shows it"];
    StoreUnusable = 501, Cache, Model, "folder or file cannot be used",
        &["another user owns the folder, or others can write it", "the disk is full or read-only", "there is no home folder",
          "root runs under sudo with the home folder of another user"],
        &["check owner, mode and free space of the folders that `warmstart config path` prints"];
    EntryDamaged = 502, Cache, Log, "cache entry damaged",
        &["the process was killed or the machine lost power while writing"],
        &["nothing: the entry was moved aside and is fetched again"];
    TokenFileMode = 511, Cache, Log, "token file not private",
        &["another user owns the token file, or it is a link", "another user can change the file, or a folder above it"],
        &["run the `chmod` or `chown` command in the log", "remove the file named in the log"];
    TokenFileDamaged = 512, Cache, Log, "token file damaged",
        &["the process was killed or the machine lost power while writing"],
        &["nothing: the file was moved aside and a new token is requested"];
    PluginUntrusted = 601, Trust, Model, "plugin not trusted",
        &["the configuration names a plugin that was never trusted"],
        &["look at it, then run `warmstart plugin trust FILE`"];
    PluginUnloadable = 602, Plugin, Model, "plugin cannot be loaded",
        &["the library is for another system or CPU", "a library that it needs is missing"],
        &["`warmstart plugin check FILE` names the failing step"];
    PluginSymbol = 603, Plugin, Model, "not a warmstart plugin",
        &["the library does not export `warmstart_plugin_v1`"], &["build it with the SDK in `plugins/sdk`"];
    PluginVersion = 604, Plugin, Model, "plugin for another version",
        &["the plugin requires a newer version of the interface"], &["upgrade warmstart, or build the plugin for this version"];
    PluginDied = 605, Plugin, Model, "plugin crashed",
        &["a signal, an exit, or a limit on time or memory ended it"], &["`warmstart plugin check FILE` repeats its calls"];
    PluginTimeout = 606, Plugin, Model, "plugin too slow",
        &["the call took longer than `plugins.NAME.timeout`"], &["raise `plugins.NAME.timeout`"];
    PluginReply = 607, Plugin, Model, "plugin reply not understood",
        &["the reply is not JSON of the expected form, or too large"], &["`warmstart plugin call NAME REQUEST` shows the reply"];
    PluginChanged = 608, Trust, Model, "plugin changed since it was trusted",
        &["the trusted copy was changed"], &["look at it, then run `warmstart plugin trust FILE` again"];
    PluginPath = 609, Plugin, Model, "plugin file unusable",
        &["the file does not exist, is not a regular file, or is outside the plugin folders"], &["name the file by its path"];
    PluginFailed = 610, Plugin, Model, "plugin failed",
        &["the plugin reported an internal error or panicked"], &["see the plugin's message in `warmstart logs show`"];
    FileUntrusted = 621, Trust, Model, "project file not trusted",
        &["the project's `.claude/hooks.toml` was never trusted, or has changed",
          "the list of trusted files cannot be read, or another user can change it"],
        &["read it, then run `warmstart trust` in the project", "run `warmstart untrust` there to hide the notice until the file changes"];
    Event = 701, Config, Log, "event not understood",
        &["standard input has no JSON object, or one of another event"],
        &["call `warmstart session-start` from the SessionStart hook"];
    Deadline = 702, Unavailable, Model, "deadline reached",
        &["a hook was not ready at `session_start.deadline`"], &["raise `session_start.deadline`, or lower the hook's `timeout`"];
    Flag = 703, Config, User, "unknown flag of session-start",
        &["the hook entry was written for another version"], &["`warmstart session-start --help` lists the flags"];
    Hook = 704, Hook, Model, "hook failed",
        &["a program of a `command` hook failed or was not found", "a file of the project cannot be read"],
        &["run the program by hand in the project", "fix or remove the hook in hooks.toml"];
    Internal = 901, Bug, Model, "internal error",
        &["a mistake in warmstart"], &["report it with the lines of `warmstart logs show`"];
}

impl Code {
    /// The row of this code.
    #[must_use]
    pub fn info(self) -> &'static CodeInfo {
        // The table has every code once, in order: the macro writes both.
        let position = TABLE.binary_search_by_key(&self, |info| info.code);
        &TABLE[position.unwrap_or(TABLE.len() - 1)]
    }

    /// The class of this code.
    #[must_use]
    pub fn class(self) -> Class {
        self.info().class
    }

    /// The code that `text` names: `WS302` or `302`.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("WS").or_else(|| text.strip_prefix("ws")).unwrap_or(text);
        Code::try_from(digits.parse::<u16>().ok()?).ok()
    }
}

impl From<Code> for u16 {
    fn from(code: Code) -> u16 {
        code as u16
    }
}

impl TryFrom<u16> for Code {
    type Error = String;

    fn try_from(number: u16) -> Result<Self, String> {
        let row = TABLE.iter().find(|info| info.code as u16 == number);
        row.map(|info| info.code).ok_or_else(|| format!("there is no code {number}"))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WS{}", *self as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_in_the_table_once_in_order_and_has_a_cure() {
        assert!(TABLE.is_sorted_by_key(|info| info.code as u16));
        for info in TABLE {
            assert_eq!(info.code.info().code, info.code);
            assert_eq!(Code::try_from(info.code as u16), Ok(info.code));
            assert_eq!(Code::from_text(&info.code.to_string()), Some(info.code));
            let is_fragment = |text: &str| !text.is_empty() && !text.ends_with('.');
            assert!(is_fragment(info.title), "{}", info.code);
            assert!(
                !info.causes.is_empty() && info.causes.iter().all(|text| is_fragment(text)),
                "{}",
                info.code
            );
            assert!(
                !info.cures.is_empty() && info.cures.iter().all(|text| is_fragment(text)),
                "{}",
                info.code
            );
        }
        assert_eq!(Code::from_text("WS999"), None);
    }
}
