//! The detached process: the background work of a session start. Its results are in the log alone.

use std::process::ExitCode;

use clap::Args;

use super::Invocation;
use super::runtime::block_on;
use super::workspace::{Log, Workspace, folder_of};
use crate::event::SessionEvent;
use crate::plan::PlanOptions;
use crate::refresh::{self, BackgroundWork};

/// The work, as `refresh::spawn_detached` writes it.
#[derive(Args)]
pub struct Options {
    /// A query to renew
    #[arg(long, value_name = "QUERY")]
    renew: Vec<String>,
    /// A query to fill
    #[arg(long, value_name = "QUERY")]
    prime: Vec<String>,
    /// Clean up caches and records
    #[arg(long)]
    upkeep: bool,
}

/// Does the work.
#[must_use]
pub fn run(options: Options, invocation: &Invocation) -> ExitCode {
    refresh::detach();
    let Options { renew, prime, upkeep } = options;
    let work = BackgroundWork { renew, prime, upkeep, ..BackgroundWork::default() };
    let event = SessionEvent::unknown();
    let folder = folder_of(&event, invocation);
    let workspace = Workspace::at(folder, invocation, &invocation.flags);
    workspace.start_log(&invocation.flags, Log::File);
    let plan = workspace.plan(event, invocation, PlanOptions::default());
    let run = async { tokio::time::timeout(refresh::LIMIT, refresh::run(&plan, &work)).await };
    match block_on(run) {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
