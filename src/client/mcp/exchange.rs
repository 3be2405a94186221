//! Sends one message and reads its answer, as JSON or from an event stream; resumes a legacy stream
//! that was cut off.

use std::cell::Cell;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::reply::RawReply;
use super::sse::Reader;
use super::{AuthorisedCall, Mcp};
use crate::client::payload;
use crate::client::wire::request::Header;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::http::{Error, HttpRequest, Opened, Phase, Repeat};
use crate::text;

/// Characters of a body that is not a message, for the error text.
const MAX_SHOWN_CHARS: usize = 300;

/// Whether the rest of a stream can be requested after it was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// In the legacy era.
    Resumable,
    /// In the modern era, where the request is lost with its stream.
    Once,
}

/// The answer that is waited for.
#[derive(Clone, Copy)]
struct Expected<'a> {
    /// The id of the request, which each attempt changes.
    id: &'a Cell<u64>,
    stream: Stream,
}

/// The answer to one request.
pub(super) struct Exchanged {
    pub raw: RawReply,
    /// The id of the request: several hooks ask at the same time, each for its own answer.
    pub id: u64,
    /// `Mcp-Session-Id`.
    pub session: Option<String>,
    /// For a stream that was cut off: the last event id, and the pause before asking for the rest.
    pub broken: Option<(String, Duration)>,
    failure: Option<Failure>,
}

impl Mcp {
    /// Sends the message that `make` builds for an id and reads the answer to that id. Where nothing is
    /// at the address, the other form of its trailing slash is tried once.
    pub(super) async fn exchange(
        &self,
        make: &dyn Fn(u64) -> (Vec<Header>, Vec<u8>),
        call: &AuthorisedCall<'_>,
        repeat: Repeat,
        stream: Stream,
    ) -> Result<Exchanged, Failure> {
        let used = self.endpoint.has_other_slash();
        let first = self.exchange_once(make, call, repeat, stream).await?;
        if !is_nothing_there(&first) || has_session(&make(0).0) {
            return Ok(first);
        }
        // Another call of this process may be trying the other form.
        let is_swapped = self.endpoint.has_other_slash() != used;
        if !is_swapped && !self.endpoint.try_other() {
            return Ok(first);
        }
        let second = self.exchange_once(make, call, repeat, stream).await;
        if second.as_ref().is_ok_and(|second| !is_nothing_there(second)) {
            return second;
        }
        if !is_swapped {
            self.endpoint.swap();
        }
        Ok(first)
    }

    async fn exchange_once(
        &self,
        make: &dyn Fn(u64) -> (Vec<Header>, Vec<u8>),
        call: &AuthorisedCall<'_>,
        repeat: Repeat,
        stream: Stream,
    ) -> Result<Exchanged, Failure> {
        let id = Cell::new(0);
        let request = || {
            self.last_id.set(self.last_id.get() + 1);
            id.set(self.last_id.get());
            let (headers, body) = make(id.get());
            self.request(Method::POST, headers, body, call)
        };
        self.send(request, Expected { id: &id, stream }, repeat, call.tool_call.deadline).await
    }

    /// Asks for the rest of a legacy stream, in which the message `id` is answered.
    pub(super) async fn resume(
        &self,
        mut headers: Vec<Header>,
        id: u64,
        last_id: &str,
        call: &AuthorisedCall<'_>,
    ) -> Result<Exchanged, Failure> {
        headers.retain(|(name, _)| name != "content-type" && name != "accept");
        headers.push(("accept".into(), "text/event-stream".into()));
        headers.push(("last-event-id".into(), last_id.to_owned()));
        let request = || self.request(Method::GET, headers.clone(), Vec::new(), call);
        let expected = Expected { id: &Cell::new(id), stream: Stream::Resumable };
        self.send(request, expected, Repeat::Safe, call.tool_call.deadline).await
    }

    fn request(
        &self,
        method: Method,
        headers: Vec<Header>,
        body: Vec<u8>,
        call: &AuthorisedCall<'_>,
    ) -> HttpRequest {
        HttpRequest {
            method,
            url: self.endpoint.address(),
            headers,
            configured: self.headers.clone(),
            bearer: call.token.clone(),
            body,
            secret_body: None,
        }
    }

    async fn send(
        &self,
        request: impl Fn() -> HttpRequest,
        expected: Expected<'_>,
        repeat: Repeat,
        deadline: Deadline,
    ) -> Result<Exchanged, Failure> {
        let read = async |opened| read(opened, expected.id.get(), expected.stream).await;
        let sent = self.http.send(request, read, repeat, deadline).await;
        let exchanged = sent.map_err(|failure| failure.of("the task server"))?;
        match exchanged.failure {
            Some(failure) => Err(failure),
            None => Ok(exchanged),
        }
    }
}

/// A 404 that is not a message of the protocol.
fn is_nothing_there(exchanged: &Exchanged) -> bool {
    let message = exchanged.raw.message.as_ref();
    let is_of_protocol = message.is_some_and(|message| message.pointer("/error/code").is_some());
    exchanged.raw.status == 404 && !is_of_protocol
}

/// With a session's id a 404 means that the session is unknown.
fn has_session(headers: &[Header]) -> bool {
    headers.iter().any(|(name, _)| name == "mcp-session-id")
}

async fn read(mut opened: Opened, id: u64, stream: Stream) -> Result<Exchanged, Error> {
    let content_type = opened.content_type();
    let mut exchanged = Exchanged {
        session: opened.header("mcp-session-id").map(str::to_owned),
        id,
        raw: RawReply { status: opened.status, content_type, message: None, text: String::new() },
        broken: None,
        failure: None,
    };
    if exchanged.raw.content_type == "text/event-stream" {
        read_stream(&mut opened, id, stream, &mut exchanged).await?;
        return Ok(exchanged);
    }
    let body = opened.body().await?;
    match payload::parse(&body, &exchanged.raw.content_type) {
        Ok(value) => exchanged.raw.message = select_reply(value, id),
        Err(failure) if failure.code == Code::TooLarge => exchanged.failure = Some(failure),
        Err(_) => {}
    }
    if exchanged.raw.message.is_none() {
        exchanged.raw.text = text::one_line(&String::from_utf8_lossy(&body), MAX_SHOWN_CHARS);
    }
    Ok(exchanged)
}

/// Reads events until the one that answers `id`; does not wait for later ones.
async fn read_stream(
    opened: &mut Opened,
    id: u64,
    stream: Stream,
    exchanged: &mut Exchanged,
) -> Result<(), Error> {
    let is_resumable = stream == Stream::Resumable;
    let mut reader = Reader::default();
    loop {
        let piece = match opened.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error @ (Error::Timeout { .. } | Error::TooLarge { .. })) => return Err(error),
            Err(error) if !is_resumable || reader.last_id.is_none() => return Err(error),
            Err(_) => break,
        };
        let events = reader.feed(&piece).map_err(|_| opened.too_large())?;
        for event in events {
            match payload::parse(event.data.as_bytes(), "text/event-stream") {
                Ok(value) => exchanged.raw.message = select_reply(value, id),
                Err(failure) => exchanged.failure = Some(failure),
            }
            if exchanged.raw.message.is_some() || exchanged.failure.is_some() {
                return Ok(());
            }
        }
    }
    match reader.last_id.filter(|last_id| is_resumable && !last_id.is_empty()) {
        Some(last_id) => {
            let pause = Duration::from_millis(reader.retry.unwrap_or(100));
            exchanged.broken = Some((last_id, pause));
            Ok(())
        }
        None => Err(opened.broken(Phase::Body)),
    }
}

/// The message that answers `id`. An error counts whatever its id: servers that could not read the
/// request answer with null or another id.
fn select_reply(value: Value, id: u64) -> Option<Value> {
    match value {
        Value::Array(batch) => batch.into_iter().find_map(|message| select_reply(message, id)),
        message if message.get("error").is_some() => Some(message),
        message if message.get("result").is_some() => {
            (message.get("id").and_then(Value::as_u64) == Some(id)).then_some(message)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::select_reply;

    #[test]
    fn p21_n081_only_our_answer_counts_and_any_error() {
        let ours = json!({ "id": 4, "result": {} });
        let error = json!({ "id": null, "error": { "code": 1 } });
        assert_eq!(select_reply(ours.clone(), 4), Some(ours.clone()));
        assert_eq!(select_reply(json!({ "id": 5, "result": {} }), 4), None);
        assert_eq!(select_reply(json!({ "id": "4", "result": {} }), 4), None);
        assert_eq!(select_reply(json!({ "method": "notifications/progress" }), 4), None);
        assert_eq!(select_reply(error.clone(), 4), Some(error));
        assert_eq!(select_reply(json!([{ "method": "x" }, ours]), 4), Some(ours));
    }
}
