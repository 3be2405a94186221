//! The characters that a model or a terminal may obey although the user does not see them.

/// Invisible characters that a model or a terminal may interpret: Unicode's format characters, its
/// invisible fillers and variation selectors, private use, and noncharacters.
/// Unicode 17.0; a test compares the ranges with the data of `icu_properties`.
pub fn is_hidden(c: char) -> bool {
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

/// Whether a terminal or a log would obey `c`: control characters, line separators, hidden ones.
pub fn is_obeyed(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || is_hidden(c)
}

#[cfg(test)]
mod tests {
    use icu_properties::props::{
        DefaultIgnorableCodePoint, GeneralCategory, NoncharacterCodePoint,
    };
    use icu_properties::{CodePointMapData, CodePointSetData};

    use super::*;
    use crate::text;

    /// First and last code point of each range, and the neighbours that are visible.
    #[test]
    fn a3_the_first_and_the_last_of_each_range_are_hidden() {
        let ranges = [
            (0xAD, 0xAD),
            (0x034F, 0x034F),
            (0x0600, 0x0605),
            (0x061C, 0x061C),
            (0x06DD, 0x06DD),
            (0x070F, 0x070F),
            (0x0890, 0x0891),
            (0x08E2, 0x08E2),
            (0x115F, 0x1160),
            (0x17B4, 0x17B5),
            (0x180B, 0x180F),
            (0x200B, 0x200F),
            (0x202A, 0x202E),
            (0x2060, 0x206F),
            (0x2800, 0x2800),
            (0x3164, 0x3164),
            (0xE000, 0xF8FF),
            (0xFDD0, 0xFDEF),
            (0xFE00, 0xFE0F),
            (0xFEFF, 0xFEFF),
            (0xFFA0, 0xFFA0),
            (0xFFF0, 0xFFFC),
            (0xFFFE, 0xFFFF),
            (0x110BD, 0x110BD),
            (0x110CD, 0x110CD),
            (0x13430, 0x13455),
            (0x1BCA0, 0x1BCA3),
            (0x1D159, 0x1D159),
            (0x1D173, 0x1D17A),
            (0x1FFFE, 0x1FFFF),
            (0xDFFFE, 0xE0FFF),
            (0xEFFFE, 0x10FFFF),
        ];
        let is = |code: u32| char::from_u32(code).is_some_and(is_hidden);
        for (first, last) in ranges {
            assert!(is(first) && is(last), "{first:x} {last:x}");
            assert!(!is(first - 1) && !is(last + 1), "beside {first:x} {last:x}");
        }
    }

    /// Visible by Unicode's data, hidden here: blank signs, the object replacement character, and
    /// the layout characters of hieroglyphs.
    const OURS: [std::ops::RangeInclusive<u32>; 4] =
        [0x2800..=0x2800, 0xFFFC..=0xFFFC, 0x13440..=0x13455, 0x1D159..=0x1D159];

    #[test]
    fn a3_the_ranges_are_those_of_unicode() {
        let category = CodePointMapData::<GeneralCategory>::new();
        let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        let noncharacter = CodePointSetData::new::<NoncharacterCodePoint>();
        for c in '\0'..=char::MAX {
            let is_format =
                matches!(category.get(c), GeneralCategory::Format | GeneralCategory::PrivateUse);
            let expected = is_format
                || ignorable.contains(c)
                || noncharacter.contains(c)
                || OURS.iter().any(|range| range.contains(&u32::from(c)));
            assert_eq!(is_hidden(c), expected, "{:x}", u32::from(c));
        }
    }

    /// For each code point whether it is a character that Unicode calls visible, or a space.
    fn visible_by_unicode() -> Vec<bool> {
        use GeneralCategory as Category;
        let categories = CodePointMapData::<Category>::new();
        let ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>();
        let noncharacters = CodePointSetData::new::<NoncharacterCodePoint>();
        let is_visible = |code| {
            let is_obeyed = matches!(
                categories.get32(code),
                Category::Control
                    | Category::Format
                    | Category::PrivateUse
                    | Category::Surrogate
                    | Category::LineSeparator
                    | Category::ParagraphSeparator
            );
            !is_obeyed && !ignorable.contains32(code) && !noncharacters.contains32(code)
        };
        (0..0x11_0000).map(is_visible).collect()
    }

    /// All code points, so many at a time that a line of the log has room for them.
    #[test]
    fn a4_every_character_that_a_reader_gets_is_visible() {
        let visible = visible_by_unicode();
        let is_visible = |c: char| visible[c as usize];
        let is_plain = |c: char| c == ' ' || is_visible(c) && !c.is_whitespace();
        let most = usize::MAX >> 1;
        for first in (0..0x11_0000).step_by(128) {
            let all = (first..first + 128).filter_map(char::from_u32);
            let text: String = all.flat_map(|c| [c, 'a']).collect();
            let model = text::for_model(&text, most);
            let lines = text::for_model_lines(&text, most).concat();
            for out in [&model, &lines] {
                assert!(out.chars().all(is_plain), "{first:x}: {out:?}");
            }
            assert!(!model.contains(['<', '>']) && !lines.contains(['<', '>']), "{model}");
            let log = text::for_log(&text);
            assert!(log.chars().all(is_visible) && !log.ends_with('…'), "{first:x}: {log:?}");
            for out in [text::for_terminal(&text), text::for_json(&text)] {
                let is_shown = |c: char| c == '\n' || is_visible(c);
                assert!(out.chars().all(is_shown), "{first:x}: {out:?}");
            }
        }
    }
}
