//! `warmstart init`, through the binary: what it finds, what it asks and does not ask, and which bytes
//! it writes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use serde_json::json;

use crate::support::session::write;
use crate::support::terminal::{Dialog, typing};
use crate::support::{Act, FaultServer, Outcome, Session, canary, mcp_reply, needs, or_skip};

const TOKEN: &str = "tok3n-of-the-user-0123456789abcdef";
const ASK: &str = "Ask it for tasks now? [y/N] ";
const WRITE: &str = "Write it? [y/N] ";

fn user_file(session: &Session) -> PathBuf {
    session.home().join(".config/warmstart/hooks.toml")
}

fn written(session: &Session) -> String {
    fs::read_to_string(user_file(session)).expect("the file was written")
}

fn mcp_json(entry: &serde_json::Value) -> String {
    json!({ "mcpServers": { "tasks": entry } }).to_string()
}

/// Everything below the home and the project, with its bytes.
fn all_files(session: &Session) -> Vec<(PathBuf, Vec<u8>)> {
    let files =
        [session.home(), session.project()].into_iter().flat_map(|root| canary::files(&root));
    files.map(|path| (path.clone(), fs::read(&path).expect("a file"))).collect()
}

#[track_caller]
fn shows(outcome: &Outcome, text: &str) {
    let both = format!("{}{}", outcome.text(), outcome.stderr);
    assert!(both.contains(text), "no `{text}` in {outcome:?}");
}

/// A project whose file names a server by its URL.
fn with_server_of_project(server: &FaultServer) -> Session {
    Session::new().project_file(".mcp.json", &mcp_json(&json!({ "url": server.mcp() })))
}

#[test]
fn with_nothing_it_names_what_can_be_done_and_writes_nothing() {
    let session = Session::new();
    let before = all_files(&session);
    for arguments in [&["init"][..], &["init", "--yes"], &["init", "--dry-run"]] {
        let outcome = session.run(arguments);
        assert_eq!(outcome.code(), 1, "{outcome:?}");
        shows(&outcome, "No task server and no task file was found that can be used.");
        shows(&outcome, "`warmstart demo`");
        shows(&outcome, "  echo '- [ ] Replace this line by your first task' > TODO.md\n");
        assert_eq!(all_files(&session), before, "{arguments:?}");
    }
}

#[test]
fn a_checklist_is_written_after_a_yes_alone() {
    let question = "Write a TODO.md with a first line? [y/N] ";
    let session = Session::new();
    let file = session.project().join("TODO.md");
    let Some((screen, code)) = typing(&session, &["init"], &[(question, "n\n")]) else { return };
    assert!(code == 1 && !file.exists(), "{screen}");
    let Some((screen, code)) = typing(&session, &["init"], &[(question, "y\n")]) else { return };
    assert!(code == 0 && file.exists(), "{screen}");
    assert!(session.run(&["tasks"]).text().contains("Replace this line"), "it is a checklist");
}

#[test]
fn a_checklist_needs_no_configuration() {
    let session = Session::new().project_file("TODO.md", "- [ ] Buy milk\n");
    let outcome = session.run(&["init"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    shows(&outcome, "  | - Buy milk [todo]\n");
    shows(&outcome, "Nothing has to be written");
    assert!(!user_file(&session).exists());
}

#[test]
fn the_guides_variables_become_a_file_that_works_without_them() {
    let server = FaultServer::start(mcp_reply::healthy);
    let mut session =
        Session::with_server(&server.mcp()).with_keycloak(&server.origin(), "claude-hooks", TOKEN);
    let outcome = session.run(&["init", "--yes"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    shows(&outcome, "  | - Mend the roof [todo, high]\n");
    let expected = format!(
        "# Settings of warmstart. `warmstart config show` lists all of them.\n\n\
         [client]\nurl = \"{}\"\n\n[auth]\nurl = \"{}\"\nrealm = \"dhafnck\"\n\
         client_id = \"claude-hooks\"\nclient_secret = {{ env = \"KEYCLOAK_CLIENT_SECRET\" }}\n",
        server.mcp(),
        server.origin()
    );
    assert_eq!(written(&session), expected);
    let mode = fs::metadata(user_file(&session)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);
    let again = session.run(&["init", "--yes"]);
    shows(&again, "Nothing has to be written: ~/.config/warmstart/hooks.toml has it already.");
    for name in ["MCP_SERVER_URL", "KEYCLOAK_URL", "KEYCLOAK_REALM", "KEYCLOAK_CLIENT_ID"] {
        session.unset(name);
    }
    assert!(session.start("startup").context().contains("Mend the roof"));
    let configured = session.run(&["init"]);
    shows(&configured, "  1  your configuration  task server ");
    shows(&configured, "it works without further configuration");
}

#[test]
fn a_password_in_the_variables_is_never_written() {
    let server = FaultServer::start(mcp_reply::healthy);
    let url = format!("http://joe:{TOKEN}@{}/mcp", server.authority());
    let session = Session::new().env("MCP_SERVER_URL", &url).guard(TOKEN);
    let outcome = session.run(&["init", "--yes"]);
    shows(&outcome, "the URL in `MCP_SERVER_URL` has a password or a query, so it is not written");
    assert!(!user_file(&session).exists());
}

#[test]
fn a_server_that_requires_a_login_gets_a_file_with_the_place_for_it() {
    let server = FaultServer::always(mcp_reply::status(401));
    let session = Session::with_server(&server.mcp());
    let outcome = session.run(&["init", "--yes"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.stderr.contains("warning: ") && outcome.stderr.contains("MCP_AUTH_TOKEN"));
    let text = written(&session);
    assert!(text.contains("\n# [auth]\n# token = { env = \"MY_TOKEN\" }"), "{text}");
    assert_eq!(session.run(&["config", "check"]).code(), 0);
    // The lines work once their # is removed.
    let active: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("file =") && !line.contains("command ="))
        .map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.starts_with(['[', 't']) => rest,
            _ => line,
        })
        .collect();
    write(&user_file(&session), active.join("\n").as_bytes());
    let session = session.secret("MY_TOKEN", TOKEN);
    server.becomes(mcp_reply::healthy);
    server.forget();
    assert!(session.start("startup").context().contains("Mend the roof"));
    let bearer = format!("Bearer {TOKEN}");
    assert!(
        server.requests().iter().all(|request| request.header("authorization") == Some(&bearer))
    );
}

#[test]
fn a_tool_that_the_server_does_not_have_gets_its_place_in_the_file() {
    let unknown =
        json!({ "isError": true, "content": [{ "type": "text", "text": "Unknown tool" }] });
    let server = FaultServer::start(move |request| {
        let answer = mcp_reply::rpc(request, &unknown);
        vec![Act::Send(mcp_reply::json_response(200, &answer))]
    });
    let session = Session::with_server(&server.mcp());
    session.run(&["init", "--yes"]);
    let text = written(&session);
    assert!(text.contains("\n# [queries.tasks]\n# tool = \"NAME\""), "{text}");
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_written() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    let before = all_files(&session);
    let refused = session.run(&["init"]);
    assert_eq!(refused.code(), 2, "{refused:?}");
    shows(&refused, "hint: pass `--yes` to write it, or `--dry-run` to only show it");
    let dry = session.run(&["init", "--dry-run", "--yes"]);
    assert_eq!(dry.code(), 0, "{dry:?}");
    shows(&dry, "  [client]\n");
    shows(&dry, "Nothing was written (--dry-run).");
    assert_eq!(all_files(&session), before);
}

#[test]
fn at_a_terminal_it_is_written_after_a_yes_alone() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    for (answer, expected) in [("\n", 1), ("n\n", 1), ("y\n", 0)] {
        let Some((screen, code)) = typing(&session, &["init"], &[(WRITE, answer)]) else { return };
        assert_eq!((code, user_file(&session).exists()), (expected, code == 0), "{screen}");
        assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
    }
}

#[test]
fn one_of_several_sources_is_chosen_by_its_number() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp()).project_file("TODO.md", "- [ ] Buy milk\n");
    let answers = [("Which one? [1] ", "2\n"), (WRITE, "y\n")];
    let Some((screen, code)) = typing(&session, &["init"], &answers) else { return };
    assert!(code == 0 && screen.contains("| - Buy milk"), "{screen}");
    assert!(written(&session).contains("[client]\nkind = \"local\"\n"));
    assert_eq!(server.connections(), 0);
    for wrong in ["3\n", "0\n", "x\n"] {
        let screen = typing(&session, &["init"], &[("Which one? [1] ", wrong)]);
        assert!(
            screen.is_none_or(|(screen, code)| code == 1 && screen.contains("Nothing was written"))
        );
    }
}

#[test]
fn a_url_that_only_the_project_names_is_asked_after_a_yes_alone() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = with_server_of_project(&server);
    let before = all_files(&session);
    for arguments in [&["init"][..], &["init", "--yes"], &["init", "--dry-run"]] {
        let outcome = session.run(arguments);
        assert_eq!(outcome.code(), 1, "{outcome:?}");
        shows(&outcome, &format!("* 1  .mcp.json, tasks  {}\n", server.mcp()));
        shows(&outcome, "they were neither started nor asked");
    }
    for arguments in [&["init"][..], &["init", "--yes"]] {
        let Some((screen, code)) = typing(&session, arguments, &[(ASK, "n\n")]) else { return };
        assert_eq!(code, 1, "{screen}");
        let at = screen.find(&format!("  url      {}\n", server.mcp()));
        assert!(at.is_some_and(|at| at < screen.find(ASK).unwrap()), "{screen}");
    }
    assert_eq!(server.connections(), 0);
    assert_eq!(all_files(&session), before);
    let Some((screen, code)) = typing(&session, &["init", "--yes"], &[(ASK, "y\n")]) else {
        return;
    };
    assert!(code == 0 && screen.contains("| - Mend the roof"), "{screen}");
    assert!(server.connections() > 0);
    assert!(session.start("startup").context().contains("Mend the roof"));
}

#[test]
fn the_users_login_does_not_go_to_a_server_that_only_the_project_names() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = with_server_of_project(&server).secret("MCP_AUTH_TOKEN", TOKEN);
    assert_eq!(session.run(&["init", "--yes"]).code(), 1);
    assert_eq!(server.connections(), 0);
    let Some((screen, _)) = typing(&session, &["init"], &[(ASK, "y\n"), (WRITE, "y\n")]) else {
        return;
    };
    assert!(screen.contains("your login is not sent to it"), "{screen}");
    assert!(session.start("startup").context().contains("Mend the roof"));
    let requests = server.requests();
    assert!(requests.len() >= 2, "{screen}");
    assert!(requests.iter().all(|request| request.header("authorization").is_none()));
}

#[test]
fn a_project_cannot_name_a_variable_of_the_user_unseen() {
    let server = FaultServer::start(mcp_reply::healthy);
    let headers = json!({ "Authorization": "Bearer ${MY_OTHER_KEY}" });
    let entry = mcp_json(&json!({ "url": server.mcp(), "headers": headers }));
    let session = Session::new().project_file(".mcp.json", &entry).secret("MY_OTHER_KEY", TOKEN);
    assert_eq!(session.run(&["init", "--yes"]).code(), 1);
    assert_eq!(server.connections(), 0);
    let Some((screen, _)) = typing(&session, &["init"], &[(ASK, "y\n"), (WRITE, "y\n")]) else {
        return;
    };
    let shown = screen.find("  token    the value of your variable MY_OTHER_KEY\n");
    assert!(shown.is_some_and(|at| at < screen.find(ASK).unwrap()), "{screen}");
    assert!(written(&session).contains("token = { env = \"MY_OTHER_KEY\" }"));
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(server.requests()[0].header("authorization"), Some(bearer.as_str()));
    // MCP_AUTH_TOKEN is stronger than the file, so it would be sent instead.
    let session = session.secret("MCP_AUTH_TOKEN", "another-t0ken-0123456789abcdef");
    fs::remove_file(user_file(&session)).unwrap();
    server.forget();
    let Some((screen, code)) = typing(&session, &["init"], &[(ASK, "y\n")]) else { return };
    assert!(code == 8 && screen.contains("would be sent to it"), "{screen}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_token_in_the_projects_file_stays_there() {
    let server = FaultServer::start(mcp_reply::healthy);
    let headers = json!({ "Authorization": format!("Bearer {TOKEN}") });
    let entry = mcp_json(&json!({ "url": server.mcp(), "headers": headers }));
    let session = Session::new().project_file(".mcp.json", &entry).guard(TOKEN);
    let Some((screen, code)) = typing(&session, &["init"], &[(ASK, "y\n"), (WRITE, "y\n")]) else {
        return;
    };
    assert!(code == 0 && screen.contains("  token    the one in `.mcp.json`\n"), "{screen}");
    assert!(!screen.contains(TOKEN), "{screen}");
    assert!(written(&session).contains("[auth]\nkind = \"mcp_json\"\nmcp_json = \"tasks\"\n"));
    server.forget();
    assert!(session.start("startup").context().contains("Mend the roof"));
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(server.requests()[0].header("authorization"), Some(bearer.as_str()));
}

#[test]
fn a_program_that_only_the_project_names_is_never_started_unconfirmed() {
    let session = Session::new();
    let canary = session.scratch().join("canary");
    let entry = json!({ "command": "/usr/bin/touch", "args": [canary] });
    let session = session.project_file(".mcp.json", &mcp_json(&entry));
    for arguments in [&["init"][..], &["init", "--yes"], &["init", "--dry-run", "--yes"]] {
        let outcome = session.run(arguments);
        assert_eq!(outcome.code(), 1, "{outcome:?}");
        shows(&outcome, ".mcp.json, tasks");
        shows(&outcome, "/usr/bin/touch");
    }
    for arguments in [&["init"][..], &["init", "--yes"]] {
        let Some((screen, code)) = typing(&session, arguments, &[("[y/N] ", "n\n")]) else {
            return;
        };
        assert_eq!(code, 1, "{screen}");
    }
    assert!(!canary.exists(), "the program was started");
    assert!(!user_file(&session).exists());
}

#[test]
fn a_hostile_project_cannot_hide_what_it_names() {
    let server = FaultServer::start(mcp_reply::healthy);
    let url = server.mcp();
    let long = format!("{url}/{}", "x".repeat(700));
    let servers = json!({ "mcpServers": {
        "a\u{1b}[2J": { "url": url },
        "b\n  url      http://localhost": { "url": url },
        "c": { "url": long },
        "d": { "command": "/bin/sh", "args": ["-c", "true\u{202e}"] },
        "e": { "command": "/bin/sh", "args": ["y".repeat(700)] },
        "f": { "url": format!("http://x:y@{}", server.authority()) },
    } });
    let session = Session::new().project_file(".mcp.json", &servers.to_string());
    let listed = session.run(&["init", "--yes"]);
    assert_eq!(listed.code(), 1, "{listed:?}");
    assert!(!listed.text().contains(['\u{1b}', '\u{202e}']), "{listed:?}");
    assert_eq!(listed.text().matches("cannot be used: it ").count(), 6, "{listed:?}");
    assert!(!listed.text().contains("\n  url "), "{listed:?}");
    assert_eq!(server.connections(), 0);
    let linked = Session::new();
    write(&linked.scratch().join("other.json"), servers.to_string().as_bytes());
    symlink("../tmp/other.json", linked.project().join(".mcp.json")).unwrap();
    shows(&linked.run(&["init"]), "it is a link that leaves the project");
}

const COMMENTED: &str = "# mine\nversion=1  # x\n\n[http]\n\tattempts   = 2 # two\n\n  [client]   # c\n\
    # the old one\nurl   =  'http://127.0.0.1:1/old'   # why\n# tail\n\n[log]\nlevel = 'debug'";

#[test]
fn an_existing_file_keeps_every_byte_outside_the_edit() {
    let server = FaultServer::start(mcp_reply::healthy);
    for (old, label) in [(COMMENTED.to_owned(), "LF"), (COMMENTED.replace('\n', "\r\n"), "CRLF")] {
        let session = Session::with_server(&server.mcp()).hooks_toml(&old);
        let dry = session.run(&["init", "--dry-run"]);
        shows(&dry, "--- ~/.config/warmstart/hooks.toml\n+++ ~/.config/warmstart/hooks.toml\n@@ -");
        shows(&dry, "\n-url   =  'http://127.0.0.1:1/old'   # why\n");
        shows(&dry, "note: this replaces the value of `client.url`\n");
        assert_eq!(written(&session), old, "{label}");
        let outcome = session.run(&["init", "--yes"]);
        shows(&outcome, "-url   =  'http://127.0.0.1:1/old'   # why\n");
        let new = old.replace("'http://127.0.0.1:1/old'", &format!("\"{}\"", server.mcp()));
        assert_eq!(written(&session), new, "{label}");
    }
}

#[test]
fn a_literal_secret_of_the_file_is_not_shown() {
    let server = FaultServer::start(mcp_reply::healthy);
    let old = format!("[auth]\ntoken = \"{TOKEN}\"\n[client]\nera = \"auto\"\n");
    let session = Session::with_server(&server.mcp()).hooks_toml(&old).guard(TOKEN);
    shows(&session.run(&["init", "--yes"]), "\n token = \"****\"\n");
    assert!(written(&session).contains(TOKEN), "the file keeps it");
}

#[test]
fn a_file_that_does_not_parse_is_refused_and_left_as_it_was() {
    let server = FaultServer::start(mcp_reply::healthy);
    let old = "[client]\nurl = = 1\n";
    let session = Session::with_server(&server.mcp()).hooks_toml(old);
    for arguments in [&["init"][..], &["init", "--yes"], &["init", "--dry-run"]] {
        let outcome = session.run(arguments);
        assert_eq!(outcome.code(), 3, "{outcome:?}");
        shows(&outcome, "hooks.toml:2:7: ");
        shows(&outcome, "the file was left as it was");
    }
    assert_eq!(written(&session), old);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_home_that_cannot_be_written_is_named() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    write(&session.home().join(".config"), b"a file where the folder should be");
    let before = all_files(&session);
    let outcome = session.run(&["init", "--yes"]);
    assert_eq!(outcome.code(), 7, "{outcome:?}");
    shows(&outcome, "cannot write `~/.config/warmstart/hooks.toml`: ");
    assert_eq!(all_files(&session), before);
}

#[test]
fn a_file_that_another_program_changed_meanwhile_is_not_overwritten() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp()).hooks_toml("version = 1\n");
    let Some(mut dialog) = Dialog::start(&session, &["init"]) else { return };
    dialog.wait_for(WRITE, 1);
    write(&user_file(&session), b"version = 1 # later\n");
    dialog.type_in("y\n");
    let (screen, code) = dialog.end();
    assert!(code == 7 && screen.contains("has just been changed"), "{screen}");
    assert_eq!(written(&session), "version = 1 # later\n");
}

#[test]
fn the_projects_file_is_written_with_project_and_needs_trust() {
    let server = FaultServer::start(mcp_reply::healthy);
    let mut session = Session::with_server(&server.mcp());
    let outcome = session.run(&["init", "--project", "--yes"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    shows(&outcome, "`warmstart trust`");
    let file = session.project().join(".claude/hooks.toml");
    assert!(fs::read_to_string(&file).unwrap().contains(&server.mcp()));
    assert!(!user_file(&session).exists());
    session.unset("MCP_SERVER_URL");
    assert_eq!(session.run(&["trust", "--yes"]).code(), 0);
    assert!(session.start("startup").context().contains("Mend the roof"));
}

#[test]
fn a_linked_file_of_the_project_is_not_written_through() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    let other = session.scratch().join("other.toml");
    write(&other, b"version = 1\n");
    fs::create_dir_all(session.project().join(".claude")).unwrap();
    symlink(&other, session.project().join(".claude/hooks.toml")).unwrap();
    let outcome = session.run(&["init", "--project", "--yes"]);
    assert_eq!(outcome.code(), 7, "{outcome:?}");
    assert_eq!(fs::read_to_string(&other).unwrap(), "version = 1\n");
}

#[test]
fn a_link_of_the_user_is_followed() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    let dotfiles = session.home().join("dotfiles/hooks.toml");
    write(&dotfiles, b"version = 1\n");
    fs::set_permissions(dotfiles.parent().unwrap(), fs::Permissions::from_mode(0o700)).unwrap();
    fs::create_dir_all(user_file(&session).parent().unwrap()).unwrap();
    symlink(&dotfiles, user_file(&session)).unwrap();
    let outcome = session.run(&["init", "--yes"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(fs::read_to_string(&dotfiles).unwrap().contains(&server.mcp()));
    assert!(user_file(&session).is_symlink());
}

#[test]
fn a_file_that_a_flag_names_is_the_one_that_is_written() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    let file = session.home().join("other/mine.toml");
    let name = file.display().to_string();
    let outcome = session.run(&["--config", &name, "init", "--yes"]);
    assert_eq!((outcome.code(), outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    assert!(fs::read_to_string(&file).unwrap().contains(&server.mcp()));
    assert!(!user_file(&session).exists());
}

#[test]
fn a_server_of_the_project_is_asked_by_mcp_whatever_kind_is_set() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = with_server_of_project(&server).hooks_toml("[client]\nkind = \"rest\"\n");
    let Some((screen, code)) = typing(&session, &["init"], &[(ASK, "y\n"), (WRITE, "y\n")]) else {
        return;
    };
    assert!(code == 0 && screen.contains("\n-kind = \"rest\"\n+kind = \"mcp\"\n"), "{screen}");
    assert!(session.start("startup").context().contains("Mend the roof"));
}

#[test]
fn a_slow_server_is_named_with_the_setting_that_waits_for_it() {
    let server = FaultServer::start(|request| {
        let tasks = mcp_reply::tasks(request, &mcp_reply::three_tasks());
        vec![Act::Wait(std::time::Duration::from_millis(400)), Act::Send(tasks)]
    });
    let mut session = Session::with_server(&server.mcp());
    session.set("WARMSTART_HOOK_DEFAULTS__TIMEOUT", "100ms");
    let outcome = session.run(&["init", "--dry-run"]);
    shows(&outcome, "| - Mend the roof");
    shows(&outcome, "and a session start waits 100 ms: raise `hooks.pending_tasks.timeout`");
}

/// A program that answers every MCP request with one task, and leaves a file when it is started.
fn with_program_of_project() -> Option<(Session, PathBuf)> {
    let python = or_skip(needs("python3", "python3"))?;
    let session = Session::new();
    let canary = session.scratch().join("canary");
    let script = session.scratch().join("server.py");
    write(&script, PROGRAM.as_bytes());
    let entry = json!({
        "command": python, "args": [script, canary], "env": { "API_KEY": "${API_KEY}" },
    });
    Some((session.project_file(".mcp.json", &mcp_json(&entry)), canary))
}

const PROGRAM: &str = r#"
import json, os, sys
open(sys.argv[1], "w").write(" ".join(sorted(os.environ)))
tasks = {"tasks": [{"id": "1", "title": "Mend the program", "status": "todo"}]}
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    result = {"resultType": "complete", "content": [{"type": "text", "text": json.dumps(tasks)}]}
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), flush=True)
"#;

#[test]
fn a_program_of_the_project_is_started_after_a_yes_alone() {
    let Some((session, canary)) = with_program_of_project() else { return };
    let session = session.secret("API_KEY", TOKEN).secret("MCP_AUTH_TOKEN", TOKEN);
    let start = "Start it and ask for tasks now? [y/N] ";
    for arguments in [&["init"][..], &["init", "--yes"]] {
        assert_eq!(session.run(arguments).code(), 1);
        let Some((screen, code)) = typing(&session, arguments, &[(start, "n\n")]) else { return };
        assert_eq!(code, 1, "{screen}");
    }
    assert!(!canary.exists(), "the program was started");
    let Some((screen, code)) = typing(&session, &["init"], &[(start, "y\n"), (WRITE, "y\n")])
    else {
        return;
    };
    assert!(code == 0 && screen.contains("| - Mend the program"), "{screen}");
    assert!(screen.contains("  gets     your variables: API_KEY\n"), "{screen}");
    let variables = fs::read_to_string(&canary).unwrap();
    assert!(variables.contains("API_KEY") && !variables.contains("MCP_AUTH_TOKEN"), "{variables}");
    let text = written(&session);
    assert!(
        text.contains("kind = \"stdio\"\ncommand = [") && text.contains("\nenv = [\"API_KEY\"]\n")
    );
    assert!(session.start("startup").context().contains("Mend the program"));
}

#[test]
fn a_task_file_is_offered_with_its_preset() {
    let issue = r#"{"id":"b-1","title":"Mend the bead","status":"open","priority":1}"#;
    let tasks = r#"{"master":{"tasks":[{"id":1,"title":"Mend the master","status":"pending"}]}}"#;
    let table = [
        (".beads/issues.jsonl", issue, "beads", "Mend the bead"),
        (".taskmaster/tasks/tasks.json", tasks, "task-master", "Mend the master"),
    ];
    for (path, text, preset, title) in table {
        let session =
            Session::new().hooks_toml("[client]\nkind = \"mcp\"\n").project_file(path, text);
        let outcome = session.run(&["init", "--yes"]);
        assert_eq!(outcome.code(), 0, "{outcome:?}");
        shows(&outcome, &format!("  1  {path}  preset {preset}\n"));
        shows(&outcome, &format!("  | - {title}"));
        let expected = format!("[client]\nkind = \"local\"\npreset = \"{preset}\"\n");
        assert_eq!(written(&session), expected);
        assert!(session.start("startup").context().contains(title));
    }
}

#[test]
fn a_checklist_beside_a_preset_is_configured() {
    let session = Session::new()
        .hooks_toml("[client]\npreset = \"beads\"\n")
        .project_file("TODO.md", "- [ ] Buy milk\n");
    let outcome = session.run(&["init", "--project", "--yes"]);
    shows(&outcome, "  | - Buy milk [todo]");
    shows(&outcome, "  files = [\"TODO.md\"]\n  only_in = []\n");
    assert_eq!(session.run(&["trust", "--yes"]).code(), 0);
    assert!(session.start("startup").context().contains("Buy milk"));
}

#[test]
fn a_task_folder_is_offered_with_its_preset() {
    let session = Session::new().project_file("backlog/tasks/task-1.md", "# Task 1\n");
    let outcome = session.run(&["init", "--dry-run"]);
    shows(&outcome, "  1  backlog/tasks/");
    shows(&outcome, "preset = \"backlog-md\"");
}
