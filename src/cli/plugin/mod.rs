//! `warmstart plugin`: the commands for authors and users of plugins. Each call of a plugin runs in a
//! process of its own.

mod call;
mod check;
mod hooks_toml;
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
use crate::paths::Paths;
use crate::plugin::{Pins, find, pin};
use crate::process;

/// The subcommands of `plugin`.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create a folder with a plugin that builds and passes `plugin check`
    New(new::Options),
    /// Check a library step by step: file, header, description, settings, calls, time
    Check(check::Options),
    /// List the plugins and their state
    List(list::Options),
    /// Review a library, trust it, and keep a private copy of exactly these bytes
    Trust(trust::TrustOptions),
    /// Revoke trust in a plugin
    Untrust(trust::UntrustOptions),
    /// Call a trusted plugin with a request of your own, and print its raw reply
    Call(call::Options),
}

/// Runs the subcommand.
///
/// # Errors
/// See each command.
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
    Paths::required(workspace.paths.as_ref()).map(Pins::of)
}

/// The library of that path, which has a slash, or of that name in one of the plugin folders. A name is
/// not looked up in the current folder, which may be a cloned repository's.
fn library(named: &Path, workspace: &Workspace) -> Result<PathBuf, Failure> {
    let name = named.to_str();
    let is_path = name.is_none_or(process::is_path);
    if is_path && named.exists() {
        return named.canonicalize().map_err(|error| unreadable(named, &error));
    }
    let folders = find::folders(&workspace.loaded.config.plugin_path, workspace.paths.as_ref());
    let library = name.and_then(|name| find::library(name, &folders));
    library.ok_or_else(|| {
        let searched: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        let text = format!("there is no file and no plugin `{}`", named.display());
        let path = if is_path { "a path" } else { "a path with a slash" };
        Failure::new(Code::PluginPath, text)
            .hint(format!("give {path}; names are searched in {}", searched.join(", ")))
    })
}

/// The bytes of a library.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?;
    if !metadata.is_file() {
        let text = format!("`{}` is not a regular file", path.display());
        return Err(Failure::new(Code::PluginPath, text));
    }
    if metadata.len() > pin::MAX_LIBRARY_BYTES {
        let limit = pin::MAX_LIBRARY_BYTES >> 20;
        let text = format!("`{}` is larger than {limit} MiB", path.display());
        return Err(Failure::new(Code::PluginUnloadable, text));
    }
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(Code::PluginPath, format!("cannot read `{}`: {error}", path.display()))
}

/// The plugin name of a file.
fn name_of(path: &Path) -> Result<String, Failure> {
    find::name_of(path).ok_or_else(|| {
        let text = format!("`{}` does not contain the name of a plugin", path.display());
        Failure::new(Code::ConfigName, text)
            .hint("rename it to `warmstart_NAME.so` (NAME: lower-case letters, digits, - and _)")
    })
}
