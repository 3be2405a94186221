//! Puts what the peers need under `target/peers/`, once, by the ordinary package clients.
//! A marker written last tells a whole installation from a half one, which is made anew.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::Missing;

/// Bumped when what follows changes for the same packages.
const RECIPE: &str = "1";
const NPM_PACKAGES: [&str; 6] = [
    "oidc-provider@9.13.3",
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/server-everything@2026.8.31",
    "@modelcontextprotocol/server@2.4.0",
    "@modelcontextprotocol/node@2.1.2",
    "zod@4",
];

/// The sources of the peers.
pub fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers")
}

/// `target/peers`, wherever the target folder is.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("peers")
}

/// The Python of an environment of its own with `packages`.
pub fn python(name: &str, packages: &[&str]) -> Result<PathBuf, Missing> {
    let build = |folder: &Path| {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder))?;
        let pip = folder.join("bin/python");
        run(Command::new(pip).args(["-m", "pip", "install", "--quiet"]).args(packages))
    };
    let folder = once(name, &packages.join(" "), build)?;
    Ok(folder.join("bin/python"))
}

/// The folder with the npm packages of all peers.
pub fn npm() -> Result<PathBuf, Missing> {
    once("npm", &NPM_PACKAGES.join(" "), |folder| npm_install(folder, &NPM_PACKAGES))
}

/// A Node of version 22 or later: the machine's own, else the one that npm has.
pub fn node_22() -> Result<PathBuf, Missing> {
    if node_major().is_some_and(|major| major >= 22) {
        return Ok(PathBuf::from("node"));
    }
    let folder = once("node", "node@24", |folder| npm_install(folder, &["node@24"]))?;
    let node = folder.join("node_modules/node/bin/node");
    if node.exists() { Ok(node) } else { Err(Missing(format!("no `{}`", node.display()))) }
}

/// Keycloak's work folder; only where the user asked for it, since it is large.
pub fn keycloak() -> Result<PathBuf, Missing> {
    if std::env::var("WARMSTART_TEST_KEYCLOAK").is_ok_and(|wanted| wanted == "1") {
        return once("keycloak", "26.7.3", |folder| {
            let script = sources().join("keycloak/start.sh");
            run(Command::new(script).env("KEYCLOAK_WORK", folder).env("ONLY_INSTALL", "1"))
        });
    }
    Err(Missing("the real Keycloak runs with WARMSTART_TEST_KEYCLOAK=1".into()))
}

/// Copies the source of an npm peer beside its packages, where its imports are found.
pub fn beside_packages(source: &str) -> Result<PathBuf, Missing> {
    let from = sources().join(source);
    let to = npm()?.join(from.file_name().expect("a file"));
    let fresh = tempfile::NamedTempFile::new_in(npm()?).expect("the folder is ours");
    fs::copy(&from, fresh.path()).expect("the source is there");
    fresh.persist(&to).expect("a rename in one folder");
    Ok(to)
}

fn node_major() -> Option<u32> {
    let output = Command::new("node").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.trim().trim_start_matches('v').split('.').next()?.parse().ok()
}

fn npm_install(folder: &Path, packages: &[&str]) -> Result<(), String> {
    fs::write(folder.join("package.json"), "{\"private\":true}").map_err(|e| e.to_string())?;
    let options = ["install", "--no-audit", "--no-fund", "--no-package-lock", "--loglevel=error"];
    run(Command::new("npm").args(options).args(packages).current_dir(folder))
}

type Built = Result<PathBuf, Missing>;

/// One installation by name, by one process at a time; a failed one is tried twice.
fn once(name: &str, what: &str, build: impl Fn(&Path) -> Result<(), String>) -> Built {
    static DONE: Mutex<Option<HashMap<String, Built>>> = Mutex::new(None);
    let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
    let done = done.get_or_insert_default();
    if let Some(known) = done.get(name) {
        return known.clone();
    }
    let built = locked(name, what, build);
    done.insert(name.into(), built.clone());
    built
}

fn locked(name: &str, what: &str, build: impl Fn(&Path) -> Result<(), String>) -> Built {
    let folder = folder().join(name);
    let marker = folder.join("installed");
    let wanted = format!("{RECIPE} {what}");
    fs::create_dir_all(super::install::folder()).expect("target can be written");
    let lock = File::create(folder.with_extension("lock")).expect("target can be written");
    lock.lock().expect("a file lock");
    if fs::read_to_string(&marker).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    let attempt = || {
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        build(&folder)
    };
    attempt().or_else(|_| attempt()).map_err(|why| Missing(format!("`{name}`: {why}")))?;
    fs::write(&marker, wanted).expect("target can be written");
    Ok(folder)
}

fn run(command: &mut Command) -> Result<(), String> {
    let shown = format!("{:?}", command.get_program());
    let output = command.stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{shown} cannot be started: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let tail: Vec<&str> = text.lines().rev().take(5).collect();
    Err(format!("{shown} ended with {}: {}", output.status, tail.join(" | ")))
}
