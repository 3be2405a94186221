//! Names, comments, messages and pages are written in the field's standard terms. The words of the
//! project's former dialect are refused here.

use std::fs;
use std::path::{Path, PathBuf};

/// Words and phrases that a first-time reader has to read twice, with what to write instead.
const DIALECT: &[(&str, &str)] = &[
    ("is told", "is reported; the user sees"),
    ("are told", "are reported; the user sees"),
    ("was told", "was reported"),
    ("told apart", "distinguished"),
    ("tells of", "names; reports"),
    ("mended", "fixed"),
    ("to mend", "to fix"),
    ("mend it", "fix it"),
    ("stands in for", "replaces"),
    ("stands in the", "is in the"),
    ("lies beside", "is beside"),
    ("lies in", "is in"),
    ("lies at", "is at"),
    ("somebody", "another process; the user"),
    ("nobody", "no process; no one by name"),
    ("whoever", "the caller; the process that"),
    ("the person", "the user"),
    ("for people", "for the user"),
    ("by its own word", "according to"),
    ("its own word", "according to"),
    ("says a word", "reports"),
    ("has something to say", "has text"),
    ("nothing to say", "no text"),
    ("what is said", "the text; the output"),
    ("left out and", "ignored and"),
    ("to be had", "available"),
    ("slip of the fingers", "typing mistake"),
    ("any more", "no longer"),
    ("at the most", "at most"),
    ("in vain", "without result"),
    ("is in trouble", "answered HTTP 503"),
    ("broke the connection off", "closed the connection"),
    ("broke down", "panicked"),
    ("is no shared", "is not a shared"),
    ("is no regular", "is not a regular"),
    ("is no JSON", "is not JSON"),
    ("is gone for good", "was removed"),
    ("goes on", "continues"),
    ("of its own accord", "by itself"),
];

/// Files that a reader reads.
fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "plugins", "tests", "benches", "docs"] {
        collect(&root.join(folder), &mut files);
    }
    let pages =
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "hooks.toml", "build.rs", "justfile"];
    files.extend(pages.map(|page| root.join(page)));
    files.retain(|file| !file.ends_with("tests/language.rs"));
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("target") {
            collect(&path, files);
        } else if path.extension().is_some_and(|kind| {
            matches!(
                kind.to_str(),
                Some("rs" | "md" | "toml" | "txt" | "snap" | "c" | "h" | "py" | "mjs" | "sh")
            )
        }) {
            files.push(path);
        }
    }
}

#[test]
fn no_file_uses_the_words_of_the_dialect() {
    let mut faults = Vec::new();
    for file in files() {
        let text = fs::read_to_string(&file).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let lower = line.to_lowercase();
            for (phrase, plain) in DIALECT {
                if has_phrase(&lower, phrase) {
                    faults.push(format!("{}:{}: `{phrase}` ({plain})", file.display(), number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{} places:\n{}", faults.len(), faults.join("\n"));
}

/// Whether `phrase` is in `line` as whole words.
fn has_phrase(line: &str, phrase: &str) -> bool {
    let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(phrase).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + phrase.len()..]);
        !is_letter(before.chars().next_back()) && !is_letter(after.chars().next())
    })
}
