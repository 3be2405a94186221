//! Space for text, in characters and bytes, since hosts count differently.

/// The space that is left.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    chars: usize,
    bytes: usize,
}

impl Budget {
    pub fn new(chars: usize, bytes: usize) -> Self {
        Budget { chars, bytes }
    }

    /// Whether `line` and its line end fit, with `reserve` to spare.
    pub fn fits(&self, line: &str, reserve: usize) -> bool {
        line.chars().count() + 1 + reserve <= self.chars && line.len() + 1 + reserve <= self.bytes
    }

    /// Subtracts `line` and its line end.
    pub fn take(&mut self, line: &str) {
        self.chars = self.chars.saturating_sub(line.chars().count() + 1);
        self.bytes = self.bytes.saturating_sub(line.len() + 1);
    }

    /// The smaller of this and `chars` characters.
    pub fn within(&self, chars: usize) -> Self {
        Budget { chars: self.chars.min(chars), ..*self }
    }

    /// The characters left.
    pub fn chars(&self) -> usize {
        self.chars
    }
}
