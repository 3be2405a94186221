//! `warmstart install`: puts the entry into the settings of agent programs, and runs it once.

mod elsewhere;
pub(super) mod site;

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use self::site::{Site, agree, for_each, print_diff, print_line, remove_empty};
use super::Invocation;
use super::runtime::block_on;
use super::terminal::{self, CommandError, CommandResult, Usage, print_note};
use crate::digest;
use crate::error::{Code, Failure};
use crate::install::{
    Change, Edited, Entry, HostName, Installation, Journal, Placement, Scope, SettingsFile, Trial,
    Undo, edit, failure_of, registrations, try_entry,
};
use crate::process;
use crate::text::for_shell;

/// Flags of `install`.
#[derive(Args)]
pub struct Options {
    /// The agent programs; without one, those found here, asked one by one
    #[arg(value_enum, value_name = "HOST")]
    hosts: Vec<HostName>,
    /// Whose sessions get their tasks
    #[arg(long, value_enum, default_value = "user", value_name = "SCOPE")]
    scope: Scope,
    /// Show the changes as a unified diff, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Exit with 0 if the entry is registered and right, with 1 if not
    #[arg(long, conflicts_with = "dry_run")]
    check: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Seconds after which the host ends the program (default: 10)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: Option<u64>,
}

/// One run of the command.
struct Run<'a> {
    options: &'a Options,
    site: Site,
    program: String,
    undo: Undo,
}

/// One file, with the entry in it.
struct Planned<'a> {
    placement: &'static Placement,
    file: &'a SettingsFile,
    edited: Edited,
}

/// Installs the entry.
///
/// # Errors
/// When a file cannot be edited or written; it is then as it was.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let site = Site::find(invocation)?;
    let hosts = if options.hosts.is_empty() { site.hosts() } else { options.hosts.clone() };
    if hosts.is_empty() {
        let usage = Usage::new("no agent program was found");
        return Err(usage.hint("name it: `warmstart install claude`").into());
    }
    let program = program(invocation)?;
    let undo = Undo::new(&site.state, "install");
    let mut run = Run { options, site, program, undo };
    let is_good = for_each(hosts, |host| run.host(Placement::of(host)))?;
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// The path of this program: the one in PATH where it leads to the same file, since it survives an
/// upgrade by a package manager.
fn program(invocation: &Invocation) -> Result<String, Failure> {
    let path = invocation.environment.get("PATH").unwrap_or_default();
    let real = invocation.program.canonicalize().ok();
    let in_path = process::find("warmstart", path, None);
    let in_path = in_path.filter(|file| real.is_some() && file.canonicalize().ok() == real);
    let program = in_path.unwrap_or_else(|| invocation.program.clone());
    let text = program.to_str().map(str::to_owned);
    let shown = program.display();
    text.ok_or_else(|| {
        Failure::new(Code::ConfigValue, format!("the path of this program is not UTF-8: `{shown}`"))
            .hint("move the program, then run `warmstart install` again")
    })
}

impl Run<'_> {
    /// Installs the entry for one host; `false` when it is not there or does not work.
    fn host(&mut self, placement: &'static Placement) -> Result<bool, CommandError> {
        if placement.host == HostName::Cursor {
            return Ok(self.show_cursor(placement));
        }
        let scope = self.options.scope;
        let Some(path) = self.site.path(placement, scope) else {
            let text =
                format!("{} has no settings file of scope {}", placement.title, scope.name());
            return Err(Usage::new(text).hint("use `--scope user` or `--scope project`").into());
        };
        let entry = Entry { placement, program: &self.program, timeout: self.options.timeout };
        let file = SettingsFile::read(&path, scope, &self.site.project)?;
        let edited = edit(file.text()?, &entry).map_err(|refusal| failure_of(&path, &refusal));
        let elsewhere = elsewhere::check(&self.site, placement, scope);
        let edited = elsewhere.and(edited);
        if self.options.check {
            return Ok(print_check(placement, &file, edited.as_ref()));
        }
        let edited = edited?;
        if edited.change == Change::None {
            print_line(&format!("{}: already registered in {}", placement.title, path.display()));
            return Ok(true);
        }
        file.check_writable()?;
        self.apply(&Planned { placement, file: &file, edited })
    }

    /// Shows, asks, writes and tries the entry.
    fn apply(&mut self, planned: &Planned<'_>) -> Result<bool, CommandError> {
        let Planned { placement, file, edited } = planned;
        let is_asked = self.options.hosts.is_empty() && !self.options.yes;
        if self.options.dry_run || is_asked {
            print_diff(
                &file.named,
                file.bytes().map(|_| file.text().unwrap_or_default()),
                Some(&edited.text),
            );
        }
        if self.options.dry_run {
            return Ok(true);
        }
        let question = format!("Register warmstart in {}?", placement.title);
        if is_asked && !agree(&question)? {
            print_line(&format!("{}: not registered.", placement.title));
            return Ok(true);
        }
        self.write(planned)?;
        let done = if edited.change == Change::Added { "registered in" } else { "repaired in" };
        print_line(&format!("{}: {done} {}", placement.title, file.named.display()));
        if let Some(other) = elsewhere::shared_with(&self.site, placement, self.options.scope) {
            let text = "Copilot CLI reads Claude Code's files of this project too, so a session of it \
                        may get its tasks twice";
            print_note(&format!("{text}: the other entry is in `{}`", other.display()));
        }
        if self.options.scope == Scope::Project {
            print_note(
                &"the entry has the path of the program on this machine; others who use the \
                         project's file need it there too",
            );
        }
        if placement.host == HostName::Codex {
            print_note(
                &"Codex runs a new hook only after you have trusted it there, with `/hooks`",
            );
        }
        Ok(self.try_out(planned)?)
    }

    /// Writes the file under the lock: first the copy and the record, so that a killed run is known.
    fn write(&mut self, planned: &Planned<'_>) -> Result<(), Failure> {
        let Planned { file, edited, .. } = planned;
        let mut journal = Journal::open(&self.site.state)?;
        file.sweep();
        let previous = journal.find(&file.named).cloned();
        let copy = self.undo.keep(&file.named, file.bytes())?;
        let is_added = edited.change == Change::Added;
        let before = previous.clone().unwrap_or_default();
        let is_unchanged = before.is_unchanged(file.bytes());
        let installation = Installation {
            path: file.named.clone(),
            host: planned.placement.name.to_owned(),
            scope: self.options.scope.name().to_owned(),
            written: digest::sha256_hex(&edited.text),
            original: if is_added { copy } else { before.original.filter(|_| is_unchanged) },
            is_created: file.bytes().is_none() || before.is_created,
            made: if is_added { edited.made.clone() } else { before.made },
            folders: [before.folders, file.missing_folders()].concat(),
        };
        let folders = file.missing_folders();
        journal.keep(installation)?;
        file.replace(edited.text.as_bytes()).inspect_err(|_| {
            remove_empty(&folders);
            let restored = match previous {
                Some(previous) => journal.keep(previous),
                None => journal.forget(&file.named),
            };
            if let Err(failure) = restored {
                terminal::print_warning(&failure);
            }
        })
    }

    /// Runs the entry once and prints what a session gets from it.
    fn try_out(&self, planned: &Planned<'_>) -> Result<bool, Failure> {
        let Planned { placement, edited, .. } = planned;
        let entries = registrations(&edited.text, placement).unwrap_or_default();
        let Some(entry) = entries.into_iter().next() else { return Ok(false) };
        let trial = Trial {
            placement,
            command: entry.command,
            environment: &self.site.environment,
            folder: &self.site.project,
            timeout: Duration::from_secs(self.options.timeout.unwrap_or(10)),
        };
        match block_on(try_entry(&trial))? {
            Ok(0) => print_line("The entry ran once and works; a session gets no text at present."),
            Ok(count) => {
                print_line(&format!("The entry ran once: a session gets {count} characters."));
            }
            Err(reason) => {
                let text = format!(
                    "the entry was run once, and {} would get nothing: {reason}",
                    placement.title
                );
                let failure = Failure::new(Code::Hook, text);
                terminal::print_warning(
                    &failure.hint("`warmstart runs` and `warmstart logs show` show why"),
                );
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Cursor's lines: they were not tried with the real program, so they are not written.
    fn show_cursor(&self, placement: &Placement) -> bool {
        let path = self.site.path(placement, self.options.scope);
        let path = path.map(|path| path.display().to_string()).unwrap_or_default();
        let command = format!("{} session-start --agent cursor", for_shell(&self.program));
        let timeout = self.options.timeout.unwrap_or(10);
        print_note(
            &"the entry for Cursor was not tried with the real program, so nothing is written",
        );
        print_line(&format!("Cursor: put this into {path}:"));
        let command = serde_json::Value::from(command);
        print_line(&format!(
            r#"{{"version":1,"hooks":{{"sessionStart":[{{"command":{command},"timeout":{timeout}}}]}}}}"#
        ));
        !self.options.check
    }
}

/// Prints whether the entry is there and right.
fn print_check(
    placement: &Placement,
    file: &SettingsFile,
    edited: Result<&Edited, &Failure>,
) -> bool {
    let shown = file.named.display();
    let entries = registrations(file.text().unwrap_or_default(), placement).unwrap_or_default();
    let place = entries.first().map(|entry| format!("{shown}:{}", entry.line));
    let line = match (edited, place) {
        (Err(failure), _) => failure.message.clone(),
        (Ok(edited), Some(place)) if edited.change == Change::None => {
            format!("registered in {place}")
        }
        (Ok(_), Some(place)) => format!("the entry in {place} is for another path or form"),
        (Ok(_), None) => format!("not registered in {shown}"),
    };
    print_line(&format!("{}: {line}", placement.title));
    edited.is_ok_and(|edited| edited.change == Change::None)
}
