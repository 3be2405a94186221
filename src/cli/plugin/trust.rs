//! `plugin trust` and `untrust`: shows what would be let in, asks, and only then lets it say a word.
//! What it said is kept with the hash of exactly these bytes.

use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::super::Invocation;
use super::super::terminal::{self, CommandResult};
use super::super::workspace::Workspace;
use super::check::{TIMEOUT, describe, items, summary};
use crate::config::PluginConfig;
use crate::deadline::Timestamp;
use crate::error::{Code, Failure};
use crate::plugin::{
    ItemKind, Manifest, Pin, PinnedLibrary, Pins, Plugin, PluginHost, header, pin,
};

/// Flags of `plugin trust`.
#[derive(Args)]
pub struct TrustOptions {
    /// The library, or its name in a plugin folder
    file: PathBuf,
    /// What to call it, instead of what its file is called
    #[arg(long)]
    name: Option<String>,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Flags of `plugin untrust`.
#[derive(Args)]
pub struct UntrustOptions {
    /// What it is called
    name: String,
}

/// Lets a library in.
///
/// # Errors
/// When it is none, nobody is there to ask, it cannot describe itself, or the disk refuses.
pub fn trust(options: &TrustOptions, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let pins = super::pins(&workspace)?;
    let path = super::library(&options.file, &workspace)?;
    let bytes = super::read(&path)?;
    let name = super::name_of(&path, options.name.as_deref())?;
    header::check(&bytes).map_err(|wrong| {
        Failure::new(Code::PLUGIN_UNLOADABLE, format!("`{}` {wrong}", path.display()))
            .hint("`warmstart plugin check FILE` tells more")
    })?;
    terminal::print(&shown(&name, &path, &bytes));
    if !options.yes && !confirm("Trust it? [y/N] ")? {
        terminal::print("Not trusted.\n");
        return Ok(ExitCode::from(1));
    }
    let wanted = PinnedLibrary {
        path: pins.copy(&name, &bytes)?,
        sha256: pin::digest(&bytes),
        size: bytes.len() as u64,
    };
    let place = PluginHost { program: invocation.program.clone(), root: workspace.root.clone() };
    // It may take longer here than in a session: nobody else waits.
    let config = PluginConfig { timeout: TIMEOUT, ..PluginConfig::blank() };
    let plugin = Plugin::new(&name, wanted.clone(), config, &invocation.environment, place);
    let manifest = describe(&plugin).inspect_err(|_| forget_copy(&pins, &name, &wanted))?;
    terminal::print(&format!("It is {}\n", summary(&manifest)));
    if manifest.wants_token()
        && !options.yes
        && !confirm("Give it the token of its server? [y/N] ")?
    {
        forget_copy(&pins, &name, &wanted);
        terminal::print("Not trusted.\n");
        return Ok(ExitCode::from(1));
    }
    let text = paste(&name, &manifest);
    let PinnedLibrary { sha256, size, .. } = wanted;
    let trusted = Timestamp::now();
    pins.put(&Pin { name: name.clone(), path, sha256, size, manifest, trusted })?;
    terminal::print(&format!("Trusted as `{name}`. For your hooks.toml:\n\n{text}"));
    Ok(ExitCode::SUCCESS)
}

/// Takes the trust back.
///
/// # Errors
/// When that cannot be kept.
pub fn untrust(options: &UntrustOptions, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let had = super::pins(&workspace)?.remove(&options.name)?;
    let text = if had { "is not trusted any more" } else { "was not trusted" };
    terminal::print(&format!("The plugin `{}` {text}.\n", options.name));
    Ok(ExitCode::SUCCESS)
}

/// Unless an earlier agreement holds for the same bytes.
fn forget_copy(pins: &Pins, name: &str, wanted: &PinnedLibrary) {
    let is_pinned = pins.get(name).ok().flatten().is_some_and(|pin| pin.sha256 == wanted.sha256);
    if !is_pinned {
        let _ = std::fs::remove_file(&wanted.path);
    }
}

fn shown(name: &str, path: &Path, bytes: &[u8]) -> String {
    format!(
        "plugin: {name}\nfile:   {}\nsize:   {} bytes\nowner:  {}\nsha256: {}\nA plugin runs with all your rights. A copy of exactly these bytes is kept and run.\n",
        path.display(),
        bytes.len(),
        owner(path),
        pin::digest(bytes),
    )
}

#[cfg(unix)]
fn owner(path: &Path) -> String {
    use std::os::unix::fs::MetadataExt;
    let Ok(found) = std::fs::metadata(path) else { return "unknown".into() };
    let own = found.uid() == rustix::process::geteuid().as_raw();
    let others = if found.mode() & 0o022 != 0 { ", and others can change it" } else { "" };
    format!("user {}{}{others}", found.uid(), if own { " (you)" } else { "" })
}

#[cfg(not(unix))]
fn owner(_: &Path) -> String {
    "unknown".into()
}

/// The lines that put every item to use, each beside where it belongs.
fn paste(name: &str, manifest: &Manifest) -> String {
    let mut text = format!(
        "[plugins.{name}]\ntimeout = \"1s\"\n\n[plugins.{name}.config]\n# its own settings\n"
    );
    for (kind, item) in items(manifest) {
        let word = format!("plugin:{name}/{item}");
        text.push_str(&match kind {
            ItemKind::Client => format!(
                "\n[clients.{name}]                 # then in a chain: \"client:{name}\"\nkind = \"{word}\"\n"
            ),
            ItemKind::Strategy => {
                format!("\n[fallback]\nchain = [\"{word}\", \"cache_then_skip\"]\n")
            }
            ItemKind::Hook => format!("\n[hooks.{item}]\nkind = \"{word}\"\n"),
        });
    }
    text
}

fn confirm(question: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Code::PLUGIN_UNTRUSTED, "nobody is there to ask")
            .hint("look at the library, then add --yes"));
    }
    terminal::eprint(question);
    let mut line = String::new();
    let _ = std::io::stdin().lock().read_line(&mut line);
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
