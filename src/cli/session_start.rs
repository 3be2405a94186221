//! The hot path: event, configuration, plan, report, context, output, and then what is left to do.
//! It never harms the session: one JSON object, exit code 0, in time, whatever goes wrong.

mod explain;
mod record;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use record::Stages;

use super::watchdog::Watchdog;
use super::workspace::{Workspace, folder_of};
use super::{Invocation, stdin, terminal};
use crate::config::Resume;
use crate::context::{self, Context, revision};
use crate::deadline::{Deadline, Limit, Timestamp};
use crate::engine::{self, Report};
use crate::error::{Class, Code, Failure};
use crate::event::{Problem, Source};
use crate::output::{Agent, HookOutput, ResponseGuard};
use crate::plan::Plan;
use crate::refresh::{self, BackgroundWork};
use crate::runs;

/// Holds until the configured deadline is known.
const INITIAL_DEADLINE: Duration = Duration::from_secs(2);
/// Kept for rendering and printing, or a tenth of a short deadline.
const RENDER_RESERVE: Duration = Duration::from_millis(40);

/// Flags of `session-start`.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "session-start", no_binary_name = true)]
pub struct Options {
    /// The host that reads the answer
    #[arg(long, value_enum, default_value_t)]
    agent: Agent,
    /// Say on standard error where each part came from
    #[arg(long)]
    explain: bool,
    /// Change nothing on disk
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    flags: super::Flags,
}

/// Answers the hook.
#[must_use]
pub fn run(arguments: &[OsString], invocation: &Invocation) -> ExitCode {
    if arguments.iter().any(|word| word == "--help" || word == "-h") {
        terminal::print(&super::session_start_help());
        return ExitCode::SUCCESS;
    }
    crate::disk::ignore_sigxfsz();
    let (options, wrong_flag) = parse(arguments);
    let answer = Arc::new(ResponseGuard::default());
    let first = invocation.at + INITIAL_DEADLINE;
    let watchdog = Watchdog::new(first, &answer, options.agent);
    std::panic::set_hook(Box::new(
        |panic| tracing::error!(code = %Code::INTERNAL, %panic, "broke down"),
    ));
    let agent = options.agent;
    let run = || session(&options, wrong_flag, invocation, &answer, &watchdog);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(code) => code,
        Err(_) => {
            let failure = Failure::new(Code::INTERNAL, "broke down");
            let message = Some(format!("warmstart: {failure}. `warmstart logs show` tells more."));
            answer.write_once(&HookOutput { context: String::new(), message }, agent);
            ExitCode::SUCCESS
        }
    }
}

/// A flag that is not known (settings of a newer version, a slip) must not cost the session its
/// context: the flags that are known count, the rest is reported.
fn parse(arguments: &[OsString]) -> (Options, Option<Failure>) {
    if arguments.is_empty() {
        return (Options::default(), None);
    }
    match Options::try_parse_from(arguments) {
        Ok(options) => (options, None),
        Err(error) => {
            let first = error.to_string();
            let first = first.lines().next().unwrap_or_default().trim_start_matches("error: ");
            let failure = Failure::new(Code::FLAG, format!("session-start: {first}"))
                .hint("`warmstart session-start --help` lists the flags");
            let known = arguments.windows(2).find(|pair| pair[0] == "--agent");
            let options = known.and_then(|pair| Options::try_parse_from(pair).ok());
            (options.unwrap_or_default(), Some(failure))
        }
    }
}

/// One run, as a table of contents.
fn session(
    options: &Options,
    wrong_flag: Option<Failure>,
    invocation: &Invocation,
    answer: &ResponseGuard,
    watchdog: &Watchdog<'_>,
) -> ExitCode {
    let mut stages = Stages::new(invocation.at);
    let (event, problem) = stdin::read(|| watchdog.watch());
    stages.end("event");
    let workspace = Workspace::at(folder_of(&event, invocation), invocation, &options.flags);
    let whole = workspace.loaded.config.session_start.deadline;
    watchdog.set_deadline(invocation.at + whole);
    if !options.dry_run {
        workspace.start_log();
    }
    let id = record::id();
    let _run = tracing::info_span!("run", id).entered();
    stages.end("config");
    if problem == Some(Problem::OtherEvent) {
        tracing::warn!(code = %Code::EVENT, "not a SessionStart event");
        answer.write_once(&HookOutput::default(), options.agent);
        return ExitCode::SUCCESS;
    }
    let plan = tracing::debug_span!("plan")
        .in_scope(|| workspace.plan(event, invocation, options.dry_run, None));
    stages.end("plan");
    let problems = problems(&workspace, &plan, problem, wrong_flag);
    let deadline =
        Deadline::after(whole.saturating_sub(invocation.at.elapsed())).set_by(Limit::SESSION);
    let deadline = deadline.earlier(RENDER_RESERVE.min(whole / 10));
    let report = engine::execute(&plan, deadline, |early| {
        watchdog.set_provisional(render_output(&early, &plan, &problems, false).0);
        watchdog.watch();
    });
    stages.end("hooks");
    let render = || render_output(&report, &plan, &problems, !options.dry_run);
    let (output, context) = tracing::debug_span!("render").in_scope(render);
    if report.must_fail() {
        terminal::eprint(&format!("warmstart: {}\n", cause(&report)));
    }
    stages.end("render");
    if !crate::output::stdout_is_ready() {
        watchdog.watch();
    }
    let was_written = answer.write_once(&output, options.agent);
    stages.end("print");
    let ended = FinishedRun {
        plan: &plan,
        report: &report,
        problems: &problems,
        context: &context,
        was_written,
        id,
    };
    afterwards(&ended, options, &workspace, invocation, stages);
    ExitCode::from(u8::from(report.must_fail()))
}

/// What was wrong beside the hooks, in the order of its weight.
fn problems(
    workspace: &Workspace,
    plan: &Plan,
    problem: Option<Problem>,
    wrong_flag: Option<Failure>,
) -> Vec<Failure> {
    if let Some(problem) = problem {
        tracing::warn!(code = %Code::EVENT, %problem, "the session counts as a startup");
    }
    let loaded = &workspace.loaded;
    let homeless = workspace.paths.is_none().then(|| {
        Failure::new(Code::STORE_UNUSABLE, "there is no home folder, so nothing is kept")
            .hint("set HOME or WARMSTART_HOME")
    });
    let all = wrong_flag.into_iter().chain(loaded.problems.iter().cloned());
    let all: Vec<Failure> = all
        .chain(plan.problems.iter().cloned())
        .chain(loaded.untrusted.clone())
        .chain(homeless)
        .collect();
    for failure in &all {
        tracing::warn!(code = %failure.code, %failure, hint = failure.hint, "left out");
    }
    all
}

/// From the report to what the host gets, and the context in it. Only the last word may `keep` its
/// revision: what is said provisionally would else count as a change of the state.
fn render_output(
    report: &Report,
    plan: &Plan,
    problems: &[Failure],
    keep: bool,
) -> (HookOutput, Context) {
    let session = &plan.session;
    let config = &session.config;
    let message = context::message(report, problems, config.session_start.notice);
    if report.must_fail() {
        let message = message.or_else(|| Some(format!("warmstart: {}", cause(report))));
        return (HookOutput { context: String::new(), message }, Context::default());
    }
    let body = context::body(report, &config.context);
    let changed = session.paths.as_ref().filter(|_| !body.is_empty()).and_then(|paths| {
        let file = revision::file(&paths.revisions(), &context::digest(&subject(plan))[..32]);
        revision::changed_at(&file, &context::digest(&body), Timestamp::now(), !keep)
    });
    let context = context::finish(&body, changed);
    let is_known = session.event.source == Source::Resume
        && config.session_start.resume == Resume::Changed
        && record::was_printed(session, &context.digest);
    let text = if is_known { String::new() } else { context.text.clone() };
    (HookOutput { context: text, message }, context)
}

/// Whose state is told: what is said at a `clear` by other hooks is no change of what is said at a
/// `startup`.
fn subject(plan: &Plan) -> String {
    let session = &plan.session;
    let hooks = plan.hooks.iter().map(|hook| hook.name.as_str());
    let hooks: Vec<&str> = hooks.collect();
    let identity = session.queries.primary().identity.name();
    format!("{identity}{}\n{}", session.root.display(), hooks.join("\n"))
}

fn cause(report: &Report) -> String {
    report.first_failure().map(ToString::to_string).unwrap_or_default()
}

/// A run that has been answered.
struct FinishedRun<'a> {
    plan: &'a Plan,
    report: &'a Report,
    problems: &'a [Failure],
    context: &'a Context,
    was_written: bool,
    /// Ties the lines of the log to the run.
    id: String,
}

/// The record, the explanation, and the start of what is due.
fn afterwards(
    ended: &FinishedRun<'_>,
    options: &Options,
    workspace: &Workspace,
    invocation: &Invocation,
    stages: Stages,
) {
    if options.explain {
        terminal::eprint(&explain::lines(ended.report, ended.problems));
    }
    if options.dry_run {
        return;
    }
    let run = record::run(ended, stages);
    tracing::info!(
        result = run.result,
        cause = run.cause,
        millis = run.millis,
        chars = run.chars,
        "session started"
    );
    if let Some(paths) = &workspace.paths
        && let Err(error) = runs::append(&runs::file(paths), &run)
    {
        tracing::warn!(%error, "the run is not recorded");
    }
    let is_healthy = !ended.report.hooks.iter().any(|hook| {
        hook.result.failure.as_ref().is_some_and(|failure| {
            matches!(failure.class(), Class::Unavailable | Class::Auth | Class::Protocol)
        })
    });
    let mut work = BackgroundWork::of(ended.plan, is_healthy);
    work.file = options.flags.config.as_ref().and_then(|file| std::path::absolute(file).ok());
    work.set.clone_from(&options.flags.set);
    if !work.is_empty() && workspace.paths.is_some() {
        refresh::spawn_detached(
            &invocation.program,
            &work,
            &workspace.folder,
            &invocation.environment,
            &workspace.loaded,
        );
    }
}

/// Milliseconds, saturated.
fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
