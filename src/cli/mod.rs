//! The commands. Results go to standard output, everything else to standard error.
//!
//! clap parses the command line. Three of them have nothing to parse and skip it, since building
//! clap's definition costs more than the rest of a start: the line `session-start`, which hosts call,
//! the call without arguments, and the process of a plugin.

mod call;
mod config;
mod demo;
mod explain;
mod flags;
mod init;
mod install;
mod logs;
mod parse;
mod plugin;
mod prompt;
mod quote;
mod refresh;
mod runs;
mod runtime;
mod session_start;
mod stdin;
mod table;
mod tasks;
mod terminal;
mod tools;
mod trust;
mod uninstall;
mod watchdog;
mod workspace;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

pub use self::flags::Flags;
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::plugin::child;
use crate::process::guard;

/// What the process was started with.
pub struct Invocation {
    /// Shared by all that a run builds: it is never copied.
    pub environment: Arc<Environment>,
    /// Our own program, for the detached process. A value, since tests run another binary.
    pub program: PathBuf,
    /// When the process started.
    pub at: std::time::Instant,
    pub flags: Flags,
}

impl Invocation {
    /// The same with the flags of the command line.
    fn with(&self, flags: Flags) -> Self {
        let (environment, program) = (Arc::clone(&self.environment), self.program.clone());
        Invocation { environment, program, at: self.at, flags }
    }
}

/// In the long help of the program.
const EXIT_CODES: &str = "\
Exit codes:
    0  success; always of `session-start`, but for the fallback `cache_then_error`
    1  a check failed, or the answer to a question was no
    2  wrong usage
    3  configuration
    4  login needed or refused
    5  server not reachable
    6  answer not understood, or the tool reported an error
    7  disk
    8  not trusted
    9  plugin
   70  a bug in warmstart
  130  interrupted (SIGINT); 143: terminated (SIGTERM)";

/// Start agent sessions with their pending tasks
#[derive(Parser)]
#[command(name = "warmstart", version, propagate_version = true, args_override_self = true)]
#[command(after_long_help = EXIT_CODES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer the SessionStart hook: event on standard input, one JSON object on standard output
    SessionStart(session_start::Options),
    #[command(flatten)]
    OfUser(UserCommand),
    /// Do the background work of a session start
    #[command(name = crate::refresh::COMMAND, hide = true)]
    Refresh(refresh::Options),
    /// Run one call of a plugin
    #[command(name = child::COMMAND, hide = true)]
    PluginHost,
}

/// The commands that a user calls.
#[derive(Subcommand)]
enum UserCommand {
    /// Find the tasks that are there, show them, and write the configuration
    Init(init::Options),
    /// Register the program in the settings of agent programs, and run it once
    Install(install::Options),
    /// Remove it from the settings of agent programs
    Uninstall(uninstall::Options),
    /// Show in a minute what a session gets, without a server or any setting of yours
    Demo(demo::Options),
    /// Show the tasks that a session would start with
    Tasks(tasks::Options),
    /// Show the task server's tools and their arguments
    Tools(tools::Options),
    /// Call a tool of the task server once
    Call(call::Options),
    /// Show and check the configuration
    Config(config::Options),
    /// Trust this project's `.claude/hooks.toml` until it changes
    Trust(trust::TrustOptions),
    /// Revoke trust in this project's `.claude/hooks.toml`
    Untrust(trust::UntrustOptions),
    /// Write, check, trust and call plugins
    Plugin(plugin::Options),
    /// Show the last session starts
    Runs(runs::Options),
    /// Show the log, or where it is
    Logs(logs::Options),
    /// Explain an error code
    Explain(explain::Options),
}

/// Runs the command that `arguments` (without the program's name) name.
#[must_use]
pub fn run(arguments: &[OsString], invocation: &Invocation) -> ExitCode {
    guard::set_own_program(&invocation.program);
    crate::disk::ignore_sigxfsz();
    match arguments {
        [] => bare(invocation),
        [command] if command == session_start::COMMAND => {
            session_start::run(session_start::Request::default(), invocation)
        }
        [command] if command == child::COMMAND => child::run(),
        [command, program @ ..] if command == guard::COMMAND => guard::run(program),
        _ => match parse::strictly(arguments) {
            Ok((command, flags)) => command.run(&invocation.with(flags)),
            Err(error) => refused(&error, arguments, invocation),
        },
    }
}

/// Without arguments: `session-start` when a host's event is on standard input, since several hosts
/// ignore the arguments of a hook; else the help.
fn bare(invocation: &Invocation) -> ExitCode {
    if !std::io::stdin().is_terminal() {
        let event = stdin::read();
        if crate::host::is_of_a_host(&event.0) {
            let request = session_start::Request { event: Some(event), ..Default::default() };
            return session_start::run(request, invocation);
        }
    }
    terminal::eprint(&parse::definition().render_help().ansi().to_string());
    ExitCode::from(terminal::USAGE)
}

/// What clap did not accept, `--help` and `--version` among it.
fn refused(error: &clap::Error, arguments: &[OsString], invocation: &Invocation) -> ExitCode {
    if !error.use_stderr() || !parse::is_session_start(arguments) {
        return print_refusal(error);
    }
    match parse::leniently(arguments) {
        Ok((Command::SessionStart(options), flags, failure)) => {
            let wrong_flag = Some(failure);
            let request = session_start::Request { options, wrong_flag, event: None };
            session_start::run(request, &invocation.with(flags))
        }
        Ok(_) => print_refusal(error),
        Err(help) => print_refusal(&help),
    }
}

fn print_refusal(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { terminal::USAGE } else { 0 })
}

impl Command {
    fn run(self, invocation: &Invocation) -> ExitCode {
        match self {
            Command::SessionStart(options) => {
                let request = session_start::Request { options, ..Default::default() };
                session_start::run(request, invocation)
            }
            Command::OfUser(command) => command.run(invocation),
            Command::Refresh(options) => refresh::run(options, invocation),
            Command::PluginHost => child::run(),
        }
    }
}

impl UserCommand {
    /// A panic is an error like any other.
    fn run(self, invocation: &Invocation) -> ExitCode {
        terminal::set_quiet(invocation.flags.quiet);
        if !self.writes_log() {
            workspace::start_console(&invocation.flags);
        }
        let result = catch_unwind(AssertUnwindSafe(|| self.result(invocation)));
        terminal::exit(result.unwrap_or_else(|_| {
            let failure = Failure::new(Code::Internal, "`warmstart` panicked");
            Err(failure.hint("please report it with the lines above").into())
        }))
    }

    fn result(self, invocation: &Invocation) -> terminal::CommandResult {
        match self {
            UserCommand::Init(options) => init::run(&options, invocation),
            UserCommand::Install(options) => install::run(&options, invocation),
            UserCommand::Uninstall(options) => uninstall::run(&options, invocation),
            UserCommand::Demo(options) => demo::run(&options, invocation),
            UserCommand::Tasks(options) => tasks::run(&options, invocation),
            UserCommand::Tools(options) => tools::run(&options, invocation),
            UserCommand::Call(options) => call::run(&options, invocation),
            UserCommand::Config(options) => config::run(&options, invocation),
            UserCommand::Trust(options) => trust::trust(&options, invocation),
            UserCommand::Untrust(options) => trust::untrust(&options, invocation),
            UserCommand::Plugin(options) => plugin::run(&options, invocation),
            UserCommand::Runs(options) => runs::run(&options, invocation),
            UserCommand::Logs(options) => logs::run(&options, invocation),
            UserCommand::Explain(options) => explain::run(&options),
        }
    }

    /// Whether the command writes to the log file; for the others the log is only what `-v` prints.
    const fn writes_log(&self) -> bool {
        matches!(
            self,
            UserCommand::Tasks(_)
                | UserCommand::Tools(_)
                | UserCommand::Call(_)
                | UserCommand::Plugin(_)
        )
    }
}
