//! Client credentials from Keycloak: one request for any number of processes, straight to the token
//! endpoint, with each of its refusals told apart (measured answers of Keycloak 26).

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tracing::Instrument;

use super::store::{Store, Stored, Trouble};
use super::{Auth, claims, missing, source};
use crate::config::{Prefix, Resource};
use crate::deadline::{Deadline, Timestamp};
use crate::disk::{Lock, TryLock};
use crate::error::{Class, Code, Failure};
use crate::http::{Error, Opened, Request};
use crate::secret::{SafeUrl, Secret};

const POLL: Duration = Duration::from_millis(8);
/// Kept free before the deadline for those who waited for another's token in vain.
const RESERVE: Duration = Duration::from_millis(150);
/// No token is believed to live longer.
const LONGEST_LIFE: f64 = 86_400.0;
/// The longest pause after refusals, in seconds.
const LONGEST_PAUSE: u64 = 60;

/// What the token endpoint said.
struct Said {
    status: u16,
    body: Vec<u8>,
}

impl Auth {
    /// The stored token, unless it is `refused` or nearly over; else a new one.
    pub(super) async fn keycloak(
        &self,
        refused: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<Secret, Failure> {
        let url = self.identity_server()?;
        let store = self.store(url);
        let usable = |stored: &mut Stored| {
            stored.drop_refused(refused);
            stored.valid(self.config.refresh_before, Timestamp::now())
        };
        if let Some(token) = usable(&mut store.read()) {
            return Ok(token);
        }
        let _lock = only_one(&store, deadline).await?;
        let mut stored = store.read();
        if let Some(token) = usable(&mut stored) {
            return Ok(token);
        }
        if let Some(trouble) = stored.trouble.as_ref().filter(|one| now_millis() < one.until) {
            return Err(trouble.failure.clone());
        }
        let span = tracing::debug_span!("auth", realm = self.config.realm);
        let result = self.request(url, &mut stored, deadline).instrument(span).await;
        if let Err(failure) = &result {
            stored.trouble = Some(trouble(failure, stored.trouble.as_ref()));
        }
        store.write(&stored);
        result
    }

    /// The identity server, if the secret may be sent there.
    fn identity_server(&self) -> Result<&SafeUrl, Failure> {
        let url = self.config.url.as_ref();
        let url = url.ok_or_else(|| {
            Failure::new(Code::CONFIG_VALUE, "`auth.url`, the identity server, is not set")
                .hint("set KEYCLOAK_URL, like http://localhost:8080")
        })?;
        if self.config.realm.is_empty() {
            return Err(Failure::new(Code::CONFIG_VALUE, "`auth.realm` is not set")
                .hint("set KEYCLOAK_REALM"));
        }
        if url.may_carry_secrets() {
            return Ok(url);
        }
        let text = format!("`{}` would get the client secret in the clear", url.origin());
        Err(Failure::new(Code::CONFIG_URL, text).hint("use https, or a server on this machine"))
    }

    fn store(&self, url: &SafeUrl) -> Store {
        let usual = self.paths.as_ref().map(|paths| paths.state.join("tokens"));
        let folder = self.paths.as_ref().and(self.config.token_dir.clone()).or(usual);
        let scope = self.config.scope.join(" ");
        let resource = self.resource().unwrap_or_default();
        let (server, url) = (self.server.origin(), url.url().as_str());
        let config = &self.config;
        Store::new(folder, &[url, &config.realm, &config.client_id, &scope, &server, &resource])
    }

    async fn request(
        &self,
        url: &SafeUrl,
        stored: &mut Stored,
        deadline: Deadline,
    ) -> Result<Secret, Failure> {
        let secret = self.config.client_secret.as_ref();
        let secret = secret.ok_or_else(|| {
            missing("client secret", "KEYCLOAK_CLIENT_SECRET", "auth.client_secret")
        })?;
        let secret = source::reveal(secret, "auth.client_secret", deadline).await?;
        let bases = bases(url, &self.config.prefix, stored.base.as_deref());
        let mut last = None;
        for base in &bases {
            let said = self.post(base, &secret, deadline).await?;
            match read(&said, &self.config.realm) {
                Ok((token, expires)) => {
                    let token = Secret::new(token);
                    stored.keep(&token, Timestamp::now(), expires);
                    stored.base = Some(base.clone());
                    return Ok(token);
                }
                // A wrong path is worth another try, a wrong realm is not.
                Err(failure) if said.status == 404 && failure.code == Code::WRONG_ENDPOINT => {
                    last.get_or_insert(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        // Neither form of the path led to the realm.
        let lost = last.map(|failure| Failure { code: Code::REALM_UNKNOWN, ..failure });
        Err(lost.unwrap_or_else(|| Failure::new(Code::CONFIG_URL, "`auth.url` has no usable form")))
    }

    async fn post(&self, base: &str, secret: &Secret, deadline: Deadline) -> Result<Said, Failure> {
        let config = &self.config;
        let endpoint = format!("{base}/realms/{}/protocol/openid-connect/token", config.realm);
        let endpoint = SafeUrl::parse(&endpoint).map_err(|why| {
            Failure::new(
                Code::CONFIG_URL,
                format!("`auth.url` and `auth.realm` make no URL: it {why}"),
            )
        })?;
        let form = self.form(secret);
        let make = || Request {
            method: Method::POST,
            url: endpoint.clone(),
            headers: vec![
                ("content-type".into(), "application/x-www-form-urlencoded".into()),
                ("accept".into(), "application/json".into()),
            ],
            bearer: None,
            body: form.clone().into_bytes(),
        };
        let read = async |mut opened: Opened| -> Result<Said, Error> {
            Ok(Said { status: opened.status, body: opened.body().await? })
        };
        self.http.send(make, read, true, deadline).await
    }

    /// `client_secret_post`: Basic would need the id and secret form-encoded first (RFC 6749, 2.3.1).
    fn form(&self, secret: &Secret) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        form.append_pair("client_id", &self.config.client_id);
        form.append_pair("client_secret", secret.expose());
        if !self.config.scope.is_empty() {
            form.append_pair("scope", &self.config.scope.join(" "));
        }
        if let Some(resource) = self.resource() {
            form.append_pair("resource", &resource);
        }
        form.finish()
    }

    /// RFC 8707: the MCP endpoint without a trailing slash.
    fn resource(&self) -> Option<String> {
        match &self.config.resource {
            Resource::Off => None,
            Resource::Value(value) => Some(value.clone()),
            Resource::Auto => self
                .names_resource
                .then(|| self.server.url().as_str().trim_end_matches('/').to_owned()),
        }
    }
}

async fn only_one(store: &Store, deadline: Deadline) -> Result<Option<Lock>, Failure> {
    let patience = deadline.earlier(RESERVE);
    loop {
        match store.try_lock() {
            TryLock::Held(lock) => return Ok(Some(lock)),
            TryLock::Unsupported => return Ok(None),
            TryLock::Busy if patience.is_over() => {
                let text = "another session is still asking for a token; it took too long";
                return Err(Failure::new(Code::TIMEOUT, text));
            }
            TryLock::Busy => tokio::time::sleep(POLL.min(patience.remaining())).await,
        }
    }
}

/// After a refusal nobody asks for a while: the secret does not get better by repetition, and the
/// sessions that waited must not queue up for a server that is down.
fn trouble(failure: &Failure, before: Option<&Trouble>) -> Trouble {
    let pause = before.map_or(1, |before| (before.pause * 2).min(LONGEST_PAUSE));
    let pause = if failure.class() == Class::Config { 0 } else { pause };
    let asked = failure.retry_after.map_or(0, |after| after.as_secs());
    let pause_millis = i64::try_from(pause.max(asked).saturating_mul(1000)).unwrap_or(i64::MAX);
    Trouble { failure: failure.clone(), until: now_millis().saturating_add(pause_millis), pause }
}

fn now_millis() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

/// What may stand before `/realms`, the likeliest first. Keycloak's paths began with `/auth` up to
/// version 16, and do again where an operator wants it.
fn bases(url: &SafeUrl, prefix: &Prefix, remembered: Option<&str>) -> Vec<String> {
    let given = url.url().as_str().trim_end_matches('/').to_owned();
    if let Prefix::Fixed(prefix) = prefix {
        let bare = given.strip_suffix(prefix.as_str()).unwrap_or(&given);
        return vec![format!("{bare}{prefix}")];
    }
    let other = match given.strip_suffix("/auth") {
        Some(bare) => bare.to_owned(),
        None => format!("{given}/auth"),
    };
    if remembered == Some(other.as_str()) { vec![other, given] } else { vec![given, other] }
}

/// Reads an answer of the token endpoint: the token with its end, or what is wrong and how to mend it.
fn read(said: &Said, realm: &str) -> Result<(String, Option<Timestamp>), Failure> {
    let body: Option<Value> = serde_json::from_slice(&said.body).ok();
    let text = |name: &str| {
        let value = body.as_ref().and_then(|body| body.get(name)).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    match (said.status, &body) {
        (200..=299, Some(body)) if body.get("access_token").is_some() => token(body),
        (200..=299, _) => {
            Err(Failure::new(Code::NOT_JSON, "the identity server's answer holds no token")
                .hint("check KEYCLOAK_URL: is a login page or a proxy in the way?"))
        }
        (status, _) => Err(diagnose(status, &text("error"), &text("error_description"), realm)),
    }
}

fn token(body: &Value) -> Result<(String, Option<Timestamp>), Failure> {
    let token = body["access_token"].as_str().unwrap_or_default();
    if token.is_empty() || !token.bytes().all(|byte| (b'!'..=b'~').contains(&byte)) {
        let text = "the identity server's token holds characters that no header may have";
        return Err(Failure::new(Code::NOT_JSON, text));
    }
    let lifetime = body.get("expires_in").and_then(|value| match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    });
    let expires = match lifetime {
        Some(seconds) if seconds >= 1.0 => {
            let life = Duration::from_secs_f64(f64::min(seconds, LONGEST_LIFE));
            Some(Timestamp::now().plus(life))
        }
        Some(_) => None,
        None => claims::expiry(token),
    };
    Ok((token.to_owned(), expires))
}

/// Each refusal with its own name and cure. Keycloak says `unauthorized_client` for a wrong secret
/// and `invalid_client` for a client that is unknown or disabled, alike on purpose.
fn diagnose(status: u16, error: &str, description: &str, realm: &str) -> Failure {
    let said = if description.is_empty() { error } else { description };
    let said: String = said.chars().filter(|c| !c.is_control()).take(120).collect();
    let make = |code, text: &str, hint: &str| {
        Failure::new(code, format!("{text} (HTTP {status}: {said})")).hint(hint)
    };
    let described = |words: &str| description.contains(words);
    match (status, error) {
        (404, _) if error.contains("Realm does not exist") => {
            let text = format!("the identity server knows no realm `{realm}`");
            make(Code::REALM_UNKNOWN, &text, "correct KEYCLOAK_REALM")
        }
        (404 | 405, _) => make(
            Code::WRONG_ENDPOINT,
            "the identity server has no token endpoint at this address",
            "correct KEYCLOAK_URL; paths with and without `/auth` were considered",
        ),
        (_, "unauthorized_client") if described("retrieve service account") => make(
            Code::SERVICE_ACCOUNT_OFF,
            "the client may not log in as a service account",
            "in Keycloak: Clients, the client, Settings: switch on client authentication and service accounts roles",
        ),
        (_, "unauthorized_client") => make(
            Code::CLIENT_REFUSED,
            "the identity server refused the client secret",
            "compare KEYCLOAK_CLIENT_SECRET with Keycloak: Clients, the client, Credentials",
        ),
        (_, "invalid_client") => make(
            Code::CLIENT_REFUSED,
            "the identity server knows no such client, or it is disabled",
            "check KEYCLOAK_CLIENT_ID and the realm in Keycloak: Clients",
        ),
        (_, "invalid_scope") => make(
            Code::CLIENT_REFUSED,
            "the identity server refused the scope",
            "correct `auth.scope`, or add the scope to the client",
        ),
        (403, _) if described("HTTPS required") => make(
            Code::CONFIG_URL,
            "the identity server wants https",
            "use its https address, or change the realm's `Require SSL`",
        ),
        (403, _) if described("Realm not enabled") => make(
            Code::REALM_UNKNOWN,
            "the realm is disabled",
            "enable it in Keycloak: Realm settings",
        ),
        (400, "missingNormalization") => make(
            Code::CONFIG_URL,
            "the identity server refused the address",
            "correct KEYCLOAK_URL",
        ),
        _ => make(
            Code::CLIENT_REFUSED,
            "the identity server refused to give a token",
            "look into Keycloak's events and log",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p25_every_refusal_has_its_own_diagnosis() {
        let table = [
            (
                401,
                "unauthorized_client",
                "Invalid client or Invalid client credentials",
                202,
                "SECRET",
            ),
            (
                401,
                "invalid_client",
                "Invalid client or Invalid client credentials",
                202,
                "CLIENT_ID",
            ),
            (
                401,
                "unauthorized_client",
                "Client not enabled to retrieve service account",
                204,
                "service accounts",
            ),
            (
                401,
                "unauthorized_client",
                "Public client not allowed to retrieve service account",
                204,
                "authentication",
            ),
            (400, "invalid_scope", "Invalid scopes: nope", 202, "auth.scope"),
            (404, "Realm does not exist", "", 206, "KEYCLOAK_REALM"),
            (404, "Unable to find matching target resource method", "", 401, "/auth"),
            (404, "", "", 401, "KEYCLOAK_URL"),
            (403, "access_denied", "Realm not enabled", 206, "enable"),
            (403, "invalid_request", "HTTPS required", 105, "https"),
            (400, "missingNormalization", "", 105, "KEYCLOAK_URL"),
            (400, "invalid_request", "duplicated parameter", 202, "log"),
        ];
        for (status, error, description, code, hint) in table {
            let failure = diagnose(status, error, description, "r");
            assert_eq!(failure.code, Code(code), "{error} {description}");
            assert!(failure.hint.unwrap().contains(hint), "{error} {description}");
        }
    }

    #[test]
    fn a009_odd_lifetimes_are_bounded_or_not_kept() {
        let expires = |text: &str| {
            let body = format!(r#"{{"access_token":"abcdef","expires_in":{text}}}"#);
            let said = Said { status: 200, body: body.into_bytes() };
            let now = Timestamp::now();
            read(&said, "r").unwrap().1.map(|end| end.age_from(now).unwrap().as_secs())
        };
        assert_eq!(expires("300"), Some(300));
        assert_eq!(expires("\"300\""), Some(300));
        assert_eq!(expires("1000000000000000000"), Some(86_400));
        for none in ["0", "-1", "null", "[]"] {
            assert_eq!(expires(none), None, "{none}");
        }
    }

    #[test]
    fn a010_a_token_that_could_break_a_header_is_refused() {
        for token in ["a\\nb", "", "a b", "\u{e9}"] {
            let body = format!(r#"{{"access_token":"{token}"}}"#).into_bytes();
            assert!(read(&Said { status: 200, body }, "r").is_err(), "{token}");
        }
        let html = Said { status: 200, body: b"<html>".to_vec() };
        assert_eq!(read(&html, "r").unwrap_err().code, Code::NOT_JSON);
    }

    #[test]
    fn x26_both_prefixes_are_tried_and_the_remembered_one_first() {
        let url = |text| SafeUrl::parse(text).unwrap();
        let auto = |text, known| bases(&url(text), &Prefix::Auto, known);
        assert_eq!(auto("http://h:1/", None), ["http://h:1", "http://h:1/auth"]);
        assert_eq!(auto("http://h:1/auth/", None), ["http://h:1/auth", "http://h:1"]);
        assert_eq!(auto("http://h:1", Some("http://h:1/auth"))[0], "http://h:1/auth");
        let fixed = Prefix::Fixed("/auth".into());
        assert_eq!(bases(&url("http://h:1"), &fixed, None), ["http://h:1/auth"]);
        assert_eq!(bases(&url("http://h:1/auth"), &fixed, None), ["http://h:1/auth"]);
    }
}
