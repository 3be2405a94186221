//! What a test needs of the machine, and the one way to skip a test that does not have it. With
//! `CI=true` only what the kernel or the container forbids is skipped; all else is a failure there,
//! so that a gap in the machine never looks like a pass.

use std::io::Write;
use std::path::PathBuf;

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
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    // Not `eprintln!`: the harness captures that and drops it when a test passes.
    let _ = writeln!(std::io::stderr(), "skipped {test}: {reason}");
    None
}
