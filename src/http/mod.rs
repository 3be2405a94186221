//! The one HTTP client of the process: built when first needed, bounded in time and bytes.
//! Knows origins, limits and retries; nothing of MCP, tokens or tasks.
//!
//! The order of the checks: deadline, rate limit, breaker, retries, one attempt.

mod breaker;
mod build;
mod error;
mod exchange;
mod limiter;
mod retry;
mod state;

use std::cell::OnceCell;
use std::path::PathBuf;

use tracing::Instrument;

pub use error::{Error, Phase};
pub use exchange::{HttpRequest, Opened};
pub use retry::Repeat;

use crate::config::{BreakerConfig, Config, HttpConfig};
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::paths::Paths;
use crate::secret::SafeUrl;

/// The HTTP client, not built before the first request.
pub struct Http {
    config: HttpConfig,
    breaker: BreakerConfig,
    /// The task server of `[client]`: the only one that gets credentials of `http.headers`.
    own_server: Option<SafeUrl>,
    /// The folder of limiter and breaker; `None`: nothing is kept.
    state: Option<PathBuf>,
    plain: OnceCell<Result<reqwest::Client, Failure>>,
    tls: OnceCell<Result<reqwest::Client, Failure>>,
}

impl Http {
    /// Takes the settings; opens nothing.
    #[must_use]
    pub fn new(config: &Config, own_server: Option<SafeUrl>, paths: Option<&Paths>) -> Self {
        Http {
            config: config.http.clone(),
            breaker: config.breaker.clone(),
            own_server,
            state: paths.map(|paths| paths.state.join("http")),
            plain: OnceCell::new(),
            tls: OnceCell::new(),
        }
    }

    /// Bytes of one answer (`http.max_body`), for other transports too.
    #[must_use]
    pub fn max_body(&self) -> u64 {
        self.config.max_body
    }

    /// Sends a request, made by `make` for each attempt, and has `read` read the answer, whatever its
    /// status (except 429, 5xx and redirects).
    ///
    /// # Errors
    /// `WS301` to `WS307`, `WS321` to `WS324`, `WS405`.
    pub async fn send<T>(
        &self,
        make: impl Fn() -> HttpRequest,
        read: impl AsyncFn(Opened) -> Result<T, Error>,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<T, Failure> {
        let mut request = make();
        let origin = request.url.origin();
        limiter::take(self.state.as_deref(), &origin, self.config.rate_limit)?;
        let guard = breaker::Breaker::check(self.state.as_deref(), &origin, &self.breaker)?;
        let policy = retry::Policy::new(&self.config, repeat, deadline);
        let mut attempt = 1;
        loop {
            let span = tracing::debug_span!("http", origin, attempt);
            let opened = self.attempt(request, deadline).instrument(span).await;
            let error = match opened {
                Ok(opened) => match read(opened).await {
                    Ok(value) => {
                        guard.succeeded();
                        return Ok(value);
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            let Some(pause) = policy.pause(attempt, &error, deadline) else {
                guard.failed(&error);
                return Err(error.failure(attempt));
            };
            tracing::debug!(attempt, %error, ?pause, "retrying");
            tokio::time::sleep(pause).await;
            attempt += 1;
            request = make();
        }
    }
}
