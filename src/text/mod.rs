//! Makes foreign text safe, one function a kind of reader: the model, which gives it system rank, the
//! user's terminal, the log, and programs that read JSON. Each masks the secrets of this process before
//! it cuts anything.

mod hidden;
mod mask;

use std::fmt::Write;

use hidden::{is_hidden, is_obeyed};
pub use mask::{mask_pair, masked, register};
use serde_json::Value;

/// Bytes of one line of the log.
const MAX_LOG_BYTES: usize = 4 << 10;

/// One line for the model, of at most `most` characters (an escape counts as one). As `one_line`, and
/// `<` `>` are escaped, since they could close a host's own markup.
#[must_use]
pub fn for_model(text: &str, most: usize) -> String {
    escaped(one_line(text, most))
}

/// Several lines for the model, at most `most` characters in all; blank ones are skipped.
#[must_use]
pub fn for_model_lines(text: &str, most: usize) -> Vec<String> {
    multi_line(text, most).into_iter().map(escaped).collect()
}

fn escaped(text: String) -> String {
    if !text.contains(['<', '>']) {
        return text;
    }
    text.replace('<', "&lt;").replace('>', "&gt;")
}

/// One line of at most `most` characters for the user: white space folded, hidden and control
/// characters removed, links broken up. Cut text ends with `…`.
#[must_use]
pub fn one_line(text: &str, most: usize) -> String {
    let text = masked(text);
    if text.len() <= most && is_plain(&text) {
        return text.into_owned();
    }
    folded(&text, most)
}

/// The word in a form that a POSIX shell reads as itself.
#[must_use]
pub fn for_shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@=%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// Several lines like `one_line`, at most `most` characters in all; blank ones are skipped.
#[must_use]
pub fn multi_line(text: &str, most: usize) -> Vec<String> {
    let text = masked(text);
    let mut left = most;
    let mut out = Vec::new();
    for raw in text.lines() {
        if left == 0 {
            break;
        }
        let clean = one_line(raw, left);
        if !clean.is_empty() {
            left = left.saturating_sub(clean.chars().count() + 1);
            out.push(clean);
        }
    }
    out
}

/// The whole text for a terminal: hidden and control characters are spelled out (`\u{1b}`), so that
/// what the user confirms is what it looks like. Line ends stay.
#[must_use]
pub fn for_terminal(text: &str) -> String {
    let text = masked(text);
    let mut out = String::with_capacity(text.len());
    text.chars().for_each(|c| if c == '\n' { out.push(c) } else { spell_out(&mut out, c) });
    out
}

/// The same on one line: a line end is spelled out too, so that a name cannot forge a line.
#[must_use]
pub fn for_terminal_line(text: &str) -> String {
    for_terminal(text).replace('\n', "\\u{a}")
}

/// One line of the log: line ends are spelled out too, and it has at most 4 KiB. A JSON object stays
/// one: hidden characters are written as JSON escapes, and long strings in it are shortened.
#[must_use]
pub fn for_log(text: &str) -> String {
    if let Some(json) = text.starts_with('{').then(|| json_for_log(text)).flatten() {
        return json;
    }
    let text = masked(text);
    let mut out = String::with_capacity(text.len().min(MAX_LOG_BYTES));
    for c in text.chars() {
        let before = out.len();
        spell_out(&mut out, c);
        if out.len() > MAX_LOG_BYTES - '…'.len_utf8() {
            out.truncate(before);
            out.push('…');
            break;
        }
    }
    out
}

/// `None` if it is not JSON, or has too many values to be shortened.
fn json_for_log(text: &str) -> Option<String> {
    let mut value: Value = serde_json::from_str(text).ok()?;
    for most in [usize::MAX, 200, 40] {
        mask_strings(&mut value, most);
        let line = for_json(&value.to_string());
        if line.len() <= MAX_LOG_BYTES {
            return Some(line);
        }
    }
    None
}

/// Masks and shortens the texts in a value; its names stay.
fn mask_strings(value: &mut Value, most: usize) {
    match value {
        Value::String(text) => {
            let masked = masked(text);
            let cut: String = masked.chars().take(most).collect();
            *text = if cut.len() < masked.len() { cut + "…" } else { cut };
        }
        Value::Array(list) => list.iter_mut().for_each(|item| mask_strings(item, most)),
        Value::Object(fields) => fields.values_mut().for_each(|field| mask_strings(field, most)),
        _ => {}
    }
}

fn spell_out(out: &mut String, c: char) {
    if is_obeyed(c) {
        out.extend(c.escape_unicode());
    } else {
        out.push(c);
    }
}

/// JSON text for a terminal: the same value, hidden characters written as `\uXXXX`.
#[must_use]
pub fn for_json(text: &str) -> String {
    let text = masked(text);
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c != '\n' && is_obeyed(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether there is nothing to change, as in most titles: one pass over the bytes decides.
fn is_plain(text: &str) -> bool {
    let mut before = b' ';
    let mut is_visible = |byte: u8| {
        let is_gap = byte == b' ' && before == b' ';
        before = byte;
        matches!(byte, b' '..=b'~') && !matches!(byte, b'[' | b']') && !is_gap
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
        out.push(c);
        count += 1;
    }
    out
}

/// Removes the last character for the `…`.
fn cut(mut out: String, count: usize, most: usize) -> String {
    if count >= most {
        out.pop();
    }
    out.push('…');
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::hidden::is_hidden;
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
            assert_eq!(for_model(text, 100), expected, "{text:?}");
        }
        assert_eq!(for_terminal("a\u{1b}[2K\r\u{202e}b\n"), "a\\u{1b}[2K\\u{d}\\u{202e}b\n");
        assert_eq!(for_model("abcdef", 3), "ab…");
        assert_eq!(for_model("ab<f", 3), "ab…");
        assert_eq!(for_model("this & that;x", 12), "this & that…");
        assert_eq!(for_model_lines("a\n\n b \nc", 100), ["a", "b", "c"]);
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
            let out = for_model(&text, most);
            prop_assert!(out.chars().all(is_allowed), "{out:?}");
            for markup in ["](", "]:", "![", "]["] {
                prop_assert!(!out.contains(markup), "{out:?}");
            }
            prop_assert!(length(&out) <= most, "{out:?}");
            prop_assert!(!out.starts_with(' ') && !out.ends_with(' '), "{out:?}");
        }

        #[test]
        fn i19_the_short_way_gives_what_the_long_way_does(text in "[ -~]{0,12}", most in 1usize..16) {
            prop_assert_eq!(one_line(&text, most), folded(&text, most));
        }

        #[test]
        fn i19_what_is_harmless_stays_as_it_is(text in hostile()) {
            let once = for_model(&text, usize::MAX >> 1);
            prop_assert_eq!(for_model(&once, usize::MAX >> 1), once);
        }

        #[test]
        fn i19_lines_together_keep_within_their_room(text in hostile(), most in 1usize..200) {
            let out = for_model_lines(&text, most);
            prop_assert!(out.iter().map(|one| length(one) + 1).sum::<usize>() <= most + 1);
            prop_assert!(out.iter().all(|one| one.chars().all(is_allowed)));
        }
    }

    #[test]
    fn mg_line_separators_are_spelled_out() {
        assert_eq!(for_terminal("a\u{2028}b\u{2029}\n"), "a\\u{2028}b\\u{2029}\n");
        assert_eq!(for_json("a\u{2028}\u{e0041}\u{7f}"), "a\\u2028\\udb40\\udc41\\u007f");
    }

    #[test]
    fn mg_a_log_line_is_one_line_of_at_most_4_kib() {
        assert_eq!(for_log("a\nb\u{9b}\u{202e}"), "a\\u{a}b\\u{9b}\\u{202e}");
        for long in ["x", "\u{1b}", "字"] {
            let line = for_log(&long.repeat(9000));
            assert!(line.len() <= 4096 && line.len() > 4080 && line.ends_with('…'), "{long:?}");
        }
    }

    #[test]
    fn mg_a_long_json_line_of_the_log_stays_json() {
        let json = serde_json::json!({ "level": "WARN", "fields": { "message": "x\u{202e}".repeat(9000) } });
        let line = for_log(&json.to_string());
        assert!(line.len() <= 4096 && !line.contains('\u{202e}'), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["level"], "WARN");
    }

    #[test]
    fn mc_secrets_are_masked_before_the_text_is_cut() {
        register("cut-secret-0123456789");
        let text = format!("{} cut-secret-0123456789", "x".repeat(20));
        for most in 21..45 {
            for line in [
                one_line(&text, most),
                for_model(&text, most),
                for_model_lines(&text, most).concat(),
            ] {
                assert!(!line.contains("cu"), "{most}: {line}");
            }
        }
        assert_eq!(for_json("{\"a\":\"cut-secret-0123456789\"}"), "{\"a\":\"****\"}");
        let log = for_log(&format!("{}cut-secret-0123456789", "x".repeat(4090)));
        assert!(!log.contains("cu"), "{log}");
    }

    #[test]
    fn only_text_for_the_model_has_escapes() {
        assert_eq!(
            (one_line("<a> &lt;", 9), for_model("<a>", 9)),
            ("<a> &lt;".into(), "&lt;a&gt;".into())
        );
    }
}
