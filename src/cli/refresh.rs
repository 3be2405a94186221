//! The detached process: what is due after an answer. Not for people; says what it did in the log.

use std::ffi::OsString;
use std::process::ExitCode;

use super::setting::{Setting, folder_of};
use super::{Flags, Started};
use crate::event::SessionEvent;
use crate::refresh::{self, Due};

/// Does what the words name.
#[must_use]
pub fn run(arguments: &[OsString], started: &Started) -> ExitCode {
    refresh::detach();
    let mut due = Due::default();
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let word = word.to_str().unwrap_or_default();
        if word == "--config" {
            due.file = words.next().map(Into::into);
        }
        match word.split_once('=') {
            Some(("--renew", name)) => due.renew.push(name.to_owned()),
            Some(("--set", pair)) => due.set.extend(super::pair(pair)),
            Some(("--prime", name)) => due.prime.push(name.to_owned()),
            _ => due.upkeep |= word == "--upkeep",
        }
    }
    let event = SessionEvent::unknown();
    let flags = Flags { set: due.set.clone(), config: due.file.clone() };
    let setting = Setting::at(folder_of(&event, started), started, &flags);
    setting.start_log();
    let plan = setting.plan(event, started, false, None);
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let work = refresh::run(&plan, &due);
    let _ = runtime.block_on(async { tokio::time::timeout(refresh::LIMIT, work).await });
    runtime.shutdown_background();
    ExitCode::SUCCESS
}
