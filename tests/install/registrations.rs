//! Files with an entry already: one of a moved program, a second registration, a change by another
//! program; scopes, questions and hosts that are found.

use std::fs;
use std::process::Command;

use super::{ROWS, files_of_hosts, plant, user};
use crate::support::run;
use crate::support::terminal::Dialog;

#[test]
fn the_entry_of_a_moved_program_is_repaired_and_never_doubled() {
    let entry = |command: &str| {
        format!(
            "{{\"hooks\":{{\"SessionStart\":[{{\"hooks\":[{{\"type\":\"command\",{command},\"timeout\":9}}]}}]}}}}\n"
        )
    };
    for row in ROWS.iter().filter(|row| row.host != "copilot") {
        let session = user();
        for old in [
            "\"command\":\"/old/bin/warmstart session-start\"",
            "\"command\":\"warmstart\",\"args\":[\"session-start\"]",
        ] {
            let path = plant(&session, row.file, entry(old).as_bytes());
            assert_eq!(session.run(&["install", row.host, "--check"]).code(), 1);
            let outcome = session.run(&["install", row.host]);
            assert!(outcome.text().contains("repaired in"), "{outcome:?}");
            let program = session.program(&[]).get_program().to_string_lossy().into_owned();
            let timeout = if row.host == "gemini" { 10000 } else { 9 };
            let new = format!("\"command\":\"{program} session-start\"");
            let expected = entry(&new).replace("\"timeout\":9", &format!("\"timeout\":{timeout}"));
            assert_eq!(fs::read_to_string(&path).unwrap(), expected);
            assert_eq!(session.run(&["uninstall", row.host]).code(), 0);
            assert_eq!(
                fs::read_to_string(&path).unwrap(),
                "{\"hooks\":{\"SessionStart\":[]}}\n",
                "the old entry is not brought back"
            );
        }
    }
}

#[test]
fn a_program_that_path_leads_to_is_named_by_its_place_there() {
    let session = user();
    let folder = session.scratch().join("bin");
    fs::create_dir(&folder).unwrap();
    let program = session.program(&[]).get_program().to_owned();
    std::os::unix::fs::symlink(program, folder.join("warmstart")).unwrap();
    let session = session.env("PATH", format!("{}:/usr/bin:/bin", folder.display()));
    assert_eq!(session.run(&["install", "claude"]).code(), 0);
    let text = fs::read_to_string(session.home().join(".claude/settings.json")).unwrap();
    assert!(text.contains(&format!("\"{}/warmstart session-start\"", folder.display())), "{text}");
    session.run(&["uninstall", "--yes"]);
}

#[test]
fn a_program_in_a_folder_with_blanks_is_quoted() {
    let session = user();
    let folder = session.scratch().join("a b");
    fs::create_dir(&folder).unwrap();
    let moved = folder.join("warmstart");
    // By another process: a child that a test beside this one starts would inherit the open copy, and a
    // file that is open for writing cannot be run.
    let original = session.program(&[]).get_program().to_owned();
    assert!(Command::new("cp").arg(original).arg(&moved).status().unwrap().success());
    let session = session.with_program(&moved);
    let outcome = session.run(&["install", "gemini"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.text().contains("a session gets"), "{outcome:?}");
    let text = fs::read_to_string(session.home().join(".gemini/settings.json")).unwrap();
    assert!(text.contains(&format!("\"'{}' session-start\"", moved.display())), "{text}");
    session.run(&["uninstall", "--yes"]);
    fs::remove_file(moved).unwrap();
}

#[test]
fn a_second_registration_is_refused() {
    let session = user();
    assert_eq!(session.run(&["install", "claude"]).code(), 0);
    for scope in ["project", "local"] {
        let outcome = session.run(&["install", "claude", "--scope", scope]);
        assert_eq!(outcome.code(), 3, "{outcome:?}");
        assert!(outcome.stderr.contains("it would run twice"), "{outcome:?}");
        assert!(outcome.stderr.contains("uninstall claude --scope user"), "{outcome:?}");
        assert!(!session.project().join(".claude").exists());
    }
    assert_eq!(session.run(&["uninstall"]).code(), 2, "there is no terminal to ask at");
    assert_eq!(session.run(&["uninstall", "--yes"]).code(), 0);
    plant(&session, ".claude/settings.json", b"{\"enabledPlugins\":{\"warmstart@x\":true}}");
    let outcome = session.run(&["install", "claude", "--scope", "local"]);
    assert!(outcome.stderr.contains("plugin warmstart@x"), "{outcome:?}");
    let entry = "{\"hooks\":{\"sessionStart\":[{\"bash\":\"warmstart session-start\"}]}}";
    plant(&session, ".copilot/hooks/mine.json", entry.as_bytes());
    let outcome = session.run(&["install", "copilot"]);
    assert!(outcome.stderr.contains("mine.json:1`; it would run twice"), "{outcome:?}");
    plant(&session, ".codex/config.toml", b"[[hooks.Stop]]\ncommand = \"x\"\n");
    let outcome = session.run(&["install", "codex"]);
    assert!(outcome.stderr.contains("config.toml` has hooks"), "{outcome:?}");
}

#[test]
fn each_scope_has_its_file_and_copilot_is_named_where_it_reads_claudes() {
    let session = user();
    let outcome = session.run(&["install", "copilot", "--scope", "project"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(session.project().join(".github/hooks/warmstart.json").is_file());
    let outcome = session.run(&["install", "claude", "--scope", "local"]);
    assert!(outcome.stderr.contains("Copilot CLI reads Claude Code's files"), "{outcome:?}");
    assert!(session.project().join(".claude/settings.local.json").is_file());
    let outcome = session.run(&["install", "codex", "--scope", "local"]);
    assert_eq!(outcome.code(), 2, "{outcome:?}");
    assert_eq!(session.run(&["uninstall", "claude", "--scope", "user"]).code(), 0);
    assert!(session.project().join(".claude/settings.local.json").is_file());
    let outcome = session.run(&["uninstall", "--yes"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(!session.project().join(".github").exists());
    assert!(!session.project().join(".claude").exists());
}

#[test]
fn a_command_line_of_the_user_is_neither_changed_nor_removed() {
    let session = user();
    let text = "{\"hooks\":{\"SessionStart\":[{\"hooks\":[{\"type\":\"command\",\"command\":\"cd /x && warmstart session-start\"}]}]}}";
    let path = plant(&session, ".claude/settings.json", text.as_bytes());
    let outcome = session.run(&["install", "claude"]);
    assert_eq!(outcome.code(), 3, "{outcome:?}");
    let outcome = session.run(&["uninstall", "claude"]);
    assert!(outcome.stderr.contains("is left"), "{outcome:?}");
    assert_eq!(fs::read_to_string(path).unwrap(), text);
}

#[test]
fn without_a_host_those_found_are_asked_one_by_one() {
    let session = user();
    fs::create_dir_all(session.home().join(".qwen")).unwrap();
    fs::create_dir_all(session.home().join(".gemini")).unwrap();
    let before = files_of_hosts(&session);
    assert_eq!(session.run(&["install"]).code(), 2);
    assert_eq!(files_of_hosts(&session), before);
    let answers = [("in Gemini CLI? [y/N] ", "n\n"), ("in Qwen Code? [y/N] ", "y\n")];
    let Some((screen, code)) = crate::support::terminal::typing(&session, &["install"], &answers)
    else {
        return;
    };
    assert_eq!(code, 0, "{screen}");
    assert!(!session.home().join(".gemini/settings.json").exists(), "{screen}");
    assert!(session.home().join(".qwen/settings.json").exists(), "{screen}");
    assert_eq!(session.run(&["uninstall", "--yes"]).code(), 0);
    assert_eq!(files_of_hosts(&session), before);
}

#[test]
fn a_change_by_another_program_while_the_user_is_asked_is_kept() {
    let session = user();
    let path = plant(&session, ".claude/settings.json", b"{\"a\":1}");
    let Some(mut dialog) = Dialog::start(&session, &["install"]) else { return };
    dialog.wait_for("in Claude Code? [y/N] ", 1);
    fs::write(&path, "{\"a\":2}").unwrap();
    dialog.type_in("y\n");
    let (screen, code) = dialog.end();
    assert_eq!(code, 7, "{screen}");
    assert!(screen.contains("has just been changed by another program"), "{screen}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "{\"a\":2}");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    assert!(session.run(&["uninstall", "--yes"]).text().contains("not registered"));
}

#[test]
fn of_many_at_once_one_adds_the_entry() {
    let session = user();
    let old = b"{\n  \"a\": 1\n}\n";
    let path = plant(&session, ".claude/settings.json", old);
    let line = ["install", "claude"];
    let all: Vec<_> = (0..6)
        .map(|_| (run::start(&mut session.program(&line), b""), std::time::Instant::now()))
        .collect();
    let codes: Vec<i32> = all.into_iter().map(|one| session.finish(one).code()).collect();
    assert!(codes.contains(&0), "{codes:?}");
    assert!(codes.iter().all(|code| [0, 7].contains(code)), "{codes:?}");
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches("session-start").count(), 1, "{text}");
    assert_eq!(session.run(&["uninstall", "claude"]).code(), 0);
    assert_eq!(fs::read(&path).unwrap(), old);
}

#[test]
fn cursors_lines_are_printed_and_nothing_is_written() {
    let session = user();
    let before = files_of_hosts(&session);
    let outcome = session.run(&["install", "cursor"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.stderr.contains("was not tried with the real program"), "{outcome:?}");
    let line = outcome.text().lines().last().unwrap().to_owned();
    let entry: serde_json::Value = serde_json::from_str(&line).unwrap();
    let command = entry["hooks"]["sessionStart"][0]["command"].as_str().unwrap();
    assert!(command.ends_with("/warmstart session-start --agent cursor"), "{command}");
    assert_eq!(files_of_hosts(&session), before);
}

#[test]
fn an_entry_that_gives_nothing_to_its_host_is_reported() {
    let session = user().env("WARMSTART_FALLBACK__CHAIN", "cache_then_error");
    let session =
        session.env("MCP_SERVER_URL", "http://127.0.0.1:9").env("WARMSTART_HTTP__ATTEMPTS", "1");
    let outcome = session.run(&["install", "claude"]);
    assert_eq!(outcome.code(), 1, "{outcome:?}");
    assert!(
        outcome.stderr.contains("Claude Code would get nothing: it ended with exit 1"),
        "{outcome:?}"
    );
    session.run(&["uninstall", "claude"]);
}
