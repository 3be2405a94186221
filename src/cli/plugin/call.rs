//! `plugin call`: an author's own request to a trusted plugin; the reply as it came, and the time.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value};

use super::super::Invocation;
use super::super::tasks::block_on;
use super::super::terminal::{self, CommandResult};
use super::super::workspace::Workspace;
use crate::config::PluginConfig;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::plugin::wire::{MAX_REQUEST_BYTES, PluginRequest};
use crate::plugin::{PinnedLibrary, Plugin, PluginHost, pin};

const TIMEOUT: Duration = Duration::from_secs(30);

/// Flags of `plugin call`.
#[derive(Args)]
pub struct Options {
    /// What the plugin is called
    name: String,
    /// The request, a JSON object with `op`; `-` reads standard input
    request: PathBuf,
}

/// Calls it.
///
/// # Errors
/// When it is not trusted, the request is none, or no reply came.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let workspace = Workspace::here(invocation)?;
    let pins = super::pins(&workspace)?;
    let name = options.name.as_str();
    let pin = pins.get(name)?.ok_or_else(|| {
        Failure::new(Code::PLUGIN_UNTRUSTED, format!("the plugin `{name}` is not trusted"))
            .hint("run `warmstart plugin trust FILE`; `plugin check` needs no trust")
    })?;
    let path = pins.library(name, &pin.sha256);
    pin::check_copy(&path, pin.size).map_err(|fault| fault.failure(name))?;
    let library = PinnedLibrary { path, sha256: pin.sha256, size: pin.size };
    let known = workspace.loaded.config.plugins.get(name).cloned();
    let config = known.unwrap_or_else(PluginConfig::blank);
    let deadline = Deadline::after(config.timeout.min(TIMEOUT));
    let place = PluginHost { program: invocation.program.clone(), root: workspace.root.clone() };
    let plugin = Plugin::new(name, library, config, &invocation.environment, place);
    let request = read(&options.request)?;
    let began = Instant::now();
    let reply = block_on(plugin.raw_call(&request, deadline))?;
    terminal::eprint(&format!("{:.1} ms\n", began.elapsed().as_secs_f64() * 1e3));
    let reply = reply.map_err(|fault| fault.failure(name))?;
    terminal::print(&format!("{reply:#}\n"));
    Ok(ExitCode::from(u8::from(reply.get("error").is_some())))
}

fn read(path: &Path) -> Result<PluginRequest, Failure> {
    let wrong = |text: String| {
        Failure::new(Code::FLAG, format!("`{}` {text}", path.display()))
            .hint(r#"like {"op": "pending_tasks", "name": "todo_file", "query": {"limit": 5}}"#)
    };
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_REQUEST_BYTES as u64).read_to_end(&mut bytes).map(drop)
    } else {
        std::fs::read(path).map(|read| bytes = read)
    };
    read.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut fields: Map<String, Value> = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(format!("is no JSON object: {error}")))?;
    let mut word = |key: &str| match fields.remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (op, item) = (word("op"), word("name"));
    if op.is_empty() {
        return Err(wrong("names no `op`".into()));
    }
    Ok(PluginRequest::new(&op, &item, Value::Object(fields)))
}
