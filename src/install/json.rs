//! JSON with the place of every value in its text. The text is checked by `serde_json`; what follows may
//! rely on that.

use std::ops::Range;

use super::Refusal;

/// A value and its place.
#[derive(Clone, Debug)]
pub struct Node {
    pub range: Range<usize>,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Object(Vec<Member>),
    Array(Vec<Node>),
    Text(String),
    /// As it is in the text: a number, true, false or null.
    Literal(String),
}

/// A key and its value.
#[derive(Clone, Debug)]
pub struct Member {
    pub key: String,
    /// The place of the key, with its quotes.
    pub name: Range<usize>,
    pub value: Node,
}

/// Reads a document.
///
/// # Errors
/// Line and column of the first mistake.
pub fn parse(text: &str) -> Result<Node, Refusal> {
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        let full = error.to_string();
        let message = full.split(" at line ").next().unwrap_or(&full).to_owned();
        return Err(Refusal { message, at: Some((error.line(), error.column().max(1))) });
    }
    Ok(Scanner { text, at: 0 }.value())
}

impl Node {
    /// The members of an object.
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            Kind::Object(members) => members,
            _ => &[],
        }
    }

    /// The elements of an array.
    pub fn elements(&self) -> &[Node] {
        match &self.kind {
            Kind::Array(elements) => elements,
            _ => &[],
        }
    }

    pub fn as_text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_number(&self) -> Option<u64> {
        match &self.kind {
            Kind::Literal(literal) => literal.parse().ok(),
            _ => None,
        }
    }

    /// The value of the last member with this key, as readers take it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.members().iter().rfind(|member| member.key == key).map(|member| &member.value)
    }

    /// The places of the members, with their keys, or of the elements.
    pub fn children(&self) -> Vec<Range<usize>> {
        match &self.kind {
            Kind::Object(members) => {
                members.iter().map(|member| member.name.start..member.value.range.end).collect()
            }
            Kind::Array(elements) => elements.iter().map(|node| node.range.clone()).collect(),
            Kind::Text(_) | Kind::Literal(_) => Vec::new(),
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\r' | b'\n') {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Node {
        self.skip_blanks();
        let start = self.at;
        let kind = match self.peek() {
            b'{' => Kind::Object(self.list(b'}', Self::member)),
            b'[' => Kind::Array(self.list(b']', Self::value)),
            b'"' => Kind::Text(self.string()),
            _ => Kind::Literal(self.literal()),
        };
        Node { range: start..self.at, kind }
    }

    /// The items up to `close`, which is skipped too.
    fn list<T>(&mut self, close: u8, item: fn(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        self.at += 1;
        loop {
            self.skip_blanks();
            match self.peek() {
                b',' => self.at += 1,
                0 => return items,
                byte if byte == close => {
                    self.at += 1;
                    return items;
                }
                _ => items.push(item(self)),
            }
        }
    }

    fn member(&mut self) -> Member {
        let start = self.at;
        let key = self.string();
        let name = start..self.at;
        self.skip_blanks();
        self.at += 1; // the colon
        Member { key, name, value: self.value() }
    }

    fn string(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        while !matches!(self.peek(), b'"' | 0) {
            self.at += if self.peek() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        let quoted = self.text.get(start..self.at).unwrap_or("\"\"");
        serde_json::from_str(quoted).unwrap_or_default()
    }

    fn literal(&mut self) -> String {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let end = rest.find([',', ']', '}', ' ', '\t', '\r', '\n']).unwrap_or(rest.len()).max(1);
        self.at += end;
        rest.get(..end).unwrap_or_default().to_owned()
    }
}
