//! Group 6: the commands for authors: `plugin new`, `check`, `call`, and a library with one symbol.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{build, configure, trust};
use crate::support::session::write;
use crate::support::{Missing, Outcome, Session, or_skip, run};

/// The text that a new plugin of each kind shows in a session, without any setting.
const TEXTS: [(&str, &str); 3] = [
    ("client", "write the plugin"),
    ("strategy", "the server is away"),
    ("hook", "hello from my-hook"),
];

/// A session whose server is down.
fn author() -> Session {
    Session::with_server("http://127.0.0.1:9")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_BREAKER__FAILURES", "0")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .deadline("20s")
}

fn hooks_toml(session: &Session) -> PathBuf {
    session.home().join(".config/warmstart/hooks.toml")
}

/// What `plugin trust` printed for `hooks.toml`, with time enough for a busy machine.
fn pasted(outcome: &Outcome) -> String {
    let (_, text) = outcome.text().split_once("Add to your hooks.toml:\n\n").expect("its lines");
    assert!(text.contains("timeout = \"1s\"\n"), "{text}");
    text.replace("timeout = \"1s\"", "timeout = \"10s\"")
}

/// The lines for `hooks.toml` that `plugins/README.md` shows for its strategy `mine`.
fn readme_block() -> String {
    let readme = std::fs::read_to_string(build::root().join("plugins/README.md")).unwrap();
    let (_, rest) = readme.split_once("```toml\n").expect("a block of TOML");
    rest.split_once("```").expect("its end").0.to_owned()
}

/// Check, trust, paste the printed lines, start a session: it shows the plugin's own text.
#[track_caller]
fn authors_way(session: &Session, library: &Path, language: &str, kind: &str, text: &str) {
    let check = session.run(&["plugin", "check", library.to_str().unwrap()]);
    assert_eq!(check.code(), 0, "{check:?}");
    let toml = pasted(&trust(session, library, &format!("my_{kind}")));
    if (kind, language) == ("strategy", "rust") {
        assert_eq!(
            readme_block().replace("mine", "my_strategy"),
            toml.replace("\"10s\"", "\"1s\"")
        );
    }
    assert!(toml.contains(text), "the settings with their defaults: {toml}");
    write(&hooks_toml(session), toml.as_bytes());
    let valid = session.run(&["config", "check"]);
    assert_eq!(valid.code(), 0, "{valid:?}\n{toml}");
    let outcome = session.start("startup");
    assert!(outcome.context().contains(text), "{kind}: {outcome:?}\n{}", session.log());
    let changed = toml.replace(text, "from the table");
    write(&hooks_toml(session), changed.as_bytes());
    let outcome = session.start("startup");
    assert!(outcome.context().contains("from the table"), "{kind}: {outcome:?}");
}

#[test]
fn g6_a_new_plugin_in_c_builds_passes_its_check_and_gives_tasks() {
    let Some(()) = or_skip(build::compiler().and_then(|()| build::make())) else { return };
    for (kind, text) in TEXTS {
        let session = author();
        let name = format!("my-{kind}");
        let made = session.run(&["plugin", "new", &name, "--kind", kind, "--lang", "c"]);
        assert_eq!(made.code(), 0, "{made:?}");
        let folder = session.project().join(&name);
        let mut make = Command::new("make");
        make.arg("-s").arg("-C").arg(&folder).arg("CFLAGS=-O1 -Werror");
        assert!(make.status().unwrap().success());
        let library = folder.join(format!("warmstart_my_{kind}.so"));
        authors_way(&session, &library, "c", kind, text);
        let again = session.run(&["plugin", "new", &name, "--kind", kind, "--lang", "c"]);
        assert_eq!(again.code(), 2, "{again:?}");
        assert_eq!(
            again.stderr,
            format!(
                "error: `{name}` already exists\nhint: choose another name, or remove it first\n"
            )
        );
    }
}

#[test]
fn g6_a_new_plugin_in_rust_builds_offline_and_a_strangers_path_ends_with_its_tasks() {
    let target = tempfile::tempdir().unwrap();
    for (kind, text) in TEXTS {
        let session = author();
        let name = format!("my-{kind}");
        let made = session.run(&["plugin", "new", &name, "--kind", kind, "--lang", "rust"]);
        assert_eq!(made.code(), 0, "{made:?}");
        let folder = session.project().join(&name);
        // The dependencies are those of this workspace, already downloaded: no network is needed.
        std::fs::copy(build::root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        let mut cargo = build::cargo();
        cargo.args(["build", "--offline", "--quiet"]).current_dir(&folder);
        cargo.env("CARGO_TARGET_DIR", target.path());
        assert!(cargo.status().unwrap().success(), "{kind} builds");
        let library = target.path().join(format!("debug/libwarmstart_my_{kind}.so"));
        authors_way(&session, &library, "rust", kind, text);
    }
}

#[test]
fn g6_a_wrong_name_for_a_new_plugin_is_a_usage_error() {
    let session = Session::new();
    for name in ["Bad", "../up", "7up", ""] {
        let outcome = session.run(&["plugin", "new", name]);
        assert_eq!(outcome.code(), 2, "{name}: {outcome:?}");
        assert!(outcome.stderr.contains("cannot be the name of a plugin"), "{outcome:?}");
    }
}

#[test]
fn g6_a_library_exports_one_symbol() {
    let probe = Command::new("nm").arg("--version").stdout(Stdio::null()).status();
    let nm = probe.ok().filter(std::process::ExitStatus::success).map(drop);
    let Some(()) = or_skip(nm.ok_or_else(|| Missing("nm (binutils)".into()))) else { return };
    let output =
        Command::new("nm").args(["-D", "--defined-only"]).arg(build::rust("todo-file")).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let symbols: Vec<&str> = text.lines().filter_map(|line| line.split(' ').nth(2)).collect();
    assert_eq!(symbols, ["warmstart_plugin_v1"]);
}

#[test]
fn g6_an_author_calls_with_a_request_of_their_own() {
    let session = Session::new().project_file("list.md", "- [ ] called\n");
    trust(&session, &build::rust("todo-file"), "todo_file");
    let request = r#"{"op":"pending_tasks","name":"todo_file","config":{"path":"list.md"},"query":{"limit":1}}"#;
    write(&session.project().join("request.json"), request.as_bytes());
    let mut program = session.program(&["plugin", "call", "todo_file", "-"]);
    let from_stdin = run::to_its_end(&mut program, request.as_bytes());
    let calls = [request, " @request.json", "request.json"].map(str::trim);
    let calls = calls.map(|argument| session.run(&["plugin", "call", "todo_file", argument]));
    for outcome in calls.iter().chain([&from_stdin]) {
        assert_eq!(outcome.code(), 0, "{outcome:?}");
        assert_eq!(outcome.json()["ok"]["tasks"][0]["title"], "called", "{outcome:?}");
        assert!(outcome.stderr.contains(" ms"), "{outcome:?}");
    }
    let outcome = session.run(&["plugin", "call", "todo_file", r#"{"op":"later"}"#]);
    assert_eq!(outcome.code(), 1);
    assert_eq!(outcome.json()["error"]["kind"], "not_supported");
    assert_eq!(session.run(&["plugin", "call", "unknown", "request.json"]).code(), 8);
}

#[test]
fn g6_an_invalid_request_is_a_usage_error_that_names_what_is_accepted() {
    let session = Session::new().project_file("list.json", "[1]");
    trust(&session, &build::rust("todo-file"), "todo_file");
    for (argument, message) in [
        ("nothing-here", "`nothing-here` is neither a JSON object nor an existing file"),
        ("@nothing-here", "cannot read `nothing-here`: No such file"),
        ("{\"op\":", "the request is not a JSON object: EOF while parsing"),
        ("[1]", "the request is not a JSON object"),
        ("{\"query\":{}}", "the request has no `op`"),
        ("list.json", "`list.json` is not a JSON object"),
        ("-", "standard input is not a JSON object"),
    ] {
        let outcome = session.run(&["plugin", "call", "todo_file", argument]);
        assert_eq!(outcome.code(), 2, "{argument}: {outcome:?}");
        assert!(outcome.stderr.starts_with(&format!("error: {message}")), "{outcome:?}");
        assert!(outcome.stderr.contains("hint: for example '{\"op\""), "{outcome:?}");
        assert!(outcome.stdout.is_empty(), "{outcome:?}");
    }
}

#[test]
fn s2_3_a_setting_that_the_plugin_does_not_have_is_found_without_starting_it() {
    let session = author().project_file("TODO.md", "- [ ] the list's task\n");
    trust(&session, &build::rust("todo-file"), "todo_file");
    let toml = "[fallback]\nchain = [\"client:mine\", \"cache_then_skip\"]\n\
        [clients.mine]\nkind = \"plugin:todo_file\"\n[plugins.todo_file.config]\npth = \"TODO.md\"\n";
    write(&hooks_toml(&session), toml.as_bytes());
    let message = "`plugins.todo_file.config.pth`: the plugin `todo_file` has no setting `pth`";
    let hint = "did you mean `path`?";
    let check = session.run(&["config", "check"]);
    assert_eq!(check.code(), 3, "{check:?}");
    assert!(check.stderr.contains(message) && check.stderr.contains(hint), "{check:?}");
    let notice = session.start("startup").notice();
    assert!(notice.contains(message) && notice.contains(hint), "{notice}");
    let tasks = session.run(&["tasks"]);
    assert!(tasks.stderr.contains(message) && tasks.stderr.contains(hint), "{tasks:?}");
    let file = build::rust("todo-file");
    let check = session.run(&["plugin", "check", file.to_str().unwrap()]);
    assert_eq!(check.code(), 1, "{check:?}");
    assert!(check.text().contains(message) && check.text().contains(hint), "{check:?}");
}

#[test]
fn s2_3_a_configuration_error_of_the_plugin_itself_reaches_the_user() {
    let session = super::client_session(&build::rust("faulty"), "faulty");
    configure(&session, "faulty", "config", "");
    let message = "the plugin `faulty` has an invalid setting: `site` is wrong";
    let hint = "correct `[plugins.faulty.config]`";
    let notice = session.start("startup").notice();
    assert!(notice.contains(message) && notice.contains(hint), "as a client: {notice}");
    let tasks = session.run(&["tasks"]);
    assert!(tasks.stderr.contains(message) && tasks.stderr.contains(hint), "{tasks:?}");
    let hook = "[hooks.extra]\nkind = \"plugin:faulty\"\n[client]\nkind = \"local\"\n\
        [plugins.faulty]\ntimeout = \"10s\"\n[plugins.faulty.config]\nmode = \"config\"\n";
    write(&hooks_toml(&session), hook.as_bytes());
    let session = session.env("WARMSTART_CLIENT__KIND", "local");
    let notice = session.start("startup").notice();
    assert!(notice.contains(message) && notice.contains(hint), "as a hook: {notice}");
    let file = build::rust("faulty");
    let check = session.run(&["plugin", "check", file.to_str().unwrap(), "--with", "mode=config"]);
    assert_eq!(check.code(), 1, "{check:?}");
    assert!(check.text().contains(message), "{check:?}");
    assert!(check.text().contains("with --with KEY=VALUE"), "{check:?}");
}
