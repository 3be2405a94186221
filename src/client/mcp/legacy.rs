//! The handshake era: `initialize`, `notifications/initialized`, then the call, with a session where
//! the server keeps one. A kept session saves the next run the handshake.

use super::exchange::{Exchanged, Stream};
use super::reply::{self, SessionAge};
use super::{AuthorisedCall, Mcp};
use crate::client::wire::outcome::{self, CallOutcome};
use crate::client::wire::profile::ServerProfile;
use crate::client::wire::request::{self, Session};
use crate::deadline::Timestamp;
use crate::error::Failure;
use crate::http::{Error, Phase, Repeat};

/// How often the rest of a cut-off stream is requested.
const MAX_RESUMPTIONS: u32 = 3;

/// The outcome of a handshake.
pub(super) enum Handshake {
    Done(Session),
    Other(CallOutcome),
}

impl Mcp {
    /// Calls the tool as a legacy client: in the kept session if there is one, else after a handshake.
    /// `RetryModern` means that the server speaks only the modern era.
    pub(super) async fn legacy(
        &self,
        call: &AuthorisedCall<'_>,
        profile: Option<&ServerProfile>,
    ) -> Result<CallOutcome, Failure> {
        let kept = profile.and_then(|profile| profile.session(Timestamp::now()));
        if let Some(session) = kept {
            match self.legacy_call(call, &session, SessionAge::Kept).await? {
                CallOutcome::Result(result) => {
                    self.remember_legacy(&session, profile);
                    return Ok(CallOutcome::Result(result));
                }
                CallOutcome::SessionGone => self.wire.forget(),
                // A call that was carried out is not repeated, whatever its outcome.
                other => return Ok(other),
            }
        }
        let session = match self.handshake(call).await? {
            Handshake::Done(session) => session,
            Handshake::Other(outcome) => return Ok(outcome),
        };
        self.call_in_new_session(call, &session).await
    }

    pub(super) async fn call_in_new_session(
        &self,
        call: &AuthorisedCall<'_>,
        session: &Session,
    ) -> Result<CallOutcome, Failure> {
        let outcome = self.legacy_call(call, session, SessionAge::New).await?;
        if matches!(outcome, CallOutcome::Result(_)) {
            self.remember_legacy(session, None);
        }
        Ok(outcome)
    }

    pub(super) async fn handshake(&self, call: &AuthorisedCall<'_>) -> Result<Handshake, Failure> {
        let exchanged =
            self.exchange(&request::initialize, call, Repeat::Safe, Stream::Resumable).await?;
        let exchanged = self.read_to_end(exchanged, &Session::default(), call).await?;
        let result = match reply::to_legacy(&exchanged.raw, &self.place(), SessionAge::New) {
            CallOutcome::Result(result) => result,
            other => return Ok(Handshake::Other(other)),
        };
        let version = match outcome::negotiated(&result) {
            Ok(version) => version,
            Err(failure) => return Ok(Handshake::Other(CallOutcome::Failed(failure))),
        };
        let session = Session { version, id: exchanged.session };
        // Some servers accept no call before they receive this.
        let made = |_| request::initialized(&session);
        self.exchange(&made, call, Repeat::Safe, Stream::Resumable).await?;
        Ok(Handshake::Done(session))
    }

    async fn legacy_call(
        &self,
        call: &AuthorisedCall<'_>,
        session: &Session,
        age: SessionAge,
    ) -> Result<CallOutcome, Failure> {
        let params = call.tool_call.params();
        let make = |id| request::legacy_call(id, session, &params);
        let exchanged =
            self.exchange(&make, call, call.tool_call.repeat, Stream::Resumable).await?;
        let exchanged = self.read_to_end(exchanged, session, call).await?;
        Ok(reply::to_legacy(&exchanged.raw, &self.place(), age))
    }

    /// The complete answer; the rest of a cut-off stream is requested.
    async fn read_to_end(
        &self,
        mut exchanged: Exchanged,
        session: &Session,
        call: &AuthorisedCall<'_>,
    ) -> Result<Exchanged, Failure> {
        for _ in 0..MAX_RESUMPTIONS {
            let Some((last_id, pause)) = exchanged.broken.take() else { return Ok(exchanged) };
            if pause >= call.tool_call.deadline.remaining() {
                break;
            }
            tokio::time::sleep(pause).await;
            let kept = exchanged.session.clone();
            let session = Session { id: kept.clone().or(session.id.clone()), ..session.clone() };
            let mut headers = request::legacy_headers(&session);
            headers.retain(|(_, value)| !value.is_empty());
            exchanged = self.resume(headers, exchanged.id, &last_id, call).await?;
            exchanged.session = exchanged.session.or(kept);
        }
        if exchanged.broken.is_none() {
            return Ok(exchanged);
        }
        let origin = self.address().origin();
        Err(Error::Broken { origin, phase: Phase::Body }.failure(MAX_RESUMPTIONS))
    }

    fn remember_legacy(&self, session: &Session, before: Option<&ServerProfile>) {
        let profile = ServerProfile {
            legacy: true,
            version: session.version.clone(),
            session: session.id.clone(),
            seen: Timestamp::now().0,
            other_slash: self.endpoint.has_other_slash(),
            mirrored: Vec::new(),
        };
        self.wire.write(&profile, before);
    }
}
