//! The table of hosts and files: what `install` writes, that a second run changes nothing, and that
//! `uninstall` gives back every byte.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::{ROWS, Row, files_of_hosts, plant, user};
use crate::support::Session;

/// Files that are edited.
const FILES: [(&str, &str); 7] = [
    ("empty", ""),
    (
        "hooks of others",
        "{\n  \"model\": \"m\",\n  \"hooks\": {\n    \"SessionStart\": [\n      { \"matcher\": \"startup\", \"hooks\": [{ \"type\": \"command\", \"command\": \"bd prime\" }] }\n    ],\n    \"Stop\": []\n  }\n}\n",
    ),
    ("odd indentation", "{\n     \"a\":1\n  ,\"hooks\" :\n {   }\n       }"),
    ("tabs", "{\n\t\"hooks\": {\n\t\t\"Stop\": [\n\t\t\t1\n\t\t]\n\t}\n}\n"),
    ("CRLF", "{\r\n    \"a\": [\r\n        1\r\n    ]\r\n}\r\n"),
    ("byte order mark", "\u{feff}{\n  \"a\": 1\n}\n"),
    ("one line", "{\"a\":{\"b\":[1,2]},\"hooks\":{\"PreToolUse\":[]}}"),
];
/// Files that are refused, and the place in the message.
const REFUSED: [(&str, &str); 5] = [
    ("{\n  \"a\": 1,\n}\n", ":3:1`: trailing comma"),
    ("{\n  \"a\" 1\n}\n", ":2:7`: expected `:`"),
    ("{\n  // comment\n}\n", ":2:3`: "),
    ("{\n  \"hooks\": 7\n}\n", ":2:12`: this is not an object"),
    ("\"text\"\n", ":1:1`: this is not an object"),
];

fn installed(session: &Session, row: &Row) {
    let outcome = session.run(&["install", row.host]);
    assert_eq!(outcome.code(), 0, "{}: {outcome:?}", row.host);
    assert!(outcome.text().contains("a session gets"), "the entry was run: {outcome:?}");
    assert_eq!(session.run(&["install", row.host, "--check"]).code(), 0);
}

fn uninstalled(session: &Session, row: &Row) {
    let outcome = session.run(&["uninstall", row.host]);
    assert_eq!(outcome.code(), 0, "{}: {outcome:?}", row.host);
    assert!(outcome.stderr.is_empty(), "{outcome:?}");
    assert_eq!(session.run(&["install", row.host, "--check"]).code(), 1);
}

/// Exactly one entry, with the whole path of the program.
#[track_caller]
fn check_entry(session: &Session, path: &Path) {
    let text = fs::read_to_string(path).expect("the file");
    let program = session.program(&[]).get_program().to_string_lossy().into_owned();
    assert_eq!(text.matches(&program).count(), 1, "{text}");
    let json = text.trim_start_matches('\u{feff}');
    serde_json::from_str::<serde_json::Value>(json).expect("JSON");
}

#[test]
fn without_a_file_it_is_made_and_removed_with_its_folders() {
    for row in &ROWS {
        let session = user();
        let before = files_of_hosts(&session);
        assert_eq!(session.run(&["install", row.host, "--check"]).code(), 1, "{}", row.host);
        let shown = session.run(&["install", row.host, "--dry-run"]);
        assert!(shown.text().contains("--- /dev/null\n+++ "), "{shown:?}");
        assert_eq!(files_of_hosts(&session), before, "a dry run changes nothing");
        installed(&session, row);
        let path = session.home().join(row.file);
        check_entry(&session, &path);
        let bytes = fs::read_to_string(&path).unwrap();
        assert!(bytes.contains(row.timeout), "{bytes}");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let again = session.run(&["install", row.host]);
        assert!(again.text().contains("already registered"), "{again:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bytes, "twice is once");
        uninstalled(&session, row);
        assert_eq!(files_of_hosts(&session), before, "{}", row.host);
    }
}

#[test]
fn every_file_gets_its_bytes_back() {
    for row in &ROWS {
        let session = user();
        for (name, text) in FILES {
            let path = plant(&session, row.file, text.as_bytes());
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            let before = files_of_hosts(&session);
            installed(&session, row);
            check_entry(&session, &path);
            let written = fs::read_to_string(&path).unwrap();
            assert!(!text.contains("\r\n") || !written.replace("\r\n", "").contains('\n'));
            assert_eq!(written.starts_with('\u{feff}'), text.starts_with('\u{feff}'));
            uninstalled(&session, row);
            assert_eq!(files_of_hosts(&session), before, "{} {name}", row.host);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        }
        let manifests = crate::support::canary::files(&session.state().join("undo"));
        let manifests = manifests.iter().filter(|path| path.ends_with("manifest.json"));
        assert_eq!(manifests.count(), 2 * FILES.len(), "one for each change");
    }
}

#[test]
fn a_file_that_has_changed_since_loses_only_the_entry() {
    for row in &ROWS {
        let session = user();
        let path = plant(&session, row.file, b"{\n  \"a\": 1\n}\n");
        installed(&session, row);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"a\": 1", "\"a\": 2")).unwrap();
        uninstalled(&session, row);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\n  \"a\": 2\n}\n", "{}", row.host);
    }
}

#[test]
fn a_file_that_was_made_stays_when_something_else_is_in_it_now() {
    for row in &ROWS {
        let session = user();
        let before = files_of_hosts(&session);
        let path = session.home().join(row.file);
        for (added, is_left) in [("\"model\": \"m\",\n  ", true), ("\n", false)] {
            installed(&session, row);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(&path, text.replacen("\"hooks\"", &format!("{added}\"hooks\""), 1)).unwrap();
            uninstalled(&session, row);
            assert_eq!(path.exists(), is_left, "{}", row.host);
            if is_left {
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.contains("model") && !text.contains("hooks"), "{text}");
                fs::remove_dir_all(session.home().join(row.file.split('/').next().unwrap()))
                    .unwrap();
            }
        }
        assert_eq!(files_of_hosts(&session), before, "{}", row.host);
    }
}

#[test]
fn a_token_beside_the_entry_is_not_shown() {
    let session = user().guard("canary-0123456789");
    let text = "{\n  \"hooks\": {},\n  \"MCP_AUTH_TOKEN\": \"canary-0123456789\"\n}\n";
    let path = plant(&session, ".claude/settings.json", text.as_bytes());
    let shown = session.run(&["install", "claude", "--dry-run"]);
    assert!(shown.text().contains(" \"MCP_AUTH_TOKEN\": \"****\""), "{shown:?}");
    fs::remove_file(path).unwrap();
}

#[test]
fn a_file_that_does_not_parse_is_refused_with_its_place_and_kept() {
    for row in &ROWS {
        let session = user();
        for (text, place) in REFUSED {
            plant(&session, row.file, text.as_bytes());
            let before = files_of_hosts(&session);
            for line in [&["install", row.host][..], &["install", row.host, "--dry-run"]] {
                let outcome = session.run(line);
                assert_eq!(outcome.code(), 3, "{outcome:?}");
                let place = format!("{}{place}", row.file);
                assert!(outcome.stderr.contains(&place), "{place}: {outcome:?}");
            }
            assert_eq!(session.run(&["install", row.host, "--check"]).code(), 1);
            assert_eq!(files_of_hosts(&session), before, "{} {text}", row.host);
        }
        plant(&session, row.file, b"{\"a\": \"\xff\"}");
        let outcome = session.run(&["install", row.host]);
        assert!(outcome.stderr.contains(":1:8`: the bytes are not UTF-8"), "{outcome:?}");
        plant(&session, row.file, &vec![b' '; (8 << 20) + 1]);
        let outcome = session.run(&["install", row.host]);
        assert_eq!(outcome.code(), 7, "{outcome:?}");
        assert!(outcome.stderr.contains("larger than 8 MiB"), "{outcome:?}");
    }
}

#[test]
fn a_large_file_is_edited() {
    let session = user();
    let values: Vec<String> =
        (0..40_000).map(|n| format!("    \"key number {n}\": [1, 2, 3]")).collect();
    let text = format!("{{\n  \"a\": {{\n{}\n  }}\n}}\n", values.join(",\n"));
    let path = plant(&session, ROWS[0].file, text.as_bytes());
    installed(&session, &ROWS[0]);
    check_entry(&session, &path);
    uninstalled(&session, &ROWS[0]);
    assert!(fs::read_to_string(&path).unwrap() == text);
}

#[test]
fn a_link_is_followed_and_stays_a_link() {
    for row in &ROWS {
        let session = user();
        let target = plant(&session, "dotfiles/settings.json", b"{\n  \"a\": 1\n}\n");
        let link = session.home().join(row.file);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&target, &link).unwrap();
        let before = files_of_hosts(&session);
        installed(&session, row);
        check_entry(&session, &target);
        assert!(link.is_symlink());
        uninstalled(&session, row);
        assert!(link.is_symlink());
        assert_eq!(files_of_hosts(&session), before);
        fs::remove_file(&target).unwrap();
        let outcome = session.run(&["install", row.host]);
        assert!(outcome.stderr.contains("is a link to a missing file"), "{outcome:?}");
        assert!(!target.exists());
    }
}

#[test]
fn a_read_only_file_is_refused_with_the_command_that_changes_that() {
    for row in &ROWS {
        let session = user();
        let path = plant(&session, row.file, b"{}\n");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        let outcome = session.run(&["install", row.host]);
        assert_eq!(outcome.code(), 7, "{outcome:?}");
        assert!(outcome.stderr.contains("is read-only"), "{outcome:?}");
        assert!(outcome.stderr.contains("hint: run `chmod u+w "), "{outcome:?}");
        assert_eq!(fs::read(&path).unwrap(), b"{}\n");
        let names = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(names, 1, "no other file beside it");
    }
}

#[test]
fn a_projects_file_is_not_written_through_a_link_out_of_it() {
    let session = user();
    let outside = plant(&session, "outside.json", b"{}\n");
    fs::create_dir(session.project().join(".claude")).unwrap();
    symlink(&outside, session.project().join(".claude/settings.json")).unwrap();
    let outcome = session.run(&["install", "claude", "--scope", "project"]);
    assert!(outcome.stderr.contains("is a link out of the project"), "{outcome:?}");
    assert_eq!(fs::read(outside).unwrap(), b"{}\n");
}
