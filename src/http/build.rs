//! Builds the HTTP client: proxies, timeouts, and TLS with certificate roots only for https.

use std::sync::Arc;

use reqwest::{Client, ClientBuilder, NoProxy, Proxy};

use super::Http;
use super::route::{LoopbackResolver, Route};
use crate::config::Proxy as ProxySetting;
use crate::error::{Code, Failure};
use crate::secret::SafeUrl;

/// The largest `http.ca_file`.
const MAX_CA_FILE_BYTES: u64 = 1 << 20;

impl Http {
    /// The client for `route`, built at the first use. Reading the system's certificates costs more
    /// than a whole request, so the clients for plain http have none.
    pub(super) fn client(&self, route: Route) -> Result<&Client, Failure> {
        let slot = match route {
            Route::Tls => &self.tls,
            Route::Plain => &self.plain,
            Route::ThisMachine { .. } => &self.this_machine,
        };
        slot.get_or_init(|| self.build(route)).as_ref().map_err(Clone::clone)
    }

    fn build(&self, route: Route) -> Result<Client, Failure> {
        let roots = match route {
            Route::Tls => self.roots()?,
            Route::Plain | Route::ThisMachine { .. } => rustls::RootCertStore::empty(),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| {
                Failure::new(Code::Internal, format!("TLS cannot be set up: {error}"))
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
        builder = match route {
            Route::ThisMachine { .. } => builder.dns_resolver(LoopbackResolver),
            Route::Tls => self.with_proxy(builder, true)?,
            Route::Plain => self.with_proxy(builder, false)?,
        };
        builder.build().map_err(|error| {
            Failure::new(
                Code::Internal,
                format!("the HTTP client cannot be built: {}", error.without_url()),
            )
        })
    }

    /// The system's certificates (a company's own among them) and those of `http.ca_file`.
    fn roots(&self) -> Result<rustls::RootCertStore, Failure> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let Some(path) = &self.config.ca_file else { return Ok(roots) };
        let unusable = |why: String| {
            Failure::new(Code::Tls, format!("`http.ca_file` `{}` {why}", path.display()))
                .hint("name a PEM file with at least one certificate")
        };
        let text = crate::disk::read_text(path, MAX_CA_FILE_BYTES)
            .map_err(|error| unusable(format!("cannot be read: {error}")))?
            .ok_or_else(|| unusable("does not exist".into()))?;
        let certificates: Result<Vec<_>, rustls::pki_types::pem::Error> =
            rustls::pki_types::pem::PemObject::pem_slice_iter(text.as_bytes()).collect();
        let certificates =
            certificates.map_err(|error| unusable(format!("is not valid PEM: {error}")))?;
        match roots.add_parsable_certificates(certificates) {
            (0, _) => Err(unusable("holds no certificate".into())),
            _ => Ok(roots),
        }
    }

    fn with_proxy(&self, builder: ClientBuilder, is_tls: bool) -> Result<ClientBuilder, Failure> {
        let Some((url, bypass)) = self.proxy(is_tls) else { return Ok(builder) };
        let unusable = |error: reqwest::Error| {
            Failure::new(
                Code::Proxy,
                format!("the proxy `{url}` cannot be used: {}", error.without_url()),
            )
        };
        let proxy = Proxy::all(url.url().as_str()).map_err(unusable)?;
        Ok(builder.proxy(proxy.no_proxy(NoProxy::from_string(&bypass.join(",")))))
    }

    /// The proxy in use and the hosts that bypass it; this machine always does.
    fn proxy(&self, is_tls: bool) -> Option<(&SafeUrl, Vec<String>)> {
        let mut bypass: Vec<String> =
            ["localhost", "127.0.0.0/8", "::1"].into_iter().map(str::to_owned).collect();
        bypass.extend(self.config.no_proxy.iter().cloned());
        match &self.config.proxy {
            ProxySetting::None => None,
            ProxySetting::Url(url) => Some((url, bypass)),
            ProxySetting::Environment(proxies) => {
                bypass.extend(proxies.no_proxy.iter().cloned());
                let url = if is_tls { proxies.https.as_ref() } else { proxies.http.as_ref() };
                url.map(|url| (url, bypass))
            }
        }
    }

    /// The proxy of requests to `origin`, for messages.
    pub(super) fn proxy_name(&self, origin: &str) -> String {
        let url = SafeUrl::parse(origin).ok();
        let proxy = url.and_then(|url| self.proxy_of(&url).map(ToString::to_string));
        proxy.unwrap_or_else(|| "unknown".into())
    }

    /// The proxy that a request to `url` goes through, for messages.
    pub(super) fn proxy_of(&self, url: &SafeUrl) -> Option<&SafeUrl> {
        if url.is_loopback() {
            return None;
        }
        let (proxy, bypass) = self.proxy(url.url().scheme() == "https")?;
        let host = url.url().host_str().unwrap_or_default();
        let bypasses = |rule: &String| {
            let rule = rule.trim().trim_start_matches('.');
            let before = host.strip_suffix(rule).filter(|_| !rule.is_empty());
            rule == "*" || before.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        (!bypass.iter().any(bypasses)).then_some(proxy)
    }
}
