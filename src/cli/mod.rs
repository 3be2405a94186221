//! The commands. Results go to standard output, everything else to standard error.
//! `session-start` and the hidden commands are told before the words are parsed: the first must never
//! end with a usage error, the others are not for people.

mod call;
mod config;
mod logs;
mod plugin;
mod prompt;
mod refresh;
mod runs;
mod session_start;
mod stdin;
mod table;
mod tasks;
mod terminal;
mod trust;
mod watchdog;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::environment::Environment;

/// What the process was started with.
pub struct Invocation {
    pub environment: Environment,
    /// Our own program, for the detached process. A value, since tests run another binary.
    pub program: PathBuf,
    pub at: std::time::Instant,
    pub flags: Flags,
}

impl Invocation {
    /// The same with the flags of the command line.
    fn with(&self, flags: Flags) -> Self {
        let (environment, program) = (self.environment.clone(), self.program.clone());
        Invocation { environment, program, at: self.at, flags }
    }
}

/// The strongest layer of the configuration, of every command.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Set KEY for this run alone, whatever is written elsewhere
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = pair)]
    pub set: Vec<(String, String)>,
    /// Instead of your own hooks.toml
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Key and value of `--set`.
pub(crate) fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.to_owned()));
    pair.ok_or_else(|| "write it as KEY=VALUE".into())
}

/// An agent session begins with its pending tasks: in time, whatever is broken.
#[derive(Parser)]
#[command(name = "warmstart", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer the SessionStart hook: event on standard input, one JSON object on standard output
    SessionStart(session_start::Options),
    /// Show the tasks that a session would begin with
    Tasks(tasks::Options),
    /// Call a tool of the task server once
    Call(call::Options),
    /// Show and check the configuration
    Config(config::Options),
    /// Let this project's `.claude/hooks.toml` set everything, as long as it does not change
    Trust(trust::TrustOptions),
    /// Take the trust in this project's file back
    Untrust(trust::UntrustOptions),
    /// Write, check, trust and call plugins
    Plugin(plugin::Options),
    /// Show the last session starts
    Runs(runs::Options),
    /// Show the log, or where it is
    Logs(logs::Options),
}

/// Runs the command that `arguments` (without the program's name) ask for.
#[must_use]
pub fn run(arguments: &[OsString], invocation: &Invocation) -> ExitCode {
    match arguments.first().and_then(|word| word.to_str()) {
        Some("session-start") => session_start::run(&arguments[1..], invocation),
        Some(crate::plugin::child::COMMAND) => crate::plugin::child::run(),
        Some(crate::refresh::COMMAND) => refresh::run(&arguments[1..], invocation),
        _ => commanded(arguments, invocation),
    }
}

fn commanded(arguments: &[OsString], invocation: &Invocation) -> ExitCode {
    let program = std::iter::once(OsString::from("warmstart"));
    let cli = match Cli::try_parse_from(program.chain(arguments.iter().cloned())) {
        Ok(cli) => cli,
        Err(error) => {
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let invocation = &invocation.with(cli.flags);
    let result = match cli.command {
        Command::SessionStart(_) => unreachable_here(),
        Command::Tasks(options) => tasks::run(&options, invocation),
        Command::Call(options) => call::run(&options, invocation),
        Command::Config(options) => config::run(&options, invocation),
        Command::Trust(options) => trust::trust(&options, invocation),
        Command::Untrust(options) => trust::untrust(&options, invocation),
        Command::Plugin(options) => plugin::run(&options, invocation),
        Command::Runs(options) => runs::run(&options, invocation),
        Command::Logs(options) => logs::run(&options, invocation),
    };
    terminal::exit(result)
}

/// `session-start` was taken before the words were parsed.
fn unreachable_here() -> terminal::CommandResult {
    Ok(ExitCode::SUCCESS)
}

/// The help of `session-start`.
fn session_start_help() -> String {
    let mut command = Cli::command();
    let found = command.find_subcommand_mut("session-start");
    let named = found.map(|command| command.clone().bin_name("warmstart session-start"));
    named.map(|mut command| command.render_long_help().to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flag_means_two_things() {
        Cli::command().debug_assert();
    }
}
