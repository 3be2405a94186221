//! Faults that only the kernel can make: calls that fail, a process that ends between two of them,
//! a full disk, no network. Each needs a tool or a right; without it the test is skipped.

use std::process::Command;
use std::time::Duration;

use super::fresh;
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
