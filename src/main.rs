//! The program: takes the snapshot of the environment, and hands over to the commands.

use std::process::ExitCode;
use std::time::Instant;

use warmstart::cli::{self, Started};
use warmstart::environment::Environment;

fn main() -> ExitCode {
    let at = Instant::now();
    warmstart::secret::forbid_core_files();
    let mut arguments = std::env::args_os();
    let name = arguments.next();
    let program = std::env::current_exe().ok().or(name.map(Into::into)).unwrap_or_default();
    let arguments: Vec<_> = arguments.collect();
    let environment = Environment::of_process();
    cli::run(&arguments, &Started { environment, program, at, flags: cli::Flags::default() })
}
