//! Sends one message and reads its answer, as JSON or from an event stream; resumes a legacy stream
//! that was cut off.

use std::cell::Cell;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::reply::RawReply;
use super::request::Header;
use super::sse::Reader;
use super::{Mcp, ToolCall};
use crate::client::payload;
use crate::error::{Code, Failure};
use crate::http::{Error, HttpRequest, Opened, Phase};
use crate::text;

/// Characters of a body that is not a message, for the error text.
const MAX_SHOWN_CHARS: usize = 300;

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
    /// Sends the message that `make` builds for an id and reads the answer to that id. `resumable`: a
    /// stream that is cut off can be resumed; in the modern era its request is lost.
    pub(super) async fn exchange(
        &self,
        make: &dyn Fn(u64) -> (Vec<Header>, Vec<u8>),
        call: &ToolCall<'_>,
        repeat: bool,
        resumable: bool,
    ) -> Result<Exchanged, Failure> {
        let id = Cell::new(0);
        let request = || {
            self.last_id.set(self.last_id.get() + 1);
            id.set(self.last_id.get());
            let (headers, body) = make(id.get());
            self.request(Method::POST, headers, body, call)
        };
        self.send(request, &id, repeat, resumable, call).await
    }

    /// Asks for the rest of a legacy stream, in which the message `id` is answered.
    pub(super) async fn resume(
        &self,
        mut headers: Vec<Header>,
        id: u64,
        last_id: &str,
        call: &ToolCall<'_>,
    ) -> Result<Exchanged, Failure> {
        headers.retain(|(name, _)| name != "content-type" && name != "accept");
        headers.push(("accept".into(), "text/event-stream".into()));
        headers.push(("last-event-id".into(), last_id.to_owned()));
        let request = || self.request(Method::GET, headers.clone(), Vec::new(), call);
        self.send(request, &Cell::new(id), true, true, call).await
    }

    fn request(
        &self,
        method: Method,
        headers: Vec<Header>,
        body: Vec<u8>,
        call: &ToolCall<'_>,
    ) -> HttpRequest {
        HttpRequest {
            method,
            url: self.endpoint.clone(),
            headers,
            bearer: call.token.clone(),
            body,
        }
    }

    async fn send(
        &self,
        request: impl Fn() -> HttpRequest,
        id: &Cell<u64>,
        repeat: bool,
        resumable: bool,
        call: &ToolCall<'_>,
    ) -> Result<Exchanged, Failure> {
        let read = async |opened: Opened| read(opened, id.get(), resumable).await;
        let exchanged = self.http.send(request, read, repeat, call.deadline).await?;
        match exchanged.failure {
            Some(failure) => Err(failure),
            None => Ok(exchanged),
        }
    }
}

async fn read(mut opened: Opened, id: u64, resumable: bool) -> Result<Exchanged, Error> {
    let content_type = opened.content_type();
    let mut exchanged = Exchanged {
        session: opened.header("mcp-session-id").map(str::to_owned),
        id,
        raw: RawReply { status: opened.status, content_type, message: None, text: String::new() },
        broken: None,
        failure: None,
    };
    if exchanged.raw.content_type == "text/event-stream" {
        read_stream(&mut opened, id, resumable, &mut exchanged).await?;
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
    resumable: bool,
    exchanged: &mut Exchanged,
) -> Result<(), Error> {
    let mut reader = Reader::default();
    loop {
        let piece = match opened.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(error @ (Error::Timeout { .. } | Error::TooLarge { .. })) => return Err(error),
            Err(error) if !resumable || reader.last_id.is_none() => return Err(error),
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
    match reader.last_id.filter(|last_id| resumable && !last_id.is_empty()) {
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
