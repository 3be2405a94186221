//! What a test needs of the machine, and the one way to skip a test that does not have it. With
//! `CI=true` only what the kernel or the container forbids is skipped; all else is a failure there,
//! so that a gap in the machine never looks like a pass. The skipped tests are listed when the test
//! program ends.

use std::io::Write;
use std::path::PathBuf;
use std::sync::{Mutex, Once, PoisonError};

/// Name and reason of each skipped test.
static SKIPPED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Something that can be installed or switched on.
#[derive(Clone, Debug)]
pub struct Missing(pub String);

/// A right that no package brings.
#[derive(Clone, Debug)]
pub struct Forbidden(pub String);

/// The program, if it is in `PATH`; `package` is its name on Debian.
pub fn needs(program: &str, package: &str) -> Result<PathBuf, Missing> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let candidates = std::env::split_paths(&path).map(|folder| folder.join(program));
    let missing = || Missing(format!("`{program}` is not installed (package {package})"));
    candidates.into_iter().find(|file| file.is_file()).ok_or_else(missing)
}

/// `Some`, or a skipped test with its reason; with `CI=true` a failure.
#[track_caller]
pub fn or_skip<T>(found: Result<T, Missing>) -> Option<T> {
    let in_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    match found {
        Ok(value) => Some(value),
        Err(Missing(reason)) if in_ci => {
            panic!("with CI=true nothing is skipped that can be installed: {reason}")
        }
        Err(Missing(reason)) => skip(&reason),
    }
}

/// `Some`, or a skipped test with its reason, with `CI=true` too.
pub fn if_permitted<T>(tried: Result<T, Forbidden>) -> Option<T> {
    match tried {
        Ok(value) => Some(value),
        Err(Forbidden(reason)) => skip(&format!("{reason} (not permitted by this machine)")),
    }
}

fn skip<T>(reason: &str) -> Option<T> {
    static LIST_AT_EXIT: Once = Once::new();
    LIST_AT_EXIT.call_once(list_at_exit);
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let line = format!("{test}: {reason}");
    print(&format!("skipped {line}"));
    SKIPPED.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    None
}

/// Not `eprintln!`: the harness captures that, and drops it when a test passes.
fn print(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[expect(unsafe_code, reason = "the test harness has no hook for its end; `atexit` takes no data")]
fn list_at_exit() {
    unsafe extern "C" {
        fn atexit(function: extern "C" fn()) -> i32;
    }
    // SAFETY: the function is of the declared type and does not unwind.
    unsafe { atexit(list_skipped) };
}

extern "C" fn list_skipped() {
    let mut skipped = SKIPPED.lock().unwrap_or_else(PoisonError::into_inner);
    skipped.sort();
    print(&format!("\n{} skipped, which count as ok:\n  {}", skipped.len(), skipped.join("\n  ")));
}

/// Runs itself again, as a test that lacks something.
#[test]
fn a_skip_is_listed_at_the_end_and_fails_in_ci() {
    const AGAIN: &str = "WARMSTART_TEST_SKIPS";
    if std::env::var_os(AGAIN).is_some() {
        assert_eq!(or_skip::<()>(Err(Missing("it lacks something".into()))), None);
        assert_eq!(if_permitted::<()>(Err(Forbidden("it may not".into()))), None);
        return;
    }
    let name = std::thread::current().name().expect("the harness names it").to_owned();
    let run = |ci: &str| {
        let program = std::env::current_exe().expect("this program");
        let mut command = std::process::Command::new(program);
        command.args(["--exact", &name]).env(AGAIN, "1").env("CI", ci);
        command.output().expect("it starts")
    };
    let output = run("");
    let end = format!(
        "\n2 skipped, which count as ok:\n  {name}: it lacks something\n  {name}: it may not \
         (not permitted by this machine)\n"
    );
    assert!(output.status.success(), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).ends_with(&end), "{output:?}");
    assert!(!run("true").status.success(), "with CI=true a gap is a failure");
}
