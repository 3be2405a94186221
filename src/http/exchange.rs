//! One attempt: sends a request, reads the head of the answer, then its body in pieces under a limit.

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::SystemTime;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::route::{NotThisMachine, Route};
use super::{Error, Http, HttpRequest, Phase, retry};
use crate::deadline::{Deadline, Limit};
use crate::secret::SafeUrl;

const CONNECT_TIMEOUT: Limit = Limit::Setting("http.connect_timeout");
const REQUEST_TIMEOUT: Limit = Limit::Setting("http.request_timeout");
/// Redirects within the same origin that are followed.
const MAX_REDIRECTS: usize = 5;

/// An answer whose head has arrived.
pub struct Opened {
    pub status: u16,
    pub headers: HeaderMap,
    origin: String,
    response: reqwest::Response,
    deadline: Deadline,
    left: u64,
    limit: u64,
}

impl Http {
    pub(super) async fn attempt(
        &self,
        request: HttpRequest,
        deadline: Deadline,
    ) -> Result<Opened, Error> {
        let deadline = deadline.capped_by(self.config.request_timeout, REQUEST_TIMEOUT);
        let mut url = request.url.clone();
        for _ in 0..=MAX_REDIRECTS {
            let opened = self.exchange(&request, &url, deadline).await?;
            match self.redirect(&url, &opened)? {
                Some(target) => url = target,
                None => return self.check_status(opened),
            }
        }
        Err(Error::RedirectLoop { origin: request.url.origin() })
    }

    async fn exchange(
        &self,
        request: &HttpRequest,
        url: &SafeUrl,
        deadline: Deadline,
    ) -> Result<Opened, Error> {
        let origin = url.origin();
        let invalid = |reason: String| Error::InvalidRequest { origin: origin.clone(), reason };
        let route = Route::of(request, url, &self.config.plain_hosts)?;
        let client = self.client(route).map_err(|failure| invalid(failure.message))?;
        let headers = request.header_map().map_err(invalid)?;
        let sent = client
            .request(request.method.clone(), url.url().clone())
            .headers(headers)
            .body(request.body.clone())
            .send();
        let at = tokio::time::Instant::from_std(deadline.instant());
        let response = match tokio::time::timeout_at(at, sent).await {
            Err(_) => {
                let limit = deadline.limit();
                return Err(Error::Timeout { origin, phase: Phase::FirstByte, limit });
            }
            Ok(Err(error)) => return Err(self.classify(url, route, &error)),
            Ok(Ok(response)) => response,
        };
        Ok(Opened {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            origin,
            response,
            deadline,
            left: self.config.max_body,
            limit: self.config.max_body,
        })
    }

    /// Where a redirect leads, if it may be followed: 307 and 308, within the same origin.
    fn redirect(&self, from: &SafeUrl, opened: &Opened) -> Result<Option<SafeUrl>, Error> {
        if !(300..400).contains(&opened.status) || opened.status == 304 {
            return Ok(None);
        }
        let location = opened.headers.get("location").and_then(|value| value.to_str().ok());
        let target = location.and_then(|text| from.url().join(text).ok()).map(SafeUrl::from);
        let origin = from.origin();
        match target {
            Some(target) if target.origin() != origin => {
                Err(Error::RedirectForeign { origin, target: target.origin() })
            }
            Some(target) if matches!(opened.status, 307 | 308) => Ok(Some(target)),
            target => Err(Error::Redirected {
                origin,
                status: opened.status,
                target: target.map(|url| url.to_string()).unwrap_or_default(),
            }),
        }
    }

    /// Statuses that are about the server's state, not about the request.
    fn check_status(&self, opened: Opened) -> Result<Opened, Error> {
        let after = opened.headers.get("retry-after").and_then(|value| value.to_str().ok());
        let after = after.and_then(|value| retry::retry_after(value, SystemTime::now()));
        let (origin, status) = (opened.origin.clone(), opened.status);
        match StatusCode::from_u16(status) {
            Ok(StatusCode::TOO_MANY_REQUESTS) => Err(Error::TooMany { origin, after }),
            Ok(StatusCode::REQUEST_TIMEOUT) => Err(Error::Server { origin, status, after }),
            Ok(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => {
                Err(Error::ProxyLogin { proxy: self.proxy_name(&origin), origin })
            }
            _ if status >= 500 => Err(Error::Server { origin, status, after }),
            _ => Ok(opened),
        }
    }

    fn classify(&self, url: &SafeUrl, route: Route, error: &reqwest::Error) -> Error {
        let origin = url.origin();
        if let (Route::ThisMachine { credential }, Some(why)) =
            (route, cause::<NotThisMachine>(error))
        {
            return Error::Unencrypted { origin, credential, reason: why.to_string() };
        }
        let chain = causes(error);
        let has = |word: &str| chain.iter().any(|text| text.contains(word));
        let is_tls =
            cause::<rustls::Error>(error).is_some() || has("certificate") || has("tls handshake");
        let is_direct = matches!(route, Route::ThisMachine { .. });
        if error.is_connect()
            && !is_tls
            && !is_direct
            && let Some(proxy) = self.proxy_of(url)
        {
            let reason = chain.last().cloned().unwrap_or_default();
            return Error::Proxy { origin, proxy: proxy.to_string(), reason };
        }
        if is_tls || has("InvalidContentType") {
            let reason = chain.last().cloned().unwrap_or_default();
            return Error::Tls { origin, reason };
        }
        // The operating system gives up later than any `http.connect_timeout`.
        let (phase, limit) = match error.is_connect() {
            true => (Phase::Connect, CONNECT_TIMEOUT),
            false => (Phase::FirstByte, Limit::BuiltIn),
        };
        match io_kind(error) {
            _ if has("dns error") || has("failed to lookup") => Error::Dns { origin },
            Some(ErrorKind::ConnectionRefused) => Error::Refused { origin },
            Some(ErrorKind::TimedOut) => Error::Timeout { origin, phase, limit },
            _ if error.is_timeout() => Error::Timeout { origin, phase, limit },
            Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof) => {
                Error::Broken { origin, phase }
            }
            _ if has("connection closed") || has("IncompleteMessage") || has("closed before") => {
                Error::Broken { origin, phase }
            }
            _ if error.is_connect() => Error::Refused { origin },
            other => {
                let reason = chain.last().cloned().unwrap_or_default();
                match other.is_some_and(is_of_network) {
                    true => Error::Lost { origin, reason },
                    false => Error::NotHttp { origin, reason },
                }
            }
        }
    }
}

/// The texts of an error and its causes, without URLs.
fn causes(error: &reqwest::Error) -> Vec<String> {
    let mut texts = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        texts.push(error.to_string());
        cause = error.source();
    }
    texts
}

/// The first cause of this type.
fn cause<T: std::error::Error + 'static>(error: &reqwest::Error) -> Option<&T> {
    let mut cause = error.source();
    while let Some(error) = cause {
        // `source` of an io::Error skips the error that it wraps.
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<T>());
        if let Some(wanted) = error.downcast_ref::<T>().or(inner) {
            return Some(wanted);
        }
        cause = error.source();
    }
    None
}

/// Whether an open connection ended because the network did.
fn is_of_network(kind: ErrorKind) -> bool {
    use ErrorKind::{AddrNotAvailable, ConnectionAborted, NotConnected};
    use ErrorKind::{HostUnreachable, NetworkDown, NetworkUnreachable};
    matches!(
        kind,
        HostUnreachable
            | NetworkUnreachable
            | NetworkDown
            | ConnectionAborted
            | NotConnected
            | AddrNotAvailable
    )
}

fn io_kind(error: &reqwest::Error) -> Option<ErrorKind> {
    let mut cause = error.source();
    let mut kind = None;
    while let Some(error) = cause {
        kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind).or(kind);
        cause = error.source();
    }
    kind
}

impl Opened {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The content type without its parameters, in lower case.
    #[must_use]
    pub fn content_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The next piece of the body, decompressed; `None` at its end.
    ///
    /// # Errors
    /// `WS303` when it stalls or breaks, `WS405` when it is too large.
    pub async fn chunk(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let origin = self.origin.clone();
        let at = tokio::time::Instant::from_std(self.deadline.instant());
        let piece = match tokio::time::timeout_at(at, self.response.chunk()).await {
            Err(_) => {
                let limit = self.deadline.limit();
                return Err(Error::Timeout { origin, phase: Phase::Body, limit });
            }
            Ok(Err(_)) => return Err(Error::Broken { origin, phase: Phase::Body }),
            Ok(Ok(None)) => return Ok(None),
            Ok(Ok(Some(piece))) => piece,
        };
        let length = piece.len() as u64;
        if length > self.left {
            return Err(Error::TooLarge { origin, limit: self.limit });
        }
        self.left -= length;
        Ok(Some(piece.to_vec()))
    }

    /// The error for an answer that its reader finds too large.
    #[must_use]
    pub fn too_large(&self) -> Error {
        Error::TooLarge { origin: self.origin.clone(), limit: self.limit }
    }

    /// The error for an answer that ended too early for its reader.
    #[must_use]
    pub fn broken(&self, phase: Phase) -> Error {
        Error::Broken { origin: self.origin.clone(), phase }
    }

    /// The rest of the body.
    ///
    /// # Errors
    /// As for `chunk`.
    pub async fn body(&mut self) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        while let Some(piece) = self.chunk().await? {
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }
}
