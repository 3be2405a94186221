//! `warmstart config`: what is set, where it comes from, and what is wrong with it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Started;
use super::outcome::{self, Outcome, complain};
use super::setting::Setting;
use crate::config::origin::{self, Origin};
use crate::config::trust::PROJECT_FILE;
use crate::event::SessionEvent;
use crate::logging;
use crate::plan::Plan;

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
    /// Print where the files lie
    Path,
}

#[derive(Args)]
struct Show {
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
/// None of its own; problems are counted in the exit code.
pub fn run(options: &Options, started: &Started) -> Outcome {
    let folder = std::env::current_dir().unwrap_or_default();
    let setting = Setting::at(folder, started, None);
    match &options.command {
        Command::Show(show) if show.plan => {
            let plan = setting.plan(SessionEvent::unknown(), started, true, None);
            let text =
                if show.json { format!("{:#}\n", plan_json(&plan)) } else { plan_text(&plan) };
            outcome::print(&text);
            Ok(ExitCode::SUCCESS)
        }
        Command::Show(show) => {
            let origins = origin::of(&setting.loaded);
            let text = match (show.json, show.origin) {
                (true, _) => format!("{:#}\n", as_json(&origins)),
                (false, with_origin) => origins.iter().map(|one| line(one, with_origin)).collect(),
            };
            outcome::print(&text);
            Ok(ExitCode::SUCCESS)
        }
        Command::Check => check(&setting, started),
        Command::Path => {
            outcome::print(&paths(&setting));
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn line(origin: &Origin, with_origin: bool) -> String {
    let Some((first, shadowed)) = origin.values.split_first() else { return String::new() };
    if !with_origin {
        return format!("{} = {}\n", origin.key, first.value);
    }
    let mut text = format!("{} = {}  # {}\n", origin.key, first.value, first.place);
    for one in shadowed {
        text.push_str(&format!("    shadows {}  # {}\n", one.value, one.place));
    }
    text
}

fn as_json(origins: &[Origin]) -> serde_json::Value {
    let one = |origin: &Origin| {
        let values =
            origin.values.iter().map(|said| json!({ "value": said.value, "place": said.place }));
        json!({ "key": origin.key, "values": values.collect::<Vec<_>>() })
    };
    json!({ "schema": 1, "settings": origins.iter().map(one).collect::<Vec<_>>() })
}

fn plan_text(plan: &Plan) -> String {
    let scope = &plan.scope;
    let mut text = format!("client: {}\n", scope.queries.primary().label);
    for (name, named) in scope.queries.table() {
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
    let queries = plan.scope.queries.table().map(|(name, named)| {
        let chain: Vec<String> = named.chain.iter().map(crate::fallback::Step::name).collect();
        json!({ "name": name, "tool": named.config.tool, "chain": chain })
    });
    let hooks = plan.hooks.iter().map(|hook| {
        let fault = hook.hook.as_ref().err().map(ToString::to_string);
        json!({ "name": hook.name, "kind": hook.kind, "order": hook.order, "fault": fault })
    });
    json!({
        "schema": 1,
        "client": plan.scope.queries.primary().label,
        "queries": queries.collect::<Vec<_>>(),
        "hooks": hooks.collect::<Vec<_>>(),
        "problems": plan.problems,
    })
}

/// All that is wrong, at once: values, files, and names that lead nowhere.
fn check(setting: &Setting, started: &Started) -> Outcome {
    let plan = setting.plan(SessionEvent::unknown(), started, true, None);
    let faulty = plan.hooks.iter().filter_map(|hook| hook.hook.as_ref().err());
    let loaded = &setting.loaded;
    let all: Vec<_> = loaded.problems.iter().chain(&plan.problems).chain(faulty).collect();
    all.iter().for_each(|failure| complain(failure));
    for notice in &loaded.notices {
        outcome::note(&format!("note: {notice}\n"));
    }
    if let Some(failure) = &loaded.untrusted {
        outcome::note(&format!("note: {failure}\n"));
    }
    if all.is_empty() {
        outcome::print("The configuration is valid.\n");
        return Ok(ExitCode::SUCCESS);
    }
    outcome::note(&format!("{} problems; each value is left out until it is mended\n", all.len()));
    Ok(ExitCode::from(3))
}

fn paths(setting: &Setting) -> String {
    let Some(paths) = &setting.paths else {
        return "There is no home folder: nothing is read or kept.\n".into();
    };
    let config = &setting.loaded.config;
    let project = setting.root.join(PROJECT_FILE);
    let trust = match (project.exists(), setting.loaded.project_trusted) {
        (false, _) => "not there",
        (true, true) => "trusted",
        (true, false) => "not trusted",
    };
    let file = if paths.config_file.exists() { "there" } else { "not there" };
    let cache = config.cache.dir.clone().unwrap_or_else(|| paths.cache.clone());
    let log = logging::folder(&config.log, Some(paths)).unwrap_or_default();
    format!(
        "your file:      {} ({file})\nproject's file: {} ({trust})\ncache:          {}\nstate:          {}\nlog:            {}\n",
        paths.config_file.display(),
        project.display(),
        cache.display(),
        paths.state.display(),
        log.display(),
    )
}
