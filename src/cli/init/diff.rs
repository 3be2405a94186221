//! Two texts line by line: which lines they share. From that follow the bytes of the new file, where
//! shared lines keep their line ends, and what the user sees. Pure.

use std::fmt::Write;

/// Lines around a change that are shown.
const CONTEXT_LINES: usize = 3;
/// Cells of the comparison; larger texts count as changed as a whole between their first and last change.
const MAX_CELLS: usize = 4_000_000;

/// One line of both texts together, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Kept(usize, usize),
    Removed(usize),
    Added(usize),
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// A line without its end and a byte order mark.
fn content(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line).trim_start_matches('\u{feff}')
}

/// The text `new` with the bytes of `old` in every line that both have; the other lines end as the
/// lines of `old` do.
pub fn keep_lines(old: &str, new: &str) -> String {
    let (old_lines, new_lines) = (lines(old), lines(new));
    let has_crlf =
        old_lines.iter().filter(|line| line.ends_with("\r\n")).count() * 2 > old_lines.len();
    let end = if has_crlf { "\r\n" } else { "\n" };
    let mut text = String::with_capacity(old.len() + new.len());
    for line in compare(&old_lines, &new_lines) {
        let bytes = match line {
            Line::Removed(_) => continue,
            Line::Kept(at, _) => old_lines[at].to_owned(),
            Line::Added(at) => content(new_lines[at]).to_owned() + end,
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push_str(end);
        }
        text.push_str(&bytes);
    }
    text
}

fn compare(old: &[&str], new: &[&str]) -> Vec<Line> {
    let is_same = |(one, other): &(&&str, &&str)| content(one) == content(other);
    let before = old.iter().zip(new).take_while(is_same).count();
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let after = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(is_same).count();
    let middle = changed(&old_rest[..old_rest.len() - after], &new_rest[..new_rest.len() - after]);
    let middle = middle.into_iter().map(|line| match line {
        Line::Kept(one, other) => Line::Kept(before + one, before + other),
        Line::Removed(at) => Line::Removed(before + at),
        Line::Added(at) => Line::Added(before + at),
    });
    let kept = (0..before).map(|at| Line::Kept(at, at));
    let last = (0..after).map(|at| Line::Kept(old.len() - after + at, new.len() - after + at));
    kept.chain(middle).chain(last).collect()
}

/// The longest common sequence of lines, by the usual table.
fn changed(old: &[&str], new: &[&str]) -> Vec<Line> {
    if old.len() * new.len() > MAX_CELLS {
        let removed = (0..old.len()).map(Line::Removed);
        return removed.chain((0..new.len()).map(Line::Added)).collect();
    }
    let width = new.len() + 1;
    let mut length = vec![0u32; (old.len() + 1) * width];
    for one in (0..old.len()).rev() {
        for other in (0..new.len()).rev() {
            length[one * width + other] = match content(old[one]) == content(new[other]) {
                true => length[(one + 1) * width + other + 1] + 1,
                false => length[(one + 1) * width + other].max(length[one * width + other + 1]),
            };
        }
    }
    let (mut one, mut other, mut result) = (0, 0, Vec::new());
    while one < old.len() || other < new.len() {
        let is_kept =
            one < old.len() && other < new.len() && content(old[one]) == content(new[other]);
        let may_remove = one < old.len();
        let adds_later = other == new.len()
            || may_remove && length[(one + 1) * width + other] >= length[one * width + other + 1];
        if is_kept {
            result.push(Line::Kept(one, other));
            (one, other) = (one + 1, other + 1);
        } else if may_remove && adds_later {
            result.push(Line::Removed(one));
            one += 1;
        } else {
            result.push(Line::Added(other));
            other += 1;
        }
    }
    result
}

/// The changes as a unified diff without the names of the files; empty when there are none.
pub fn unified(old: &str, new: &str) -> String {
    let (old_lines, new_lines) = (lines(old), lines(new));
    let all = compare(&old_lines, &new_lines);
    let mut text = String::new();
    for hunk in hunks(&all) {
        let first = all[..hunk.start].iter();
        let (mut old_at, mut new_at) = (1, 1);
        first.for_each(|line| count(*line, &mut old_at, &mut new_at));
        let (mut old_end, mut new_end) = (old_at, new_at);
        all[hunk.clone()].iter().for_each(|line| count(*line, &mut old_end, &mut new_end));
        let (old_count, new_count) = (old_end - old_at, new_end - new_at);
        let _ = writeln!(text, "@@ -{old_at},{old_count} +{new_at},{new_count} @@");
        for line in &all[hunk] {
            let (sign, line) = match *line {
                Line::Kept(at, _) => (' ', old_lines[at]),
                Line::Removed(at) => ('-', old_lines[at]),
                Line::Added(at) => ('+', new_lines[at]),
            };
            let _ = writeln!(text, "{sign}{}", content(line));
        }
    }
    text
}

fn count(line: Line, old: &mut usize, new: &mut usize) {
    *old += usize::from(!matches!(line, Line::Added(_)));
    *new += usize::from(!matches!(line, Line::Removed(_)));
}

/// The ranges of lines to be shown: each change with the lines around it.
fn hunks(all: &[Line]) -> Vec<std::ops::Range<usize>> {
    let mut hunks: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, line) in all.iter().enumerate() {
        if matches!(line, Line::Kept(..)) {
            continue;
        }
        let start = at.saturating_sub(CONTEXT_LINES);
        let end = (at + 1 + CONTEXT_LINES).min(all.len());
        match hunks.last_mut() {
            Some(last) if start <= last.end => last.end = end,
            _ => hunks.push(start..end),
        }
    }
    hunks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_unified_diff_has_the_changes_and_their_surroundings() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n";
        assert_eq!(
            unified(old, new),
            "@@ -2,8 +2,9 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n 9\n+10\n"
        );
        assert_eq!(unified(old, old), "");
        assert_eq!(unified("", "a\n"), "@@ -1,0 +1,1 @@\n+a\n");
    }

    fn text() -> impl Strategy<Value = String> {
        let line = proptest::sample::select(vec!["a\n", "b\r\n", "c\n", "\n", "\r\n", "a\r\n"]);
        proptest::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
    }

    proptest! {
        #[test]
        fn every_line_of_both_texts_is_in_the_comparison(old in text(), new in text()) {
            let (old_lines, new_lines) = (lines(&old), lines(&new));
            let all = compare(&old_lines, &new_lines);
            let of = |pick: fn(&Line) -> Option<usize>| all.iter().filter_map(pick).collect::<Vec<_>>();
            let olds = of(|line| match line { Line::Kept(at, _) | Line::Removed(at) => Some(*at), Line::Added(_) => None });
            let news = of(|line| match line { Line::Kept(_, at) | Line::Added(at) => Some(*at), Line::Removed(_) => None });
            prop_assert_eq!(olds, (0..old_lines.len()).collect::<Vec<_>>());
            prop_assert_eq!(news, (0..new_lines.len()).collect::<Vec<_>>());
            let kept = keep_lines(&old, &new);
            let contents = |text: &str| lines(text).iter().map(|line| content(line).to_owned()).collect::<Vec<_>>();
            prop_assert_eq!(contents(&kept), contents(&new));
            prop_assert_eq!(keep_lines(&old, &old), old);
        }
    }
}
