//! A text of another program on the screen: each line behind a bar, wrapped at a terminal, whole when
//! piped.

use super::table::terminal_width;
use crate::text::for_terminal;

const BAR: &str = "  | ";

/// The lines of `text` behind bars, made safe for a terminal.
pub fn quoted(text: &str) -> String {
    quoted_within(text, terminal_width())
}

fn quoted_within(text: &str, width: Option<usize>) -> String {
    let room = width.map_or(usize::MAX, |width| width.saturating_sub(BAR.len()).max(20));
    let text = for_terminal(text);
    let lines = text.lines().flat_map(|line| wrapped(line, room));
    lines.map(|line| format!("{BAR}{line}").trim_end().to_owned() + "\n").collect()
}

/// The line in pieces of at most `room` characters, cut at blanks where there are some; the pieces
/// after the first are indented.
fn wrapped(line: &str, room: usize) -> Vec<String> {
    const INDENT: &str = "  ";
    let mut pieces = Vec::new();
    let mut rest = line.to_owned();
    while let Some((end, _)) = rest.char_indices().nth(room) {
        let blank = rest[..end].rfind(' ').filter(|at| !rest[..*at].trim().is_empty());
        let tail = rest.split_off(blank.unwrap_or(end));
        pieces.push(rest);
        rest = format!("{INDENT}{}", tail.trim_start());
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_wrapped_at_blanks_and_lose_nothing() {
        let text = "one two three four five six seven\n\nx";
        assert_eq!(
            quoted_within(text, None),
            format!("  | one two three four five six seven\n  |\n  | x\n")
        );
        assert_eq!(
            quoted_within(text, Some(24)),
            "  | one two three four\n  |   five six seven\n  |\n  | x\n"
        );
        assert_eq!(
            quoted_within(&"y".repeat(25), Some(24)),
            format!("  | {}\n  |   yyyyy\n", "y".repeat(20))
        );
        assert_eq!(quoted_within("a\u{1b}[2J", Some(24)), "  | a\\u{1b}[2J\n");
    }
}
