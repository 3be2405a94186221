//! Splits a program's standard output into lines, each of which is one message. Pure, and bounded in
//! bytes: a line that is too long is an error.

/// One line has more bytes than allowed, so the output is not read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// The output that was read and not yet given out.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    /// Where the next line begins; what is before was given out.
    start: usize,
    /// Before it there is no line end from `start` on.
    searched: usize,
    /// Bytes of one line.
    limit: usize,
    is_ended: bool,
}

impl Frames {
    /// Lines of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Frames { bytes: Vec::new(), start: 0, searched: 0, limit, is_ended: false }
    }

    /// Bytes of one line.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Adds output.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        self.bytes.extend_from_slice(bytes);
    }

    /// There is no further output: the rest is a line too.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    /// Whether all output was given out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_ended && self.start == self.bytes.len()
    }

    /// The next line that is not blank, without its end.
    ///
    /// # Errors
    /// See `TooLong`.
    pub fn next_line(&mut self) -> Result<Option<Vec<u8>>, TooLong> {
        loop {
            let end = self.bytes[self.searched..].iter().position(|byte| *byte == b'\n');
            let end = end.map(|end| self.searched + end);
            if end.unwrap_or(self.bytes.len()) - self.start > self.limit {
                return Err(TooLong);
            }
            let (end, next) = match end {
                Some(end) => (end, end + 1),
                None if self.is_ended && !self.is_over() => (self.bytes.len(), self.bytes.len()),
                None => {
                    self.searched = self.bytes.len();
                    return Ok(None);
                }
            };
            let line = self.bytes[self.start..end].trim_ascii();
            (self.start, self.searched) = (next, next);
            if !line.is_empty() {
                return Ok(Some(line.to_vec()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(pieces: &[&str], limit: usize) -> Result<Vec<String>, TooLong> {
        let mut frames = Frames::new(limit);
        let mut lines = Vec::new();
        for piece in pieces.iter().map(Some).chain([None]) {
            match piece {
                Some(piece) => frames.feed(piece.as_bytes()),
                None => frames.end(),
            }
            while let Some(line) = frames.next_line()? {
                lines.push(String::from_utf8(line).unwrap());
            }
        }
        assert!(frames.is_over());
        Ok(lines)
    }

    #[test]
    fn lines_are_found_wherever_the_output_is_cut() {
        let text = "{\"a\":1}\r\n\n  \n{\"b\":2}\nlast";
        let expected = Ok(vec!["{\"a\":1}".to_owned(), "{\"b\":2}".into(), "last".into()]);
        for cut in 0..text.len() {
            let (head, tail) = text.split_at(cut);
            assert_eq!(lines(&[head, tail], 64), expected, "cut at {cut}");
        }
        let bytes: Vec<String> = text.chars().map(String::from).collect();
        let bytes: Vec<&str> = bytes.iter().map(String::as_str).collect();
        assert_eq!(lines(&bytes, 64), expected);
    }

    #[test]
    fn a_line_of_the_limit_is_read_and_a_longer_one_is_not() {
        assert_eq!(lines(&["12345678\n"], 8), Ok(vec!["12345678".into()]));
        assert_eq!(lines(&["123456789\n"], 8), Err(TooLong));
        assert_eq!(lines(&["1234", "56789"], 8), Err(TooLong), "before its end");
        assert_eq!(lines(&["12345678\n12345678\n"], 8).map(|lines| lines.len()), Ok(2));
    }
}
