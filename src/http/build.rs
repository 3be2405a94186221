//! Building the client: proxies, limits of time, and TLS with roots only where https is spoken.

use std::sync::Arc;

use reqwest::{Client, NoProxy, Proxy};

use super::Http;
use crate::config::Proxy as ProxySetting;
use crate::error::{Code, Failure};
use crate::secret::SafeUrl;

/// A private authority's file is no larger.
const MAX_CA_FILE_BYTES: u64 = 1 << 20;

impl Http {
    /// The client for `url`, built at the first use. Reading the system's certificates costs more
    /// than a whole request, so plain http does without.
    pub(super) fn client(&self, url: &SafeUrl) -> Result<&Client, Failure> {
        let is_tls = url.url().scheme() == "https";
        let slot = if is_tls { &self.tls } else { &self.plain };
        slot.get_or_init(|| self.build(is_tls)).as_ref().map_err(Clone::clone)
    }

    fn build(&self, is_tls: bool) -> Result<Client, Failure> {
        let roots = if is_tls { self.roots()? } else { rustls::RootCertStore::empty() };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Failure::new(Code::INTERNAL, format!("TLS cannot be set up: {error}"))
            })?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.config.connect_timeout)
            .user_agent(concat!("warmstart/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .no_proxy();
        for proxy in self.proxies(is_tls)? {
            builder = builder.proxy(proxy);
        }
        builder.build().map_err(|error| {
            Failure::new(
                Code::INTERNAL,
                format!("the HTTP client cannot be built: {}", error.without_url()),
            )
        })
    }

    /// The system's certificates (a company's own among them) and those of `http.ca_file`.
    fn roots(&self) -> Result<rustls::RootCertStore, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let Some(path) = &self.config.ca_file else { return Ok(roots) };
        let wrong = |why: String| {
            Failure::new(Code::TLS, format!("`http.ca_file` {}: {why}", path.display()))
                .hint("name a PEM file with one certificate or more")
        };
        let text =
            crate::disk::read_text(path, MAX_CA_FILE_BYTES).map_err(|e| wrong(e.to_string()))?;
        let text = text.ok_or_else(|| wrong("there is no such file".into()))?;
        let parsed: Result<Vec<_>, _> =
            rustls::pki_types::pem::PemObject::pem_slice_iter(text.as_bytes()).collect();
        let parsed =
            parsed.map_err(|error: rustls::pki_types::pem::Error| wrong(error.to_string()))?;
        match roots.add_parsable_certificates(parsed) {
            (0, _) => Err(wrong("no certificate in it".into())),
            _ => Ok(roots),
        }
    }

    fn proxies(&self, is_tls: bool) -> Result<Vec<Proxy>, Failure> {
        let Some((url, bypass)) = self.proxy(is_tls) else { return Ok(Vec::new()) };
        let wrong = |error: reqwest::Error| {
            Failure::new(
                Code::PROXY,
                format!("the proxy `{url}` cannot be used: {}", error.without_url()),
            )
        };
        let proxy = Proxy::all(url.url().as_str()).map_err(wrong)?;
        Ok(vec![proxy.no_proxy(NoProxy::from_string(&bypass.join(",")))])
    }

    /// The proxy in force and the hosts that bypass it. This machine always does.
    fn proxy(&self, is_tls: bool) -> Option<(&SafeUrl, Vec<String>)> {
        let mut bypass: Vec<String> =
            ["localhost", "127.0.0.0/8", "::1"].into_iter().map(str::to_owned).collect();
        bypass.extend(self.config.no_proxy.iter().cloned());
        match &self.config.proxy {
            ProxySetting::None => None,
            ProxySetting::Url(url) => Some((url, bypass)),
            ProxySetting::Environment(found) => {
                bypass.extend(found.no_proxy.iter().cloned());
                let url = if is_tls { found.https.as_ref() } else { found.http.as_ref() };
                url.map(|url| (url, bypass))
            }
        }
    }

    /// The proxy that a request to `url` goes through, for messages.
    pub(super) fn proxy_of(&self, url: &SafeUrl) -> Option<&SafeUrl> {
        if url.is_loopback() {
            return None;
        }
        let (proxy, bypass) = self.proxy(url.url().scheme() == "https")?;
        let host = url.url().host_str().unwrap_or_default();
        let spares = |rule: &String| {
            let rule = rule.trim().trim_start_matches('.');
            let before = host.strip_suffix(rule).filter(|_| !rule.is_empty());
            rule == "*" || before.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        (!bypass.iter().any(spares)).then_some(proxy)
    }
}
