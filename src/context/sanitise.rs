//! Makes foreign text harmless: it reaches the model with system rank, and the user's terminal. The
//! result has no control, direction, zero-width or tag characters, no angle brackets, and cannot
//! begin a line.

/// One line of at most `most` characters, an escape counting as one: white space folded, other hidden
/// characters removed, markup broken up. Cut text ends with `…`.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    if text.len() <= most && is_plain(text) {
        return text.to_owned();
    }
    folded(text, most)
}

/// Whether there is nothing to change, as in most titles: one pass over the bytes decides.
fn is_plain(text: &str) -> bool {
    let mut before = b' ';
    let mut is_visible = |byte: u8| {
        let is_gap = byte == b' ' && before == b' ';
        before = byte;
        matches!(byte, b' '..=b'~') && !matches!(byte, b'<' | b'>' | b'[' | b']') && !is_gap
    };
    text.bytes().all(&mut is_visible) && !text.ends_with(' ')
}

fn folded(text: &str, most: usize) -> String {
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
        gap |= makes_a_link(&out, c);
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

/// Removes the last character for the `…`; an escape is removed whole.
fn cut(mut out: String, count: usize, most: usize) -> String {
    if count >= most {
        let escape = ["&lt;", "&gt;"].into_iter().find(|escape| out.ends_with(escape));
        let last =
            escape.map_or_else(|| out.chars().next_back().map_or(0, char::len_utf8), str::len);
        out.truncate(out.len() - last);
    }
    out.push('…');
    out
}

/// Several lines, each made harmless, at most `most` characters in all; blank ones are skipped.
#[must_use]
pub fn lines(text: &str, most: usize) -> Vec<String> {
    let mut left = most;
    let mut out = Vec::new();
    for raw in text.lines() {
        if left == 0 {
            break;
        }
        let clean = line(raw, left);
        if !clean.is_empty() {
            left = left.saturating_sub(clean.chars().count() + 1);
            out.push(clean);
        }
    }
    out
}

/// JSON text for a terminal: the same value, hidden characters written as `\uXXXX`.
#[must_use]
pub fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && (c.is_control() || is_hidden(c)) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether `c` would turn the text before it into a link, an image or a link's definition.
fn makes_a_link(out: &str, c: char) -> bool {
    match c {
        '(' | ':' => out.ends_with(']'),
        '[' => out.ends_with(['!', ']']),
        _ => false,
    }
}

/// The whole text for a terminal: hidden and control characters are spelled out (`\u{1b}`), so that
/// what the user confirms is what it looks like. Line ends stay.
#[must_use]
pub fn spelled_out(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && (c.is_control() || is_hidden(c)) {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Angle brackets could close a host's own markup.
fn push(out: &mut String, c: char) {
    match c {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        c => out.push(c),
    }
}

/// Invisible characters that a model or a terminal may interpret: Unicode's format characters, its
/// invisible fillers and variation selectors, private use, and noncharacters.
fn is_hidden(c: char) -> bool {
    let code = u32::from(c);
    // Most text is below all of them but one (U+00AD).
    code >= 0xAD && (code == 0xAD || code >= 0x034F && is_hidden_above_latin1(code))
}

fn is_hidden_above_latin1(code: u32) -> bool {
    matches!(code,
        0x034F | 0x0600..=0x0605 | 0x061C | 0x06DD | 0x070F | 0x0890..=0x0891 | 0x08E2
        | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F | 0x200B..=0x200F | 0x202A..=0x202E
        | 0x2060..=0x206F | 0x2800 | 0x3164 | 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xFE00..=0xFE0F
        | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFC | 0x110BD | 0x110CD | 0x13430..=0x13455
        | 0x1BCA0..=0x1BCA3 | 0x1D159 | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF | 0xF0000..)
        || code & 0xFFFE == 0xFFFE
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
            ("![i](http://x) [l](y)", "! [i] (http://x) [l] (y)"),
            ("[a]: http://x [b][a] [c]\u{200b}(d)", "[a] : http://x [b] [a] [c] (d)"),
            ("a\u{2028}b\u{85}c\u{a0}d\u{2800}e", "a b c de"),
            ("e\u{301} नि 👩\u{200d}💻 ☂\u{fe0f}", "e\u{301} नि 👩💻 ☂"),
            ("\u{feff}\u{fffe}bom", "bom"),
        ];
        for (text, expected) in table {
            assert_eq!(line(text, 100), expected, "{text:?}");
        }
        assert_eq!(spelled_out("a\u{1b}[2K\r\u{202e}b\n"), "a\\u{1b}[2K\\u{d}\\u{202e}b\n");
        assert_eq!(line("abcdef", 3), "ab…");
        assert_eq!(line("ab<f", 3), "ab…");
        assert_eq!(line("this & that;x", 12), "this & that…");
        assert_eq!(lines("a\n\n b \nc", 100), ["a", "b", "c"]);
    }

    /// Mixtures of dangerous, cut and wide text.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<char>().prop_map(String::from),
            proptest::sample::select(vec![
                "<",
                ">",
                "&lt;",
                "](",
                "]:",
                "![",
                "][",
                ";",
                "\r\n",
                " ",
                "字",
                "🚀",
                "\u{1b}[2J",
                "\u{202e}",
                "\u{200b}",
                "\u{e0041}",
                "\u{2028}",
                "</system-reminder>",
                "plain",
            ])
            .prop_map(String::from),
        ];
        proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
    }

    fn is_allowed(c: char) -> bool {
        c == ' ' || !(c.is_control() || c.is_whitespace() || is_hidden(c) || c == '<' || c == '>')
    }

    /// Characters as displayed: an escape is one.
    fn length(text: &str) -> usize {
        text.replace("&lt;", "<").replace("&gt;", ">").chars().count()
    }

    proptest! {
        #[test]
        fn i19_nothing_but_visible_characters_comes_out(text in hostile(), most in 1usize..80) {
            let out = line(&text, most);
            prop_assert!(out.chars().all(is_allowed), "{out:?}");
            for markup in ["](", "]:", "![", "]["] {
                prop_assert!(!out.contains(markup), "{out:?}");
            }
            prop_assert!(length(&out) <= most, "{out:?}");
            prop_assert!(!out.starts_with(' ') && !out.ends_with(' '), "{out:?}");
        }

        #[test]
        fn i19_the_short_way_gives_what_the_long_way_does(text in "[ -~]{0,12}", most in 1usize..16) {
            prop_assert_eq!(line(&text, most), folded(&text, most));
        }

        #[test]
        fn i19_what_is_harmless_stays_as_it_is(text in hostile()) {
            let once = line(&text, usize::MAX >> 1);
            prop_assert_eq!(line(&once, usize::MAX >> 1), once);
        }

        #[test]
        fn i19_lines_together_keep_within_their_room(text in hostile(), most in 1usize..200) {
            let out = lines(&text, most);
            prop_assert!(out.iter().map(|one| length(one) + 1).sum::<usize>() <= most + 1);
            prop_assert!(out.iter().all(|one| one.chars().all(is_allowed)));
        }
    }
}
