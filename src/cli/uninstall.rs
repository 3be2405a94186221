//! `warmstart uninstall`: takes the entry out of the settings of agent programs. A file that nothing else
//! has changed gets the bytes that it had before.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::Invocation;
use super::install::site::{Site, agree, for_each, print_diff, print_line, remove_empty};
use super::terminal::{CommandError, CommandResult, print_note};
use crate::error::Failure;
use crate::install::{
    HostName, Installation, Journal, Placement, Scope, SettingsFile, Undo, failure_of,
    is_empty_but_for_version, registrations, remove,
};

/// Flags of `uninstall`.
#[derive(Args)]
pub struct Options {
    /// The agent programs; without one, all in which it is registered, asked one by one
    #[arg(value_enum, value_name = "HOST")]
    hosts: Vec<HostName>,
    /// Only in the file of this scope
    #[arg(long, value_enum, value_name = "SCOPE")]
    scope: Option<Scope>,
    /// Show the changes as a unified diff, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

struct Run<'a> {
    options: &'a Options,
    site: Site,
    undo: Undo,
    /// How many files had an entry.
    count: usize,
}

/// One file without the entry.
struct Planned<'a> {
    placement: &'static Placement,
    file: &'a SettingsFile,
    installation: Option<Installation>,
    /// `None`: the file is removed.
    text: Option<Vec<u8>>,
}

/// Removes the entry.
///
/// # Errors
/// When a file cannot be edited or written; it is then as it was.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let site = Site::find(invocation)?;
    let is_named = |placement: &&Placement| {
        options.hosts.is_empty() || options.hosts.contains(&placement.host)
    };
    let hosts = Placement::all().iter().filter(is_named);
    let scopes = |placement| Scope::ALL.map(|scope| (placement, scope));
    let is_chosen = |scope: Scope| options.scope.is_none_or(|only| only == scope);
    let places: Vec<(&'static Placement, Scope)> =
        hosts.flat_map(scopes).filter(|(_, scope)| is_chosen(*scope)).collect();
    let undo = Undo::new(&site.state, "uninstall");
    let mut run = Run { options, site, undo, count: 0 };
    for_each(places, |(placement, scope)| run.place(placement, scope))?;
    if run.count == 0 {
        print_line("warmstart is not registered here.");
    }
    for other in Journal::read(&run.site.state)?.all() {
        if !run.is_of_this_project(&other.path) {
            print_note(&format!("an entry for {} is in `{}`", other.host, other.path.display()));
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Run<'_> {
    fn is_of_this_project(&self, path: &PathBuf) -> bool {
        let all = Placement::all().iter();
        let mut paths = all.flat_map(|placement| {
            Scope::ALL.into_iter().filter_map(|scope| self.site.path(placement, scope))
        });
        paths.any(|other| other == *path)
    }

    /// Removes the entry from one file of a host.
    fn place(&mut self, placement: &'static Placement, scope: Scope) -> Result<bool, CommandError> {
        let Some(path) = self.site.path(placement, scope) else { return Ok(true) };
        let installation = Journal::read(&self.site.state)?.find(&path).cloned();
        let file = match SettingsFile::read(&path, scope, &self.site.project) {
            Err(_) if self.options.hosts.is_empty() && installation.is_none() => return Ok(true),
            other => other?,
        };
        let bytes = file.bytes().unwrap_or_default();
        let is_mentioned = bytes.windows(b"warmstart".len()).any(|word| word == b"warmstart");
        if !is_mentioned && installation.is_none() {
            return Ok(true);
        }
        let refused = |refusal| failure_of(&path, &refusal);
        let entries = registrations(file.text()?, placement).map_err(refused)?;
        for entry in entries.iter().filter(|entry| !entry.is_plain) {
            let place = format!("{}:{}", path.display(), entry.line);
            print_note(&format!("`{place}` is left: `{}` is a command line of yours", entry.shown));
        }
        if placement.host == HostName::Cursor {
            return Ok(true);
        }
        if entries.iter().all(|entry| !entry.is_plain) && installation.is_none() {
            return Ok(true);
        }
        let text = without_entry(placement, &file, installation.as_ref())?;
        self.apply(&Planned { placement, file: &file, installation, text })
    }

    /// Shows, asks and writes.
    fn apply(&mut self, planned: &Planned<'_>) -> Result<bool, CommandError> {
        let Planned { placement, file, text, .. } = planned;
        let is_changed = file.bytes() != text.as_deref();
        self.count += usize::from(is_changed);
        if is_changed {
            file.check_writable()?;
        }
        let is_asked = self.options.hosts.is_empty() && !self.options.yes;
        if is_changed && (self.options.dry_run || is_asked) {
            let new = text.as_ref().map(|bytes| String::from_utf8_lossy(bytes));
            print_diff(&file.named, Some(file.text()?), new.as_deref());
        }
        if self.options.dry_run {
            return Ok(true);
        }
        let question = format!("Remove warmstart from {}?", placement.title);
        if is_changed && is_asked && !agree(&question)? {
            print_line(&format!("{}: left as it is.", placement.title));
            return Ok(true);
        }
        self.write(planned, is_changed)?;
        let shown = file.named.display();
        match (is_changed, text) {
            (false, _) => {}
            (true, Some(_)) => print_line(&format!("{}: removed from {shown}", placement.title)),
            (true, None) => print_line(&format!("{}: removed {shown}", placement.title)),
        }
        Ok(true)
    }

    /// Writes the file under the lock, then forgets it and removes the folders that were made for it.
    fn write(&mut self, planned: &Planned<'_>, is_changed: bool) -> Result<(), Failure> {
        let Planned { file, installation, text, .. } = planned;
        let mut journal = Journal::open(&self.site.state)?;
        file.sweep();
        if is_changed {
            self.undo.keep(&file.named, file.bytes())?;
            match text {
                Some(bytes) => file.replace(bytes)?,
                None => file.remove()?,
            }
        }
        let Some(installation) = installation else { return Ok(()) };
        remove_empty(&installation.folders);
        journal.forget(&file.named)
    }
}

/// The bytes of the file without the entry; `None` when the file is to be removed.
fn without_entry(
    placement: &Placement,
    file: &SettingsFile,
    installation: Option<&Installation>,
) -> Result<Option<Vec<u8>>, Failure> {
    if file.bytes().is_none() {
        return Ok(None);
    }
    if let Some(installation) = installation.filter(|entry| entry.is_unchanged(file.bytes())) {
        if installation.is_created {
            return Ok(None);
        }
        if let Some(original) = installation.original() {
            return Ok(Some(original));
        }
    }
    let made = installation.map(|installation| installation.made.as_slice()).unwrap_or_default();
    let text = remove(file.text()?, placement, made)
        .map_err(|refusal| failure_of(&file.named, &refusal))?;
    let is_created = installation.is_some_and(|installation| installation.is_created);
    Ok(if is_created && is_empty_but_for_version(&text) { None } else { Some(text.into_bytes()) })
}
