//! `warmstart demo`: what a session gets, explained, and then without its server. Each step is a real
//! child process of this program with a home and a project of its own in a temporary folder; nothing of
//! the user's settings, cache or state is read or written, and nothing is left behind.

mod pause;
mod server;
mod stage;

use std::process::ExitCode;

use clap::Args;

use self::pause::{Ended, Pause};
use self::server::TaskServer;
use self::stage::Stage;
use super::Invocation;
use super::quote::quoted;
use super::terminal::{self, CommandResult};
use crate::error::{Code, Failure};
use crate::text::for_terminal;

/// Flags of `demo`.
#[derive(Args)]
pub struct Options {
    /// Do not wait for Enter between the steps
    #[arg(long)]
    yes: bool,
}

/// One step: a call of the program, and what it shows.
struct Step {
    title: &'static str,
    arguments: &'static [&'static str],
    project: &'static str,
    /// What standard error is, when there is something on it.
    beside: &'static str,
    remark: &'static str,
}

const FIRST: Step = Step {
    title: "1. A session starts. Your agent reads this text before your first prompt:",
    arguments: &["session-start", "--agent", "plain"],
    project: "shop",
    beside: "You see:",
    remark: "The tasks came from the task server, the most important ones first.",
};

const EXPLAINED: Step = Step {
    title: "2. The same start, with the reason for each part:",
    arguments: &["session-start", "--agent", "plain", "--explain"],
    project: "shop",
    beside: "On standard error:",
    remark: "`--explain` names where each part came from and how long it took.",
};

const STALE: Step = Step {
    title: "3. The task server is stopped. A session starts all the same:",
    arguments: &["session-start", "--agent", "plain"],
    project: "shop",
    beside: "You see:",
    remark: "The agent gets the cached tasks, labelled with their time, and you see why.",
};

const NOTHING: Step = Step {
    title: "4. Another project, from which no answer is cached:",
    arguments: &["session-start", "--agent", "plain"],
    project: "blog",
    beside: "You see:",
    remark: "The session starts in time all the same, without tasks.",
};

/// Shows the steps.
///
/// # Errors
/// When the temporary folder, the server or a child cannot be started.
pub fn run(options: &Options, invocation: &Invocation) -> CommandResult {
    let pause = Pause::new(options.yes);
    let server =
        TaskServer::start().map_err(|error| unusable("no server can be started", &error))?;
    let stage = Stage::build(invocation, server.address())
        .map_err(|error| unusable("no temporary folder can be used", &error))?;
    match steps(&stage, server, &pause) {
        Ok(()) => {
            terminal::print(END);
            Ok(ExitCode::SUCCESS)
        }
        Err(Stopped::Ended(Ended(signal))) => Ok(ExitCode::from(128 + signal)),
        Err(Stopped::Failure(failure)) => Err(failure.into()),
    }
}

/// Why the steps were not shown to their end.
enum Stopped {
    Ended(Ended),
    Failure(Failure),
}

impl From<Ended> for Stopped {
    fn from(ended: Ended) -> Self {
        Stopped::Ended(ended)
    }
}

fn steps(stage: &Stage, server: TaskServer, pause: &Pause) -> Result<(), Stopped> {
    terminal::print(&for_terminal(&format!("{INTRODUCTION}{}", stage.settings())));
    show(stage, pause, &FIRST)?;
    show(stage, pause, &EXPLAINED)?;
    drop(server);
    show(stage, pause, &STALE)?;
    show(stage, pause, &NOTHING)
}

fn show(stage: &Stage, pause: &Pause, step: &Step) -> Result<(), Stopped> {
    pause.wait()?;
    let Step { title, arguments, project, beside, remark } = step;
    terminal::print(&format!("\n{title}\n\n  {project}$ warmstart {}\n", arguments.join(" ")));
    let output = stage.start(project, arguments).map_err(|error| {
        Stopped::Failure(unusable("the program cannot be started again", &error))
    })?;
    pause.check()?;
    let [stdout, stderr] = output;
    terminal::print(&quoted(if stdout.is_empty() { "(nothing)" } else { &stdout }));
    if !stderr.is_empty() {
        terminal::print(&format!("\n{beside}\n\n{}", quoted(&stderr)));
    }
    terminal::print(&format!("\n{remark}\n"));
    Ok(())
}

fn unusable(what: &str, error: &std::io::Error) -> Failure {
    Failure::new(Code::StoreUnusable, format!("{what}: {error}"))
        .hint("check TMPDIR and its free space")
}

const INTRODUCTION: &str = "\
An agent session begins with its pending tasks. This shows it with a task server
of its own, in a temporary folder. Its whole configuration:

";

const END: &str = "
Nothing of this is left on the disk. `warmstart init` finds your own tasks.
";
