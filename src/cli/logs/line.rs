//! One line of the log, taken apart for a terminal: local time, level and message. The spans and the
//! module that a line names are for `grep`; here they only fill the screen.

use jiff::tz::TimeZone;
use serde_json::Value;

use crate::text::for_terminal;

const TIME_FORMAT: &str = "%m-%d %H:%M:%S";

/// A line as it is shown; one in an unknown form is all message.
#[derive(Debug, Default, PartialEq)]
pub struct LogLine {
    time: Option<jiff::Timestamp>,
    level: String,
    message: String,
}

impl LogLine {
    /// Reads a line of `log.format` `text` or `json`.
    pub fn parse(line: &str) -> Self {
        Self::from_json(line)
            .or_else(|| Self::from_text(line))
            .unwrap_or_else(|| LogLine { message: line.to_owned(), ..LogLine::default() })
    }

    /// `2026-11-24T06:27:05.123456Z  WARN run{id="1"}: warmstart::query: message field=1`
    fn from_text(line: &str) -> Option<Self> {
        let (time, rest) = line.split_once(' ')?;
        let (level, rest) = rest.trim_start().split_once(' ')?;
        let message = without_module(without_spans(rest.trim_start()));
        Some(LogLine {
            time: Some(time.parse().ok()?),
            level: level.into(),
            message: message.into(),
        })
    }

    fn from_json(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |key: &str| value.get(key).and_then(Value::as_str);
        let mut fields = value.get("fields").and_then(Value::as_object)?.clone();
        let message = fields.remove("message");
        let mut words: Vec<String> = message.iter().map(plain).collect();
        words.extend(fields.iter().map(|(name, value)| format!("{name}={}", plain(value))));
        let time = text("timestamp").and_then(|time| time.parse().ok());
        let level = text("level").unwrap_or_default().to_owned();
        Some(LogLine { time, level, message: words.join(" ") })
    }

    /// The line for a terminal of that width, a long message wrapped below its beginning.
    pub fn readable(&self, width: usize) -> String {
        let Some(time) = self.time else { return for_terminal(&self.message) + "\n" };
        let time = time.to_zoned(TimeZone::system()).strftime(TIME_FORMAT).to_string();
        let lead = format!("{time}  {:<5}  ", self.level);
        let indent = " ".repeat(lead.len());
        let lines = wrapped(&for_terminal(&self.message), width.saturating_sub(lead.len()).max(20));
        for_terminal(&lead) + &lines.join(&format!("\n{indent}")) + "\n"
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Without `run{id="1"}:hook{name="x"}:` at its beginning.
fn without_spans(mut rest: &str) -> &str {
    let is_name = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    while let Some((name, fields)) = rest.split_once('{')
        && is_name(name)
        && let Some((_, after)) = fields.split_once("}:")
    {
        rest = after.trim_start();
    }
    rest
}

/// Without `warmstart::query:`, and the file and line that may follow it.
fn without_module(mut rest: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "_:./-".contains(c);
    let is_place = |word: &str| {
        let is_line = word.chars().all(|c| c.is_ascii_digit());
        word.chars().all(is_part)
            && (is_line || word == "warmstart" || word.contains("::") || word.contains(".rs"))
    };
    while let Some((word, after)) = rest.split_once(": ")
        && is_place(word)
    {
        rest = after;
    }
    rest
}

/// At most `width` characters a line, broken between words; a longer word is broken itself.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        for (at, c) in (if used > 0 { " " } else { "" }).chars().chain(word.chars()).enumerate() {
            if at > 0 && used == width {
                lines.push(String::new());
                used = 0;
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
            used += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(line: &str) -> String {
        LogLine::parse(line).message
    }

    #[test]
    fn spans_and_modules_are_dropped() {
        let lead = "2026-11-24T06:27:05.123456Z  WARN ";
        let cases = [
            "warmstart::query: no answer code=WS302",
            "run{id=\"6-1\"}: warmstart::query: no answer code=WS302",
            "run{id=\"6-1\"}:hook{name=\"a b\"}: warmstart::query::ask: no answer code=WS302",
            "run{id=\"6-1\"}: warmstart::query: src/query/mod.rs:12: no answer code=WS302",
            "run{id=\"6-1\"}: warmstart::query: 12: no answer code=WS302",
        ];
        for case in cases {
            assert_eq!(message(&format!("{lead}{case}")), "no answer code=WS302", "{case}");
        }
        assert_eq!(message(&format!("{lead}warmstart: a: b {{c}}: d")), "a: b {c}: d");
    }

    #[test]
    fn lines_of_every_form_are_shown() {
        let json = r#"{"timestamp":"2026-11-24T06:27:05Z","level":"INFO","fields":{"message":"m","n":1},"target":"t"}"#;
        let parsed = LogLine::parse(json);
        assert_eq!((parsed.level.as_str(), parsed.message.as_str()), ("INFO", "m n=1"));
        assert!(parsed.time.is_some());
        assert_eq!(LogLine::parse("no log line\u{1b}").readable(80), "no log line\\u{1b}\n");
    }

    #[test]
    fn a_long_message_is_wrapped_below_its_beginning() {
        let words = "word ".repeat(30) + &"x".repeat(200);
        let line = LogLine::parse(&format!("2026-11-24T06:27:05Z  WARN warmstart: {words}"));
        let shown = line.readable(80);
        assert!(shown.lines().count() > 3, "{shown}");
        for line in shown.lines() {
            assert!(line.chars().count() <= 80, "{shown}");
        }
        let indent = " ".repeat(23);
        assert!(shown.lines().skip(1).all(|line| line.starts_with(&indent)), "{shown}");
        let spaceless = |text: &str| text.replace([' ', '\n'], "");
        assert!(spaceless(&shown).ends_with(&spaceless(&words)), "{shown}");
    }
}
