//! Misbehaves as `config.mode` says, as far as safe Rust can; `c/raw.c` does the rest. A client, a
//! strategy and a hook, so that the tests see each of them fail.

use std::time::Duration;

use warmstart_plugin::{
    Cache, Client, Ctx, Decision, Error, Failure, Hook, Level, Query, Result, Section, Serve,
    Session, Strategy, Task, export,
};

struct Faulty;

/// `[plugins.NAME.config]`.
#[derive(serde::Deserialize)]
struct Config {
    /// One of the words in `misbehave`, or one that only one of the three kinds knows.
    #[serde(default)]
    mode: String,
}

fn mode(ctx: &Ctx<'_>) -> Result<String> {
    Ok(ctx.config::<Config>()?.mode)
}

fn misbehave(ctx: &Ctx<'_>) -> Result<String> {
    let mode = mode(ctx)?;
    match mode.as_str() {
        "panic" => broken("a string slice"),
        "panic_string" => broken(&format!("a formatted string: {}", 7)),
        "panic_other" => broken_with(7_u8),
        "panic_in_drop" => drop(Bomb),
        "panic_payload_bomb" => broken_with(Bomb),
        "panic_twice" => {
            let _bomb = Bomb;
            broken("the first of two");
        }
        "abort" => std::process::abort(),
        "stack_overflow" => drop(descend(0)),
        "exit_0" => exit(0),
        "exit_3" => exit(3),
        "endless_loop" => endless(),
        "sleep" => std::thread::sleep(Duration::from_secs(30)),
        "starts_a_program" => {
            let _ = std::process::Command::new("sleep").arg("300").spawn();
            std::thread::sleep(Duration::from_secs(30));
        }
        "honours_cancelled" => {
            while !ctx.cancelled() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        "noise" => noise(),
        "log_flood" => log_flood(ctx),
        "log_secret" => ctx.log(Level::Warn, "the token is s3cret-s3cret-s3cret\nforged line"),
        "stderr_flood" => stderr_flood(),
        "secret_in_two_pieces" => secret_in_two_pieces(),
        "changes_folder" => std::env::set_current_dir("/")?,
        "environment" => return Ok(environment()),
        "token" => return Ok(ctx.bearer_token().unwrap_or("no token").to_owned()),
        "not_supported" => return Err(Error::not_supported("not here")),
        "not_found" => return Err(Error::not_found("nothing there")),
        "unavailable" => {
            return Err(Error::unavailable("locked").retry_after(Duration::from_millis(500)));
        }
        "auth" => return Err(Error::auth("refused")),
        "config" => return Err(Error::config("`site` is wrong")),
        "internal" => return Err(Error::internal("a mistake")),
        _ => {}
    }
    Ok(mode)
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        broken("in a destructor");
    }
}

#[expect(clippy::panic, reason = "the fault under test")]
fn broken(text: &str) {
    panic!("{text}");
}

#[expect(clippy::panic, reason = "the fault under test")]
fn broken_with(payload: impl Send + 'static) {
    std::panic::panic_any(payload);
}

fn log_flood(ctx: &Ctx<'_>) {
    loop {
        ctx.log(Level::Info, "a line of a flood");
    }
}

#[expect(clippy::print_stderr, reason = "the fault under test")]
fn stderr_flood() {
    for line in 0..5_000 {
        eprintln!("line {line} of standard error");
    }
}

/// The pause lets the host read the first piece alone.
#[expect(clippy::print_stderr, reason = "the fault under test")]
fn secret_in_two_pieces() {
    eprint!("the token is s3cret-s3c");
    std::thread::sleep(Duration::from_millis(300));
    eprintln!("ret-s3cret\nand a line");
    eprint!("without an end");
}

#[expect(clippy::exit, reason = "the fault under test")]
fn exit(code: i32) {
    std::process::exit(code);
}

fn endless() {
    loop {
        std::hint::spin_loop();
    }
}

#[expect(unconditional_recursion, reason = "the fault under test")]
fn descend(depth: u64) -> [u64; 512] {
    let mut frame = std::hint::black_box([depth; 512]);
    frame[0] += descend(depth + 1)[1];
    frame
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "the fault under test")]
fn noise() {
    println!("{{\"reply\":{{\"ok\":{{\"tasks\":[{{\"title\":\"forged\"}}]}}}}}}");
    eprintln!("noise on standard error");
}

/// The names of all variables, for the test of the allow-list.
#[expect(clippy::disallowed_methods, reason = "the test checks the inherited variables")]
fn environment() -> String {
    let mut names: Vec<_> =
        std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names.join(" ")
}

impl Client for Faulty {
    const NAME: &'static str = "faulty";

    fn pending_tasks(ctx: &Ctx<'_>, query: &Query) -> Result<Vec<Task>> {
        let mode = misbehave(ctx)?;
        Ok(match mode.as_str() {
            "large" => vec![Task::titled("x".repeat(4 << 20))],
            "many" => (0..5000).map(|n| Task::titled(format!("task {n}"))).collect(),
            "control" => vec![Task::titled("\u{1b}[31mred\u{1b}[0m\u{202e}\nsecond line\u{7}")],
            "empty" => Vec::new(),
            other => vec![Task::titled(format!("{} from {other}", query.name))],
        })
    }
}

impl Strategy for Faulty {
    const NAME: &'static str = "faulty";
    const BEFORE: bool = true;

    fn before(ctx: &Ctx<'_>, _: &Query, _: &Cache) -> Result<Option<Serve>> {
        Ok(match mode(ctx)?.as_str() {
            "before_cached" => Some(Serve::Cached),
            "before_refresh" => Some(Serve::CachedThenRefresh),
            "before_hangs" => {
                std::thread::sleep(Duration::from_secs(30));
                None
            }
            "before_panics" => {
                broken("before the request");
                None
            }
            _ => None,
        })
    }

    fn after_failure(
        ctx: &Ctx<'_>,
        query: &Query,
        failure: &Failure,
        cache: &Cache,
    ) -> Result<Decision> {
        let mode = misbehave(ctx)?;
        Ok(match mode.as_str() {
            "cached" => Decision::Cached,
            "ask" => Decision::Ask("backup".into()),
            "ask_unknown" => Decision::Ask("unknown".into()),
            "substitute" => {
                let text = format!("{} after {} with {:?}", query.name, failure.class, cache.state);
                Decision::Substitute(vec![Task::titled(text)])
            }
            "skip" => Decision::Skip,
            "fail" => Decision::Fail,
            _ => Decision::Decline,
        })
    }
}

impl Hook for Faulty {
    const NAME: &'static str = "faulty";

    fn session_start(ctx: &Ctx<'_>, session: &Session) -> Result<Vec<Section>> {
        let mode = misbehave(ctx)?;
        let body = format!("{mode}: {} with {} tasks", session.source, session.tasks.len());
        let low = Section { priority: -1, ..Section::new("Last", "low") };
        Ok(vec![low, Section::new("Faulty", body)])
    }
}

export! {
    clients: [Faulty],
    strategies: [Faulty],
    hooks: [Faulty],
    wants: ["bearer_token"],
}
