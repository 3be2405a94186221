//! Group 6: what authors have: `plugin new`, `check`, `call`, and a library with one symbol.

use std::process::Command;

use super::{build, trust};
use crate::support::session::write;
use crate::support::{Session, or_skip};

#[test]
fn g6_a_new_plugin_in_c_builds_passes_its_check_and_gives_tasks() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let session = Session::new();
    for kind in ["client", "strategy", "hook"] {
        let name = format!("my-{kind}");
        let made = session.run(&["plugin", "new", &name, "--kind", kind, "--lang", "c"]);
        assert_eq!(made.code(), 0, "{made:?}");
        let folder = session.project().join(&name);
        let mut make = Command::new("make");
        make.arg("-s").arg("-C").arg(&folder).arg("CFLAGS=-O1 -Werror");
        assert!(make.status().unwrap().success());
        let file = folder.join(format!("warmstart_my_{kind}.so"));
        let check = session.run(&["plugin", "check", file.to_str().unwrap()]);
        assert_eq!(check.code(), 0, "{check:?}");
    }
    let again = session.run(&["plugin", "new", "my-hook", "--kind", "hook", "--lang", "c"]);
    assert_ne!(again.code(), 0, "a folder that is there is left alone");
    for name in ["Bad", "../up", "7up", ""] {
        assert_ne!(session.run(&["plugin", "new", name]).code(), 0, "{name}");
    }
}

#[test]
fn g6_a_new_plugin_in_rust_builds_offline_and_a_strangers_path_ends_with_its_tasks() {
    let session = Session::with_server("http://127.0.0.1:9")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .deadline("4s");
    for (kind, more) in [("client", false), ("hook", false), ("strategy", true)] {
        let name = format!("my-{kind}");
        let made = session.run(&["plugin", "new", &name, "--kind", kind, "--lang", "rust"]);
        assert_eq!(made.code(), 0, "{made:?}");
        let folder = session.project().join(&name);
        // What is resolved here is resolved already: the build needs no network.
        std::fs::copy(build::root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        let target = session.scratch().join("target");
        let mut cargo = build::cargo();
        cargo.args(["build", "--offline", "--quiet"]).current_dir(&folder);
        cargo.env("CARGO_TARGET_DIR", &target);
        assert!(cargo.status().unwrap().success(), "{kind} builds");
        let file = target.join(format!("debug/libwarmstart_my_{kind}.so"));
        let check =
            session.run(&["plugin", "check", file.to_str().unwrap(), "--with", "titles=[\"a\"]"]);
        let wanted = if kind == "hook" { "text" } else { "titles" };
        assert!(check.code() == 0 || !check.text().contains(wanted), "{check:?}");
        if more {
            trust(&session, &file, "my_strategy");
            let text = "[fallback]\nchain = [\"plugin:my_strategy/my_strategy\", \"cache_then_skip\"]\n\
                [plugins.my_strategy.config]\ntitles = [\"five lines later\"]\n";
            write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
            let outcome = session.start("startup");
            assert!(
                outcome.context().contains("five lines later"),
                "{outcome:?}\n{}",
                session.log()
            );
        }
    }
}

#[test]
fn g6_a_library_exports_one_symbol() {
    let output =
        Command::new("nm").args(["-D", "--defined-only"]).arg(build::rust("todo-file")).output();
    let Ok(output) = output else { return };
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
    let outcome = session.run(&["plugin", "call", "todo_file", "request.json"]);
    assert_eq!(outcome.json()["ok"]["tasks"][0]["title"], "called", "{outcome:?}");
    assert!(outcome.stderr.contains(" ms"), "{outcome:?}");
    write(&session.project().join("request.json"), br#"{"op":"later"}"#);
    let outcome = session.run(&["plugin", "call", "todo_file", "request.json"]);
    assert_eq!(outcome.code(), 1);
    assert_eq!(outcome.json()["error"]["kind"], "not_supported");
    assert_ne!(session.run(&["plugin", "call", "nobody", "request.json"]).code(), 0);
}
