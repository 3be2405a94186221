//! What a session start costs: from a fresh cache against a program that does nothing, in turns; and
//! how far past its deadline it answers when the server misbehaves. `cargo bench`; loopback only.
//! Figures are printed, nothing is asserted: ratios hold on a shared machine, milliseconds do not.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a benchmark"
)]

#[allow(dead_code, unused_imports, reason = "the tests use the rest")]
#[path = "../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::mcp_reply::{head, healthy, status};
use support::{Act, FaultServer, Session, run};

const ROUNDS: usize = 200;
const FAULT_ROUNDS: usize = 5;
const DEADLINE: Duration = Duration::from_millis(500);

fn main() {
    // `cargo test --benches` only wants to know that this builds and starts.
    if std::env::args().any(|word| word == "--test") {
        return;
    }
    against_nothing();
    println!();
    faults();
}

/// Wall time of whole processes, in turns.
fn against_nothing() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp());
    session.start("startup");
    let folder = session.scratch();
    let nothing = nothing(&folder);
    let event = session.event("startup").to_string();
    let start =
        || run::to_its_end(&mut session.program(&["session-start"]), event.as_bytes()).elapsed;
    let mut pairs: Vec<(Duration, Duration)> = (0..ROUNDS)
        .map(|_| (run::to_its_end(&mut Command::new(&nothing), b"").elapsed, start()))
        .collect();
    let asked = server.requests().len();
    let ratio = |pair: &(Duration, Duration)| pair.1.as_secs_f64() / pair.0.as_secs_f64();
    let mut ratios: Vec<f64> = pairs.iter().map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    pairs.sort_by_key(|pair| pair.1);
    let middle = pairs[ROUNDS / 2].1;
    println!(
        "fresh cache, {ROUNDS} rounds: median {middle:?}, {:.2} times a program that does nothing; {asked} request in all",
        ratios[ROUNDS / 2]
    );
}

/// A program that does nothing, in the same profile.
fn nothing(folder: &Path) -> PathBuf {
    let (source, program) = (folder.join("nothing.rs"), folder.join("nothing"));
    std::fs::write(&source, "fn main() {}").expect("a file of the benchmark");
    let flags = ["-Copt-level=3", "-Clto=fat", "-Ccodegen-units=1", "-Cstrip=symbols", "-o"];
    let built = Command::new("rustc").args(flags).arg(&program).arg(&source).status();
    assert!(built.is_ok_and(|status| status.success()), "rustc builds a program");
    program
}

/// The longest of a few runs for each way to misbehave, beyond the deadline, cache stale and empty.
fn faults() {
    println!(
        "deadline {DEADLINE:?}; the longest of {FAULT_ROUNDS} runs, with and without a stale entry"
    );
    type Script = fn() -> Vec<Act>;
    let table: [(&str, Script); 8] = [
        ("silent", || vec![Act::Hold]),
        ("slow by the byte", || {
            vec![Act::Send(head(1000)), Act::Slowly(vec![b' '; 1000], Duration::from_millis(100))]
        }),
        ("garbage", || vec![Act::Send(b"\x00\xffnot http at all\r\n\r\n".to_vec()), Act::Close]),
        ("HTML", || {
            vec![Act::Send(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\r\n<html>"
                    .to_vec(),
            )]
        }),
        ("500", || status(500)),
        ("503", || status(503)),
        ("reset", || vec![Act::Reset]),
        ("endless", || vec![Act::Send(head(1 << 30)), Act::Endlessly(vec![b'x'; 1 << 16])]),
    ];
    measure("refused", None);
    for (name, script) in table {
        measure(name, Some(script));
    }
}

fn measure(name: &str, script: Option<fn() -> Vec<Act>>) {
    let mut longest = [Duration::ZERO; 2];
    let mut labelled = true;
    for (place, has_entry) in [(0, false), (1, true)] {
        for _ in 0..FAULT_ROUNDS {
            let server = FaultServer::start(healthy);
            let session = Session::with_server(&server.mcp())
                .deadline(&format!("{}ms", DEADLINE.as_millis()))
                .env("WARMSTART_CACHE__READ", "network_first")
                .env("WARMSTART_QUERIES__TASKS__TTL", "0s");
            if has_entry {
                session.start("startup");
            }
            match script {
                Some(script) => server.becomes(move |_| script()),
                None => drop(server),
            }
            let began = Instant::now();
            let outcome = session.start("startup");
            longest[place] = longest[place].max(outcome.elapsed.min(began.elapsed()));
            labelled &= !has_entry || outcome.context().contains("STALE");
        }
    }
    let over = longest.map(|one| one.saturating_sub(DEADLINE));
    let stale = if labelled { "labelled" } else { "NOT LABELLED" };
    println!(
        "{name:<18} empty {:>9.1?} (over {:>7.1?})  stale {:>9.1?} (over {:>7.1?}), {stale}",
        longest[0], over[0], longest[1], over[1]
    );
}
