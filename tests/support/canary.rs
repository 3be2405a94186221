//! Looks for secrets where none may be: in the output of a run and in the files that it left.

use std::fs;
use std::path::{Path, PathBuf};

/// A part of a secret this long is found too.
const WINDOW: usize = 12;

/// Fails if `secret` or a part of it that identifies it is in `bytes`.
#[track_caller]
pub fn absent(secret: &str, bytes: &[u8], place: &str) {
    for window in windows(secret) {
        let is_there = bytes.windows(window.len()).any(|part| part == window);
        assert!(!is_there, "a secret is in {place}");
    }
}

// Parts of a short secret, or of one made of words, occur in any text, so only the whole counts.
fn windows(secret: &str) -> Vec<&[u8]> {
    let random = secret.len() >= 2 * WINDOW && secret.bytes().any(|byte| byte.is_ascii_digit());
    if random { secret.as_bytes().windows(WINDOW).collect() } else { vec![secret.as_bytes()] }
}

/// Fails if a secret is in a file below `root`, other than the token store and `except`.
pub fn absent_below(root: &Path, secrets: &[String], except: &[PathBuf]) {
    for file in files(root) {
        let is_token = file.components().any(|part| part.as_os_str() == "tokens");
        if is_token || except.contains(&file) {
            continue;
        }
        let Ok(bytes) = fs::read(&file) else { continue };
        let place = file.display().to_string();
        // A shorter one may be a part of a number or of a hash by chance.
        let long = secrets.iter().filter(|secret| secret.len() >= 8);
        long.for_each(|secret| absent(secret, &bytes, &place));
        absent("eyJhbGciOi", &bytes, &place);
    }
}

/// All ordinary files below `root`; links are not followed.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut files_below = Vec::new();
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => files_below.push(entry.path()),
            _ => {}
        }
    }
    files_below.sort();
    files_below
}
