//! Group 1: files that are not plugins, through `plugin check`, which names the failed step.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::{build, trust};
use crate::support::{Session, or_skip};

/// The step that failed, with its message.
#[track_caller]
fn check(session: &Session, file: &Path) -> (String, String) {
    let outcome = session.run(&["plugin", "check", file.to_str().unwrap(), "--json"]);
    let report = outcome.json();
    let steps = report["steps"].as_array().unwrap().clone();
    let failed = steps.iter().find(|step| step["ok"] == Value::Bool(false));
    assert_eq!(outcome.code(), i32::from(failed.is_some()), "{report:#}");
    let word = |step: &Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    failed.map(|step| (word(step, "name"), word(step, "detail"))).unwrap_or_default()
}

#[track_caller]
fn fails(session: &Session, file: &Path, step: &str, text: &str) {
    let (failed, detail) = check(session, file);
    assert_eq!(failed, step, "{}: {detail}", file.display());
    assert!(detail.contains(text), "{}: {detail}", file.display());
    let path = file.to_str().unwrap();
    let refused = session.run(&["plugin", "trust", path, "--name", "x", "--yes"]);
    assert_ne!(refused.code(), 0, "a library that fails its check was trusted: {refused:?}");
    assert!(!session.state().join("plugins/x.json").exists());
}

#[test]
fn g1_files_that_are_no_library_are_told_apart() {
    let session = Session::new();
    let file = |name: &str, bytes: &[u8]| {
        let path = session.scratch().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let whole = fs::read(build::rust("todo-file")).unwrap();
    fails(&session, &session.scratch().join("none.so"), "file", "there is no file");
    fails(&session, &session.scratch(), "file", "is not a regular file");
    fails(&session, &file("text.so", b"hello\n"), "header", "is not a shared library");
    fails(&session, &file("empty.so", b""), "header", "is empty");
    for percent in [10, 50, 99] {
        let cut = &whole[..whole.len() * percent / 100];
        fails(&session, &file("cut.so", cut), "header", "is truncated");
    }
    let changed = |at: usize, value: u8| {
        let mut bytes = whole.clone();
        bytes[at] = value;
        bytes
    };
    fails(&session, &file("cpu.so", &changed(18, 8)), "header", "another CPU");
    fails(&session, &file("class.so", &changed(4, 1)), "header", "word size");
    let program = Path::new(env!("CARGO_BIN_EXE_warmstart"));
    fails(&session, program, "describe", "cannot be loaded");
}

#[test]
fn g1_libraries_with_other_symbols_and_versions_are_told_apart() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let session = Session::new();
    let folder = tempfile::tempdir().unwrap();
    let raw = |name: &str, definitions: &[&str]| {
        let sub = folder.path().join(name);
        fs::create_dir(&sub).unwrap();
        build::raw(&sub, definitions)
    };
    let other = raw("other", &["EXPORTED=something_else"]);
    fails(&session, &other, "describe", "does not export `warmstart_plugin_v1`");
    let newer = raw("newer", &["EXPORTED=warmstart_plugin_v2"]);
    fails(&session, &newer, "describe", "version 2");
    let minor = raw("minor", &["ABI=\"1.7\""]);
    fails(&session, &minor, "describe", "requires version 1.7");
    let shy = raw("shy", &["NO_DESCRIPTION"]);
    fails(&session, &shy, "describe", "shy");
    let both = raw("both", &["ALSO=warmstart_plugin_v2"]);
    assert_eq!(check(&session, &both), Default::default());
}

#[test]
fn g1_the_copy_is_what_runs_even_if_the_original_is_being_written() {
    let session = Session::new();
    let file = session.scratch().join("libwarmstart_todo_file.so");
    fs::copy(build::rust("todo-file"), &file).unwrap();
    trust(&session, &file, "todo_file");
    fs::write(&file, b"half a lib").unwrap();
    let session = session
        .deadline("30s")
        .env("WARMSTART_PLUGINS__TODO_FILE__TIMEOUT", "20s")
        .env("WARMSTART_CLIENT__KIND", "plugin:todo_file")
        .project_file("TODO.md", "- [ ] still there\n");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("still there"), "{outcome:?}");
    let list = session.run(&["plugin", "list", "--json"]).json();
    assert_eq!(list["plugins"][0]["state"], "changed", "{list:#}");
}
