//! Faults that only the kernel can make: calls that fail, a process that ends between two of them,
//! a full disk, no network. Each needs a tool or a right; without it the test is skipped.

use std::process::Command;
use std::time::Duration;

use super::fresh;
use crate::support::clock::{DAY, shift_stored_times};
use crate::support::mcp_reply::healthy;
use crate::support::{
    FaultServer, Forbidden, Outcome, Session, child, if_permitted, needs, or_skip, run,
};

/// A session start through the command `words`, which runs the command that follows it.
pub fn by_way_of(session: &Session, words: &[&str]) -> Outcome {
    let plain = session.program(&[]);
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).arg(plain.get_program()).arg("session-start");
    command.env_clear().current_dir(session.project());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    run::to_its_end(&mut command, session.event("startup").to_string().as_bytes())
}

/// `Some` when `words`, from this package, can run a program here.
fn can(words: &[&str], package: &str) -> Option<()> {
    or_skip(needs(words[0], package))?;
    let mut command = Command::new(words[0]);
    let output = child::output(command.args(&words[1..]).arg("true"), child::LIMIT);
    let output = output.expect("it is installed");
    let refused = || {
        let reason = String::from_utf8_lossy(&output.stderr).trim().replace('\n', " | ");
        Forbidden(format!("`{}`: {reason}", words.join(" ")))
    };
    if_permitted(output.status.success().then_some(()).ok_or_else(refused))
}

pub fn can_unshare(what: &str) -> Option<()> {
    can(&["unshare", what], "util-linux")
}

/// `strace` that makes a system call fail or end the process, from the n-th one on.
fn strace(inject: &str) -> [String; 6] {
    ["strace", "-f", "-qq", "-o", "/dev/null", &format!("-einject={inject}")].map(str::to_owned)
}

fn under_strace(session: &Session, inject: &str) -> Outcome {
    let words = strace(inject);
    by_way_of(session, &words.each_ref().map(String::as_str))
}

/// `Some` when calls can be made to fail.
pub fn tracing() -> Option<()> {
    can(&["strace", "-f", "-qq", "-o", "/dev/null"], "strace")
}

#[test]
fn a_network_that_ends_on_an_open_connection_is_no_answer_of_the_server() {
    let Some(()) = tracing() else { return };
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .env("WARMSTART_HTTP__RETRY_DELAY", "1ms")
        .env("WARMSTART_BREAKER__FAILURES", "0")
        .deadline("15s");
    for error in ["EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "ECONNABORTED"] {
        let outcome = under_strace(&session, &format!("recvfrom:error={error}"));
        let notice = outcome.notice();
        assert!(notice.contains("was lost") && notice.contains("(WS303)"), "{error}: {notice}");
    }
    let outcome = under_strace(&session, "recvfrom:error=EHOSTUNREACH:when=1");
    assert!(outcome.context().contains("Mend the roof"), "it is repeated: {outcome:?}");
}

#[test]
fn b12_a_folder_that_fails_to_close_is_no_panic() {
    let Some(()) = tracing() else { return };
    let (_server, session) = fresh();
    shift_stored_times(&session, -2 * DAY);
    let outcome = under_strace(&session, "close:error=EIO:when=5+");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    session.settle();
    assert!(!session.log().contains("panicked"), "{}", session.log());
}

#[test]
fn d010_d011_the_system_refuses_every_kind_of_call() {
    let Some(()) = tracing() else { return };
    let (_server, session) = fresh();
    let session = session.env("WARMSTART_CACHE__READ", "network_first");
    let calls = [
        "write:error=ENOSPC",
        "rename,renameat,renameat2:error=EIO",
        "mkdir,mkdirat:error=EACCES",
        "flock:error=ENOLCK",
        "openat:error=EMFILE",
        "fsync:error=EIO",
    ];
    for call in calls {
        for n in [1, 3, 9, 30] {
            if call.starts_with("openat") && n < 30 {
                continue; // the loader's own files
            }
            let outcome = under_strace(&session, &format!("{call}:when={n}+"));
            // The answer is written by `write` too, so it may be lost, but never cut in half.
            let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
            assert!(text.is_empty() || text.ends_with("}\n"), "{call} {n}: {outcome:?}");
            assert_eq!(outcome.code(), 0, "{call} {n}: {outcome:?}");
        }
    }
    assert!(session.start("startup").context().contains("Mend the roof"));
}

#[test]
fn d012_a016_i22_ended_at_any_write_or_rename_the_next_run_is_whole() {
    let Some(()) = tracing() else { return };
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .with_keycloak(&server.origin(), "claude-hooks", "d012-canary-0123456789-abcdef")
        .env("WARMSTART_CACHE__READ", "network_first")
        .deadline("15s");
    let mut ended = 0;
    for call in ["write", "rename,renameat,renameat2", "fsync", "flock"] {
        for n in [1, 2, 4, 7] {
            let outcome = under_strace(&session, &format!("{call}:signal=KILL:when={n}"));
            ended += usize::from(!outcome.status.success());
            let outcome = session.start("startup");
            assert!(outcome.context().contains("Mend the roof"), "{call} {n}: {outcome:?}");
        }
    }
    assert!(ended >= 6, "only {ended} runs were ended");
}

/// A session start whose home is a separate file system, prepared by these lines of shell.
fn in_a_home(lines: &str) -> Option<Outcome> {
    let server = FaultServer::start(healthy);
    in_the_home_of(&Session::with_server(&server.mcp()).deadline("15s"), lines)
}

/// The same for this session.
fn in_the_home_of(session: &Session, lines: &str) -> Option<Outcome> {
    can_unshare("-m")?;
    let script = format!("{{ {lines} }} || exit 99\nexec \"$0\" \"$@\"");
    let outcome = by_way_of(session, &["unshare", "-m", "sh", "-c", &script]);
    let mounted = if outcome.code() == 99 {
        Err(Forbidden("a file system cannot be mounted".into()))
    } else {
        Ok(outcome)
    };
    if_permitted(mounted)
}

const FULL: &str = "mount -t tmpfs -o size=64k tmpfs \"$HOME\" &&\n\
    { head -c 1000000 /dev/zero > \"$HOME/filler\" 2>/dev/null; true; };";
const READ_ONLY: &str = "mount -t tmpfs -o ro tmpfs \"$HOME\";";

#[test]
fn b12_on_a_full_or_read_only_disk_nothing_is_primed() {
    for disk in [FULL, READ_ONLY] {
        let server = FaultServer::start(healthy);
        let session = Session::with_server(&server.mcp())
            .deadline("15s")
            .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "true");
        let Some(outcome) = in_the_home_of(&session, disk) else { return };
        assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
        session.settle();
        assert_eq!(server.requests().len(), 1, "the session's own: {outcome:?}");
    }
}

#[test]
fn d008_a_full_disk() {
    let Some(outcome) = in_a_home(FULL) else { return };
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert!(outcome.stderr.is_empty(), "{outcome:?}");
}

#[test]
fn d006_a_home_that_can_only_be_read() {
    let Some(outcome) = in_a_home(READ_ONLY) else { return };
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert!(outcome.stderr.is_empty(), "{outcome:?}");
}

#[test]
fn n022_a_resolver_that_says_nothing() {
    let Some(()) = can_unshare("-m") else { return };
    let silent = std::net::UdpSocket::bind("127.0.0.1:53");
    let silent = silent.map_err(|error| Forbidden(format!("port 53 of loopback: {error}")));
    let Some(_silent) = if_permitted(silent) else { return };
    let (_server, session) = fresh();
    session.age_cache(Duration::from_secs(1200));
    let session = session.env("MCP_SERVER_URL", "http://tasks.example:8000/mcp").deadline("1s");
    let resolver = session.scratch().join("resolv.conf");
    std::fs::write(&resolver, "nameserver 127.0.0.1\n").expect("a file of the test");
    let script =
        "mount --bind \"$TMPDIR/resolv.conf\" /etc/resolv.conf || exit 99\nexec \"$0\" \"$@\"";
    let outcome = by_way_of(&session, &["unshare", "-m", "sh", "-c", script]);
    if outcome.code() == 99 {
        if_permitted::<()>(Err(Forbidden("a file cannot be mounted over another".into())));
        return;
    }
    outcome.within(Duration::from_secs(1));
    assert!(outcome.notice().contains("(WS303)"), "{outcome:?}");
}

#[test]
fn n024_no_network_at_all() {
    let Some(()) = can_unshare("-n") else { return };
    let (_server, session) = fresh();
    session.age_cache(Duration::from_secs(1200));
    let outcome = by_way_of(&session, &["unshare", "-n"]);
    let context = outcome.context();
    assert!(context.contains("Mend the roof") && context.contains("STALE"), "{outcome:?}");
    assert!(outcome.notice().contains("(WS302)"), "{outcome:?}");
}

#[test]
fn p37_a_plain_url_reads_no_certificates() {
    let Some(()) = tracing() else { return };
    let (_server, session) = fresh();
    let session = session.env("WARMSTART_CACHE__READ", "network_first");
    let calls = session.scratch().join("calls");
    let file = calls.display().to_string();
    let outcome = by_way_of(&session, &["strace", "-f", "-qq", "-eopenat", "-o", &file]);
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    let opened = std::fs::read_to_string(&calls).expect("what strace wrote");
    assert!(!opened.contains("ca-certificates") && !opened.contains("/ssl/"), "{opened}");
    std::fs::remove_file(calls).expect("a file of the test");
}

/// Makes the n-th call of each thread that names match take that long.
fn delay(calls: &str, time: Duration, n: &str) -> String {
    format!("{calls}:delay_enter={}:when={n}", time.as_micros())
}

#[test]
fn b6_a_disk_that_takes_seconds_for_one_call_delays_no_answer() {
    let Some(()) = tracing() else { return };
    // The project's settings; the list of tasks.
    for n in ["1", "2"] {
        let session = Session::new()
            .deadline("2s")
            .project_file(".claude/hooks.toml", "[context]\nmax_chars = 3000\n")
            .project_file("TODO.md", "- [ ] Mend the roof\n");
        // strace keeps the process until the call returns, as the kernel does with a hanging disk.
        let outcome = under_strace(&session, &delay("openat2", Duration::from_secs(8), n));
        assert!(outcome.notice().contains("(WS702)"), "{n}: {outcome:?}");
        let runs = session.runs();
        assert_eq!(runs.len(), 1, "{n}: {runs:?}");
        assert_eq!((&runs[0]["result"], &runs[0]["source"]), (&"ended".into(), &"startup".into()));
        assert!(runs[0]["cause"].as_str().unwrap().contains("(WS702)"), "{runs:?}");
        assert!(runs[0]["millis"].as_u64().unwrap() < 6_000, "ended while the call hung: {runs:?}");
        let listed = session.run(&["runs"]);
        assert!(listed.text().contains("ended"), "{listed:?}");
        // Only the second has read the repository before.
        assert_eq!(outcome.context().contains("branch main"), n == "2", "{n}: {outcome:?}");
    }
}

#[test]
fn b3_the_programs_of_a_hook_end_at_the_deadline_while_a_disk_hangs() {
    let Some(()) = tracing() else { return };
    let session = Session::new().deadline("2s").project_file("TODO.md", "- [ ] Mend the roof\n");
    let (ticks, program) = (session.scratch().join("ticks"), session.scratch().join("program"));
    let text = format!("while :; do date +%s >> {}; sleep 0.2; done", ticks.display());
    crate::programs::script(&program, &text);
    let hook = format!(
        "[hooks.long]\nkind = \"command\"\norder = -1000\ntimeout = \"60s\"\ncommand = [\"{}\"]\n",
        program.display()
    );
    let session = session.hooks_toml(&hook);
    // The list of tasks. strace keeps the process, and its end of the guard's pipe, until the call returns.
    let outcome = under_strace(&session, &delay("openat2", Duration::from_secs(10), "1"));
    assert!(outcome.notice().contains("(WS702)"), "{outcome:?}");
    let ticks = std::fs::read_to_string(ticks).unwrap();
    let last: i64 = ticks.lines().last().expect("a tick").parse().expect("seconds");
    let ended = session.runs()[0]["time"].as_i64().expect("seconds");
    assert!(last <= ended + 3, "the program ran {} s after the deadline", last - ended);
}

#[test]
fn b6_a_run_that_is_ended_starts_what_is_due_in_the_background() {
    let Some(()) = tracing() else { return };
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).deadline("2s");
    // The background process too connects only after that time.
    let outcome = under_strace(&session, &delay("connect", Duration::from_secs(6), "1"));
    assert!(outcome.notice().contains("(WS702)"), "{outcome:?}");
    session.settle();
    assert_eq!(session.runs()[0]["result"], "ended");
    let asked = server.requests().len();
    assert!(asked > 0, "nothing was asked in the background\n{}", session.log());
    assert!(session.start("startup").context().contains("Mend the roof"));
    assert_eq!(server.requests().len(), asked, "it was in the cache");
}

#[test]
fn b5_a_flush_slower_than_the_deadline_costs_no_task_and_no_second_token() {
    let Some(()) = tracing() else { return };
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .with_keycloak(&server.origin(), "claude-hooks", "b5-canary-0123456789-abcdef")
        .env("WARMSTART_CACHE__READ", "network_first")
        .deadline("6s");
    let slow = delay("fsync", Duration::from_secs(8), "1+");
    for n in 1..=3 {
        let outcome = under_strace(&session, &slow);
        assert!(outcome.context().contains("Mend the roof"), "{n}: {outcome:?}");
        assert_eq!(outcome.notice(), "", "{n}");
    }
    let tokens = server.requests().into_iter().filter(|request| request.path.contains("/token"));
    assert_eq!(tokens.count(), 1, "one token for all starts");
    let files = crate::support::canary::files(&session.state());
    let is_half = |path: &std::path::PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(warmstart::testing::TEMPORARY_PREFIX)
    };
    assert!(!files.iter().any(is_half), "{files:?}");
}

#[test]
fn b6_a_frozen_file_system_delays_the_end_and_not_the_answer() {
    let Some(()) = can_unshare("-m") else { return };
    for (program, package) in [("mkfs.ext4", "e2fsprogs"), ("fsfreeze", "util-linux")] {
        if or_skip(needs_of_root(program, package)).is_none() {
            return;
        }
    }
    let (_server, session) = fresh();
    let image = session.scratch().join("disk");
    // Half a minute at most, also when this test fails.
    let script = "PATH=$PATH:/usr/sbin:/sbin; disk=\"$TMPDIR/disk\"\n\
        truncate -s 16M \"$disk\" && mkfs.ext4 -q \"$disk\" && cp -a \"$HOME\" \"$TMPDIR/copy\" &&\n\
        mount -o loop \"$disk\" \"$HOME\" && cp -a \"$TMPDIR/copy/.\" \"$HOME\" && chmod 700 \"$HOME\" &&\n\
        fsfreeze -f \"$HOME\" || exit 99\n\
        (sleep 12; fsfreeze -u \"$HOME\") >/dev/null 2>&1 &\n\"$0\" \"$@\"";
    let session = session.deadline("2s").env("WARMSTART_CACHE__READ", "network_first");
    let plain = session.program(&["session-start"]);
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script]).arg(plain.get_program()).arg("session-start");
    command.env_clear().current_dir(session.project());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let began = std::time::Instant::now();
    let mut child = run::start(&mut command, session.event("startup").to_string().as_bytes());
    let mut answer = String::new();
    let stdout = child.stdout.take().expect("it was piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut answer).expect("a line");
    let answered = began.elapsed();
    let outcome = run::finish(child, began);
    if outcome.status.code() == Some(99) {
        if_permitted::<()>(Err(Forbidden(format!("a disk cannot be frozen: {}", outcome.stderr))));
    } else {
        assert!(answered < Duration::from_secs(10), "answered after {answered:?}");
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("one object");
        let shown = answer.to_string();
        assert!(shown.contains("Mend the roof") || shown.contains("WS702"), "{answer}");
    }
    let _ = std::fs::remove_file(image);
    let _ = std::fs::remove_dir_all(session.scratch().join("copy"));
}

/// A program that may be only in the PATH of root.
fn needs_of_root(program: &str, package: &str) -> Result<(), crate::support::Missing> {
    let folders = ["/usr/sbin", "/sbin"].map(std::path::Path::new);
    let is_there = folders.iter().any(|folder| folder.join(program).is_file());
    if is_there { Ok(()) } else { needs(program, package).map(drop) }
}

#[test]
fn m24_every_process_of_ours_protects_its_memory() {
    let Some(()) = tracing() else { return };
    let server = FaultServer::start(healthy);
    let mut session = Session::with_server(&server.mcp())
        .deadline("15s")
        .env("FALLBACK_STRATEGY", "stale_while_revalidate")
        .hooks_toml("[hooks.name]\nkind = \"command\"\ncommand = [\"uname\"]\n");
    let calls = session.scratch().join("calls");
    let file = calls.display().to_string();
    let words = ["strace", "-f", "-qq", "-eexecve,prctl", "-s200", "-o", &file];
    for (debug, is_protected) in [("", true), ("1", false)] {
        session.set("WARMSTART_DEBUG", debug);
        session.start("startup");
        session.settle();
        session.age_cache(Duration::from_secs(1200));
        by_way_of(&session, &words).answer();
        let lines = std::fs::read_to_string(&calls).expect("what strace wrote");
        let calls = lines.matches("PR_SET_DUMPABLE, SUID_DUMP_DISABLE) = 0").count();
        // The session, the guard of the hook, and the background process; the guard does not get the
        // variable.
        assert_eq!(calls, if is_protected { 3 } else { 1 }, "WARMSTART_DEBUG={debug}\n{lines}");
        assert_eq!(lines.matches("execve(").count(), 4, "with the program of the hook: {lines}");
    }
    std::fs::remove_file(calls).expect("a file of the test");
}

#[test]
fn b6_a_call_that_may_change_something_has_the_plain_deadline() {
    let Some(()) = tracing() else { return };
    let session = Session::new()
        .deadline("2s")
        .env("WARMSTART_CLIENT__COMMAND", r#"["sleep","300"]"#)
        .env("WARMSTART_QUERIES__TASKS__READ_ONLY", "false")
        .env("WARMSTART_SESSION_START__FIRST_DEADLINE", "30s");
    let outcome = under_strace(&session, &delay("epoll_wait", Duration::from_secs(8), "1"));
    assert!(outcome.notice().contains("(WS702)"), "{outcome:?}");
    let took = session.runs()[0]["millis"].as_u64().expect("milliseconds");
    assert!(took < 6_000, "not ended by the watchdog at the deadline: {took} ms");
}
