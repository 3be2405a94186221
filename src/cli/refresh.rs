//! The detached process: the background work of a session start. Its results are in the log alone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Args;

use super::Invocation;
use super::runtime::block_on;
use super::workspace::{Log, Workspace, folder_of};
use crate::error::Code;
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
    std::panic::set_hook(Box::new(
        |panic| tracing::error!(code = %Code::Internal, %panic, "panicked"),
    ));
    let requests = async { tokio::time::timeout(refresh::LIMIT, refresh::ask(&plan, &work)).await };
    let has_asked = is_completed(|| matches!(block_on(requests), Ok(Ok(()))));
    let has_cleaned_up = !upkeep || is_completed(|| refresh::clean_up(&plan));
    if has_asked && has_cleaned_up { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does a part of the work. A panic in it is in the log and does not cost the other parts.
fn is_completed(part: impl FnOnce() -> bool) -> bool {
    catch_unwind(AssertUnwindSafe(part)).unwrap_or(false)
}
