//! A request as its maker describes it, and its headers as they are sent.

use std::collections::BTreeMap;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use crate::secret::{SafeUrl, Secret};

/// A request to one server.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    pub method: Method,
    pub url: SafeUrl,
    /// Those of the protocol: they win over the configured ones.
    pub headers: Vec<(String, String)>,
    /// `http.headers` or `clients.NAME.headers` of the client that asks. Any of them may be a credential.
    pub configured: BTreeMap<String, Secret>,
    pub bearer: Option<Secret>,
    pub body: Vec<u8>,
    /// What the body has of credentials.
    pub secret_body: Option<&'static str>,
}

impl HttpRequest {
    /// What must not travel readable when the request goes to `url`, for messages.
    pub(super) fn credential(&self, url: &SafeUrl) -> Option<&'static str> {
        let bearer = self.bearer.as_ref().map(|_| "token");
        let user_part = url.has_user_part().then_some("user part of the URL");
        let headers = (!self.configured.is_empty()).then_some("value of `http.headers`");
        self.secret_body.or(bearer).or(user_part).or(headers)
    }

    /// All headers, or the reason why one cannot be sent.
    pub(super) fn header_map(&self) -> Result<HeaderMap, String> {
        let mut headers = HeaderMap::new();
        for (name, secret) in &self.configured {
            let (name, mut value) = header(name, secret.expose())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        for (name, value) in &self.headers {
            let (name, value) = header(name, value)?;
            headers.insert(name, value);
        }
        if let Some(bearer) = &self.bearer {
            let value = HeaderValue::try_from(format!("Bearer {}", bearer.expose()));
            let mut value =
                value.map_err(|_| "the token has characters that a header cannot carry")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(headers)
    }
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let key = HeaderName::try_from(name);
    let key = key.map_err(|_| format!("`{name}` is not the name of a header"))?;
    let value = HeaderValue::try_from(value).map_err(|_| {
        format!("the value of the header `{name}` has characters that a header cannot carry")
    })?;
    Ok((key, value))
}
