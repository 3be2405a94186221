//! The word that was probably meant.

/// Longer words are not compared: a hostile file would cost a session's time.
const MAX_CHARS: usize = 40;
/// How alike two words must be, from 0 to 1.
const ALIKE: f64 = 0.72;

/// The word of `words` that is nearest to `word`, if it is near enough to be a typing mistake.
#[must_use]
pub fn nearest<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    if word.chars().count() > MAX_CHARS {
        return None;
    }
    let word = word.to_ascii_lowercase();
    let likeness =
        |other: &str| strsim::normalized_damerau_levenshtein(&word, &other.to_ascii_lowercase());
    let scored = words.iter().map(|other| (likeness(other), *other));
    let (score, best) = scored.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (score >= ALIKE || score > 0.6 && word.len() <= 5).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn x04_a_typing_mistake_is_recognised_and_another_word_is_not() {
        let words = ["cache_then_skip", "skip", "mcp", "rest"];
        assert_eq!(nearest("cache_then_skipp", &words), Some("cache_then_skip"));
        assert_eq!(nearest("cache_than_skip", &words), Some("cache_then_skip"));
        assert_eq!(nearest("Skip", &words), Some("skip"));
        assert_eq!(nearest("mpc", &words), Some("mcp"));
        assert_eq!(nearest("rst", &words), Some("rest"));
        assert_eq!(nearest("something_else", &words), None);
        assert_eq!(nearest("oauth", &["auto", "mcp", "rest", "local"]), None);
        assert_eq!(nearest(&"skip".repeat(20), &words), None);
    }
}
