//! The architecture of the source: every module uses only the layers below it, the pure modules
//! stay pure, no file is too long to read. Reads the text of `src` and of the plugins, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The top-level modules of each layer, lowest first.
const LAYERS: [&[&str]; 11] = [
    &[
        "task",
        "text",
        "event",
        "error",
        "secret",
        "deadline",
        "environment",
        "paths",
        "disk",
        "digest",
        "provenance",
    ],
    &["config", "host", "logging", "process", "repository"],
    &["cache", "http", "runs", "single_flight"],
    &["auth", "plugin"],
    &["client", "fallback"],
    &["query"],
    &["hook"],
    &["resolve"],
    &["plan", "engine", "refresh"],
    &["context", "install", "output"],
    &["cli", "main", "lib"],
];
/// Modules that decide and do nothing else.
const PURE: [&str; 5] = ["event", "task", "plan", "context", "fallback"];
/// What a pure module must not use.
const IMPURE: [&str; 6] =
    ["tokio::", "reqwest::", "std::fs", "SystemTime::now", "Instant::now", "Timestamp::now"];
/// Without comments and unit tests.
const LONGEST_FILE: usize = 420;
/// The only files with unsafe code, and how often it is named there; `None`: as often as it likes.
const UNSAFE: [(&str, Option<usize>); 3] = [
    ("plugin/host.rs", None),
    ("process/descriptors.rs", Some(2)),
    ("main.rs", Some(1)), // `#[unsafe(no_mangle)]`, in sanitised builds
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|modules| modules.contains(&module))
}

/// Every Rust file below `src`, by its path from there.
fn sources() -> BTreeMap<PathBuf, String> {
    rust_files("src")
}

/// Every Rust file below this folder of the checkout, by its path from there.
fn rust_files(folder: &str) -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut open = vec![root.clone()];
    let mut files = BTreeMap::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a source folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|kind| kind == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                files.insert(path.strip_prefix(&root).expect("below it").to_owned(), text);
            }
        }
    }
    files
}

fn module(path: &Path) -> String {
    let first = path.iter().next().expect("a name").to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The text without its tests and comments, which may name any module.
fn product(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines = body.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules named after `crate::` in `text`, in braces too.
fn used(text: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    };
    let mut modules = Vec::new();
    for rest in text.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => modules.push(word(rest)),
            Some(group) => {
                let mut depth = 0;
                for part in group.split_inclusive(['{', '}', ',']) {
                    if depth == 0 {
                        modules.push(word(part.trim_start()));
                    }
                    depth += part.matches('{').count() as i32 - part.matches('}').count() as i32;
                    if depth < 0 {
                        break;
                    }
                }
            }
        }
    }
    modules.retain(|module| !module.is_empty());
    modules
}

#[test]
fn every_room_has_a_layer() {
    for path in sources().keys() {
        let module = module(path);
        assert!(layer(&module).is_some(), "`{module}` ({}) is not in a layer", path.display());
    }
}

#[test]
fn every_module_of_the_table_exists_once() {
    let existing: BTreeSet<String> = sources().keys().map(|path| module(path)).collect();
    let named: Vec<&str> = LAYERS.concat();
    let of_table: BTreeSet<String> = named.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(of_table, existing);
    assert_eq!(named.len(), of_table.len(), "a module is in two layers");
    assert!(PURE.iter().all(|name| existing.contains(*name)), "{PURE:?}");
}

#[test]
fn contributing_has_the_same_table() {
    let page = include_str!("../CONTRIBUTING.md");
    for (number, modules) in LAYERS.iter().enumerate() {
        let row = page.lines().find(|line| line.starts_with(&format!("| {number} |")));
        let row = row.unwrap_or_else(|| panic!("layer {number} is not in CONTRIBUTING.md"));
        let named: BTreeSet<&str> = row.split('`').skip(1).step_by(2).collect();
        assert_eq!(named, modules.iter().copied().collect(), "layer {number}");
    }
}

#[test]
fn no_room_uses_a_layer_above_its_own() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let from = module(&path);
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
        if !PURE.contains(&module(&path).as_str()) {
            continue;
        }
        let text = product(&text);
        for name in IMPURE.iter().filter(|name| text.contains(**name)) {
            wrong.push(format!("{} has `{name}`", path.display()));
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
        let count = unsafe_code(&text);
        let allowed = UNSAFE.iter().find(|(file, _)| *file == name).map_or(Some(0), |(_, n)| *n);
        assert!(allowed.is_none_or(|most| count <= most), "{name} has unsafe code");
    }
    for (path, text) in rust_files("plugins") {
        // Only the SDK, and the plugin that is built without it to end by `abort`.
        if !path.starts_with("sdk") && !path.ends_with("c/abort.rs") {
            assert_eq!(unsafe_code(&product(&text)), 0, "plugins/{}", path.display());
        }
    }
}

/// How often the keyword is in the code: blocks, functions, `impl`s, attributes, types.
fn unsafe_code(text: &str) -> usize {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    let is_keyword = |word: &&str| *word == "unsafe";
    code.flat_map(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_'))
        .filter(is_keyword)
        .count()
}

#[test]
fn every_form_of_unsafe_is_counted() {
    let text = "unsafe impl Send for X {}\n#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn f() {}\n\
        let x = unsafe { y };\n#![allow(unsafe_code)] // unsafe";
    assert_eq!(unsafe_code(text), 4);
}
