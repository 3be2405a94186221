//! The one HTTP client of the process: built when first needed, bounded in time and bytes.
//! Knows origins, limits and retries; nothing of MCP, tokens or tasks.
//!
//! The order of the checks, for each attempt: breaker, rate limit, whether its credential may go there.
//! Retries are made within the deadline.

mod breaker;
mod build;
mod error;
mod exchange;
mod limiter;
mod request;
mod retry;
mod route;
mod state;

use std::cell::OnceCell;
use std::path::PathBuf;
use std::time::Duration;

use tracing::Instrument;

pub use error::{Error, Phase};
pub use exchange::Opened;
pub use request::HttpRequest;
pub use retry::Repeat;

use breaker::Permit;
use route::PlainHost;
use state::OriginState;

use crate::config::{BreakerConfig, Config, HttpConfig};
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::paths::Paths;
use crate::secret::SafeUrl;

/// The HTTP client, not built before the first request.
pub struct Http {
    config: HttpConfig,
    breaker: BreakerConfig,
    /// The folder of limiter and breaker; `None`: nothing is kept.
    state: Option<PathBuf>,
    plain: OnceCell<Result<reqwest::Client, Failure>>,
    this_machine: OnceCell<Result<reqwest::Client, Failure>>,
    tls: OnceCell<Result<reqwest::Client, Failure>>,
}

impl Http {
    /// Takes the settings; opens nothing.
    #[must_use]
    pub fn new(config: &Config, paths: Option<&Paths>) -> Self {
        Http {
            config: config.http.clone(),
            breaker: config.breaker.clone(),
            state: paths.map(|paths| paths.state.join("http")),
            plain: OnceCell::new(),
            this_machine: OnceCell::new(),
            tls: OnceCell::new(),
        }
    }

    /// Bytes of one answer (`http.max_body`), for other transports too.
    #[must_use]
    pub fn max_body(&self) -> u64 {
        self.config.max_body
    }

    /// Whether `credential` may be sent to `url`, as far as that is known without a lookup.
    ///
    /// # Errors
    /// `WS106`.
    pub fn check_transport(&self, url: &SafeUrl, credential: &'static str) -> Result<(), Failure> {
        route::Route::of_credential(url, credential, &self.config.plain_hosts)
            .map(|_| ())
            .map_err(|error| error.failure(1))
    }

    /// Whether that depends on the addresses of the URL's name. `localhost` has none but loopback ones
    /// (RFC 6761, section 6.3).
    #[must_use]
    pub fn depends_on_lookup(&self, url: &SafeUrl) -> bool {
        let is_name = PlainHost::of(url, &self.config.plain_hosts) == PlainHost::Name;
        is_name && url.url().scheme() == "http" && url.url().host_str() != Some("localhost")
    }

    /// Sends a request, made by `make` for each attempt, and has `read` read the answer, whatever its
    /// status (except 429, 5xx and redirects).
    ///
    /// # Errors
    /// `WS106`, `WS301` to `WS307`, `WS321` to `WS324`, `WS405`.
    pub async fn send<T>(
        &self,
        make: impl Fn() -> HttpRequest,
        read: impl AsyncFn(Opened) -> Result<T, Error>,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<T, Failure> {
        let mut request = make();
        let origin = request.url.origin();
        let mut permit = self.permit(&origin, deadline).await?;
        let policy = retry::Policy::new(&self.config, repeat, deadline);
        let mut attempt = 1;
        loop {
            let span = tracing::debug_span!("http", origin, attempt);
            let opened = self.attempt(request, deadline).instrument(span).await;
            let error = match opened {
                Ok(opened) => match read(opened).await {
                    Ok(value) => {
                        self.note(&origin, permit, Ok(()), deadline).await;
                        return Ok(value);
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let pause = policy.pause(attempt, &error, deadline);
            let Some(next) = self.permit_after(pause, &origin, deadline).await else {
                self.note(&origin, permit, Err(&error), deadline).await;
                return Err(error.failure(attempt));
            };
            tracing::debug!(attempt, %error, ?pause, "retrying");
            permit = next;
            attempt += 1;
            request = make();
        }
    }

    /// The right to make one request: the breaker first, so that what it refuses uses up no rate.
    async fn permit(&self, origin: &str, deadline: Deadline) -> Result<Permit, Failure> {
        let Some(folder) = &self.state else { return Ok(Permit::FREE) };
        let state = OriginState::lock(folder, origin, deadline).await?;
        let permit = Permit::check(&state, origin, &self.breaker)?;
        limiter::take(&state, origin, self.config.rate_limit)?;
        permit.claim_probe(&state);
        Ok(permit)
    }

    /// The right to retry, after `pause`; `None`: give up. A retry counts for the rate limit, and is not
    /// made once the breaker is open: by another process, or because this request is its probe.
    async fn permit_after(
        &self,
        pause: Option<Duration>,
        origin: &str,
        deadline: Deadline,
    ) -> Option<Permit> {
        tokio::time::sleep(pause?).await;
        self.permit(origin, deadline).await.ok()
    }

    /// Notes the outcome of a request for the other processes.
    async fn note(
        &self,
        origin: &str,
        permit: Permit,
        outcome: Result<(), &Error>,
        deadline: Deadline,
    ) {
        let Some(folder) = self.state.as_ref().filter(|_| permit.is_changed_by(outcome)) else {
            return;
        };
        match OriginState::lock_for_note(folder, origin, deadline).await {
            Some(state) => breaker::note(&state, outcome, &self.breaker),
            None => tracing::warn!(origin, "the outcome of a request is not counted"),
        }
    }
}
