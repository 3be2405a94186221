//! Reads an event stream (the HTML standard's `text/event-stream`) in pieces that may be split anywhere.
//! Knows events, not their content.

/// A larger event is refused.
const MAX_EVENT_BYTES: usize = 4 << 20;

/// One event with data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    pub data: String,
}

/// The state between pieces.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    data: Option<String>,
    after_return: bool,
    /// The last id seen, for resuming.
    pub last_id: Option<String>,
    /// Milliseconds to wait before resuming, if the server sent them.
    pub retry: Option<u64>,
    started: bool,
}

/// An event is larger than `MAX_EVENT_BYTES`.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

impl Reader {
    /// Takes a piece and returns the events that it completes.
    ///
    /// # Errors
    /// When one event is larger than 4 MiB.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        for &byte in piece {
            match byte {
                b'\n' if std::mem::take(&mut self.after_return) => {}
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    events.extend(self.end_line());
                }
                _ => {
                    self.after_return = false;
                    self.line.push(byte);
                }
            }
            if self.line.len() + self.data.as_ref().map_or(0, String::len) > MAX_EVENT_BYTES {
                return Err(TooLarge);
            }
        }
        Ok(events)
    }

    fn end_line(&mut self) -> Option<Event> {
        let bytes = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&bytes);
        let line = if self.started { &line } else { line.trim_start_matches('\u{feff}') };
        self.started = true;
        if line.is_empty() {
            // An event without data only keeps the connection alive.
            return self.data.take().filter(|data| !data.is_empty()).map(|data| Event { data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.last_id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().or(self.retry),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "\u{feff}: ping\r\n\r\nid: 7\ndata:\n\nretry: 250\r\nid: 8\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\nevent: x\rdata: two\r\rdata: cut";

    #[test]
    fn n082_a_stream_may_be_split_at_any_byte() {
        let expected = [Event { data: "{\"a\":\n1}".into() }, Event { data: "two".into() }];
        for size in 1..=STREAM.len() {
            let mut reader = Reader::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let events: Vec<Event> = pieces.flat_map(|piece| reader.feed(piece).unwrap()).collect();
            assert_eq!(events, expected, "pieces of {size}");
            assert_eq!((reader.last_id.as_deref(), reader.retry), (Some("8"), Some(250)));
        }
    }

    #[test]
    fn an_endless_event_is_refused() {
        let mut reader = Reader::default();
        let piece = vec![b'x'; 1 << 20];
        let fed: Result<Vec<_>, _> = (0..5).map(|_| reader.feed(&piece)).collect();
        assert_eq!(fed.unwrap_err(), TooLarge);
    }

    #[test]
    fn b20_many_data_lines_of_one_event_are_refused() {
        let mut reader = Reader::default();
        let line = format!("data:{}\n", "x".repeat(1 << 20));
        let fed: Result<Vec<_>, _> = (0..5).map(|_| reader.feed(line.as_bytes())).collect();
        assert_eq!(fed.unwrap_err(), TooLarge);
    }

    /// The HTML standard: an id with NUL and a retry that is not a number are ignored, and a byte order
    /// mark has a meaning at the start of the stream only.
    #[test]
    fn b20_invalid_fields_are_ignored() {
        let mut reader = Reader::default();
        reader.feed(b"id: 7\nretry: 250\n").unwrap();
        reader.feed(b"id: a\0b\nretry: soon\nretry: -1\nretry:\n").unwrap();
        assert_eq!((reader.last_id.as_deref(), reader.retry), (Some("7"), Some(250)));
        let events = reader.feed("data: a\n\u{feff}data: b\n\n".as_bytes()).unwrap();
        assert_eq!(events, [Event { data: "a".into() }]);
    }
}
