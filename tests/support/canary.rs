//! Looks for secrets where none may be: in what a run printed and in the files that it left.

use std::fs;
use std::path::{Path, PathBuf};

/// A part of a secret this long is found too.
const WINDOW: usize = 12;

/// Fails if `secret` or a telling part of it stands in `bytes`.
#[track_caller]
pub fn absent(secret: &str, bytes: &[u8], place: &str) {
    for window in windows(secret) {
        let found = bytes.windows(window.len()).any(|part| part == window);
        assert!(!found, "a secret stands in {place}");
    }
}

// A short or wordy secret has parts that are everyone's words, so only the whole counts there.
fn windows(secret: &str) -> Vec<&[u8]> {
    let random = secret.len() >= 2 * WINDOW && secret.bytes().any(|byte| byte.is_ascii_digit());
    if random { secret.as_bytes().windows(WINDOW).collect() } else { vec![secret.as_bytes()] }
}

/// Fails if a secret stands in a file below `root`; the token store and `except` are left out.
pub fn absent_below(root: &Path, secrets: &[String], except: &[PathBuf]) {
    for file in files(root) {
        let ours = file.components().any(|part| part.as_os_str() == "tokens");
        if ours || except.contains(&file) {
            continue;
        }
        let Ok(bytes) = fs::read(&file) else { continue };
        let place = file.display().to_string();
        secrets.iter().for_each(|secret| absent(secret, &bytes, &place));
        absent("eyJhbGciOi", &bytes, &place);
    }
}

/// All ordinary files below `root`; links are not followed.
pub fn files(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root) else { return Vec::new() };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
    found.sort();
    found
}
