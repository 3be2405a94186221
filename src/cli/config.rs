//! `warmstart config`: what is set, where it comes from, and what is wrong with it.

use std::path::Path;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Invocation;
use super::terminal::{self, CommandResult, print_error};
use super::workspace::Workspace;
use crate::config::reference::{self, toml_text};
use crate::config::trust::PROJECT_FILE;
use crate::config::{AnnotatedSetting, AnnotatedValue, Depth, nearest};
use crate::error::{Code, Failure};
use crate::event::SessionEvent;
use crate::hook::bindings;
use crate::logging;
use crate::plan::{Plan, PlanOptions};
use crate::resolve;
use crate::text::{for_terminal, for_terminal_line};

/// What to show.
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print every setting
    Show(Show),
    /// Check every layer; exit code 3 if something is wrong
    Check,
    /// Print where the files are
    Path,
    /// Print the JSON schema of hooks.toml, for editors
    Schema,
}

#[derive(Args)]
struct Show {
    /// Only this setting, or those of this table
    #[arg(conflicts_with = "plan")]
    key: Option<String>,
    /// Also where each value comes from, and what it shadows
    #[arg(long)]
    origin: bool,
    /// What the settings come to: clients, chains, hooks
    #[arg(long, conflicts_with = "origin")]
    plan: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows or checks.
///
/// # Errors
/// When the setting to be shown does not exist; problems are counted in the exit code.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let folder = std::env::current_dir().unwrap_or_default();
    let depth = match &options.command {
        Command::Path | Command::Schema => Depth::Winners,
        Command::Show(_) | Command::Check => Depth::AllLayers,
    };
    let workspace = Workspace::load(folder, invocation, &invocation.flags, depth);
    if let Command::Show(_) = options.command {
        workspace.require_flags()?;
    }
    match &options.command {
        Command::Show(show) if show.plan => show_plan(show, &workspace, invocation),
        Command::Show(options) => show(options, &workspace, invocation)?,
        Command::Check => return check(&workspace, invocation),
        Command::Path => terminal::print(&for_terminal(&paths(&workspace))),
        Command::Schema => {
            terminal::print(&format!("{:#}\n", reference::schema(&resolve::settings())));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show_plan(options: &Show, workspace: &Workspace, invocation: &Invocation) {
    let plan = plan(workspace, invocation);
    let text = if options.json { format!("{:#}\n", plan_json(&plan)) } else { plan_text(&plan) };
    terminal::print(&for_terminal(&text));
}

/// The plan reads the tables of clients and hooks; before it is made their settings are unknown.
fn plan(workspace: &Workspace, invocation: &Invocation) -> Plan {
    workspace.plan(SessionEvent::unknown(), invocation, PlanOptions::CHECK)
}

fn show(options: &Show, workspace: &Workspace, invocation: &Invocation) -> Result<(), Failure> {
    let plan = plan(workspace, invocation);
    let mut settings = workspace.loaded.stack.take_settings();
    settings.retain(|setting| !setting.values.is_empty());
    settings.sort_by(|one, other| one.path.cmp(&other.path));
    let chosen = chosen(settings, options.key.as_deref())?;
    let text = if options.json {
        format!("{:#}\n", as_json(&chosen))
    } else {
        let home = workspace.paths.as_ref().and_then(|paths| paths.home.as_deref());
        chosen.iter().map(|setting| lines(setting, options.origin, home)).collect()
    };
    terminal::print(&for_terminal(&text));
    let key = options.key.as_deref().unwrap_or_default();
    let problems = workspace.loaded.problems.iter().chain(&plan.problems);
    // Why a value is not the one that was written.
    problems.filter(|problem| problem.message.contains(key)).for_each(terminal::print_error);
    Ok(())
}

/// The settings that `key` names, all without one.
fn chosen(
    origins: Vec<AnnotatedSetting>,
    key: Option<&str>,
) -> Result<Vec<AnnotatedSetting>, Failure> {
    let Some(key) = key else { return Ok(origins) };
    let known: Vec<String> = origins.iter().map(AnnotatedSetting::key).collect();
    let is_below = |one: &AnnotatedSetting| {
        one.key().strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let found: Vec<AnnotatedSetting> = origins.into_iter().filter(is_below).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let failure = Failure::new(Code::ConfigName, format!("there is no setting `{key}`"));
    Err(match nearest(key, &known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None => failure.hint("`warmstart config show` lists them"),
    })
}

/// Where the places begin; they get a line of their own behind a longer value.
const ORIGIN_COLUMN: usize = 44;

fn lines(origin: &AnnotatedSetting, with_places: bool, home: Option<&Path>) -> String {
    let Some((first, others)) = origin.values.split_first() else { return String::new() };
    let text = for_terminal_line(&match first.is_ignored {
        true => format!("# {} is not set", origin.key()),
        false => format!("{} = {}", origin.key(), toml_text(&first.value)),
    });
    if !with_places {
        return text + "\n";
    }
    let (own, others) = match first.is_ignored {
        true => (text + "\n", origin.values.as_slice()),
        false => (with_place(&text, "from", &place(first, home)), others),
    };
    let other = |value: &AnnotatedValue| {
        let verb = if value.is_ignored { "leaves out" } else { "shadows" };
        let text = for_terminal_line(&format!("#   {verb} {}", toml_text(&value.value)));
        with_place(&text, "  from", &place(value, home))
    };
    own + &others.iter().map(other).collect::<String>()
}

fn with_place(text: &str, lead: &str, place: &str) -> String {
    if text.chars().count() > ORIGIN_COLUMN && place != "default" {
        return format!("{text}\n#   {lead} {place}\n");
    }
    format!("{text:<ORIGIN_COLUMN$}  # {place}\n")
}

fn place(value: &AnnotatedValue, home: Option<&Path>) -> String {
    let below = home.and_then(|home| value.origin.strip_prefix(home.to_str()?)?.strip_prefix('/'));
    below.map_or_else(|| value.origin.clone(), |rest| format!("~/{rest}"))
}

fn as_json(origins: &[AnnotatedSetting]) -> serde_json::Value {
    let one = |origin: &AnnotatedSetting| {
        let values = origin.values.iter().map(|value| {
            json!({ "value": value.value, "place": value.origin, "ignored": value.is_ignored })
        });
        json!({ "key": origin.key(), "values": values.collect::<Vec<_>>() })
    };
    json!({ "schema": 1, "settings": origins.iter().map(one).collect::<Vec<_>>() })
}

fn plan_text(plan: &Plan) -> String {
    let session = &plan.session;
    let mut text = format!("client: {}\n", session.queries.primary().label);
    for (name, named) in session.queries.table() {
        let chain: Vec<String> = named.chain.iter().map(crate::fallback::Step::name).collect();
        text.push_str(&format!("query {name}: {} -> {}\n", named.config.tool, chain.join(" -> ")));
    }
    for hook in &plan.hooks {
        let state = match &hook.hook {
            Ok(_) => String::new(),
            Err(failure) => format!("  FAULTY: {failure}"),
        };
        text.push_str(&format!("hook {:>4}  {} ({}){state}\n", hook.order, hook.name, hook.kind));
    }
    for problem in &plan.problems {
        text.push_str(&format!("problem: {problem}\n"));
    }
    text
}

fn plan_json(plan: &Plan) -> serde_json::Value {
    let queries = plan.session.queries.table().map(|(name, named)| {
        let chain: Vec<String> = named.chain.iter().map(crate::fallback::Step::name).collect();
        json!({ "name": name, "tool": named.config.tool, "chain": chain })
    });
    let hooks = plan.hooks.iter().map(|hook| {
        let fault = hook.hook.as_ref().err().map(ToString::to_string);
        json!({ "name": hook.name, "kind": hook.kind, "order": hook.order, "fault": fault })
    });
    json!({
        "schema": 1,
        "client": plan.session.queries.primary().label,
        "queries": queries.collect::<Vec<_>>(),
        "hooks": hooks.collect::<Vec<_>>(),
        "problems": plan.problems,
    })
}

/// All that cannot work, at once: values of every layer, files, names that lead nowhere, and what
/// clients and hooks lack.
fn check(workspace: &Workspace, invocation: &Invocation) -> CommandResult {
    let plan = plan(workspace, invocation);
    let faulty = plan.hooks.iter().filter_map(|hook| hook.hook.as_ref().err());
    let loaded = &workspace.loaded;
    let all = loaded.problems.iter().chain(&plan.problems).chain(faulty).chain(&plan.missing);
    let count = all.map(print_error).count();
    loaded.notices.iter().chain(&plan.notes).for_each(terminal::print_note);
    let bindings = bindings::of_session(&plan.session);
    plan.session.queries.refusals(&bindings).iter().for_each(terminal::print_note_of);
    if let Some(details) = loaded.untrusted.as_ref().and_then(|file| file.details()) {
        terminal::print_note_of(&details);
    }
    if count == 0 {
        terminal::print("The configuration is valid.\n");
        return Ok(ExitCode::SUCCESS);
    }
    let problems = if count == 1 { "1 problem" } else { &format!("{count} problems") };
    terminal::eprint(&format!("{problems}\n"));
    Ok(ExitCode::from(3))
}

fn paths(workspace: &Workspace) -> String {
    let Some(paths) = &workspace.paths else {
        return "There is no home folder: nothing is read or kept.\n".into();
    };
    let config = &workspace.loaded.config;
    let project = workspace.root.join(PROJECT_FILE);
    let trust = match (project.exists(), workspace.loaded.project_trusted) {
        (false, _) => "not there",
        (true, true) => "trusted",
        (true, false) => "not trusted",
    };
    // The first file that was looked for: the usual one, or the one that a variable names.
    let (file, is_there) = match workspace.loaded.files.first() {
        Some((path, is_there)) if *path != project => (path.clone(), *is_there),
        _ => (paths.config_file.clone(), false),
    };
    let is_there = if is_there { "there" } else { "not there" };
    let cache = config.cache.dir.clone().unwrap_or_else(|| paths.cache.clone());
    let log = logging::folder(&config.log, Some(paths)).unwrap_or_default();
    format!(
        "your file:      {} ({is_there})\nproject's file: {} ({trust})\ncache:          {}\nstate:          {}\nlog:            {}\n",
        file.display(),
        project.display(),
        cache.display(),
        paths.state.display(),
        log.display(),
    )
}
