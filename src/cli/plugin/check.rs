//! `plugin check`: numbered steps up to the first that fails, with a hint. Requires no trust: it works
//! on a copy of its own.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Map, Value, json};

use super::super::Invocation;
use super::super::flags::key_value;
use super::super::runtime::block_on;
use super::super::terminal::{self, CommandResult, Usage};
use super::super::workspace::Workspace;
use crate::config::PluginConfig;
use crate::deadline::Deadline;
use crate::digest::sha256_hex;
use crate::error::{Code, Failure};
use crate::plugin::wire::{self, PluginError, PluginErrorKind, PluginRequest};
use crate::plugin::{self, Fault, ItemKind, Manifest, PinnedLibrary, Plugin, PluginHost, header};
use crate::text::{for_json, for_terminal};

/// Limit on a call; the default in a session is one second.
pub const TIMEOUT: Duration = Duration::from_secs(5);
/// Number of calls of which the median time is shown.
const TIMED_CALLS: usize = 5;

/// Flags of `plugin check`.
#[derive(Args)]
pub struct Options {
    /// The library, or its name in a plugin folder
    file: PathBuf,
    /// Call it with this setting instead of those in `[plugins.NAME.config]`; repeatable
    #[arg(long = "with", value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Default)]
struct CheckReport {
    steps: Vec<CheckStep>,
    manifest: Option<Manifest>,
}

struct CheckStep {
    name: &'static str,
    detail: String,
    failure: Option<Failure>,
}

/// Checks the library.
///
/// # Errors
/// When a `--with` is malformed; a failed step gives exit code 1.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let settings = options.settings.iter().map(|text| pair(text)).collect::<Result<_, _>>()?;
    let workspace = Workspace::here(invocation)?;
    let mut report = CheckReport::default();
    let library = super::library(&options.file, &workspace);
    let path = library.as_ref().map_or(options.file.as_path(), PathBuf::as_path);
    let checked = match &library {
        Ok(path) => report.check(path, settings, &workspace, invocation),
        Err(failure) => Err(failed("file")(failure.clone())),
    };
    report.steps.extend(checked.err());
    let is_good = report.steps.iter().all(|step| step.failure.is_none());
    let text =
        if options.json { for_json(&report.as_json(path, is_good)) } else { report.as_text(path) };
    terminal::print(&text);
    Ok(ExitCode::from(u8::from(!is_good)))
}

fn failed(name: &'static str) -> impl Fn(Failure) -> CheckStep {
    move |failure| CheckStep { name, detail: failure.message.clone(), failure: Some(failure) }
}

impl CheckReport {
    fn passed(&mut self, name: &'static str, detail: impl Into<String>) {
        self.steps.push(CheckStep { name, detail: detail.into(), failure: None });
    }

    fn check(
        &mut self,
        path: &Path,
        settings: Map<String, Value>,
        workspace: &Workspace,
        invocation: &Invocation,
    ) -> Result<(), CheckStep> {
        let bytes = super::read(path).map_err(failed("file"))?;
        let name = super::name_of(path).map_err(failed("file"))?;
        self.passed("file", format!("{} bytes, named `{name}`", bytes.len()));
        let wrong = |text: String| {
            let text = format!("`{}` {text}", path.display());
            Failure::new(Code::PluginUnloadable, text)
                .hint("build it as a shared library for this machine")
        };
        header::check(&bytes).map_err(wrong).map_err(failed("header"))?;
        self.passed("header", "a shared library for this system and CPU");
        let config = configured(&name, settings, workspace);
        let copy = PrivateCopy::of(&name, &bytes).map_err(failed("copy"))?;
        let place =
            PluginHost { program: invocation.program.clone(), root: workspace.root.clone() };
        let plugin = Plugin::new(
            &name,
            copy.library.clone(),
            config.clone(),
            &invocation.environment,
            place,
        );
        let manifest = describe(&plugin).map_err(failed("describe"))?;
        self.passed("describe", summary(&manifest));
        self.manifest = Some(manifest.clone());
        self.check_settings(&name, &manifest, &config)?;
        for (kind, item) in items(&manifest) {
            self.call(&plugin, kind, &item)?;
        }
        let time = typical_time(&plugin).map_err(failed("time"))?;
        self.passed(
            "time",
            format!("{:.1} ms for a call in its own process", time.as_secs_f64() * 1e3),
        );
        Ok(())
    }

    /// Only of a plugin that declares its settings.
    fn check_settings(
        &mut self,
        name: &str,
        manifest: &Manifest,
        config: &PluginConfig,
    ) -> Result<(), CheckStep> {
        let Some(settings) = &manifest.settings else { return Ok(()) };
        plugin::check_settings(name, manifest, &config.config).map_err(failed("settings"))?;
        let keys: Vec<String> = settings.keys().map(|key| format!("`{key}`")).collect();
        self.passed("settings", if keys.is_empty() { "none".into() } else { keys.join(", ") });
        Ok(())
    }

    /// An error that the plugin reports is an answer; a fault, a bug or an invalid setting fails.
    fn call(&mut self, plugin: &Plugin, kind: ItemKind, item: &str) -> Result<(), CheckStep> {
        let name = kind.word();
        let request = example(kind, item);
        let fault = |fault: Fault| failed(name)(fault.failure(plugin.name()));
        let reply = block_on(plugin.raw_call(&request, Deadline::after(TIMEOUT)));
        let reply = reply.map_err(failed(name))?.map_err(fault)?;
        let detail = match wire::read_reply(reply).map_err(fault)? {
            Ok(ok) => understood(kind, &ok).map_err(fault)?,
            Err(error) if error.kind.is_faulty() || error.kind == PluginErrorKind::Config => {
                return Err(failed(name)(reported(&error, plugin.name())));
            }
            Err(error) => format!("answers with an error: {}", error.message),
        };
        self.passed(name, format!("`{item}` {detail}"));
        Ok(())
    }

    fn as_text(&self, path: &Path) -> String {
        let mut text = format!("{}\n", path.display());
        for (index, step) in self.steps.iter().enumerate() {
            let mark = if step.failure.is_none() { '✓' } else { '✗' };
            let detail = wire::plain(&step.detail);
            text.push_str(&format!("{mark} {} {}: {detail}\n", index + 1, step.name));
            if let Some(hint) = step.failure.as_ref().and_then(|failure| failure.hint.as_ref()) {
                text.push_str(&format!("  hint: {hint}\n"));
            }
        }
        for_terminal(&text)
    }

    fn as_json(&self, path: &Path, is_good: bool) -> String {
        let step = |step: &CheckStep| {
            json!({
                "name": step.name,
                "ok": step.failure.is_none(),
                "detail": wire::plain(&step.detail),
                "code": step.failure.as_ref().map(|failure| failure.code.to_string()),
                "hint": step.failure.as_ref().and_then(|failure| failure.hint.clone()),
            })
        };
        let steps: Vec<Value> = self.steps.iter().map(step).collect();
        let all = json!({ "schema": 1, "file": path, "ok": is_good, "steps": steps, "manifest": self.manifest });
        format!("{all:#}\n")
    }
}

/// The plugin's own table, or the settings of `--with` in its place.
fn configured(name: &str, settings: Map<String, Value>, workspace: &Workspace) -> PluginConfig {
    let mut config = workspace.loaded.config.plugin(name);
    config.timeout = TIMEOUT;
    if !settings.is_empty() {
        config.config = settings;
    }
    config
}

fn reported(error: &PluginError, plugin: &str) -> Failure {
    let failure = error.failure(plugin);
    if error.kind != PluginErrorKind::Config {
        return failure;
    }
    failure.hint(format!(
        "correct `[plugins.{plugin}.config]`, or pass a setting for this check with --with KEY=VALUE"
    ))
}

/// A private copy for the duration of the check.
pub struct PrivateCopy {
    _folder: tempfile::TempDir,
    pub library: PinnedLibrary,
}

impl PrivateCopy {
    fn of(name: &str, bytes: &[u8]) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(Code::StoreUnusable, format!("cannot make a copy: {error}"))
        };
        let folder = tempfile::tempdir().map_err(failed)?;
        let path = folder.path().join(name);
        crate::disk::write_atomic(&path, bytes, crate::disk::Durability::Process)
            .map_err(failed)?;
        let (sha256, size) = (sha256_hex(bytes), bytes.len() as u64);
        Ok(PrivateCopy { _folder: folder, library: PinnedLibrary { path, sha256, size } })
    }
}

/// Requests the library's description.
pub fn describe(plugin: &Plugin) -> Result<Manifest, Failure> {
    let described = block_on(plugin.call(&PluginRequest::describe(), Deadline::after(TIMEOUT)))??;
    Manifest::read(&described).map_err(|fault| fault.failure(plugin.name()))
}

/// `warmstart-x 0.1.0: client todo_file; requests bearer_token`.
pub fn summary(manifest: &Manifest) -> String {
    let mut parts: Vec<String> =
        items(manifest).map(|(kind, item)| format!("{} {item}", kind.word())).collect();
    if !manifest.wants.is_empty() {
        parts.push(format!("requests {}", manifest.wants.join(", ")));
    }
    let (name, version) = (wire::plain(&manifest.name), wire::plain(&manifest.version));
    format!("{name} {version}: {}", parts.join("; "))
}

/// All items with their kinds.
pub fn items(manifest: &Manifest) -> impl Iterator<Item = (ItemKind, String)> {
    ItemKind::ALL.into_iter().flat_map(|kind| {
        manifest.items(kind).iter().map(move |item| (kind, item.clone())).collect::<Vec<_>>()
    })
}

fn example(kind: ItemKind, item: &str) -> PluginRequest {
    let query = json!({ "name": "tasks", "tool": "manage_task", "arguments": {}, "limit": 5 });
    match kind {
        ItemKind::Client => PluginRequest::new("pending_tasks", item, json!({ "query": query })),
        ItemKind::Strategy => {
            let failure =
                json!({ "class": "unavailable", "code": "WS302", "message": "an example" });
            let cache = json!({ "state": "stale", "age_s": 5400 });
            let fields = json!({ "query": query, "failure": failure, "cache": cache });
            PluginRequest::new("after_failure", item, fields)
        }
        ItemKind::Hook => PluginRequest::new(
            "session_start",
            item,
            json!({ "event": { "source": "startup", "tasks": [] } }),
        ),
    }
}

fn understood(kind: ItemKind, ok: &Value) -> Result<String, Fault> {
    Ok(match kind {
        ItemKind::Client => {
            format!("gives {}", counted(wire::read_tasks(ok)?.list.len(), "open task"))
        }
        ItemKind::Strategy => format!("decides `{}`", wire::read_decision(ok)?.word()),
        ItemKind::Hook => format!("gives {}", counted(wire::read_sections(ok)?.len(), "section")),
    })
}

/// `1 task`, `2 tasks`.
fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn typical_time(plugin: &Plugin) -> Result<Duration, Failure> {
    let mut times = Vec::with_capacity(TIMED_CALLS);
    for _ in 0..TIMED_CALLS {
        let began = Instant::now();
        describe(plugin)?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times[TIMED_CALLS / 2])
}

fn pair(text: &str) -> Result<(String, Value), Usage> {
    key_value(text).ok_or_else(|| {
        Usage::new(format!("`--with {text}` has no `=`")).hint("for example --with path=TODO.md")
    })
}
