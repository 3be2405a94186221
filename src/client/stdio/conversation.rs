//! One call of a tool over a program's streams, in the era that the program speaks. The modern call
//! goes first where the era is unknown; a server that refuses it, or does not answer, gets the
//! handshake on the same streams.

use std::time::Duration;

use serde_json::Value;

use super::connection::Connection;
use super::message::{to_legacy, to_modern};
use crate::client::tool_call::ToolCall;
use crate::client::wire::MAX_ROUNDS;
use crate::client::wire::outcome::{self, CallOutcome, rpc_failure};
use crate::client::wire::request::{self, CallParams, Header, Session};
use crate::error::{Code, Failure};
use crate::http::Repeat;

/// The longest wait for the answer to the modern call before `initialize` is sent too: some older
/// servers do not answer a request before the handshake. A server that is only slow to start answers
/// the first call anyway.
const MAX_SILENCE: Duration = Duration::from_secs(2);

/// What is known of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Era {
    Unknown,
    Modern,
    Legacy,
}

/// A result, and the era in which it was given: for `Legacy` with the protocol version.
pub struct Answered {
    pub result: Value,
    pub legacy: Option<String>,
}

pub struct Conversation<'a, 'c> {
    pub connection: &'a mut Connection<'c>,
    pub call: ToolCall<'a>,
    last_id: u64,
}

impl<'a, 'c> Conversation<'a, 'c> {
    pub fn new(connection: &'a mut Connection<'c>, call: ToolCall<'a>) -> Self {
        Conversation { connection, call, last_id: 0 }
    }

    /// Calls the tool.
    ///
    /// # Errors
    /// Why there is no result.
    pub async fn run(&mut self, era: Era) -> Result<Answered, Failure> {
        // A call that may change something is sent once, so that the era must be clear before it.
        let is_repeatable = self.call.repeat == Repeat::Safe;
        if era == Era::Legacy || (era == Era::Unknown && !is_repeatable) {
            let id = self.send(request::initialize);
            let message = self.reply(&[id]).await?.1;
            return match to_legacy(&message) {
                CallOutcome::Result(result) => self.after_handshake(&result).await,
                // A modern server, or one that was updated since it was last asked.
                _ => self.modern(Era::Modern).await,
            };
        }
        self.modern(era).await
    }

    async fn modern(&mut self, era: Era) -> Result<Answered, Failure> {
        let mut state: Option<String> = None;
        let mut retries = 0;
        for _ in 0..=MAX_ROUNDS + 1 {
            let params = CallParams { request_state: state.as_deref(), ..self.call.params() };
            let id = self.send(|id| request::modern_call(id, &params));
            let message = match self.reply_or_silence(id, era).await? {
                Some(message) => message,
                None => return self.after_silence(id).await,
            };
            match to_modern(&message) {
                CallOutcome::RetryWithState(next) => state = Some(next),
                CallOutcome::RetryModern if retries == 0 => retries += 1,
                CallOutcome::Legacy => return self.after_refusal(&message).await,
                other => return answered(other),
            }
        }
        Err(Failure::new(Code::ToolError, "the server asks to repeat the same call without end")
            .hint("check the server's log"))
    }

    /// The answer to the modern call; `None` when it is time to try the handshake too.
    async fn reply_or_silence(&mut self, id: u64, era: Era) -> Result<Option<Value>, Failure> {
        if era != Era::Unknown {
            return Ok(Some(self.reply(&[id]).await?.1));
        }
        let silence = MAX_SILENCE.min(self.call.deadline.remaining() / 3);
        match tokio::time::timeout(silence, self.reply(&[id])).await {
            Ok(reply) => Ok(Some(reply?.1)),
            Err(_) => Ok(None),
        }
    }

    /// The handshake beside the call `id` that was not answered: whichever leads to a result counts.
    async fn after_silence(&mut self, id: u64) -> Result<Answered, Failure> {
        let hello = self.send(request::initialize);
        let mut waits_for = vec![id, hello];
        loop {
            let (answered_id, message) = self.reply(&waits_for).await?;
            waits_for.retain(|other| *other != answered_id);
            let outcome = if answered_id == id { to_modern(&message) } else { to_legacy(&message) };
            match outcome {
                CallOutcome::Result(result) if answered_id == hello => {
                    return self.after_handshake(&result).await;
                }
                CallOutcome::Result(result) => return Ok(Answered { result, legacy: None }),
                // The other of the two may still lead to a result.
                other if waits_for.is_empty() => return Err(failure_of(other)),
                _ => {}
            }
        }
    }

    /// The handshake, since the modern call was refused; if it fails too, the refusal is reported.
    async fn after_refusal(&mut self, refusal: &Value) -> Result<Answered, Failure> {
        let id = self.send(request::initialize);
        let message = self.reply(&[id]).await?.1;
        match to_legacy(&message) {
            CallOutcome::Result(result) => self.after_handshake(&result).await,
            _ => Err(rpc_failure(refusal.get("error"))),
        }
    }

    async fn after_handshake(&mut self, result: &Value) -> Result<Answered, Failure> {
        let version = outcome::negotiated(result)?;
        let session = Session { version, id: None };
        self.connection.send(&request::initialized(&session).1);
        let params = self.call.params();
        let id = self.send(|id| request::legacy_call(id, &session, &params));
        let message = self.reply(&[id]).await?.1;
        let answered = answered(to_legacy(&message))?;
        Ok(Answered { legacy: Some(session.version), ..answered })
    }

    /// Sends the message that `make` builds for a new id.
    fn send(&mut self, make: impl Fn(u64) -> (Vec<Header>, Vec<u8>)) -> u64 {
        self.last_id += 1;
        self.connection.send(&make(self.last_id).1);
        self.last_id
    }

    /// The answer to one of `ids`, and to which. An error without an id answers the newest: a server
    /// that cannot read a request knows no id.
    async fn reply(&mut self, ids: &[u64]) -> Result<(u64, Value), Failure> {
        loop {
            let (id, message) = self.connection.next_reply().await?;
            match id.or_else(|| ids.last().copied().filter(|_| message.get("error").is_some())) {
                Some(id) if ids.contains(&id) => return Ok((id, message)),
                other => tracing::debug!(id = other, "an answer to another request was ignored"),
            }
        }
    }
}

fn answered(outcome: CallOutcome) -> Result<Answered, Failure> {
    match outcome {
        CallOutcome::Result(result) => Ok(Answered { result, legacy: None }),
        other => Err(failure_of(other)),
    }
}

/// The failure for an outcome that gives no result.
fn failure_of(outcome: CallOutcome) -> Failure {
    match outcome {
        CallOutcome::Failed(failure) | CallOutcome::MissingHeader(failure) => failure,
        _ => Failure::new(Code::WrongEndpoint, "the server changes its protocol version")
            .hint("update the server"),
    }
}
