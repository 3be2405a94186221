//! Nothing grows without end: what killed processes, projects that no longer exist and earlier versions
//! left is removed, once an interval, and nothing that is in use. On a full or read-only disk nothing is
//! started that could keep nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::support::clock::{DAY, HOUR, from_now, set_file_time, shift_stored_times};
use crate::support::mcp_reply::{healthy, status};
use crate::support::session::write;
use crate::support::{FaultServer, Missing, Outcome, Request, Session, canary, or_skip, run};

const TASK: &str = "Mend the roof";

fn session(server: &FaultServer) -> Session {
    Session::with_server(&server.mcp()).deadline("30s").env("WARMSTART_BREAKER__FAILURES", "0")
}

#[track_caller]
fn clean_up(session: &Session) {
    let outcome = session.run(&["__refresh", "--upkeep"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
}

/// How many clean-ups are in the log.
fn clean_ups(session: &Session) -> usize {
    session.settle();
    session.log().matches("cleaned up").count()
}

fn files(session: &Session) -> Vec<PathBuf> {
    [session.cache(), session.state()].iter().flat_map(|folder| canary::files(folder)).collect()
}

fn plant(file: &Path, age: i64) {
    write(file, b"left");
    set_file_time(file, from_now(-age));
}

#[test]
fn b4_leftovers_of_killed_writers_are_removed_from_every_folder() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    session.start("startup");
    session.settle();
    let state = ["", "tokens", "http", "wire", "plugins", "trusted", "revisions"];
    let state = state.map(|name| session.state().join(name));
    let cache = ["", "answers", "git"].map(|name| session.cache().join("v2").join(name));
    let folders: Vec<PathBuf> = state.into_iter().chain(cache).collect();
    for folder in &folders {
        plant(&folder.join(".writing-killed"), 2 * HOUR);
        plant(&folder.join(".writing-future"), -2 * HOUR);
        plant(&folder.join(".writing-active"), 60);
        plant(&folder.join("notes-of-the-user.txt"), 1000 * DAY);
    }
    clean_up(&session);
    for folder in &folders {
        let is_there = |name: &str| folder.join(name).exists();
        let left =
            [".writing-killed", ".writing-future", ".writing-active", "notes-of-the-user.txt"]
                .map(is_there);
        assert_eq!(left, [false, false, true, true], "{}", folder.display());
    }
}

#[test]
fn b4_expired_tokens_are_removed_and_valid_ones_kept() {
    let server = FaultServer::start(healthy);
    let session = session(&server).with_keycloak(&server.origin(), "claude-hooks", "canary-secret");
    session.start("startup");
    session.settle();
    clean_up(&session);
    assert_eq!(session.tokens().len(), 1, "it is valid");
    session.age_tokens(Duration::from_secs(2 * 86_400));
    clean_up(&session);
    assert_eq!(session.tokens().len(), 1, "it expired not long ago");
    session.age_tokens(Duration::from_secs(8 * 86_400));
    clean_up(&session);
    let left = canary::files(&session.state().join("tokens"));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn b10_projects_that_no_longer_exist_leave_nothing() {
    let server = FaultServer::start(healthy);
    let session = session(&server).with_keycloak(&server.origin(), "claude-hooks", "canary-secret");
    for n in 0..6 {
        let project = session.scratch().join(format!("project-{n}"));
        crate::support::repository::plant(&project, "main");
        let mut event = session.event("startup");
        event["cwd"] = project.to_string_lossy().into();
        let outcome = session.start_with(&event.to_string(), &[]);
        assert!(outcome.context().contains(TASK), "{outcome:?}");
    }
    session.settle();
    assert!(files(&session).len() > 4 * 6, "each project has files of its own");
    fs::remove_dir_all(session.scratch()).unwrap();
    fs::create_dir(session.scratch()).unwrap();
    shift_stored_times(&session, -200 * DAY);
    clean_up(&session);
    shift_stored_times(&session, -2 * DAY);
    clean_up(&session);
    let left: Vec<String> = files(&session)
        .iter()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let is_shared =
        |name: &String| name.ends_with(".log") || name == "runs.jsonl" || name == "last-cleanup";
    assert!(left.iter().all(is_shared), "{left:?}");
    assert!(session.start("startup").context().contains(TASK));
}

#[test]
fn b11_long_lines_of_the_record_do_not_start_a_clean_up_each_time() {
    let hooks: String =
        (0..30).map(|n| format!("[hooks.a_longer_name_{n}]\nkind = \"notes\"\n")).collect();
    let session = Session::new()
        .deadline("30s")
        .env("WARMSTART_CACHE__CLEANUP_INTERVAL", "30d")
        .hooks_toml(&format!("[log]\nruns = 10\n{hooks}"));
    let starts = 40;
    for _ in 0..starts {
        session.start("startup");
        session.settle();
    }
    let record = fs::read_to_string(session.state().join("runs.jsonl")).unwrap();
    let longest = record.lines().map(str::len).max().unwrap();
    assert!(longest > 2048, "{longest} bytes");
    let clean_ups = clean_ups(&session);
    assert!((1..=starts / 3).contains(&clean_ups), "{clean_ups} in {starts} starts");
    assert!(record.len() <= 20 * 1024 + longest, "{} bytes", record.len());
    assert!(session.runs().len() > 4);
}

#[test]
fn it_cleans_up_once_an_interval() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    for _ in 0..3 {
        session.start("startup");
        session.settle();
    }
    assert_eq!(clean_ups(&session), 1);
    shift_stored_times(&session, -DAY - 60);
    session.start("startup");
    assert_eq!(clean_ups(&session), 2);
}

#[test]
fn where_nothing_is_kept_nothing_is_cleaned_up() {
    let session = Session::new()
        .deadline("30s")
        .env("WARMSTART_HOOKS__GIT_CONTEXT__ENABLED", "false")
        .project_file("TODO.md", "- [ ] a task\n");
    for _ in 0..2 {
        assert!(session.start("startup").context().contains("a task"));
    }
    assert_eq!(clean_ups(&session), 0);
}

#[test]
fn damaged_files_are_kept_for_a_week() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    session.start("startup");
    session.settle();
    let entry = session.entries().remove(0);
    fs::write(&entry, "damaged").unwrap();
    session.start("startup");
    let aside = PathBuf::from(format!("{}.damaged", entry.display()));
    for (days, is_kept) in [(0, true), (6, true), (8, false)] {
        set_file_time(&aside, from_now(-days * DAY));
        clean_up(&session);
        assert_eq!(aside.exists(), is_kept, "after {days} days");
    }
}

#[test]
fn what_an_earlier_version_kept_is_removed_a_month_after_its_last_use() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    session.start("startup");
    session.settle();
    let old = session.cache().join("v1");
    let (entry, lock) = ("a".repeat(64) + ".json", "a".repeat(64) + ".lock");
    let all = [
        format!("answers/{entry}"),
        format!("answers/{lock}"),
        "answers/last-cleanup".into(),
        format!("git/{}.txt", "b".repeat(32)),
    ];
    for (days, is_kept) in [(29, true), (31, false)] {
        all.iter().for_each(|name| plant(&old.join(name), days * DAY));
        clean_up(&session);
        assert_eq!(old.join("answers").join(&entry).exists(), is_kept, "after {days} days");
        assert_eq!(old.exists(), is_kept, "after {days} days");
    }
    plant(&old.join("answers/notes-of-the-user.txt"), 400 * DAY);
    clean_up(&session);
    assert!(old.join("answers/notes-of-the-user.txt").exists());
}

#[test]
fn b12_a_cut_line_of_the_record_does_not_take_the_next_with_it() {
    let session = Session::new().deadline("30s").project_file("TODO.md", "- [ ] a task\n");
    session.start("startup");
    let record = session.state().join("runs.jsonl");
    let whole = fs::read(&record).unwrap();
    fs::write(&record, &whole[..whole.len() / 2]).unwrap();
    session.start("startup");
    let text = fs::read_to_string(&record).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).expect("a whole line");
    assert_eq!(last["result"], "ok");
    assert_eq!(session.run(&["runs", "--json"]).text().matches("\"result\"").count(), 1);
}

/// The program under a limit of no bytes for every file that it writes, as on a full disk.
fn on_a_full_disk(session: &Session, arguments: &[&str], stdin: &[u8]) -> Outcome {
    let program = session.program(arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -f 0 && exec \"$0\" \"$@\""]);
    shell.arg(program.get_program()).args(program.get_args()).env_clear();
    shell.current_dir(session.project());
    for (name, value) in program.get_envs() {
        shell.env(name, value.unwrap_or_default());
    }
    run::to_its_end(&mut shell, stdin)
}

#[test]
fn b12_every_command_survives_a_full_disk() {
    let server = FaultServer::start(healthy);
    let session = session(&server)
        .with_keycloak(&server.origin(), "claude-hooks", "canary-secret")
        .project_file(".claude/hooks.toml", "[context]\nmax_chars = 500\n");
    let commands: [&[&str]; 5] = [
        &["session-start"],
        &["tasks"],
        &["trust", "--yes"],
        &["__refresh", "--renew=tasks", "--prime=branches", "--upkeep"],
        &["runs"],
    ];
    for command in commands {
        let outcome =
            on_a_full_disk(&session, command, session.event("startup").to_string().as_bytes());
        // Ended by no signal, and without a panic.
        assert!(outcome.status.code().is_some_and(|code| code != 70), "{command:?}: {outcome:?}");
        let left = files(&session);
        let is_left = |path: &&PathBuf| path.to_string_lossy().contains(".writing-");
        assert_eq!(left.iter().find(is_left), None, "{command:?}");
    }
}

#[test]
fn b12_on_a_full_disk_no_child_is_started_that_could_keep_nothing() {
    let server = FaultServer::start(healthy);
    let session = session(&server)
        .env("FALLBACK_STRATEGY", "stale_while_revalidate")
        .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    session.start("startup");
    session.settle();
    session.age_cache(Duration::from_secs(20 * 60));
    let renewed = clean_ups(&session);
    server.forget();
    for _ in 0..3 {
        let event = session.event("startup").to_string();
        let outcome = on_a_full_disk(&session, &["session-start"], event.as_bytes());
        assert!(outcome.context().contains("STALE"), "{outcome:?}");
    }
    session.settle();
    assert_eq!((server.requests().len(), clean_ups(&session)), (0, renewed));
    session.start("startup");
    session.settle();
    assert!(server.count("/mcp") > 0, "with space again the child does its work");
}

#[test]
fn b12_in_a_cache_that_cannot_be_used_nothing_is_started_in_the_background() {
    use std::os::unix::fs::PermissionsExt;
    let server = FaultServer::start(healthy);
    let session = session(&server)
        .env("FALLBACK_STRATEGY", "stale_while_revalidate")
        .env("CACHE_CLEANUP_INTERVAL", "60");
    session.start("startup");
    session.settle();
    session.age_cache(Duration::from_secs(20 * 60));
    shift_stored_times(&session, -120);
    let before = clean_ups(&session);
    server.forget();
    for folder in ["v2", "v2/answers"] {
        let open = fs::Permissions::from_mode(0o777);
        fs::set_permissions(session.cache().join(folder), open).unwrap();
    }
    for _ in 0..2 {
        assert!(session.start("startup").context().contains("STALE"));
    }
    session.settle();
    assert_eq!((server.requests().len(), clean_ups(&session)), (0, before));
}

#[test]
fn b12_a_burst_primes_once_also_when_that_fails() {
    let server = FaultServer::start(|request| match is_priming(request) {
        true => status(404),
        false => healthy(request),
    });
    let session = session(&server).env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
    let burst: Vec<_> = (0..8).map(|_| session.begin("startup")).collect();
    for start in burst {
        assert!(session.finish(start).context().contains(TASK));
    }
    session.settle();
    // After a 404 the one that primes tries the other form of the trailing slash.
    let primed = |request: &&Request| is_priming(request) && request.path == "/mcp";
    assert_eq!(server.requests().iter().filter(primed).count(), 1);
}

fn is_priming(request: &Request) -> bool {
    String::from_utf8_lossy(&request.body).contains("manage_git_branch")
}

#[test]
fn b12_the_end_of_a_very_large_log_is_shown() {
    let session = Session::new().deadline("30s");
    session.start("startup");
    let log = canary::files(&session.state().join("logs")).remove(0);
    let file = fs::File::options().write(true).open(&log).unwrap();
    file.set_len(65 << 20).unwrap();
    let line = |n: usize| format!("\n2026-11-24T06:27:0{n}.123456Z  INFO warmstart: line {n}");
    let lines: String = (1..=3).map(line).collect();
    use std::io::Write;
    fs::File::options().append(true).open(&log).unwrap().write_all(lines.as_bytes()).unwrap();
    let outcome = session.run(&["logs", "show", "--last", "2"]);
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.text().contains("line 3") && !outcome.text().contains("line 1"), "{outcome:?}");
}

/// Calls of the system that fail: a faulty disk, a sandbox without random numbers.
const CLOSING_FAILS: &str = "#include <errno.h>
int closedir(void *folder) { (void)folder; errno = EIO; return -1; }
";
const RANDOM_FAILS: &str = "#include <errno.h>
long getrandom(void *bytes, unsigned long size, unsigned flags) {
    (void)bytes; (void)size; (void)flags; errno = EIO; return -1;
}
";

/// A library with these calls, for `LD_PRELOAD`.
fn faulty_library(folder: &Path, calls: &str) -> Result<PathBuf, Missing> {
    let (source, library) = (folder.join("faults.c"), folder.join("faults.so"));
    fs::write(&source, calls).unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source);
    match compiler.status() {
        Ok(status) if status.success() => Ok(library),
        _ => Err(Missing("a C compiler (cc)".into())),
    }
}

#[test]
fn b12_the_background_does_not_panic_when_closing_a_folder_fails() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    let Some(library) = or_skip(faulty_library(&session.scratch(), CLOSING_FAILS)) else { return };
    session.start("startup");
    session.settle();
    plant(&session.state().join("tokens/.writing-killed"), 2 * HOUR);
    session.age_cache(Duration::from_secs(20 * 60));
    server.forget();
    let mut program = session.program(&["__refresh", "--renew=tasks", "--upkeep"]);
    let outcome = run::to_its_end(program.env("LD_PRELOAD", library), b"");
    assert_eq!(outcome.code(), 0, "{outcome:?}{}", session.log());
    assert!(!session.log().contains("panicked"), "{}", session.log());
    assert!(!session.state().join("tokens/.writing-killed").exists());
    assert_eq!(server.count("/mcp"), 1);
}

#[test]
fn b12_without_random_numbers_the_background_still_cleans_up() {
    let server = FaultServer::start(healthy);
    let session = session(&server);
    let library = or_skip(faulty_library(&session.scratch(), RANDOM_FAILS));
    let Some(library) = library else { return };
    session.start("startup");
    session.settle();
    plant(&session.state().join("tokens/.writing-killed"), 2 * HOUR);
    let mut program = session.program(&["__refresh", "--renew=tasks", "--upkeep"]);
    let outcome = run::to_its_end(program.env("LD_PRELOAD", library), b"");
    assert!(outcome.status.code().is_some(), "{outcome:?}");
    assert_eq!(outcome.stderr, "", "a panic is in the log");
    assert!(!session.state().join("tokens/.writing-killed").exists(), "{}", session.log());
}
