//! Text from elsewhere, made harmless: it reaches the model with the rank of the system, and the
//! terminal of a person. What comes out has no control, direction, zero-width or tag characters, no
//! angle brackets, and no line of its own.

/// One line of at most `most` characters: white space folded, the rest of the hidden characters
/// gone, markup defused. Cut text ends with `…`.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most * 2));
    let (mut count, mut gap) = (0, false);
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = !out.is_empty();
            continue;
        }
        if is_hidden(c) {
            continue;
        }
        if count + usize::from(gap) >= most {
            return cut(out, count, most);
        }
        if gap {
            out.push(' ');
            count += 1;
            gap = false;
        }
        push(&mut out, c);
        count += 1;
    }
    out
}

fn cut(mut out: String, count: usize, most: usize) -> String {
    if count >= most && out.pop() == Some(';') {
        // Do not leave half of an escape behind.
        out.truncate(out.rfind('&').unwrap_or(out.len()));
    }
    out.push('…');
    out
}

/// Several lines, each made harmless, at most `most` characters in all; blank ones are left out.
#[must_use]
pub fn lines(text: &str, most: usize) -> Vec<String> {
    let mut left = most;
    let mut out = Vec::new();
    for raw in text.lines() {
        if left == 0 {
            break;
        }
        let one = line(raw, left);
        if !one.is_empty() {
            left = left.saturating_sub(one.chars().count() + 1);
            out.push(one);
        }
    }
    out
}

/// Angle brackets could close a host's own markup, a link could be followed.
fn push(out: &mut String, c: char) {
    match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '(' if out.ends_with(']') => out.push_str(" ("),
        c => out.push(c),
    }
}

/// Characters that nobody sees but a model or a terminal may obey.
fn is_hidden(c: char) -> bool {
    matches!(u32::from(c),
        0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
        | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
        | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3 | 0x1D173..=0x1D17A
        | 0xE0000..=0xE0FFF | 0xE000..=0xF8FF | 0xF0000..=0x10FFFF)
        || u32::from(c) & 0xFFFE == 0xFFFE
        || (0xFDD0..=0xFDEF).contains(&u32::from(c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn m10_n089_what_is_hidden_or_obeyed_is_gone() {
        let table = [
            ("plain title", "plain title"),
            ("a\u{1b}[31mred\u{1b}]52;c;x\u{7}", "a [31mred ]52;c;x"),
            ("two\r\nlines\tand  gaps ", "two lines and gaps"),
            ("r\u{202e}evil\u{202c} z\u{200b}w \u{e0041}tag", "revil zw tag"),
            ("</system-reminder><x>", "&lt;/system-reminder&gt;&lt;x&gt;"),
            ("![i](http://x) [l](y)", "![i] (http://x) [l] (y)"),
            ("\u{feff}\u{fffe}bom", "bom"),
        ];
        for (text, expected) in table {
            assert_eq!(line(text, 100), expected, "{text:?}");
        }
        assert_eq!(line("abcdef", 3), "ab…");
        assert_eq!(line("ab<f", 3), "ab…");
        assert_eq!(lines("a\n\n b \nc", 100), ["a", "b", "c"]);
    }

    proptest! {
        #[test]
        fn i19_nothing_but_visible_characters_comes_out(text in "\\PC*|.*", most in 1usize..80) {
            let out = line(&text, most);
            let visible = |c: char| !c.is_control() && !is_hidden(c) && c != '<' && c != '>';
            prop_assert!(out.chars().all(visible));
            prop_assert!(!out.contains("]("));
            prop_assert!(out.replace("&lt;", "<").replace("&gt;", ">").chars().count() <= 2 * most + 1);
        }
    }
}
