//! `warmstart trust` and `untrust`: the user's agreement to this project's `.claude/hooks.toml`.

mod changes;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use changes::TrustedSettings;
use clap::Args;

use super::Invocation;
use super::prompt::confirm_trust;
use super::terminal::{self, CommandResult};
use crate::config::file;
use crate::config::trust::{self as decisions, PROJECT_FILE, TrustState, TrustStore};
use crate::config::untrusted::{FileSetting, settings_of};
use crate::disk;
use crate::error::{Code, Failure};
use crate::hook;
use crate::paths::Paths;
use crate::repository::Repository;
use crate::resolve;
use crate::text::{for_terminal, for_terminal_line};

/// Flags of `trust`.
#[derive(Args)]
pub struct TrustOptions {
    /// The project or its file, instead of the one around this folder
    path: Option<PathBuf>,
    /// Show which files are trusted, and what this one sets
    #[arg(long)]
    show: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Flags of `untrust`.
#[derive(Args)]
pub struct UntrustOptions {
    /// The project or its file, instead of the one around this folder
    path: Option<PathBuf>,
}

/// Trusts the file as it is now.
///
/// # Errors
/// When there is no file, it is not TOML, or the trust cannot be stored.
pub fn trust(options: &TrustOptions, invocation: &Invocation) -> CommandResult {
    disk::ignore_sigxfsz();
    let paths = Paths::required(Paths::find(&invocation.environment))?;
    let path = project_file(options.path.as_deref(), &paths)?;
    let purpose = if options.show { "shown" } else { "stored" };
    let store = TrustStore::read(&paths).map_err(|error| failure(purpose, &error))?;
    let trusted = TrustedSettings::open(&paths, &path);
    if options.show {
        return show(&path, &store, &trusted);
    }
    let file = file::read_by_project_path(&path)?.ok_or_else(|| {
        Failure::new(Code::ConfigUnreadable, format!("there is no `{}`", path.display()))
    })?;
    let settings = settings_of(&file, &resolve::settings(), hook::untrusted_keys)?;
    terminal::print(&describe(&path, &settings));
    if matches!(store.state(&path, &file.text), TrustState::Trusted | TrustState::Changed) {
        terminal::print(&trusted.changes(&settings));
    }
    if !options.yes && !confirm_trust("Trust this file?", Code::FileUntrusted)? {
        terminal::print("Not trusted.\n");
        return Ok(ExitCode::from(1));
    }
    decisions::trust(&paths, &path, &file.text, &store)
        .map_err(|error| failure("stored", &error))?;
    trusted.store(&settings);
    terminal::print("Trusted, until the file changes.\n");
    Ok(ExitCode::SUCCESS)
}

/// Revokes the trust.
///
/// # Errors
/// When that cannot be stored.
pub fn untrust(options: &UntrustOptions, invocation: &Invocation) -> CommandResult {
    disk::ignore_sigxfsz();
    let paths = Paths::required(Paths::find(&invocation.environment))?;
    let path = project_file(options.path.as_deref(), &paths)?;
    // An unreadable file is reported by sessions in any case.
    let file = file::read_by_project_path(&path).ok().flatten();
    let content = file.as_ref().map(|file| file.text.as_str());
    let was_trusted =
        decisions::untrust(&paths, &path, content).map_err(|error| failure("revoked", &error))?;
    TrustedSettings::open(&paths, &path).forget();
    let text = if was_trusted { "is no longer trusted" } else { "was not trusted" };
    let shown = for_terminal_line(&path.display().to_string());
    terminal::print(&format!("{shown} {text}.\n"));
    if file.is_some() {
        terminal::print_note(&"until the file changes, sessions ignore it without a notice");
    }
    Ok(ExitCode::SUCCESS)
}

/// Why the store cannot be used. A damaged one is never replaced, since it names all trusted projects.
fn failure(purpose: &str, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let text = format!("the trust cannot be {purpose}: {error}");
    let failure = Failure::new(Code::StoreUnusable, text);
    match error.kind() {
        ErrorKind::InvalidData | ErrorKind::FileTooLarge => {
            failure.hint("move the file away, then trust your projects again")
        }
        ErrorKind::Interrupted => failure.hint("run `warmstart trust` again"),
        _ => failure,
    }
}

/// The file with a project's settings; no other file can be trusted, since no other is read.
fn project_file(named: Option<&Path>, paths: &Paths) -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let folder = named.map_or_else(|| here.clone(), |path| here.join(path));
    if folder.ends_with(PROJECT_FILE) {
        return Ok(folder);
    }
    if folder.is_file() {
        let text = format!("`{}` is not a project's `{PROJECT_FILE}`", folder.display());
        return Err(Failure::new(Code::FileUntrusted, text)
            .hint("your own hooks.toml and plugins need no `trust`"));
    }
    let repository = Repository::find(&folder, paths.home.as_deref());
    Ok(repository.map_or(folder, |repository| repository.root).join(PROJECT_FILE))
}

fn show(path: &Path, store: &TrustStore, trusted: &TrustedSettings) -> CommandResult {
    for (name, digest) in store.files() {
        let digest: String = digest.chars().take(16).collect();
        terminal::print(&format!("{}\n", for_terminal_line(&format!("{digest}  {name}"))));
    }
    let Some(file) = file::read_by_project_path(path)? else {
        let shown = for_terminal_line(&path.display().to_string());
        terminal::print(&format!("There is no {shown}\n"));
        return Ok(ExitCode::SUCCESS);
    };
    let settings = settings_of(&file, &resolve::settings(), hook::untrusted_keys)?;
    terminal::print(&describe(path, &settings));
    let state = match store.state(path, &file.text) {
        TrustState::Trusted => "is trusted",
        TrustState::Changed => {
            terminal::print(&trusted.changes(&settings));
            "has changed since it was trusted"
        }
        TrustState::Declined => "is not trusted, and sessions do not mention it",
        TrustState::Undecided => "is not trusted",
    };
    terminal::print(&format!("It {state}.\n"));
    Ok(ExitCode::SUCCESS)
}

/// What the file sets, with what needs trust marked. Nothing is cut: the tail of a long command is
/// where an attacker would hide something.
fn describe(path: &Path, settings: &[FileSetting]) -> String {
    let mark = |setting: &FileSetting| match (setting.is_known, setting.needs_trust) {
        (false, _) => '?',
        (true, true) => '!',
        (true, false) => ' ',
    };
    let marks: BTreeSet<char> = settings.iter().map(mark).collect();
    let mut text = format!("{} sets:\n", for_terminal_line(&path.display().to_string()));
    // What needs trust comes last: the author could add so many others that it leaves the screen.
    for shown in [' ', '?', '!'] {
        for setting in settings.iter().filter(|setting| mark(setting) == shown) {
            let line = format!("{shown} {} = {}", setting.key, setting.value);
            text.push_str(&for_terminal_line(&line));
            text.push('\n');
        }
    }
    if settings.is_empty() {
        text.push_str("  nothing\n");
    }
    for_terminal(&(text + &legend(&marks)))
}

fn legend(marks: &BTreeSet<char>) -> String {
    let mut text = String::new();
    if marks.contains(&'!') {
        text.push_str(
            "Lines with ! can run programs, read files, or decide where credentials go.\n\
             Only this file is pinned: scripts and programs that it names can change later\n\
             without a question.\n",
        );
    }
    if marks.contains(&'?') {
        text.push_str("Lines with ? are unknown settings, without effect.\n");
    }
    text
}
