//! The child's output: one JSON object a line, each a log line, the reply or a fault. The plugin can
//! write to the child's memory, so the reader does not trust the lines, their number or their size.
//! Pure, and fuzzed.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::{Fault, FaultKind};

/// Bytes of a call's output.
pub const MAX_STREAM_BYTES: usize = 4 << 20;
/// Log lines of a call; the child drops further ones, so more means that the plugin bypassed it.
pub const MAX_LOG_LINES: usize = 256;

/// One line of the stream.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Frame {
    Log {
        /// 1 (error) to 5 (trace).
        level: u32,
        text: String,
    },
    /// The plugin's reply, unparsed.
    Reply(Value),
    Fault(Fault),
}

impl Frame {
    /// The line, with its newline.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

/// Reads frames from bytes that arrive in any portions.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
    /// Bytes of the buffer that have no newline.
    searched: usize,
    total: usize,
    lines: usize,
}

impl Frames {
    /// Appends the next bytes.
    ///
    /// # Errors
    /// When the stream exceeds its limit.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.total += bytes.len();
        if self.total > MAX_STREAM_BYTES {
            let text = format!("wrote more than {} MiB", MAX_STREAM_BYTES >> 20);
            return Err(Fault::new(FaultKind::Reply, text));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// The next complete frame, if there is one.
    ///
    /// # Errors
    /// When a line is not a frame, or there are too many log lines.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, Fault> {
        let rest = &self.buffer[self.searched..];
        let Some(length) = rest.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return Ok(None);
        };
        let end = self.searched + length;
        let frame = serde_json::from_slice(&self.buffer[..end]);
        self.buffer.drain(..=end);
        self.searched = 0;
        let frame = frame.map_err(|_| {
            Fault::new(FaultKind::Reply, "wrote invalid data into the channel to its host")
        })?;
        self.lines += usize::from(matches!(frame, Frame::Log { .. }));
        if self.lines > MAX_LOG_LINES {
            let text = format!("wrote more than {MAX_LOG_LINES} log lines");
            return Err(Fault::new(FaultKind::Reply, text));
        }
        Ok(Some(frame))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read_all(bytes: &[u8], portion: usize) -> Result<Vec<Frame>, Fault> {
        let mut frames = Frames::default();
        let mut read = Vec::new();
        for part in bytes.chunks(portion.max(1)) {
            frames.feed(part)?;
            while let Some(frame) = frames.next_frame()? {
                read.push(frame);
            }
        }
        Ok(read)
    }

    #[test]
    fn frames_are_read_whatever_the_portions() {
        let all = [
            Frame::Log { level: 3, text: "two\nlines".into() },
            Frame::Reply(json!({ "ok": { "text": "\n" } })),
            Frame::Fault(Fault::new(FaultKind::Symbol, "x")),
        ];
        let bytes: Vec<u8> = all.iter().flat_map(Frame::encode).collect();
        for portion in [1, 2, 7, bytes.len()] {
            assert_eq!(read_all(&bytes, portion).unwrap(), all);
        }
        assert_eq!(read_all(b"{\"reply\":1}", 3).unwrap(), [], "an incomplete line is not read");
    }

    #[test]
    fn floods_and_lines_that_are_not_frames_are_faults() {
        for text in ["\n", "{}\n", "{\"reply\":1,\"log\":2}\n", "\u{0}\n", "{\"other\":1}\n"] {
            assert!(read_all(text.as_bytes(), 9).is_err(), "{text:?}");
        }
        let line = Frame::Log { level: 3, text: String::new() }.encode();
        assert!(read_all(&line.repeat(MAX_LOG_LINES), 4096).is_ok());
        assert!(read_all(&line.repeat(MAX_LOG_LINES + 1), 4096).is_err());
        assert!(read_all(&vec![b'x'; MAX_STREAM_BYTES], 65536).unwrap().is_empty());
        assert!(read_all(&vec![b'x'; MAX_STREAM_BYTES + 1], 65536).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic_and_portions_do_not_matter(
            bytes in proptest::collection::vec(any::<u8>(), 0..400), portion in 1_usize..50,
        ) {
            prop_assert_eq!(read_all(&bytes, portion), read_all(&bytes, 400));
        }
    }
}
