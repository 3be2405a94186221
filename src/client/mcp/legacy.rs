//! The handshake era: `initialize`, `notifications/initialized`, then the call, with a session where
//! the server keeps one. A kept session saves the next run the handshake.

use serde_json::Value;

use super::exchange::Exchanged;
use super::reply::{self, Meaning};
use super::request::{self, Call, LEGACY_ALL, Session};
use super::wire_cache::Known;
use super::{Going, Mcp};
use crate::client::payload;
use crate::deadline::Timestamp;
use crate::error::{Code, Failure};
use crate::http::{Error, Phase};

/// How often the rest of a broken stream is asked for.
const MOST_RESUMPTIONS: u32 = 3;

/// The outcome of a handshake.
enum Handshake {
    Done(Session),
    Other(Meaning),
}

impl Mcp {
    /// Calls the tool as a legacy client: on with the kept session if there is one, else with a
    /// handshake. `OnceMore` means that the server speaks only the modern era.
    pub(super) async fn legacy(
        &self,
        going: &Going<'_>,
        known: Option<&Known>,
    ) -> Result<Meaning, Failure> {
        let kept = known.and_then(|known| known.session(Timestamp::now()));
        if let Some(session) = kept {
            match self.legacy_call(going, &session, true).await? {
                Meaning::Result(result) => {
                    self.remember_legacy(&session, known);
                    return Ok(Meaning::Result(result));
                }
                Meaning::SessionGone => self.wire.forget(),
                // A call that was carried out is not repeated, whatever came of it.
                other => return Ok(other),
            }
        }
        let session = match self.handshake(going).await? {
            Handshake::Done(session) => session,
            Handshake::Other(meaning) => return Ok(meaning),
        };
        let meaning = self.legacy_call(going, &session, false).await?;
        if matches!(meaning, Meaning::Result(_)) {
            self.remember_legacy(&session, None);
        }
        Ok(meaning)
    }

    async fn handshake(&self, going: &Going<'_>) -> Result<Handshake, Failure> {
        let exchanged = self.exchange(&request::initialize, going, true, true).await?;
        let exchanged = self.whole(exchanged, &Session::default(), going).await?;
        let result = match reply::to_legacy(&exchanged.raw, &self.endpoint.to_string(), false) {
            Meaning::Result(result) => result,
            other => return Ok(Handshake::Other(other)),
        };
        let version = result.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
        if !LEGACY_ALL.contains(&version) {
            let text = format!("the server chose protocol version `{}`", payload::brief(version));
            let failure = Failure::new(Code::WRONG_ENDPOINT, text);
            return Ok(Handshake::Other(Meaning::Failed(failure)));
        }
        let session = Session { version: version.to_owned(), id: exchanged.session };
        // Some servers take no call before this has been received.
        let made = |_| request::initialized(&session);
        self.exchange(&made, going, true, true).await?;
        Ok(Handshake::Done(session))
    }

    async fn legacy_call(
        &self,
        going: &Going<'_>,
        session: &Session,
        is_kept: bool,
    ) -> Result<Meaning, Failure> {
        let Going { tool, arguments, .. } = going;
        let call = Call { tool, arguments, request_state: None, mirrored: &[] };
        let make = |id| request::legacy_call(id, session, &call);
        let exchanged = self.exchange(&make, going, going.repeat, true).await?;
        let exchanged = self.whole(exchanged, session, going).await?;
        Ok(reply::to_legacy(&exchanged.raw, &self.endpoint.to_string(), is_kept))
    }

    /// The answer, fetched to its end where the stream broke off.
    async fn whole(
        &self,
        mut exchanged: Exchanged,
        session: &Session,
        going: &Going<'_>,
    ) -> Result<Exchanged, Failure> {
        for _ in 0..MOST_RESUMPTIONS {
            let Some((last_id, pause)) = exchanged.broken.take() else { return Ok(exchanged) };
            if pause >= going.deadline.remaining() {
                break;
            }
            tokio::time::sleep(pause).await;
            let kept = exchanged.session.clone();
            let session = Session { id: kept.clone().or(session.id.clone()), ..session.clone() };
            let mut headers = request::legacy_headers(&session);
            headers.retain(|(_, value)| !value.is_empty());
            exchanged = self.resume(headers, exchanged.id, &last_id, going).await?;
            exchanged.session = exchanged.session.or(kept);
        }
        if exchanged.broken.is_none() {
            return Ok(exchanged);
        }
        let place = self.endpoint.origin();
        Err(Error::Broken { place, phase: Phase::Body }.failure(MOST_RESUMPTIONS))
    }

    fn remember_legacy(&self, session: &Session, before: Option<&Known>) {
        let known = Known {
            legacy: true,
            version: session.version.clone(),
            session: session.id.clone(),
            seen: Timestamp::now().0,
            mirrored: Vec::new(),
        };
        self.wire.write(&known, before);
    }
}
