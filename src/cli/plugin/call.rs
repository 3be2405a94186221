//! `plugin call`: a request of the user's own to a trusted plugin; prints the raw reply and the time.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value};

use super::super::Invocation;
use super::super::runtime::block_on;
use super::super::terminal::{self, CommandResult, Usage};
use super::super::workspace::Workspace;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::plugin::wire::{self, MAX_REQUEST_BYTES, PluginRequest};
use crate::plugin::{PinnedLibrary, Plugin, PluginHost, pin};
use crate::text::for_json;

const TIMEOUT: Duration = Duration::from_secs(30);
const EXAMPLE: &str =
    r#"for example '{"op": "pending_tasks", "name": "todo_file", "query": {"limit": 5}}'"#;

/// Flags of `plugin call`.
#[derive(Args)]
pub struct Options {
    /// Name of the plugin
    name: String,
    /// The request, a JSON object with `op`: the JSON itself, a file (FILE or @FILE), or `-` for
    /// standard input
    request: String,
}

/// Calls it.
///
/// # Errors
/// When the request is invalid, the plugin is not trusted, or there is no reply.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let request = read(&options.request)?;
    let workspace = Workspace::here(invocation)?;
    let plugin = trusted(&options.name, &workspace, invocation)?;
    let timeout = workspace.loaded.config.plugin(&options.name).timeout.min(TIMEOUT);
    let began = Instant::now();
    let reply = block_on(plugin.raw_call(&request, Deadline::after(timeout)))?;
    terminal::eprint(&format!("{:.1} ms\n", began.elapsed().as_secs_f64() * 1e3));
    let reply = reply.map_err(|fault| fault.failure(&options.name))?;
    terminal::print(&for_json(&format!("{reply:#}\n")));
    Ok(ExitCode::from(u8::from(reply.get("error").is_some())))
}

fn trusted(name: &str, workspace: &Workspace, invocation: &Invocation) -> Result<Plugin, Failure> {
    let pins = super::pins(workspace)?;
    let pin = pins.get(name)?.ok_or_else(|| {
        Failure::new(Code::PluginUntrusted, format!("the plugin `{name}` is not trusted"))
            .hint("run `warmstart plugin trust FILE`; `plugin check` works without trust")
    })?;
    let path = pins.library(name, &pin.sha256);
    pin::check_copy(&path, pin.size).map_err(|fault| fault.failure(name))?;
    let library = PinnedLibrary { path, sha256: pin.sha256, size: pin.size };
    let config = workspace.loaded.config.plugin(name);
    let place = PluginHost { program: invocation.program.clone(), root: workspace.root.clone() };
    Ok(Plugin::new(name, library, config, &invocation.environment, place))
}

/// Reads the request from where `argument` says: `-`, `@FILE`, an existing file, or the JSON itself.
fn read(argument: &str) -> Result<PluginRequest, Usage> {
    if argument == "-" {
        return parse("standard input", &read_stdin()?);
    }
    let file = match argument.strip_prefix('@') {
        Some(file) => Some(file),
        None => (!is_json(argument) && Path::new(argument).exists()).then_some(argument),
    };
    match file {
        Some(file) => parse(&format!("`{file}`"), &read_file(Path::new(file))?),
        None if is_json(argument) => parse("the request", argument.as_bytes()),
        None => Err(invalid(&format!(
            "`{}` is neither a JSON object nor an existing file",
            wire::plain(argument)
        ))),
    }
}

fn is_json(argument: &str) -> bool {
    argument.trim_start().starts_with(['{', '['])
}

fn read_stdin() -> Result<Vec<u8>, Usage> {
    let mut bytes = Vec::new();
    let limit = MAX_REQUEST_BYTES as u64;
    let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
    read.map_err(|error| invalid(&format!("cannot read standard input: {error}")))?;
    Ok(bytes)
}

fn read_file(path: &Path) -> Result<Vec<u8>, Usage> {
    let file = std::fs::File::open(path);
    let mut bytes = Vec::new();
    file.and_then(|file| file.take(MAX_REQUEST_BYTES as u64).read_to_end(&mut bytes))
        .map_err(|error| invalid(&format!("cannot read `{}`: {error}", path.display())))?;
    Ok(bytes)
}

fn parse(source: &str, bytes: &[u8]) -> Result<PluginRequest, Usage> {
    let mut fields: Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|error| invalid(&format!("{source} is not a JSON object: {error}")))?;
    let mut text = |key: &str| match fields.remove(key) {
        Some(Value::String(text)) => text,
        _ => String::new(),
    };
    let (op, item) = (text("op"), text("name"));
    if op.is_empty() {
        return Err(invalid(&format!("{source} has no `op`")));
    }
    Ok(PluginRequest::new(&op, &item, Value::Object(fields)))
}

fn invalid(message: &str) -> Usage {
    Usage::new(message).hint(EXAMPLE)
}
