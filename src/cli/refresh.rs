//! The detached process: what is due after an answer. Not for people; says what it did in the log.

use std::ffi::OsString;
use std::process::ExitCode;

use super::workspace::{Workspace, folder_of};
use super::{Flags, Invocation};
use crate::event::SessionEvent;
use crate::refresh::{self, BackgroundWork};

/// Does what the words name.
#[must_use]
pub fn run(arguments: &[OsString], invocation: &Invocation) -> ExitCode {
    refresh::detach();
    let mut work = BackgroundWork::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let word = word.to_str().unwrap_or_default();
        if word == "--config" {
            work.file = words.next().map(Into::into);
        }
        match word.split_once('=') {
            Some(("--renew", name)) => work.renew.push(name.to_owned()),
            Some(("--set", pair)) => work.set.extend(super::pair(pair)),
            Some(("--prime", name)) => work.prime.push(name.to_owned()),
            _ => work.upkeep |= word == "--upkeep",
        }
    }
    let event = SessionEvent::unknown();
    let flags = Flags { set: work.set.clone(), config: work.file.clone() };
    let workspace = Workspace::at(folder_of(&event, invocation), invocation, &flags);
    workspace.start_log();
    let plan = workspace.plan(event, invocation, false, None);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let work = refresh::run(&plan, &work);
    let _ = runtime.block_on(async { tokio::time::timeout(refresh::LIMIT, work).await });
    runtime.shutdown_background();
    ExitCode::SUCCESS
}
