//! `plugin list`: every plugin that is pinned or lies in a plugin folder, its state, and why. Runs
//! none of them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::json;

use super::super::Invocation;
use super::super::terminal::{self, CommandResult};
use super::super::workspace::Workspace;
use super::check::items;
use crate::config::Config;
use crate::plugin::{PREFIX, Pin, Pins, find, pin};

/// Flags of `plugin list`.
#[derive(Args)]
pub struct Options {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

struct Line {
    name: String,
    kinds: String,
    state: &'static str,
    path: PathBuf,
    why: String,
}

/// Lists them.
///
/// # Errors
/// When there is no home folder.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let pins = super::pins(&workspace)?;
    let config = &workspace.loaded.config;
    let known = pins.all();
    let mut lines: Vec<Line> = known.iter().map(|pin| pinned(pin, &pins, config)).collect();
    let folders = find::folders(&config.plugin_path, workspace.paths.as_ref());
    let found = find::all(&folders).into_iter();
    let found = found.filter(|(name, _)| known.iter().all(|pin| pin.name != *name));
    lines.extend(found.map(|(name, path)| untrusted(name, path)));
    terminal::print(&if options.json { as_json(&lines) } else { as_text(&lines) });
    Ok(ExitCode::SUCCESS)
}

fn pinned(pin: &Pin, pins: &Pins, config: &Config) -> Line {
    let copy = pins.library(&pin.name, &pin.sha256);
    let fault = pin::check_copy(&copy, pin.size).err().map(|fault| fault.message);
    let fault = fault.or_else(|| {
        let same = super::read(&copy).is_ok_and(|bytes| pin::digest(&bytes) == pin.sha256);
        (!same).then(|| "has changed since it was trusted".to_owned())
    });
    let changed = super::read(&pin.path).is_ok_and(|bytes| pin::digest(&bytes) != pin.sha256);
    let (state, why) = match fault {
        Some(why) => ("faulty", format!("{why}; trust it again")),
        None if changed => {
            ("changed", "the file is not what you trusted; the trusted copy runs".into())
        }
        None if !is_used(&pin.name, config) => ("unused", "no setting names it".into()),
        None => ("trusted", format!("since {}", pin.trusted)),
    };
    let kinds: Vec<String> =
        items(&pin.manifest).map(|(kind, item)| format!("{} {item}", kind.word())).collect();
    Line { name: pin.name.clone(), kinds: kinds.join(", "), state, path: pin.path.clone(), why }
}

fn untrusted(name: String, path: PathBuf) -> Line {
    let why = format!("run `warmstart plugin trust {}`", path.display());
    Line { name, kinds: String::new(), state: "untrusted", path, why }
}

fn is_used(name: &str, config: &Config) -> bool {
    let queries = config.queries.values().filter_map(|query| query.fallback.as_ref());
    let chains = queries.chain([&config.fallback_chain]).flatten();
    let clients = config.clients.values().chain([&config.client]).map(|client| &client.kind);
    let hooks = config.hooks.values().map(|hook| &hook.kind);
    chains.chain(clients).chain(hooks).any(|word| {
        let word = word.strip_prefix(PREFIX).unwrap_or_default();
        word.split('/').next() == Some(name)
    })
}

fn as_json(lines: &[Line]) -> String {
    let one = |line: &Line| json!({ "name": line.name, "provides": line.kinds, "state": line.state, "path": line.path, "why": line.why });
    let all = json!({ "schema": 1, "plugins": lines.iter().map(one).collect::<Vec<_>>() });
    format!("{all:#}\n")
}

fn as_text(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "There are no plugins.\n".into();
    }
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(terminal::width()).unwrap_or(u16::MAX));
    table.set_header(["NAME", "PROVIDES", "STATE", "PATH", "WHY"]);
    for line in lines {
        let path = line.path.display().to_string();
        table.add_row([&line.name, &line.kinds, line.state, &path, &line.why]);
    }
    table.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
