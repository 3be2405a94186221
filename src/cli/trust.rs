//! `warmstart trust` and `untrust`: the user's word on this project's `.claude/hooks.toml`.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::Invocation;
use super::terminal::{self, CommandResult};
use crate::config::file;
use crate::config::trust::{FileSetting, PROJECT_FILE, TrustStore, settings_of};
use crate::context::sanitise::spelled_out;
use crate::error::{Code, Failure};
use crate::paths::Paths;
use crate::repository::Repository;

/// Flags of `trust`.
#[derive(Args)]
pub struct TrustOptions {
    /// The project, or its file; here without one
    path: Option<PathBuf>,
    /// Show what is trusted, and what the file would set
    #[arg(long)]
    show: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Flags of `untrust`.
#[derive(Args)]
pub struct UntrustOptions {
    /// The project, or its file; here without one
    path: Option<PathBuf>,
}

/// Trusts the file as it is now.
///
/// # Errors
/// When there is no file, it is not TOML, or the trust cannot be kept.
pub fn trust(options: &TrustOptions, invocation: &Invocation) -> CommandResult {
    let paths = paths(invocation)?;
    let path = project_file(options.path.as_deref(), &paths)?;
    let mut store = TrustStore::open(&paths);
    if options.show {
        return show(&path, &store);
    }
    let file = file::read(&path)?.ok_or_else(|| {
        Failure::new(Code::CONFIG_UNREADABLE, format!("there is no `{}`", path.display()))
    })?;
    let settings = settings_of(&file)?;
    terminal::print(&describe(&path, &settings));
    if !options.yes && !confirm()? {
        terminal::print("Not trusted.\n");
        return Ok(ExitCode::from(1));
    }
    store.trust(&path, &file.text).map_err(|error| {
        Failure::new(Code::STORE_UNUSABLE, format!("the trust cannot be kept: {error}"))
    })?;
    terminal::print("Trusted, until the file changes.\n");
    Ok(ExitCode::SUCCESS)
}

/// Takes the trust back.
///
/// # Errors
/// When that cannot be kept.
pub fn untrust(options: &UntrustOptions, invocation: &Invocation) -> CommandResult {
    let paths = paths(invocation)?;
    let path = project_file(options.path.as_deref(), &paths)?;
    let mut store = TrustStore::open(&paths);
    let had = store.forget(&path).map_err(|error| {
        Failure::new(Code::STORE_UNUSABLE, format!("the trust cannot be taken back: {error}"))
    })?;
    let text = if had { "is not trusted any more" } else { "was not trusted" };
    terminal::print(&spelled_out(&format!("{} {text}.\n", path.display())));
    Ok(ExitCode::SUCCESS)
}

fn paths(invocation: &Invocation) -> Result<Paths, Failure> {
    Paths::find(&invocation.environment).ok_or_else(|| {
        Failure::new(Code::STORE_UNUSABLE, "there is no home folder to keep trust in")
            .hint("set HOME or WARMSTART_HOME")
    })
}

/// The file that a project's settings come from; no other file can be trusted, since no other is read.
fn project_file(named: Option<&Path>, paths: &Paths) -> Result<PathBuf, Failure> {
    let here = || std::env::current_dir().unwrap_or_default();
    let folder = named.map_or_else(here, |path| here().join(path));
    if folder.ends_with(PROJECT_FILE) {
        return Ok(folder);
    }
    if folder.is_file() {
        let text = format!("`{}` is not a project's `{PROJECT_FILE}`", folder.display());
        return Err(Failure::new(Code::FILE_UNTRUSTED, text)
            .hint("your own hooks.toml and plugins need no `trust`"));
    }
    let root = Repository::find(&folder, paths.home.as_deref()).map_or(folder, |found| found.root);
    Ok(root.join(PROJECT_FILE))
}

fn show(path: &Path, store: &TrustStore) -> CommandResult {
    for (name, digest) in store.files() {
        let digest: String = digest.chars().take(16).collect();
        terminal::print(&spelled_out(&format!("{digest}  {name}\n")));
    }
    let Some(file) = file::read(path)? else {
        terminal::print(&format!("There is no {}\n", path.display()));
        return Ok(ExitCode::SUCCESS);
    };
    let state = match (store.trusts(path, &file.text), store.has_entry(path)) {
        (true, _) => "is trusted",
        (false, true) => "has changed since it was trusted",
        (false, false) => "is not trusted",
    };
    terminal::print(&describe(path, &settings_of(&file)?));
    terminal::print(&format!("It {state}.\n"));
    Ok(ExitCode::SUCCESS)
}

/// What the file sets, with what needs trust marked. Nothing is cut: the tail of a long command is
/// what somebody would like not to be read.
fn describe(path: &Path, settings: &[FileSetting]) -> String {
    let mut text = format!("{} sets:\n", path.display());
    for setting in settings {
        let mark = if setting.needs_trust { '!' } else { ' ' };
        text.push_str(&format!("{mark} {} = {}\n", setting.key, setting.value));
    }
    if settings.is_empty() {
        text.push_str("  nothing\n");
    }
    if settings.iter().any(|setting| setting.needs_trust) {
        text.push_str(
            "What is marked with ! can run programs, read files, or decide where credentials go.\n",
        );
    }
    spelled_out(&text)
}

fn confirm() -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Code::FILE_UNTRUSTED, "nobody is there to ask")
            .hint("read the file, then run `warmstart trust --yes`"));
    }
    terminal::eprint("Trust this file? [y/N] ");
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
