//! `warmstart init`: finds the task server or task file that is there already, shows the tasks that a
//! session would get from it, and writes the configuration.
//!
//! Four steps: `listing` reads the project, `detect` finds the sources (pure), `proposal` and
//! `toml_file` turn one into text (pure), `target` writes it. A program or URL that only a file of the
//! project names is neither started nor asked before the user has seen and confirmed it here.

mod detect;
pub(super) mod diff;
mod listing;
mod mcp_json;
mod nothing;
mod preview;
mod proposal;
mod screen;
mod target;
mod toml_file;

use std::process::ExitCode;

use clap::Args;

use self::detect::{Abilities, Candidate, Detected, detect};
use self::listing::Listing;
use self::preview::Preview;
use self::proposal::{Credentials, Proposal, Situation, propose};
use self::target::Target;
use super::terminal::{self, CommandResult, Usage, print_note};
use super::workspace::Workspace;
use super::{Invocation, prompt};
use crate::config::AuthKind;
use crate::config::parser::{files, text, url};
use crate::error::Failure;
use crate::event::SessionEvent;
use crate::plan::PlanOptions;
use crate::secret::SafeUrl;
use crate::text::for_terminal;

/// Flags of `init`.
#[derive(Args)]
pub struct Options {
    /// Write this project's `.claude/hooks.toml` instead of your own file
    #[arg(long)]
    project: bool,
    /// Show what would be written, and write nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask before writing; a program or URL that only the project names still needs a yes
    #[arg(long)]
    yes: bool,
}

/// What `init` works with.
struct Surroundings<'a> {
    invocation: &'a Invocation,
    workspace: Workspace,
    target: Target,
    /// The label of the server that the configuration names.
    server: Option<String>,
    /// `client.kind` as it is in effect.
    kind: String,
}

/// Finds, shows and writes.
///
/// # Errors
/// When the file cannot be read, edited or written, or a question cannot be asked.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let surroundings = Surroundings::find(options, invocation)?;
    let detected = surroundings.detect();
    terminal::print(&screen::list(&detected, &surroundings.place()));
    let candidate = match choose(&detected, options) {
        Choice::One(candidate) => candidate,
        Choice::Nothing => {
            return nothing::offer(&surroundings.workspace.root, options.writes_alone());
        }
        Choice::Unconfirmed => return Ok(unconfirmed()),
        Choice::Stopped => return Ok(stopped()),
    };
    let mut proposal = propose(candidate, &surroundings.situation())?;
    if candidate.needs_confirmation()
        && !prompt::yes_or_no(&screen::confirmation(candidate, &invocation.environment))
    {
        return Ok(stopped());
    }
    surroundings.show_tasks(candidate, &mut proposal);
    surroundings.write(&proposal, options)
}

impl Options {
    /// Whether nothing may be asked.
    fn writes_alone(&self) -> bool {
        self.yes || self.dry_run || !prompt::is_possible()
    }
}

/// Which source is configured.
enum Choice<'a> {
    One(&'a Candidate),
    /// There is none.
    Nothing,
    /// There are only sources that cannot be confirmed here.
    Unconfirmed,
    /// The user wants none.
    Stopped,
}

/// The user's choice; without a question the first source that needs no confirmation.
fn choose<'a>(detected: &'a Detected, options: &Options) -> Choice<'a> {
    let candidates = &detected.candidates;
    let own = candidates.iter().find(|candidate| !candidate.needs_confirmation());
    let may_ask = prompt::is_possible();
    match (candidates.as_slice(), own) {
        ([], _) => Choice::Nothing,
        (_, Some(own)) if options.yes || !may_ask => Choice::One(own),
        (_, None) if !may_ask => Choice::Unconfirmed,
        ([only], _) => Choice::One(only),
        (all, _) => {
            let number = prompt::number("\nWhich one?", all.len());
            number.and_then(|number| all.get(number - 1)).map_or(Choice::Stopped, Choice::One)
        }
    }
}

fn unconfirmed() -> ExitCode {
    print_note(
        &"only files of this project name these, so they were neither started nor asked; run `warmstart init` at a terminal to confirm one",
    );
    ExitCode::from(1)
}

fn stopped() -> ExitCode {
    terminal::print("Nothing was written.\n");
    ExitCode::from(1)
}

impl<'a> Surroundings<'a> {
    fn find(options: &Options, invocation: &'a Invocation) -> Result<Self, Failure> {
        let folder = std::env::current_dir().unwrap_or_default();
        let workspace = Workspace::at(folder, invocation, &invocation.flags);
        let target = Target::read(&workspace, options.project)?;
        let kind = workspace.loaded.stack.root().base("client").get("kind", text());
        let server = configured_server(&workspace, invocation, &kind);
        Ok(Surroundings { invocation, workspace, target, server, kind })
    }

    /// The project's folder, for the screen.
    fn place(&self) -> String {
        let home = self.workspace.paths.as_ref().and_then(|paths| paths.home.as_deref());
        target::shown(&self.workspace.root, home)
    }

    fn detect(&self) -> Detected {
        let environment = &self.invocation.environment;
        let listing = Listing::read(&self.workspace.root);
        // A variable with the URL is the stronger layer, and listed itself.
        let configured = self.server.clone().filter(|_| !detect::has_url_variable(environment));
        detect(environment, &listing, configured, Abilities::of_program())
    }

    fn situation(&self) -> Situation<'_> {
        let client = self.workspace.loaded.stack.root().base("client");
        Situation {
            environment: &self.invocation.environment,
            kind: self.kind.clone(),
            has_server: self.server.is_some(),
            credentials: self.credentials(),
            files: client.get("files", files()),
            only_in: client.get("only_in", files()),
        }
    }

    fn credentials(&self) -> Credentials {
        let config = &self.workspace.loaded.config;
        let environment = &self.invocation.environment;
        let is_forced = environment.get("WARMSTART_AUTH__KIND").is_some()
            || self.invocation.flags.set.iter().any(|(key, _)| key == "auth.kind");
        if is_forced || !config.http.headers.is_empty() {
            Credentials::Always
        } else if config.auth.resolved_kind() == AuthKind::None {
            Credentials::None
        } else {
            Credentials::Login
        }
    }

    /// Asks the source and shows what a session would get.
    fn show_tasks(&self, candidate: &Candidate, proposal: &mut Proposal) {
        terminal::print(&for_terminal(&format!("\n{} ...\n", candidate.asking())));
        let preview = preview::ask(&self.workspace.folder, self.invocation, proposal);
        let Preview { text, failure, problems, .. } = &preview;
        let is_new = |problem: &&Failure| problem.message.starts_with("there is no file `");
        // A file that is named and does not exist yet is the one to be written.
        problems.iter().filter(|problem| !is_new(problem)).for_each(terminal::print_warning);
        let untrusted = self.workspace.loaded.untrusted.as_ref().and_then(|file| file.notice());
        untrusted.iter().for_each(terminal::print_note_of);
        if let Some(failure) = failure {
            terminal::print_warning(failure);
            proposal.explain(failure);
        }
        terminal::print(&screen::context(text));
        proposal.notes.extend(screen::slow(&preview));
        proposal.notes.extend(detect::stronger_variable(candidate, &self.invocation.environment));
        proposal.notes.iter().for_each(print_note);
    }

    /// Shows the change, asks, and writes it.
    fn write(&self, proposal: &Proposal, options: &Options) -> CommandResult {
        let target = &self.target;
        let edited = target.edited(proposal)?;
        if !target.is_changed_by(&edited) {
            terminal::print(&screen::unchanged(proposal, &target.shown));
            return Ok(ExitCode::SUCCESS);
        }
        terminal::print(&format!("\n{}\n", target.describe(&edited)));
        for key in &edited.replaced {
            print_note(&format!("this replaces the value of `{key}`"));
        }
        if options.dry_run {
            terminal::print("Nothing was written (--dry-run).\n");
            return Ok(ExitCode::SUCCESS);
        }
        if !options.yes && !may_write()? {
            return Ok(stopped());
        }
        target.write(&edited)?;
        terminal::print(&for_terminal(&screen::written(&target.shown, options.project)));
        Ok(ExitCode::SUCCESS)
    }
}

/// The label of the server that the configuration names. A kind alone is not yet a server.
fn configured_server(workspace: &Workspace, invocation: &Invocation, kind: &str) -> Option<String> {
    let options = PlanOptions { dry_run: true, ..PlanOptions::default() };
    let plan = workspace.plan(SessionEvent::unknown(), invocation, options);
    let source = plan.session.queries.primary();
    let server_url: Option<SafeUrl> =
        workspace.loaded.stack.root().base("client").get("url", url());
    let is_complete = server_url.is_some() || !matches!(kind, "mcp" | "rest");
    (source.is_cached && is_complete).then(|| source.label.clone())
}

/// The user's answer at the terminal.
fn may_write() -> Result<bool, Usage> {
    if prompt::is_possible() {
        return Ok(prompt::yes_or_no("Write it?"));
    }
    let usage = Usage::new("nothing was written, since no question can be asked here");
    Err(usage.hint("pass `--yes` to write it, or `--dry-run` to only show it"))
}
