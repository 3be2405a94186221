//! Group 5: only what the user trusted runs, and it gets only what the user granted.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{answers, build, client_session, configure, falls_back};
use crate::support::session::write;
use crate::support::{FaultServer, Forbidden, Session, if_permitted};

fn copy(session: &Session) -> PathBuf {
    let entries = fs::read_dir(session.state().join("plugins")).unwrap().flatten();
    let mut paths = entries.map(|entry| entry.path());
    paths.find(|path| path.extension().is_some_and(|kind| kind == "so")).unwrap()
}

#[test]
fn g5_without_a_pin_nothing_is_loaded_and_the_hint_says_what_to_do() {
    let session = Session::new()
        .env("WARMSTART_CLIENT__KIND", "plugin:faulty")
        .project_file("TODO.md", "- [ ] the backup's task\n");
    let library = session.home().join(".local/share/warmstart/plugins/libwarmstart_faulty.so");
    fs::create_dir_all(library.parent().unwrap()).unwrap();
    fs::copy(build::rust("faulty"), &library).unwrap();
    falls_back(&session, "faulty", "fine", "is not trusted");
    let list = session.run(&["plugin", "list", "--json"]).json();
    assert_eq!(list["plugins"][0]["state"], "untrusted", "{list:#}");
    assert!(list["plugins"][0]["why"].as_str().unwrap().contains(library.to_str().unwrap()));
    let check = session.run(&["config", "check"]);
    assert!(check.stderr.contains("is not trusted") && check.stderr.contains("plugin trust"));
}

#[test]
fn g5_trust_shows_asks_and_pins_privately() {
    let session = Session::new();
    let library = build::rust("todo-file");
    let file = library.to_str().unwrap();
    let unasked = session.run(&["plugin", "trust", file]);
    assert_eq!(unasked.code(), 8, "{unasked:?}");
    let reason = "error: stdin is not a terminal, so trust cannot be confirmed (WS601)\n";
    assert!(unasked.stderr.contains(reason), "{unasked:?}");
    assert!(unasked.text().contains("sha256: ") && unasked.text().contains("owner:"));
    assert!(!session.state().join("plugins").exists(), "nothing is kept without an answer");
    let outcome = session.run(&["plugin", "trust", file, "--yes"]);
    assert!(outcome.text().contains("[plugins.todo_file]"), "{outcome:?}");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(session.state().join("plugins")), 0o700);
    assert_eq!(mode(session.state().join("plugins/todo_file.json")), 0o600);
    assert_eq!(mode(copy(&session)), 0o600);
    assert_eq!(session.run(&["plugin", "untrust", "todo_file"]).code(), 0);
    assert_eq!(fs::read_dir(session.state().join("plugins")).unwrap().count(), 0);
}

#[test]
fn g5_a_copy_that_is_not_what_was_agreed_to_does_not_run() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let copy = copy(&session);
    let whole = fs::read(&copy).unwrap();
    let put = |bytes: &[u8], mode: u32| {
        let _ = fs::remove_file(&copy);
        fs::write(&copy, bytes).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(mode)).unwrap();
    };
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    put(&changed, 0o600);
    falls_back(&session, "faulty", "changed byte", "has changed since it was trusted (WS608)");
    put(&whole[..whole.len() - 1], 0o600);
    falls_back(&session, "faulty", "changed size", "has changed");
    put(&whole, 0o620);
    falls_back(&session, "faulty", "group", "can be changed by others");
    put(&whole, 0o602);
    falls_back(&session, "faulty", "world", "can be changed by others");
    let elsewhere = session.scratch().join("elsewhere.so");
    fs::rename(&copy, &elsewhere).unwrap();
    symlink(&elsewhere, &copy).unwrap();
    falls_back(&session, "faulty", "link", "has a symbolic link in place");
    fs::remove_file(&copy).unwrap();
    falls_back(&session, "faulty", "gone", "has lost its trusted copy");
    fs::create_dir(&copy).unwrap();
    falls_back(&session, "faulty", "a folder", "is not a regular file");
    fs::remove_dir(&copy).unwrap();
    put(&whole, 0o600);
    let folder = copy.parent().unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o777)).unwrap();
    falls_back(&session, "faulty", "folder", "can be changed by others");
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    answers(&session, "faulty", "whole again", "tasks from whole again");
    write(&session.state().join("plugins/faulty.json"), b"{}");
    falls_back_with_pin(&session);
}

#[track_caller]
fn falls_back_with_pin(session: &Session) {
    configure(session, "faulty", "fine", "");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("the backup's task"), "{outcome:?}");
    assert!(session.log().contains("cannot be used"), "{}", session.log());
}

#[test]
fn g5_a_project_cannot_bring_in_code() {
    let session = client_session(&build::rust("faulty"), "faulty");
    configure(&session, "faulty", "fine", "");
    let project = session.project();
    let bait = "plugin_path = [\"/\"]\n[plugins.faulty.config]\nmode = \"abort\"\n\
        [hooks.bait]\nkind = \"plugin:faulty\"\n";
    write(&project.join(".claude/hooks.toml"), bait.as_bytes());
    let outcome = session.start("startup");
    assert!(outcome.context().contains("tasks from fine"), "inert: {outcome:?}");
    assert_eq!(session.run(&["trust", "--yes"]).code(), 0);
    let path = format!("[hooks.bait]\nkind = \"plugin:{}\"\n", build::rust("faulty").display());
    write(&project.join(".claude/hooks.toml"), path.as_bytes());
    assert_eq!(session.run(&["trust", "--yes"]).code(), 0);
    let outcome = session.start("startup");
    assert!(outcome.context().contains("tasks from fine"), "the source still works: {outcome:?}");
    let word = format!("`plugin:{}` is not the name of a plugin", build::rust("faulty").display());
    assert!(outcome.notice().contains("is not the name of a plugin"), "{outcome:?}");
    assert!(session.log().contains(&word), "{}", session.log());
    let check = session.run(&["config", "check"]);
    assert!(check.stderr.contains(&word), "{check:?}");
    write(&project.join(".claude/hooks.toml"), bait.as_bytes());
    let outcome = session.start("startup");
    assert!(outcome.context().contains("tasks from fine"), "changed after trust: {outcome:?}");
}

#[test]
fn g5_its_environment_is_a_short_list_and_the_token_needs_a_want_and_a_server() {
    let server = FaultServer::always(vec![]);
    let session = client_session(&build::rust("faulty"), "faulty")
        .secret("KEYCLOAK_CLIENT_SECRET", "k3ycloak-s3cret-k3ycloak")
        .env("XDG_THING", "x")
        .env("MY_VARIABLE", "x")
        .env("LD_LIBRARY_PATH", "/nowhere");
    let outcome = answers(&session, "faulty", "environment", "HOME");
    let names = outcome.context();
    assert!(names.contains("XDG_THING") && names.contains("PATH"), "{names}");
    for name in ["KEYCLOAK", "MY_VARIABLE", "WARMSTART", "LD_LIBRARY_PATH"] {
        assert!(!names.contains(name), "{name} in {names}");
    }
    configure(&session, "faulty", "environment", "env = [\"MY_VARIABLE\"]");
    assert!(session.start("startup").context().contains("MY_VARIABLE"));

    let mut session = client_session(&build::rust("faulty"), "faulty");
    session.set("MCP_AUTH_TOKEN", "an-0rdinary-t0ken-in-this-test");
    // Without a server's URL there is nothing that the token belongs to.
    answers(&session, "faulty", "token", "no token");
    session.set("MCP_SERVER_URL", server.origin());
    configure(&session, "faulty", "token", "");
    let text = session.start("startup").context();
    // The plugin's task is the token, which is masked before it is cached or shown.
    assert!(text.contains("tasks from ****"), "{text}");
    let cached = session.cached_bytes();
    assert!(!text.contains("an-0rdinary-t0ken-in-this-test"), "{text}");
    for (path, bytes) in cached {
        let entry = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!entry.contains("an-0rdinary-t0ken-in-this-test"), "{}: {entry}", path.display());
    }
    assert_eq!(server.requests().len(), 0, "only the plugin is asked");
}

#[test]
fn g5_log_lines_of_a_plugin_are_masked_and_stay_one_line() {
    let session = client_session(&build::rust("faulty"), "faulty")
        .env("MCP_AUTH_TOKEN", "s3cret-s3cret-s3cret")
        .env("MCP_SERVER_URL", "http://127.0.0.1:9");
    answers(&session, "faulty", "log_secret", "tasks from log_secret");
    let log = session.log();
    assert!(log.contains("the token is **** forged line"), "{log}");
    answers(&session, "faulty", "secret_in_two_pieces", "tasks from secret_in_two_pieces");
    let log = session.log();
    for line in ["printed: the token is ****", "printed: and a line", "printed: without an end"] {
        assert_eq!(log.matches(line).count(), 1, "{line}: {log}");
    }
    assert!(!log.contains("s3c"), "{log}");
}

#[test]
fn g5_in_the_background_a_plugin_sees_the_same_variables() {
    let session = client_session(&build::rust("faulty"), "faulty").env("MY_VARIABLE", "x");
    let text = "[fallback]\nchain = [\"stale_while_revalidate\"]\n[plugins.faulty]\ntimeout = \"20s\"\nenv = [\"MY_VARIABLE\"]\n\
        [plugins.faulty.config]\nmode = \"environment\"\n";
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
    assert!(session.start("startup").context().contains("MY_VARIABLE"), "{}", session.log());
    session.age_cache(std::time::Duration::from_secs(1200));
    session.start("startup").answer();
    session.settle();
    let before = session.cached_bytes();
    let outcome = session.start("startup");
    assert!(session.log().contains("renewed in the background"), "{}", session.log());
    assert!(outcome.context().contains("MY_VARIABLE"), "{outcome:?}");
    assert_eq!(session.cached_bytes(), before, "the renewed answer is fresh");
}

#[test]
fn g5_a_pin_that_others_can_change_or_that_is_damaged_is_not_used() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let path = session.state().join("plugins/faulty.json");
    let pin = fs::read_to_string(&path).unwrap();
    let hash = serde_json::from_str::<serde_json::Value>(&pin).unwrap()["sha256"].clone();
    let hash = hash.as_str().unwrap();
    let renamed = pin.replacen("\"faulty\"", "\"other\"", 1);
    let short = pin.replace(hash, &hash[..62]);
    for (text, mode, cause) in [
        (&pin, 0o620, "can be changed by others"),
        (&pin, 0o602, "can be changed by others"),
        (&renamed, 0o600, "cannot be used: it is damaged"),
        (&short, 0o600, "cannot be used: it is damaged"),
    ] {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        configure(&session, "faulty", "fine", "");
        let logged = session.log().len();
        let outcome = session.start("startup");
        assert!(outcome.context().contains("the backup's task"), "{cause}: {outcome:?}");
        let log = session.log().split_off(logged);
        assert!(log.contains(cause), "no `{cause}` in {log}");
    }
    fs::write(&path, &pin).unwrap();
    answers(&session, "faulty", "whole again", "tasks from whole again");
}

/// Mutant 239.
#[test]
fn g5_a_copy_or_a_pin_of_another_user_is_not_used() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let give = |path: &Path, uid| {
        let given = std::os::unix::fs::chown(path, Some(uid), None);
        if_permitted(given.map_err(|error| Forbidden(format!("chown: {error}"))))
    };
    let copy = copy(&session);
    if give(&copy, 12346).is_none() {
        return;
    }
    falls_back(&session, "faulty", "copy", "has a trusted copy that belongs to another user");
    give(&copy, 0);
    let pin = session.state().join("plugins/faulty.json");
    give(&pin, 12346);
    falls_back(&session, "faulty", "pin", "belongs to another user");
    give(&pin, 0);
    answers(&session, "faulty", "whole again", "tasks from whole again");
}

/// Mutant 242: the size of a folder fits by chance.
#[test]
fn g5_an_irregular_copy_is_not_used_whatever_its_size() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let copy = copy(&session);
    fs::remove_file(&copy).unwrap();
    fs::create_dir(&copy).unwrap();
    let path = session.state().join("plugins/faulty.json");
    let mut pin: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    pin["size"] = fs::metadata(&copy).unwrap().len().into();
    fs::write(&path, pin.to_string()).unwrap();
    falls_back(&session, "faulty", "a folder", "has a trusted copy that is not a regular file");
}

#[test]
fn mf_a_pin_below_a_folder_that_others_can_write_is_not_used() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let above = session.state().parent().unwrap().to_owned();
    let set_mode = |mode| fs::set_permissions(&above, fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o777);
    let command = format!("run `chmod go-w {}`", above.display());
    falls_back(&session, "faulty", "above", &command);
    let library = build::rust("faulty");
    let trusted = ["plugin", "trust", library.to_str().unwrap(), "--name", "other", "--yes"];
    let refused = session.run(&trusted);
    assert_eq!(refused.code(), 7, "{refused:?}");
    assert!(refused.stderr.contains(&command), "{refused:?}");
    set_mode(0o755);
    let second = session.scratch().join("second.json");
    fs::hard_link(session.state().join("plugins/faulty.json"), &second).unwrap();
    falls_back(&session, "faulty", "a second name", "has more than one name");
    fs::remove_file(&second).unwrap();
    answers(&session, "faulty", "whole again", "tasks from whole again");
}

/// Mutant 247.
#[test]
fn g5_the_name_of_a_plugin_has_at_most_64_characters() {
    let session = Session::new();
    let library = build::rust("todo-file");
    let trust = |length: usize| {
        let name = "n".repeat(length);
        session.run(&["plugin", "trust", library.to_str().unwrap(), "--name", &name, "--yes"])
    };
    assert_eq!(trust(64).code(), 0);
    let refused = trust(65);
    assert_eq!(refused.code(), 2, "{refused:?}");
    assert!(refused.stderr.contains("cannot be the name of a plugin"), "{refused:?}");
}

#[test]
fn g5_trusting_a_new_build_removes_the_earlier_copy() {
    let session = client_session(&build::rust("faulty"), "faulty");
    let earlier = copy(&session);
    let mut bytes = fs::read(&earlier).unwrap();
    bytes.push(0);
    let rebuilt = session.scratch().join("rebuilt.so");
    fs::write(&rebuilt, bytes).unwrap();
    super::trust(&session, &rebuilt, "faulty");
    assert!(!earlier.exists(), "the earlier copy is still there");
    assert_ne!(copy(&session), earlier);
    answers(&session, "faulty", "rebuilt", "tasks from rebuilt");
}
