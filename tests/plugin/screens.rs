//! The complete output of the plugin commands. Paths, sizes, hashes and times are replaced.

use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;

use super::{build, trust};
use crate::support::session::write;
use crate::support::{Outcome, Session, or_skip};

/// Both streams and the exit code, without what differs between machines.
fn screen(session: &Session, outcome: &Outcome) -> String {
    let root = session.project().parent().unwrap().display().to_string();
    let text = format!("{}-- stderr, exit {}\n{}", outcome.text(), outcome.code(), outcome.stderr);
    let text = text.replace(&root, "ROOT");
    let lines = text.lines().map(|line| {
        let words = line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let stable = |(index, word): (usize, &String)| {
            let unit = words.get(index + 1).map(|next| next.trim_end_matches(','));
            let is_number = word.parse::<f64>().is_ok();
            match unit {
                Some("bytes" | "ms") if is_number => "N".to_owned(),
                Some("(you)") if is_number => "UID".to_owned(),
                _ if word.len() == 64 && word.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    "SHA256".to_owned()
                }
                _ => word.clone(),
            }
        };
        words.iter().enumerate().map(stable).collect::<Vec<_>>().join(" ") + "\n"
    });
    lines.collect()
}

/// A copy of the library, so that its path is below the session's folder.
fn copy(session: &Session, library: &Path, name: &str) -> PathBuf {
    let path = session.scratch().join(name);
    fs::copy(library, &path).unwrap();
    path
}

fn check(session: &Session, file: &Path, flags: &[&str]) -> String {
    let arguments = [&["plugin", "check", file.to_str().unwrap()], flags].concat();
    screen(session, &session.run(&arguments))
}

#[test]
fn plugin_check_of_each_kind_of_plugin() {
    let session = Session::new().project_file("TODO.md", "- [ ] one task\n");
    let library = |member: &str| {
        let name = format!("libwarmstart_{}.so", member.replace('-', "_"));
        copy(&session, &build::rust(member), &name)
    };
    assert_snapshot!("check_client", check(&session, &library("todo-file"), &[]));
    assert_snapshot!(
        "check_strategy",
        check(&session, &library("work-hours"), &["--with", "days=[]"])
    );
    assert_snapshot!("check_all_kinds", check(&session, &library("faulty"), &[]));
}

#[test]
fn plugin_check_fails_at_each_step_with_its_hint() {
    let session = Session::new();
    let file = |name: &str, bytes: &[u8]| {
        let path = session.scratch().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    assert_snapshot!("check_no_file", check(&session, Path::new("none.so"), &[]));
    assert_snapshot!("check_folder", check(&session, &session.scratch(), &[]));
    assert_snapshot!("check_name", check(&session, &file("a b.so", b""), &[]));
    assert_snapshot!("check_header", check(&session, &file("warmstart_text.so", b"text"), &[]));
    let todo_file = copy(&session, &build::rust("todo-file"), "libwarmstart_todo_file.so");
    assert_snapshot!("check_settings", check(&session, &todo_file, &["--with", "pth=x"]));
    let faulty = copy(&session, &build::rust("faulty"), "libwarmstart_faulty.so");
    for mode in ["config", "internal", "panic", "exit_3"] {
        let flag = format!("mode={mode}");
        assert_snapshot!(
            format!("check_call_{mode}"),
            check(&session, &faulty, &["--with", &flag])
        );
    }
    assert_snapshot!("check_usage", check(&session, &todo_file, &["--with", "path"]));
}

#[test]
fn plugin_check_of_a_library_without_the_symbol() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let session = Session::new();
    let other = build::raw(&session.scratch(), &["EXPORTED=something_else"]);
    assert_snapshot!("check_symbol", check(&session, &other, &[]));
}

#[test]
fn plugin_trust_shows_the_library_and_the_lines_for_hooks_toml() {
    let session = Session::new();
    let work_hours = copy(&session, &build::rust("work-hours"), "libwarmstart_work_hours.so");
    let file = work_hours.to_str().unwrap();
    assert_snapshot!(
        "trust_unconfirmed",
        screen(&session, &session.run(&["plugin", "trust", file]))
    );
    let outcome = session.run(&["plugin", "trust", file, "--yes"]);
    assert_snapshot!("trust_strategy", screen(&session, &outcome));
    let faulty = copy(&session, &build::rust("faulty"), "libwarmstart_faulty.so");
    let outcome = session.run(&["plugin", "trust", faulty.to_str().unwrap(), "--yes"]);
    assert_snapshot!("trust_all_kinds", screen(&session, &outcome));
    let outcome = session.run(&["plugin", "trust", file, "--name", "Bad"]);
    assert_snapshot!("trust_usage", screen(&session, &outcome));
    let outcome = session.run(&["plugin", "untrust", "faulty"]);
    assert_snapshot!("untrust", screen(&session, &outcome));
}

#[test]
fn plugin_list_shows_every_state_in_one_line_each() {
    let session = Session::new();
    assert_snapshot!("list_none", screen(&session, &session.run(&["plugin", "list"])));
    for (member, name) in [("todo-file", "todo"), ("work-hours", "hours"), ("beads", "beads")] {
        trust(&session, &copy(&session, &build::rust(member), &format!("{name}.so")), name);
    }
    // `hours` is used, `todo` is not; `beads` was built again; `faulty` was never trusted.
    let toml = "[fallback]\nchain = [\"plugin:hours\", \"cache_then_skip\"]\n";
    write(&session.home().join(".config/warmstart/hooks.toml"), toml.as_bytes());
    fs::write(session.scratch().join("beads.so"), "rebuilt").unwrap();
    let folder = session.home().join(".local/share/warmstart/plugins");
    fs::create_dir_all(&folder).unwrap();
    fs::copy(build::rust("faulty"), folder.join("libwarmstart_faulty.so")).unwrap();
    assert_snapshot!("list", screen(&session, &session.run(&["plugin", "list"])));
}

#[test]
fn plugin_new_prints_the_next_commands() {
    let session = Session::new();
    let new = |arguments: &[&str]| {
        screen(&session, &session.run(&[&["plugin", "new"], arguments].concat()))
    };
    assert_snapshot!("new_rust", new(&["mine"]));
    assert_snapshot!("new_c", new(&["other", "--kind", "hook", "--lang", "c"]));
    assert_snapshot!("new_exists", new(&["mine"]));
    assert_snapshot!("new_name", new(&["Mine"]));
}
