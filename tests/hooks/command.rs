//! `command`: the user's programs, bounded in every way, and never a cloned project's.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;

use super::script;
use crate::support::{FaultServer, Session, child, mcp_reply};

/// A session with tasks, and with one program at the end of the text.
fn session(server: &FaultServer, word: &str, timeout: &str) -> Session {
    Session::with_server(&server.mcp()).deadline("20s").hooks_toml(&format!(
        "[hooks.lint]\nkind = \"command\"\norder = 90\ntimeout = \"{timeout}\"\ncommand = [{word}]\n"
    ))
}

/// The same with a script.
fn with_script(server: &FaultServer, text: &str, timeout: &str) -> (Session, PathBuf, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("lint");
    script(&program, text);
    let word = format!("\"{}\"", program.display());
    (session(server, &word, timeout), program, folder)
}

#[test]
fn c016_its_output_is_data_with_its_name() {
    let server = FaultServer::start(mcp_reply::healthy);
    let text = "echo '2 <warnings>'; echo; echo 'in a.rs'";
    let (session, program, _folder) = with_script(&server, text, "10s");
    let context = session.start("startup").context();
    let name = program.display();
    let expected = format!("Output of {name}, command {name}:\n  2 &lt;warnings&gt;\n  in a.rs");
    assert!(context.ends_with(&expected), "{context}");
}

#[test]
fn c016_a_program_that_fails_leaves_the_others_whole() {
    let server = FaultServer::start(mcp_reply::healthy);
    for text in ["echo half; exit 3", "kill -9 $$", "sleep 60", "exec 1>&-; sleep 60"] {
        let (session, _, _folder) = with_script(&server, text, "700ms");
        let outcome = session.start("startup");
        let context = outcome.context();
        assert!(context.contains("Mend the roof"), "{text}: {context}");
        assert!(outcome.notice().contains("the command `"), "{text}: {}", outcome.notice());
        assert!(outcome.notice().contains("WS704"), "{text}: {}", outcome.notice());
        outcome.within(Duration::from_millis(700));
        session.settle();
    }
}

#[test]
fn c016_a_program_that_is_not_there_or_no_program() {
    let server = FaultServer::start(mcp_reply::healthy);
    for (word, code) in [
        ("\"/no/such/program\"", "(WS704)"),
        ("\"no-such-program\"", "(WS704)"),
        ("\"/etc/passwd\"", "(WS704)"),
        ("", "(WS102)"),
    ] {
        let outcome = session(&server, word, "10s").start("startup");
        assert!(outcome.context().contains("Mend the roof"), "{word}: {outcome:?}");
        assert!(outcome.notice().contains(code), "{word}: {outcome:?}");
    }
}

#[test]
fn c016_ten_megabytes_are_cut_and_the_program_ended() {
    let server = FaultServer::start(mcp_reply::healthy);
    let text = "yes 0123456789 | head -c 10000000; sleep 60";
    let (session, _, _folder) = with_script(&server, text, "10s");
    let outcome = session.start("startup");
    let context = outcome.context();
    assert!(context.contains("Mend the roof") && context.contains("  0123456789\n"), "{context}");
    assert!(context.chars().count() <= 2000, "{}", context.chars().count());
    session.settle();
}

#[test]
fn c016_what_it_leaves_running_is_not_waited_for_and_is_ended() {
    let server = FaultServer::start(mcp_reply::healthy);
    let (session, _, _folder) = with_script(&server, "sleep 60 & echo done", "10s");
    assert!(session.start("startup").context().ends_with("\n  done"));
    session.settle();
}

#[test]
fn x13_it_sees_none_of_the_users_keys() {
    let server = FaultServer::start(mcp_reply::healthy);
    let (session, _, _folder) = with_script(&server, "env; echo end", "10s");
    let session = session
        .secret("ANTHROPIC_API_KEY", "sk-canary-1")
        .secret("CLAUDE_CODE_MESSAGING_TOKEN", "canary-2")
        .secret("MCP_AUTH_TOKEN", "canary-3");
    let context = session.start("startup").context();
    assert!(context.contains("  HOME=") && context.contains("  end"), "{context}");
    assert!(!context.contains("canary"), "{context}");
}

#[test]
fn m08_a_project_that_is_not_trusted_runs_nothing_of_its_own() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = session(&server, "\"scripts/lint\"", "10s");
    let canary = session.scratch().join("ran");
    script(&session.project().join("scripts/lint"), &format!("touch {}", canary.display()));
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert!(
        outcome.notice().contains("is a program of this project, which is not trusted"),
        "{outcome:?}"
    );
    assert!(!canary.exists(), "a cloned project's program ran");

    let table = "[hooks.own]\nkind = \"command\"\ncommand = [\"scripts/lint\"]\n";
    let session = session.project_file(".claude/hooks.toml", table);
    session.start("startup");
    assert!(!canary.exists(), "a cloned project's wish was obeyed");

    let mut trusting = session.program(&["trust", "--yes"]);
    assert!(child::output(&mut trusting, child::LIMIT).unwrap().status.success());
    session.start("startup");
    assert!(canary.exists(), "trusted, it runs");
}

#[test]
fn m08_a_program_of_that_name_in_the_project_is_not_taken() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = session(&server, "\"lint\"", "10s");
    let canary = session.scratch().join("ran");
    script(&session.project().join("bin/lint"), &format!("touch {}", canary.display()));
    let link = session.scratch().join("bin");
    std::os::unix::fs::symlink(session.project().join("bin"), &link).unwrap();
    let path = format!(
        ".:bin::{}:{}:/usr/bin:/bin",
        session.project().join("bin").display(),
        link.display()
    );
    let outcome = session.env("PATH", path).start("startup");
    assert!(outcome.notice().contains("`lint` is not in PATH"), "{outcome:?}");
    assert!(!canary.exists(), "a program from the project ran");
}

#[test]
fn d3_a_failing_command_is_named_to_the_model() {
    let session = Session::new()
        .hooks_toml("[hooks.lint]\nkind = \"command\"\ncommand = [\"false\"]\n")
        .project_file("TODO.md", "- [ ] write docs\n");
    let outcome = session.start("startup");
    let context = outcome.context();
    assert!(context.contains("lint: not available, because the hook failed"), "{context}");
}
