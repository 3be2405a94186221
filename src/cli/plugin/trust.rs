//! `plugin trust` and `untrust`: shows the library, asks for confirmation, and only then loads it for
//! its description, which is kept with the hash of exactly these bytes.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::super::Invocation;
use super::super::prompt::confirm_trust;
use super::super::terminal::{self, CommandError, CommandResult, Usage};
use super::super::workspace::Workspace;
use super::check::{TIMEOUT, describe, summary};
use super::hooks_toml::hooks_toml;
use crate::config::PluginConfig;
use crate::deadline::Timestamp;
use crate::digest::sha256_hex;
use crate::error::{Code, Failure};
use crate::plugin::{Pin, PinnedLibrary, Pins, Plugin, PluginHost, header, pin};
use crate::text::{for_terminal, for_terminal_line};

/// Flags of `plugin trust`.
#[derive(Args)]
pub struct TrustOptions {
    /// The library, or its name in a plugin folder
    file: PathBuf,
    /// Name of the plugin; by default taken from the file name
    #[arg(long)]
    name: Option<String>,
    /// Do not ask for confirmation
    #[arg(long)]
    yes: bool,
}

/// Flags of `plugin untrust`.
#[derive(Args)]
pub struct UntrustOptions {
    /// Name of the plugin
    name: String,
}

/// Trusts a library.
///
/// # Errors
/// When it is not a library, trust is not confirmed, it gives no description, or the disk refuses.
pub fn trust(options: &TrustOptions, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let pins = super::pins(&workspace)?;
    let path = super::library(&options.file, &workspace)?;
    let bytes = super::read(&path)?;
    let name = chosen_name(&path, options.name.as_deref())?;
    header::check(&bytes).map_err(|wrong| {
        Failure::new(Code::PluginUnloadable, format!("`{}` {wrong}", path.display()))
            .hint(format!("run `warmstart plugin check {}`", path.display()))
    })?;
    terminal::print(&for_terminal(&screen(&name, &path, &bytes)));
    if !options.yes && !confirm_trust("Trust it?", Code::PluginUntrusted)? {
        terminal::print("Not trusted.\n");
        return Ok(ExitCode::from(1));
    }
    let library = PinnedLibrary {
        path: pins.copy(&name, &bytes)?,
        sha256: sha256_hex(&bytes),
        size: bytes.len() as u64,
    };
    let place = PluginHost { program: invocation.program.clone(), root: workspace.root.clone() };
    // Longer than in a session: only this command waits.
    let config =
        PluginConfig { timeout: TIMEOUT, ..workspace.loaded.config.plugin_defaults.clone() };
    let plugin = Plugin::new(&name, library.clone(), config, &invocation.environment, place);
    let manifest = describe(&plugin).inspect_err(|_| forget_copy(&pins, &name, &library))?;
    terminal::print(&for_terminal(&format!("provides: {}\n", summary(&manifest))));
    if manifest.wants_token()
        && !options.yes
        && !confirm_trust("Give it the token of its server?", Code::PluginUntrusted)?
    {
        forget_copy(&pins, &name, &library);
        terminal::print("Not trusted.\n");
        return Ok(ExitCode::from(1));
    }
    let text = hooks_toml(&name, &manifest);
    let PinnedLibrary { sha256, size, .. } = library;
    let trusted = Timestamp::now();
    pins.put(&Pin { name: name.clone(), path, sha256, size, manifest, trusted })?;
    let text = format!("Trusted as `{name}`. Add to your hooks.toml:\n\n{text}");
    terminal::print(&for_terminal(&text));
    Ok(ExitCode::SUCCESS)
}

/// Revokes trust.
///
/// # Errors
/// When the disk refuses.
pub fn untrust(options: &UntrustOptions, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let was_trusted = super::pins(&workspace)?.remove(&options.name)?;
    let text = if was_trusted { "is no longer trusted" } else { "was not trusted" };
    terminal::print(&for_terminal(&format!("The plugin `{}` {text}.\n", options.name)));
    Ok(ExitCode::SUCCESS)
}

fn chosen_name(path: &Path, named: Option<&str>) -> Result<String, CommandError> {
    let Some(name) = named else {
        let name = super::name_of(path);
        return name.map_err(|failure| failure.hint("choose one with --name").into());
    };
    if pin::is_name(name) {
        return Ok(name.to_owned());
    }
    let text = format!("`{}` cannot be the name of a plugin", name.escape_debug());
    Err(Usage::new(text).hint("use lower-case letters, digits, - and _").into())
}

/// Removes the copy, unless an earlier pin has the same bytes.
fn forget_copy(pins: &Pins, name: &str, library: &PinnedLibrary) {
    let is_pinned = pins.get(name).ok().flatten().is_some_and(|pin| pin.sha256 == library.sha256);
    if !is_pinned {
        let _ = std::fs::remove_file(&library.path);
    }
}

fn screen(name: &str, path: &Path, bytes: &[u8]) -> String {
    format!(
        "plugin: {name}\nfile:   {}\nsize:   {} bytes\nowner:  {}\nsha256: {}\nA plugin runs with all your rights. A copy of exactly these bytes is kept and run.\n",
        for_terminal_line(&path.display().to_string()),
        bytes.len(),
        owner(path),
        sha256_hex(bytes),
    )
}

#[cfg(unix)]
fn owner(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(metadata) = std::fs::metadata(path) else { return "unknown".into() };
    let is_own = metadata.uid() == rustix::process::geteuid().as_raw();
    let you = if is_own { " (you)" } else { "" };
    let others = if metadata.mode() & 0o022 != 0 { ", and others can change it" } else { "" };
    format!("user {}{you}{others}", metadata.uid())
}

#[cfg(not(unix))]
fn owner(_: &Path) -> String {
    "unknown".into()
}
