//! Client credentials from Keycloak: one request for any number of processes, straight to the token
//! endpoint.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use tracing::Instrument;

use super::answer::{self, TokenResponse};
use super::store::{Backoff, Store, Stored};
use super::{Auth, ResourceIndicator, missing, source};
use crate::config::{Prefix, Resource};
use crate::deadline::{Deadline, Timestamp, now_millis};
use crate::error::{Class, Code, Failure};
use crate::http::{Error, HttpRequest, Opened, Repeat};
use crate::secret::{SafeUrl, Secret};
use crate::single_flight;
use url::Url;

/// The longest pause after refusals, in seconds.
const MAX_PAUSE_SECONDS: u64 = 60;

impl Auth {
    /// The stored token, unless it is `refused` or about to expire; else a new one. Where there is no new
    /// one, a stored token that is still valid.
    pub(super) async fn keycloak(
        &self,
        refused: Option<&Secret>,
        deadline: Deadline,
    ) -> Result<Secret, Failure> {
        let url = self.identity_server()?;
        let store = self.store(url);
        let read = || store.read().map(|stored| stored.without(refused));
        let stored = read().unwrap_or_default();
        if let Some(token) = self.usable(&stored) {
            return Ok(token);
        }
        // A token that is due for renewal but still valid: half of the time is enough to try.
        let spare = still_valid(&stored);
        let limit = match spare {
            Some(_) => deadline.capped(deadline.remaining() / 2),
            None => deadline,
        };
        let renewed = self.renew(url, &store, read, limit).await;
        let kept = || still_valid(&read()?);
        renewed.or_else(|failure| spare.or_else(kept).ok_or(failure))
    }

    /// The token, unless it is about to expire.
    fn usable(&self, stored: &Stored) -> Option<Secret> {
        stored.valid(self.config.refresh_before, Timestamp::now())
    }

    async fn renew(
        &self,
        url: &SafeUrl,
        store: &Store,
        read: impl Fn() -> Option<Stored>,
        deadline: Deadline,
    ) -> Result<Secret, Failure> {
        let _guard =
            single_flight::wait(store.lock_file().as_deref(), deadline, "for a token").await?;
        let read = read();
        let is_readable = read.is_some();
        let mut stored = read.unwrap_or_default();
        if let Some(token) = self.usable(&stored) {
            return Ok(token);
        }
        let secret_fingerprint =
            self.config.client_secret.as_ref().map(source::fingerprint).unwrap_or_default();
        if let Some(failure) = stored
            .backoff
            .as_ref()
            .and_then(|backoff| backoff.active(now_millis(), &secret_fingerprint))
        {
            return Err(failure);
        }
        let span = tracing::debug_span!("auth", realm = self.config.realm);
        let result = self.request(url, &mut stored, deadline).instrument(span).await;
        if let Err(failure) = &result {
            let pause = pause(failure, stored.backoff.as_ref());
            let until = now_millis().saturating_add(pause.millis);
            let pause = pause.seconds;
            stored.backoff =
                Some(Backoff { failure: failure.clone(), until, pause, secret_fingerprint });
        }
        // A file that could not be read may hold a valid token: only a new one replaces it.
        if is_readable || result.is_ok() {
            store.write(&stored);
        }
        result
    }

    /// The identity server, if the secret may be sent there.
    pub(super) fn identity_server(&self) -> Result<&SafeUrl, Failure> {
        let url = self.config.url.as_ref();
        let url = url.ok_or_else(|| {
            Failure::new(
                Code::ConfigValue,
                "`auth.url`, the URL of the identity server, is not set",
            )
            .hint("set KEYCLOAK_URL, like http://localhost:8080")
        })?;
        if self.config.realm.is_empty() {
            return Err(Failure::new(Code::ConfigValue, "`auth.realm` is not set")
                .hint("set KEYCLOAK_REALM"));
        }
        self.http.check_transport(url, "client secret")?;
        Ok(url)
    }

    fn store(&self, url: &SafeUrl) -> Store {
        let usual = self.paths.as_ref().map(|paths| paths.state.join(super::TOKENS));
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
        let secret = source::resolve(secret, "auth.client_secret", &self.root, deadline).await?;
        let bases = bases(url, &self.config.prefix, stored.base.as_deref());
        let mut last = None;
        for base in &bases {
            let response = self.post(base, &secret, deadline).await?;
            match answer::read(&response, &self.config.realm) {
                Ok((token, expires)) => {
                    let token = Secret::new(token);
                    stored.set_token(&token, Timestamp::now(), expires);
                    stored.base = Some(base.clone());
                    return Ok(token);
                }
                // The other path is tried for a wrong path, not for a wrong realm.
                Err(failure) if response.status == 404 && failure.code == Code::WrongEndpoint => {
                    last.get_or_insert(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        // The realm is at neither path.
        let unknown = last.map(|failure| {
            let failure = Failure { code: Code::RealmUnknown, ..failure };
            match wrong_path(url, &self.config.prefix) {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        });
        Err(unknown
            .unwrap_or_else(|| Failure::new(Code::ConfigUrl, "`auth.url` has no usable form")))
    }

    async fn post(
        &self,
        base: &str,
        secret: &Secret,
        deadline: Deadline,
    ) -> Result<TokenResponse, Failure> {
        let config = &self.config;
        let endpoint = endpoint(base, &config.realm)
            .map_err(|why| Failure::new(Code::ConfigUrl, format!("`auth.url` {why}")))?;
        let form = self.form(secret);
        let make = || HttpRequest {
            method: Method::POST,
            url: endpoint.clone(),
            headers: vec![
                ("content-type".into(), "application/x-www-form-urlencoded".into()),
                ("accept".into(), "application/json".into()),
            ],
            configured: BTreeMap::new(),
            bearer: None,
            body: form.clone().into_bytes(),
            secret_body: Some("client secret"),
        };
        let read = async |mut opened: Opened| -> Result<TokenResponse, Error> {
            Ok(TokenResponse { status: opened.status, body: opened.body().await? })
        };
        let sent = self.http.send(make, read, Repeat::Safe, deadline).await;
        sent.map_err(|failure| failure.of("the identity server"))
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
            Resource::Auto if self.resource == ResourceIndicator::None => None,
            Resource::Auto => Some(resource_of(self.server.url())),
        }
    }
}

/// A URL without its user part and query: they may hold the task server's credentials.
fn resource_of(url: &Url) -> String {
    let mut url = url.clone();
    // Fails only for URLs without a host, which have no user part.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

/// The token endpoint below `base`; the realm is one segment of it, whatever its name holds.
fn endpoint(base: &str, realm: &str) -> Result<SafeUrl, String> {
    let mut url = SafeUrl::parse(base)?.url().clone();
    url.path_segments_mut().map_err(|()| "cannot have a path".to_owned())?.pop_if_empty().extend([
        "realms",
        realm,
        "protocol",
        "openid-connect",
        "token",
    ]);
    Ok(url.into())
}

fn still_valid(stored: &Stored) -> Option<Secret> {
    stored.valid(Duration::ZERO, Timestamp::now())
}

/// How long no token is requested.
#[derive(Debug, PartialEq)]
struct Pause {
    /// Without the server's own wish: what the next pause is twice as long as.
    seconds: u64,
    millis: i64,
}

/// The pause after a failure: repeating a refused secret does not help, and the sessions that waited
/// must not queue up for a server that is down.
fn pause(failure: &Failure, before: Option<&Backoff>) -> Pause {
    let doubled = before.map_or(1, |before| (before.pause * 2).min(MAX_PAUSE_SECONDS));
    let seconds = if failure.class() == Class::Config { 0 } else { doubled };
    let retry_after = failure.retry_after.map_or(0, |after| after.as_secs());
    let millis = seconds.max(retry_after).saturating_mul(1000);
    Pause { seconds, millis: i64::try_from(millis).unwrap_or(i64::MAX) }
}

/// The URLs that `/realms` may follow, the likeliest first. Keycloak's paths began with `/auth` up to
/// version 16, and still do where an operator sets it.
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

/// What is wrong with the path, if the usual hint (with and without `/auth`) is not right.
fn wrong_path(url: &SafeUrl, prefix: &Prefix) -> Option<String> {
    match (url.url().path().find("/realms"), prefix) {
        (Some(at), _) => {
            let path = &url.url().path()[at..];
            Some(format!("remove `{path}` from KEYCLOAK_URL; the realm is in KEYCLOAK_REALM"))
        }
        (None, Prefix::Fixed(prefix)) => {
            let prefix = if prefix.is_empty() { "no prefix" } else { prefix };
            Some(format!("fix KEYCLOAK_URL or `auth.prefix`: only `{prefix}` was tried"))
        }
        (None, Prefix::Auto) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn me_the_resource_has_no_credentials_of_the_task_server() {
        let url = Url::parse("http://joe:password@127.0.0.1:81/mcp/?api_key=x#y").unwrap();
        assert_eq!(resource_of(&url), "http://127.0.0.1:81/mcp");
    }

    #[test]
    fn rt_b10_the_pause_doubles_up_to_a_minute_and_is_never_below_the_servers_wish() {
        let refused = Failure::new(Code::ClientRefused, "no");
        let away = Failure { retry_after: Some(Duration::from_secs(300)), ..refused.clone() };
        let mistake = Failure::new(Code::ConfigUrl, "no");
        let after = |seconds| {
            let fingerprint = String::new();
            Backoff {
                failure: refused.clone(),
                until: 0,
                pause: seconds,
                secret_fingerprint: fingerprint,
            }
        };
        let table = [
            (&refused, None, 1, 1_000),
            (&refused, Some(after(1)), 2, 2_000),
            (&refused, Some(after(2)), 4, 4_000),
            (&refused, Some(after(32)), 60, 60_000),
            (&refused, Some(after(60)), 60, 60_000),
            (&away, Some(after(1)), 2, 300_000),
            // What the user has to fix may be tried again at once.
            (&mistake, None, 0, 0),
            (&mistake, Some(after(8)), 0, 0),
        ];
        for (failure, before, seconds, millis) in table {
            let expected = Pause { seconds, millis };
            assert_eq!(pause(failure, before.as_ref()), expected, "{failure} {expected:?}");
        }
    }

    #[test]
    fn n01_a_realm_is_one_segment_of_the_path() {
        let of = |realm| endpoint("http://h:1/auth", realm).unwrap().url().to_string();
        let path = "/protocol/openid-connect/token";
        assert_eq!(of("my realm"), format!("http://h:1/auth/realms/my%20realm{path}"));
        assert_eq!(of("a/../b?c#d"), format!("http://h:1/auth/realms/a%2F..%2Fb%3Fc%23d{path}"));
    }

    #[test]
    fn x26_both_prefixes_are_tried_and_the_remembered_one_first() {
        let url = |text| SafeUrl::parse(text).unwrap();
        let auto = |text, remembered| bases(&url(text), &Prefix::Auto, remembered);
        assert_eq!(auto("http://h:1/", None), ["http://h:1", "http://h:1/auth"]);
        assert_eq!(auto("http://h:1/auth/", None), ["http://h:1/auth", "http://h:1"]);
        assert_eq!(auto("http://h:1", Some("http://h:1/auth"))[0], "http://h:1/auth");
        let fixed = Prefix::Fixed("/auth".into());
        assert_eq!(bases(&url("http://h:1"), &fixed, None), ["http://h:1/auth"]);
        assert_eq!(bases(&url("http://h:1/auth"), &fixed, None), ["http://h:1/auth"]);
    }
}
