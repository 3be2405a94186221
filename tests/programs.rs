//! Other programs, through the binary: which file is started, what it sees, and that it ends with us.
//! Names begin with the finding of the security (`h1`, `mi`, `ml`) or reliability (`b3`) review.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::support::session::write;
use crate::support::{FaultServer, Session, child, mcp_reply, needs, or_skip, run};

const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

pub fn script(path: &Path, text: &str) {
    write(path, format!("#!/bin/sh\n{text}\n").as_bytes());
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A session whose token is what `source` gives.
fn with_token(server: &FaultServer, source: &str) -> Session {
    let text = format!("[auth]\nkind = \"static\"\ntoken = {source}\n");
    Session::with_server(&server.mcp()).deadline("20s").hooks_toml(&text)
}

fn token_sent(server: &FaultServer) -> Option<String> {
    server.requests().first()?.header("authorization").map(str::to_owned)
}

fn wait_for(file: &Path) {
    let end = Instant::now() + Duration::from_secs(20);
    while fs::read_to_string(file).unwrap_or_default().is_empty() {
        assert!(Instant::now() < end, "`{}` was not written", file.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn h1_a_secret_command_is_never_a_program_of_the_project() {
    let server = FaultServer::start(mcp_reply::healthy);
    let mut session = with_token(&server, "{ command = [\"pass\"] }");
    let canary = session.scratch().join("ran");
    let bin = session.project().join("node_modules/.bin");
    script(&bin.join("pass"), &format!("touch {}; echo of-the-clone", canary.display()));
    let real = session.scratch().join("bin");
    script(&real.join("pass"), "echo of-the-user");
    let (bin, real) = (bin.display(), real.display());
    for head in [format!("{bin}"), "node_modules/.bin".into(), format!("{bin}/../.bin")] {
        server.forget();
        session.set("PATH", format!("{head}:{real}:{PATH}"));
        session.run(&["tasks", "--live"]);
        assert_eq!(token_sent(&server).as_deref(), Some("Bearer of-the-user"), "{head}");
        assert!(!canary.exists(), "{head}: the project's program ran");
    }
}

/// `npx` puts the `node_modules/.bin` of each folder above into PATH: of an unpacked archive or of the
/// repository around a submodule, whose root is not the session's.
#[test]
fn h1_a_program_that_npx_adds_from_above_the_project_is_not_started() {
    let Some(_) = or_skip(needs("git", "git")) else { return };
    let server = FaultServer::start(mcp_reply::healthy);
    let mut session = with_token(&server, "{ command = [\"pass\"] }");
    crate::support::repository::commit(&session.project(), "First");
    let canary = session.scratch().join("ran");
    let above = session.project().parent().unwrap().join("node_modules/.bin");
    for name in ["pass", "git"] {
        script(
            &above.join(name),
            &format!("echo {name} >> {}; echo of-the-clone", canary.display()),
        );
    }
    let real = session.scratch().join("bin");
    script(&real.join("pass"), "echo of-the-user");
    for head in [above.clone(), above.join(""), above.join("../.bin")] {
        server.forget();
        session.set("PATH", format!("{}:{}:{PATH}", head.display(), real.display()));
        session.start("startup");
        session.run(&["tasks", "--live"]);
        let ran = fs::read_to_string(&canary).unwrap_or_default();
        assert_eq!(ran, "", "{}", head.display());
        assert_eq!(token_sent(&server).as_deref(), Some("Bearer of-the-user"));
    }
}

#[test]
fn h1_in_the_home_folder_the_users_own_programs_are_found() {
    let server = FaultServer::start(mcp_reply::healthy);
    let mut session = with_token(&server, "{ command = [\"pass\"] }");
    let bin = session.home().join(".local/bin");
    script(&bin.join("pass"), "echo of-the-user");
    session.set("PATH", format!("{}:{PATH}", bin.display()));
    let home = session.home();
    let output = session.program(&["tasks", "--live"]).current_dir(home).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(token_sent(&server).as_deref(), Some("Bearer of-the-user"));
}

#[test]
fn h1_a_secret_command_with_a_relative_path_is_refused() {
    let server = FaultServer::start(mcp_reply::healthy);
    for name in ["scripts/secret", "./secret"] {
        let session = with_token(&server, &format!("{{ command = [\"{name}\"] }}"));
        let canary = session.scratch().join("ran");
        script(&session.project().join(name), &format!("touch {}; echo x", canary.display()));
        let notice = session.start("startup").notice();
        assert!(notice.contains("WS201") && notice.contains("absolute path"), "{notice}");
        assert!(!canary.exists(), "{name} ran");
    }
}

#[test]
fn h1_a_secret_command_sees_the_listed_variables_alone_and_runs_at_home() {
    let server = FaultServer::start(mcp_reply::healthy);
    for (env, is_seen) in [("", false), (", env = [\"VAULT_ADDR\"]", true)] {
        let source = format!(
            "{{ command = [\"sh\", \"-c\", \"(pwd; env) > $HOME/seen; echo token\"]{env} }}"
        );
        let session = with_token(&server, &source)
            .env("VAULT_ADDR", "canary-1")
            .env("OTHER_VARIABLE", "canary-2")
            .env("GNUPGHOME", "/keys");
        session.start("startup");
        let seen = fs::read_to_string(session.home().join("seen")).unwrap();
        let home = session.home().canonicalize().unwrap();
        assert_eq!(seen.lines().next().map(PathBuf::from), Some(home), "{seen}");
        assert_eq!(seen.contains("canary-1"), is_seen, "{seen}");
        assert!(!seen.contains("canary-2") && seen.contains("GNUPGHOME=/keys"), "{seen}");
    }
}

#[test]
fn d9_a_secret_command_that_leaves_a_program_behind_gives_its_secret_and_nothing_is_left() {
    let server = FaultServer::start(mcp_reply::healthy);
    let source = "{ command = [\"sh\", \"-c\", \"sleep 300 & echo token\"] }";
    let session = with_token(&server, source);
    let outcome = session.start("startup");
    assert_eq!(token_sent(&server).as_deref(), Some("Bearer token"), "{outcome:?}");
    session.settle();
}

/// A session whose hook runs a script that starts `sleep`, and the file that the script writes first.
fn with_long_hook(deadline: &str) -> (Session, PathBuf) {
    let session = Session::new().deadline(deadline);
    let (started, program) = (session.scratch().join("started"), session.scratch().join("long"));
    script(&program, &format!("sleep 300 &\necho $$ > {}\nsleep 300", started.display()));
    let text = format!(
        "[hooks.long]\nkind = \"command\"\ntimeout = \"60s\"\ncommand = [\"{}\"]\n",
        program.display()
    );
    (session.hooks_toml(&text), started)
}

#[test]
fn b3_the_programs_of_a_hook_end_with_us_by_any_signal() {
    for signal in [15, 2, 1, 9].into_iter().filter(|signal| !run::is_ignored(*signal)) {
        let (session, started) = with_long_hook("50s");
        let (process, _) = session.begin("startup");
        wait_for(&started);
        child::signal(&process, signal);
        child::wait(process, "session-start", Duration::from_secs(15));
        session.settle();
    }
}

#[test]
fn b3_the_programs_of_a_hook_end_at_the_deadline() {
    let (session, started) = with_long_hook("2s");
    session.start("startup").answer();
    assert!(started.exists());
    session.settle();
}

#[test]
fn b3_a_secret_command_ends_with_us() {
    let server = FaultServer::start(mcp_reply::healthy);
    let source = "{ command = [\"sh\", \"-c\", \"echo x > $HOME/started; sleep 300; true\"] }";
    let session = with_token(&server, source);
    let (process, _) = session.begin("startup");
    wait_for(&session.home().join("started"));
    child::signal(&process, 9);
    child::wait(process, "session-start", Duration::from_secs(15));
    session.settle();
}

#[test]
fn mi_git_may_use_no_protocol_whatever_the_repository_allows() {
    let Some(_) = or_skip(needs("git", "git")) else { return };
    let mut session = Session::new().deadline("20s");
    crate::support::repository::commit(&session.project(), "First");
    let seen = session.scratch().join("seen");
    let program = session.scratch().join("bin/git");
    script(&program, &format!("(env; echo \"$@\") > {}", seen.display()));
    session.set("PATH", format!("{}:{PATH}", program.parent().unwrap().display()));
    session.start("startup");
    let seen = fs::read_to_string(seen).unwrap();
    assert!(seen.lines().any(|line| line == "GIT_ALLOW_PROTOCOL="), "{seen}");
    assert!(seen.contains("-c protocol.ext.allow=never"), "{seen}");
}

#[test]
fn ml_a_plugin_name_is_not_a_file_of_the_current_folder() {
    let session = Session::new();
    write(&session.project().join("jira"), b"not a library");
    for command in ["check", "trust"] {
        let outcome = session.run(&["plugin", command, "jira"]);
        let text = outcome.text().to_owned() + &outcome.stderr;
        assert!(text.contains("no plugin `jira`"), "{command}: {text}");
        assert!(text.contains("a path with a slash"), "{command}: {text}");
        let outcome = session.run(&["plugin", command, "./jira"]);
        let text = outcome.text().to_owned() + &outcome.stderr;
        assert!(!text.contains("no plugin `"), "{command}: {text}");
    }
}
