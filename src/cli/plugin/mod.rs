//! `warmstart plugin`: the way of a plugin from an empty folder to a trusted step, for authors and for
//! users. Everything that runs a plugin does so in its own process.

mod call;
mod check;
mod list;
mod new;
mod sdk;
mod trust;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Invocation;
use super::terminal::CommandResult;
use super::workspace::Workspace;
use crate::error::{Code, Failure};
use crate::plugin::{Pins, find, pin};

/// What to do with plugins.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a folder with a plugin that builds and passes `plugin check`
    New(new::Options),
    /// Check a library step by step: file, header, symbol, description, calls, time
    Check(check::Options),
    /// Show the plugins that are there, and in what state
    List(list::Options),
    /// Look at a library, agree to it, and keep a private copy of exactly these bytes
    Trust(trust::TrustOptions),
    /// Take the trust in a plugin back
    Untrust(trust::UntrustOptions),
    /// Call a trusted plugin with a request of your own, and print its raw reply
    Call(call::Options),
}

/// Does it.
///
/// # Errors
/// What stood in the way; each command says what.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    match &options.command {
        Command::New(options) => new::run(options),
        Command::Check(options) => check::run(options, invocation),
        Command::List(options) => list::run(options, invocation),
        Command::Trust(options) => trust::trust(options, invocation),
        Command::Untrust(options) => trust::untrust(options, invocation),
        Command::Call(options) => call::run(options, invocation),
    }
}

fn pins(workspace: &Workspace) -> Result<Pins, Failure> {
    let paths = workspace.paths.as_ref().ok_or_else(|| {
        Failure::new(Code::STORE_UNUSABLE, "there is no home folder to keep trust in")
            .hint("set HOME or WARMSTART_HOME")
    })?;
    Ok(Pins::of(paths))
}

/// A library that was named by its path, or by its name in one of the plugin folders.
fn library(named: &Path, workspace: &Workspace) -> Result<PathBuf, Failure> {
    let here = std::env::current_dir().unwrap_or_default().join(named);
    if here.exists() {
        return here.canonicalize().map_err(|error| unreadable(&here, &error));
    }
    let folders = find::folders(&workspace.loaded.config.plugin_path, workspace.paths.as_ref());
    let found = named.to_str().and_then(|name| find::library(name, &folders));
    found.ok_or_else(|| {
        let looked: Vec<_> = folders.iter().map(|one| one.display().to_string()).collect();
        Failure::new(Code::PLUGIN_PATH, format!("there is no plugin `{}`", named.display()))
            .hint(format!("name the file; by name it is looked for in: {}", looked.join(", ")))
    })
}

/// The bytes of a library.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let found = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !found.is_file() {
        let text = format!("`{}` is no regular file", path.display());
        return Err(Failure::new(Code::PLUGIN_PATH, text));
    }
    if found.len() > pin::MAX_LIBRARY_BYTES {
        let text = format!("`{}` is larger than any plugin may be", path.display());
        return Err(Failure::new(Code::PLUGIN_UNLOADABLE, text));
    }
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::PLUGIN_PATH, format!("`{}` cannot be read: {error}", path.display()))
}

fn name_of(path: &Path, named: Option<&str>) -> Result<String, Failure> {
    let name = named.map(str::to_owned).or_else(|| find::name_of(path));
    name.filter(|name| pin::is_name(name)).ok_or_else(|| {
        Failure::new(Code::CONFIG_NAME, "a plugin is called by lower-case letters, digits, - and _")
            .hint("choose one with --name")
    })
}
