//! Holds the source to its own architecture: every room uses only the layers below it, the pure
//! rooms stay pure, no file outgrows what one can read. Reads the text of `src`, nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of each layer, lowest first.
const LAYERS: [&[&str]; 10] = [
    &["task", "event", "error", "secret", "deadline", "environment", "paths", "disk"],
    &["config", "logging", "repository"],
    &["cache", "http", "runs"],
    &["auth", "plugin"],
    &["client", "fallback"],
    &["query"],
    &["hook"],
    &["plan", "engine", "refresh"],
    &["context", "output", "doctor", "health", "bench", "recover"],
    &["cli", "main", "lib"],
];
/// Rooms that decide and do nothing else.
const PURE: [&str; 5] = ["event", "task", "plan", "context", "fallback"];
/// What a pure room has no business with.
const IMPURE: [&str; 6] =
    ["tokio::", "reqwest::", "std::fs", "SystemTime::now", "Instant::now", "Timestamp::now"];
const LONGEST_FILE: usize = 420;

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

/// Every Rust file below `src`, by its path from there.
fn sources() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut open = vec![root.clone()];
    let mut found = BTreeMap::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a source folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.insert(path.strip_prefix(&root).expect("below src").to_owned(), text);
            }
        }
    }
    found
}

fn room(path: &Path) -> String {
    let first = path.iter().next().expect("a name").to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The text without its tests and comments: those may look wherever they like.
fn product(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = body.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The rooms named after `crate::` in `text`, in braces too.
fn used(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut rooms = Vec::new();
    for rest in text.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => rooms.push(word(rest)),
            Some(group) => {
                let mut depth = 0;
                for part in group.split_inclusive(['{', '}', ',']) {
                    if depth == 0 {
                        rooms.push(word(part.trim_start()));
                    }
                    depth += part.matches('{').count() as i32 - part.matches('}').count() as i32;
                    if depth < 0 {
                        break;
                    }
                }
            }
        }
    }
    rooms.retain(|room| !room.is_empty());
    rooms
}

#[test]
fn every_room_has_a_layer() {
    for path in sources().keys() {
        let room = room(path);
        assert!(layer(&room).is_some(), "`{room}` ({}) stands in no layer", path.display());
    }
}

#[test]
fn no_room_uses_a_layer_above_its_own() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = room(&path);
        for to in used(&product(&text)) {
            if from != to && layer(&to).is_some_and(|above| Some(above) > layer(&from)) {
                wrong.push(format!("{} uses `{to}`", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_search_for_uses_finds_them() {
    let text =
        "use crate::task::Task;\nuse crate::{error::{Code, Class}, query};\ncrate::hook::x()";
    assert_eq!(used(text), ["task", "error", "query", "hook"]);
}

#[test]
fn pure_rooms_touch_no_disk_no_network_and_no_clock() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        if !PURE.contains(&room(&path).as_str()) {
            continue;
        }
        let text = product(&text);
        for word in IMPURE.iter().filter(|word| text.contains(**word)) {
            wrong.push(format!("{} has `{word}`", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_file_outgrows_its_room() {
    let long = |(path, text): (PathBuf, String)| {
        let lines = product(&text).lines().count();
        (lines > LONGEST_FILE).then(|| format!("{}: {lines} lines", path.display()))
    };
    let long: Vec<String> = sources().into_iter().filter_map(long).collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn every_file_says_what_it_knows() {
    let silent = |(path, text): (PathBuf, String)| (!text.starts_with("//!")).then_some(path);
    let silent: Vec<PathBuf> = sources().into_iter().filter_map(silent).collect();
    assert!(silent.is_empty(), "no head comment: {silent:?}");
}

#[test]
fn the_environment_and_unsafe_stay_where_they_belong() {
    for (path, text) in sources() {
        let text = product(&text);
        let name = path.display().to_string();
        assert!(!text.contains("std::env::var") || name == "environment.rs", "{name}");
        let is_unsafe = text.contains("unsafe {") || text.contains("unsafe fn");
        assert!(!is_unsafe || name == "plugin/host.rs", "{name} has unsafe code");
    }
}
