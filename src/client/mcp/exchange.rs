//! One message out, the message that answers it in: as JSON or out of an event stream, resumed where
//! a legacy stream broke off.

use std::cell::Cell;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::reply::Raw;
use super::request::Header;
use super::sse::Reader;
use super::{Going, Mcp};
use crate::client::payload;
use crate::error::{Code, Failure};
use crate::http::{Error, Opened, Phase, Request};

/// Characters of a body that is no message, for the report.
const SHOWN: usize = 300;

/// What came back.
pub(super) struct Exchanged {
    pub raw: Raw,
    /// The id that was asked with: several hooks ask at the same time, each for its own answer.
    pub id: u64,
    /// `Mcp-Session-Id`.
    pub session: Option<String>,
    /// A stream that broke off after this event id, and when to ask for the rest.
    pub broken: Option<(String, Duration)>,
    failure: Option<Failure>,
}

impl Mcp {
    /// Sends what `make` builds for an id and reads the answer to that id. `resumable`: a stream that
    /// breaks off can be taken up again; in the modern era its request is lost.
    pub(super) async fn exchange(
        &self,
        make: &dyn Fn(u64) -> (Vec<Header>, Vec<u8>),
        going: &Going<'_>,
        repeat: bool,
        resumable: bool,
    ) -> Result<Exchanged, Failure> {
        let id = Cell::new(0);
        let request = || {
            self.last_id.set(self.last_id.get() + 1);
            id.set(self.last_id.get());
            let (headers, body) = make(id.get());
            self.request(Method::POST, headers, body, going)
        };
        self.send(request, &id, repeat, resumable, going).await
    }

    /// Asks for the rest of a legacy stream, in which the message `id` is answered.
    pub(super) async fn resume(
        &self,
        mut headers: Vec<Header>,
        id: u64,
        last_id: &str,
        going: &Going<'_>,
    ) -> Result<Exchanged, Failure> {
        headers.retain(|(name, _)| name != "content-type" && name != "accept");
        headers.push(("accept".into(), "text/event-stream".into()));
        headers.push(("last-event-id".into(), last_id.to_owned()));
        let request = || self.request(Method::GET, headers.clone(), Vec::new(), going);
        self.send(request, &Cell::new(id), true, true, going).await
    }

    fn request(
        &self,
        method: Method,
        headers: Vec<Header>,
        body: Vec<u8>,
        going: &Going<'_>,
    ) -> Request {
        Request { method, url: self.endpoint.clone(), headers, bearer: going.token.clone(), body }
    }

    async fn send(
        &self,
        request: impl Fn() -> Request,
        id: &Cell<u64>,
        repeat: bool,
        resumable: bool,
        going: &Going<'_>,
    ) -> Result<Exchanged, Failure> {
        let read = async |opened: Opened| read(opened, id.get(), resumable).await;
        let exchanged = self.http.send(request, read, repeat, going.deadline).await?;
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
        raw: Raw { status: opened.status, content_type, message: None, text: String::new() },
        broken: None,
        failure: None,
    };
    if exchanged.raw.content_type == "text/event-stream" {
        read_stream(&mut opened, id, resumable, &mut exchanged).await?;
        return Ok(exchanged);
    }
    let body = opened.body().await?;
    match payload::parse(&body, &exchanged.raw.content_type) {
        Ok(value) => exchanged.raw.message = pick(value, id),
        Err(failure) if failure.code == Code::TOO_LARGE => exchanged.failure = Some(failure),
        Err(_) => {}
    }
    if exchanged.raw.message.is_none() {
        exchanged.raw.text = String::from_utf8_lossy(&body).chars().take(SHOWN).collect();
    }
    Ok(exchanged)
}

/// Reads events until the one that answers `id`; what the server sends after it is not waited for.
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
                Ok(value) => exchanged.raw.message = pick(value, id),
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
/// request answer with null or an id of their own.
fn pick(value: Value, id: u64) -> Option<Value> {
    match value {
        Value::Array(batch) => batch.into_iter().find_map(|one| pick(one, id)),
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

    use super::pick;

    #[test]
    fn p21_n081_only_our_answer_counts_and_any_error() {
        let ours = json!({ "id": 4, "result": {} });
        let error = json!({ "id": null, "error": { "code": 1 } });
        assert_eq!(pick(ours.clone(), 4), Some(ours.clone()));
        assert_eq!(pick(json!({ "id": 5, "result": {} }), 4), None);
        assert_eq!(pick(json!({ "id": "4", "result": {} }), 4), None);
        assert_eq!(pick(json!({ "method": "notifications/progress" }), 4), None);
        assert_eq!(pick(error.clone(), 4), Some(error));
        assert_eq!(pick(json!([{ "method": "x" }, ours]), 4), Some(ours));
    }
}
