//! Every code of the table is provoked by a test through the binary. Those that belong to no other
//! subject are here, each with the exit code that the user's scripts see.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::plugin::build;
use crate::support::mcp_reply::{json_response, response};
use crate::support::session::write;
use crate::support::{Act, FaultServer, Outcome, Request, Session, canary, mcp_reply, or_skip};

/// A command that ends with this code on standard error, and this exit code.
#[track_caller]
fn ends(session: &Session, arguments: &[&str], code: &str, exit: i32) {
    judged(&session.run(arguments), code, exit);
}

#[track_caller]
fn judged(outcome: &Outcome, code: &str, exit: i32) {
    assert!(outcome.stderr.contains(&format!("({code})")), "no {code}: {outcome:?}");
    assert_eq!(outcome.code(), exit, "{code}: {outcome:?}");
}

/// A session start that answers, and whose log has this code.
#[track_caller]
fn logs(session: &Session, stdin: &str, code: &str) -> Outcome {
    let outcome = session.start_with(stdin, &[]);
    outcome.answer();
    assert!(session.log().contains(&format!("code={code}")), "no {code}: {}", session.log());
    outcome
}

#[test]
fn b22_mistakes_of_a_file_and_of_variables() {
    for (file, code) in [
        ("deadline = ", "WS101"),
        ("[session_start]\ndeadline = 7\n", "WS102"),
        ("version = 99\n", "WS103"),
        ("[fallback]\nchain = [\"hope\"]\n", "WS104"),
        ("[client]\nurl = \"localhost:8000\"\n", "WS105"),
    ] {
        ends(&Session::new().hooks_toml(file), &["config", "check"], code, 3);
    }
}

fn answer(request: &Request, result: &Value) -> Vec<u8> {
    json_response(200, &mcp_reply::rpc(request, result))
}

#[test]
fn b22_answers_that_cannot_be_used() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp()).env("WARMSTART_HTTP__MAX_BODY", "64KiB");
    let faulty = |code: &str, fault: fn(&Request) -> Vec<u8>| {
        server.becomes(move |request| vec![Act::Send(fault(request))]);
        ends(&session, &["tasks", "--live"], code, 6);
    };
    faulty("WS401", |_| response(404, &[], b""));
    faulty("WS402", |_| response(200, &[("Content-Type", "text/html")], b"<html>"));
    faulty("WS403", |request| {
        let error = json!([{ "type": "text", "text": "no such project" }]);
        answer(request, &json!({ "isError": true, "content": error }))
    });
    faulty("WS404", |request| answer(request, &mcp_reply::result(&json!({ "surprise": 1 }))));
    faulty("WS405", |request| {
        mcp_reply::tasks(request, &json!([{ "title": "x".repeat(100 << 10) }]))
    });
}

#[test]
fn b22_unknown_names_in_the_configuration() {
    for (name, value) in [
        ("WARMSTART_CLIENT__KIND", "carrier-pigeon"),
        ("FALLBACK_STRATEGY", "hope"),
        ("WARMSTART_HOOKS__PENDING_TASKS__QUERY", "unknown"),
    ] {
        let session = Session::new().env(name, value);
        ends(&session, &["config", "check"], "WS104", 3);
    }
    let session = Session::new().env("WARMSTART_CLIENT__KIND", "carrier-pigeon");
    ends(&session, &["tasks"], "WS104", 3);
}

#[test]
fn b22_damaged_and_public_files_of_ours() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp()).deadline("20s").with_keycloak(
        &server.origin(),
        "claude-hooks",
        "canary-secret",
    );
    let event = session.event("startup").to_string();
    session.start("startup");
    let damage = |path: PathBuf| write(&path, b"{");
    damage(session.entries().remove(0));
    damage(session.tokens().remove(0));
    assert!(logs(&session, &event, "WS502").context().contains("Mend the roof"));
    assert!(session.log().contains("code=WS512"), "{}", session.log());
    let token = session.tokens().remove(0);
    fs::remove_file(&token).unwrap();
    std::os::unix::fs::symlink("/dev/null", &token).unwrap();
    damage(session.entries().remove(0));
    assert!(logs(&session, &event, "WS511").context().contains("Mend the roof"));
    fs::remove_file(&token).unwrap();
    assert_eq!(session.run(&["tasks"]).code(), 0);
}

/// A session whose only source is the trusted plugin `name`, which does `mode`.
fn with_plugin(library: &Path, name: &str, mode: &str) -> Session {
    let limit = if mode == "sleep" { "1s" } else { "20s" };
    let settings = format!(
        "[client]\nkind = \"plugin:{name}\"\n[fallback]\nchain = [\"skip\"]\n\
         [plugins.{name}]\ntimeout = \"{limit}\"\n[plugins.{name}.config]\nmode = \"{mode}\"\n"
    );
    let session = Session::new().deadline("30s").hooks_toml(&settings);
    let library = library.display().to_string();
    let trust = session.run(&["plugin", "trust", &library, "--name", name, "--yes"]);
    assert_eq!(trust.code(), 0, "{trust:?}");
    session
}

#[test]
fn b22_plugins_that_cannot_be_trusted() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let session = Session::new();
    let folder = tempfile::tempdir().unwrap();
    let raw = |name: &str, definition: &str| {
        let folder = folder.path().join(name);
        fs::create_dir(&folder).unwrap();
        build::raw(&folder, &[definition])
    };
    let text = folder.path().join("text.so");
    write(&text, b"not a library\n");
    for (library, code) in [
        (text, "WS602"),
        (raw("symbol", "EXPORTED=something_else"), "WS603"),
        (raw("version", "ABI=\"1.7\""), "WS604"),
        (folder.path().join("none.so"), "WS609"),
    ] {
        let library = library.display().to_string();
        ends(&session, &["plugin", "trust", &library, "--name", "x", "--yes"], code, 9);
    }
    let session = session.env("WARMSTART_CLIENT__KIND", "plugin:unknown");
    ends(&session, &["tasks"], "WS601", 8);
}

#[test]
fn b22_plugins_that_give_no_answer() {
    for (mode, code) in
        [("abort", "WS605"), ("sleep", "WS606"), ("large", "WS607"), ("panic", "WS610")]
    {
        let session = with_plugin(&build::rust("faulty"), "faulty", mode);
        ends(&session, &["tasks", "--live"], code, 9);
    }
}

#[test]
fn b22_a_plugin_whose_copy_was_changed() {
    let session = with_plugin(&build::rust("faulty"), "faulty", "fine");
    let copies = canary::files(&session.home());
    let copy = copies.into_iter().find(|path| path.extension().is_some_and(|kind| kind == "so"));
    let copy = copy.expect("the trusted copy");
    fs::set_permissions(&copy, fs::Permissions::from_mode(0o700)).unwrap();
    let mut bytes = fs::read(&copy).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&copy, bytes).unwrap();
    ends(&session, &["tasks", "--live"], "WS608", 8);
}

#[test]
fn b22_an_event_that_is_not_understood() {
    let session = Session::new();
    for (count, event) in
        ["", "not JSON", "[]", "{\"hook_event_name\": \"Stop\"}"].into_iter().enumerate()
    {
        logs(&session, event, "WS701");
        assert_eq!(session.log().matches("code=WS701").count(), count + 1, "{event}");
    }
}

#[test]
fn b22_the_limit_on_our_own_requests() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp()).env("RATE_LIMIT_REQUESTS_PER_MINUTE", "10");
    let refused = (0..60).map(|_| session.run(&["tasks", "--live"])).find(|run| run.code() != 0);
    judged(&refused.expect("more than ten in a minute"), "WS323", 5);
    assert!(server.requests().len() >= 10, "refused too early");
}

/// Without file descriptors for its event loop the program can only report that.
#[test]
fn b22_an_internal_error_has_its_own_exit_code() {
    let session = Session::with_server("http://127.0.0.1:9");
    let limited = |arguments: &[&str], files: u32| {
        let program = env!("CARGO_BIN_EXE_warmstart");
        let mut command = std::process::Command::new("sh");
        command.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\""), program]);
        command.args(arguments).current_dir(session.project()).env_clear();
        command
            .envs(session.program(&[]).get_envs().filter_map(|(name, value)| Some((name, value?))));
        let event = session.event("startup").to_string();
        crate::support::run::to_its_end(&mut command, event.as_bytes())
    };
    judged(&limited(&["tasks", "--live"], 5), "WS901", 70);
    for files in 4..12 {
        limited(&["session-start"], files).answer();
    }
}

/// The codes that a text names.
fn codes_in(text: &str) -> BTreeSet<String> {
    let after = text.split("WS").skip(1).filter_map(|rest| rest.get(..3));
    after.filter(|number| number.bytes().all(|b| b.is_ascii_digit())).map(str::to_owned).collect()
}

#[test]
fn b22_every_code_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_test = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "rs");
    let files = canary::files(&root.join("tests")).into_iter().filter(is_test);
    let tested: BTreeSet<String> =
        files.flat_map(|path| codes_in(&fs::read_to_string(path).unwrap())).collect();
    let all = codes_in(&fs::read_to_string(root.join("docs/errors.md")).unwrap());
    assert!(all.len() > 40, "{all:?}");
    let untested: Vec<_> = all.difference(&tested).collect();
    assert!(untested.is_empty(), "no test names these: {untested:?}");
}
