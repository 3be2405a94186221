//! The word that was probably meant.

/// The nearest of `known` to `word`, if it is near enough to be a slip of the fingers.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let scored = known.iter().map(|one| (distance(&word, &one.to_ascii_lowercase()), *one));
    let (score, best) = scored.min_by_key(|(score, _)| *score)?;
    let near = score <= 1 + word.len().min(best.len()) / 4 || letters(&word) == letters(best);
    near.then_some(best)
}

/// The letters of a word in order, so that two swapped ones do not matter.
fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.to_ascii_lowercase().chars().collect();
    letters.sort_unstable();
    letters
}

/// Edits (insert, delete, replace) between two words.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let replaced = before + usize::from(a != *b);
            before = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(before + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn x04_a_slip_of_the_fingers_is_recognised_and_a_stranger_is_not() {
        let known = ["cache_then_skip", "skip", "mcp", "rest"];
        assert_eq!(nearest("cache_then_skipp", &known), Some("cache_then_skip"));
        assert_eq!(nearest("Skip", &known), Some("skip"));
        assert_eq!(nearest("mpc", &known), Some("mcp"));
        assert_eq!(nearest("rst", &known), Some("rest"));
        assert_eq!(nearest("something_else", &known), None);
    }
}
