//! The hot path: event, configuration, plan, report, context, output, then the background work.
//! It never harms the session: one JSON object, exit code 0, in time, whatever goes wrong.

mod background;
mod explain;
mod record;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use record::Stages;

use super::stdin::ReadEvent;
use super::watchdog::{Provisional, Watchdog};
use super::workspace::{Log, Workspace, folder_of};
use super::{Invocation, stdin, terminal};
use crate::config::{Agents, Resume};
use crate::context::{self, Context, revision};
use crate::deadline::{Deadline, Limit, Timestamp};
use crate::digest;
use crate::disk::{self, Access};
use crate::engine::{self, Report};
use crate::error::{Code, Failure};
use crate::event::{Problem, SessionEvent, Source};
use crate::host::{self, Agent};
use crate::output::{HookOutput, ResponseGuard};
use crate::paths::Paths;
use crate::plan::{Plan, PlanOptions};
use crate::refresh;
use crate::runs;
use crate::text::one_line;

/// Problems that a run logs: a foreign file may have two thousand.
const MAX_LOGGED_PROBLEMS: usize = 20;
/// Characters of the one line of a session that must fail.
const MAX_CAUSE_CHARS: usize = 400;

/// The command's name.
pub const COMMAND: &str = "session-start";
/// Holds until the configured deadline is known.
const INITIAL_DEADLINE: Duration = Duration::from_secs(2);
/// Kept for rendering, printing and recording on a busy machine, or a tenth of a short deadline.
const RENDER_RESERVE: Duration = Duration::from_millis(100);

/// Flags of `session-start`.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// The host that reads the answer; without it, the event and the variables of the host decide
    #[arg(long, value_enum)]
    agent: Option<Agent>,
    /// Print on standard error where each part came from, or why there is none
    #[arg(long)]
    explain: bool,
    /// Change nothing on disk
    #[arg(long)]
    dry_run: bool,
}

/// One call of `session-start`.
#[derive(Default)]
pub struct Request {
    pub options: Options,
    /// Arguments that were ignored, to be reported.
    pub wrong_flag: Option<Failure>,
    /// The event, when standard input has been read already.
    pub event: Option<ReadEvent>,
}

/// Answers the hook.
#[must_use]
pub fn run(request: Request, invocation: &Invocation) -> ExitCode {
    let agent = request.options.agent.unwrap_or_default();
    let answer = Arc::new(ResponseGuard::default());
    if invocation.environment.get("WARMSTART_DISABLE") == Some("1") {
        answer.write_once(&HookOutput::default(), agent);
        return ExitCode::SUCCESS;
    }
    let id = record::id();
    let run = (!request.options.dry_run).then(|| record::begun(&id));
    let watchdog = Watchdog::start(
        Provisional::new(agent, run),
        &answer,
        &invocation.environment,
        invocation.at,
        INITIAL_DEADLINE,
    );
    std::panic::set_hook(Box::new(
        |panic| tracing::error!(code = %Code::Internal, %panic, "panicked"),
    ));
    let run = || session(request, id, invocation, &answer, &watchdog);
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(code) => code,
        Err(_) => {
            let failure = Failure::new(Code::Internal, "`session-start` panicked");
            let message = format!("warmstart: {failure}. `warmstart logs show` shows where.");
            let output = HookOutput { context: String::new(), message: Some(message) };
            answer.write_once(&output, watchdog.agent());
            ExitCode::SUCCESS
        }
    }
}

/// One run, as a table of contents.
fn session(
    request: Request,
    id: String,
    invocation: &Invocation,
    answer: &ResponseGuard,
    watchdog: &Watchdog,
) -> ExitCode {
    let Request { options, wrong_flag, event } = request;
    let mut stages = Stages::new(invocation.at);
    let (mut event, problem) = event.unwrap_or_else(stdin::read);
    let agent = host::detect(options.agent, &event, &invocation.environment);
    watchdog.update(|provisional| {
        provisional.agent = agent;
        provisional.run.iter_mut().for_each(|run| record::set_event(run, &event));
    });
    host::remove_private(&mut event);
    stages.end("event");
    let folder = folder_of(&event, invocation);
    let workspace = Workspace::at(folder, invocation, &invocation.flags);
    let limit = workspace.loaded.config.session_start.deadline;
    watchdog.set_deadline(invocation.at + limit);
    let log = if options.dry_run { Log::Console } else { Log::File };
    workspace.start_log(&invocation.flags, log);
    let _run = tracing::info_span!("run", id).entered();
    stages.end("config");
    let agents = workspace.loaded.config.session_start.agents;
    if let Some(reason) = not_answered(&event, problem, agents) {
        answer.write_once(&HookOutput::default(), agent);
        if options.explain {
            explain::print(&format!("nothing printed: {reason}\n"));
        }
        return ExitCode::SUCCESS;
    }
    let plan_options = PlanOptions { dry_run: options.dry_run, ..PlanOptions::default() };
    let plan =
        tracing::debug_span!("plan").in_scope(|| workspace.plan(event, invocation, plan_options));
    stages.end("plan");
    let problems = problems(&workspace, &plan, problem, wrong_flag);
    let run = PreparedRun { options, agent, workspace, plan, problems, id };
    answer_with(run, invocation, stages, answer, watchdog)
}

/// A run before its hooks.
struct PreparedRun {
    options: Options,
    agent: Agent,
    workspace: Workspace,
    plan: Plan,
    problems: Vec<Failure>,
    id: String,
}

/// Runs the hooks, prints the answer, and does what comes after it.
fn answer_with(
    run: PreparedRun,
    invocation: &Invocation,
    mut stages: Stages,
    answer: &ResponseGuard,
    watchdog: &Watchdog,
) -> ExitCode {
    let PreparedRun { options, agent, workspace, plan, problems, id } = run;
    let limit = workspace.loaded.config.session_start.deadline;
    let deadline =
        Deadline::after(limit.saturating_sub(invocation.at.elapsed())).set_by(Limit::SESSION);
    let reserve = RENDER_RESERVE.min(limit / 10);
    let deadline = deadline.earlier(reserve);
    let first_limit = workspace.loaded.config.session_start.first_deadline;
    let first = Deadline::after(first_limit.saturating_sub(invocation.at.elapsed()));
    let first = first.set_by(Limit::FIRST_ANSWER).earlier(reserve);
    plan.session.queries.wait_for_first_answer(first.later(deadline));
    let render = |report: &Report, access| {
        render_output(report, &plan, &problems, &Rendering { agent, access })
    };
    let report = engine::execute(&plan, deadline, |early| {
        let (output, context) = render(&early, Access::ReadOnly);
        let background = background::unanswered(&plan, &early, &workspace, invocation);
        watchdog.update(|provisional| {
            provisional.output = output;
            provisional.background = background.filter(|_| !options.dry_run);
            provisional.run.iter_mut().for_each(|run| record::set_report(run, &early, &context));
        });
        if let Some(until) = plan.session.queries.first_wait() {
            watchdog.set_deadline(until.instant() + reserve);
        }
    });
    stages.end("hooks");
    let access = Access::of_dry_run(options.dry_run);
    let (output, context) = tracing::debug_span!("render").in_scope(|| render(&report, access));
    if report.must_fail() && agent.shows_messages() {
        terminal::eprint(&format!("warmstart: {}\n", cause(&report)));
    }
    stages.end("render");
    let was_written = answer.write_once(&output, agent);
    watchdog.begin_finishing();
    stages.end("print");
    let finished = FinishedRun {
        plan: &plan,
        report: &report,
        problems: &problems,
        output: &output,
        context: &context,
        was_written,
        id,
    };
    afterwards(&finished, &options, &workspace, invocation, stages);
    let code = ExitCode::from(u8::from(report.must_fail()));
    // The process ends here and the host waits for it: freeing them costs 40,000 instructions.
    std::mem::forget((workspace, plan, report));
    code
}

/// Why this event gets nothing, if it does.
fn not_answered(event: &SessionEvent, problem: Option<Problem>, agents: Agents) -> Option<String> {
    if problem == Some(Problem::OtherEvent) {
        tracing::warn!(code = %Code::Event, "not a SessionStart event");
        return Some(format!("the event is `{}`, not a SessionStart", event.name()));
    }
    let is_subagent = event.agent_type.is_some() && agents == Agents::Main;
    is_subagent.then(|| {
        tracing::info!("nothing is added to a subagent (`session_start.agents`)");
        "the event has an `agent_type`, and `session_start.agents` is `main`".into()
    })
}

/// What is wrong beside the hooks, the most important first.
fn problems(
    workspace: &Workspace,
    plan: &Plan,
    problem: Option<Problem>,
    wrong_flag: Option<Failure>,
) -> Vec<Failure> {
    if let Some(problem) = problem {
        tracing::warn!(code = %Code::Event, %problem, "the session counts as a startup");
    }
    let loaded = &workspace.loaded;
    let no_home = Paths::required(workspace.paths.as_ref()).err();
    let problems: Vec<Failure> = wrong_flag
        .into_iter()
        .chain(loaded.problems.iter().cloned())
        .chain(plan.problems.iter().cloned())
        .chain(loaded.untrusted.as_ref().and_then(|file| file.notice()))
        .chain(no_home)
        .chain(problem.filter(|problem| *problem == Problem::Late).map(|_| late(workspace)))
        .collect();
    for failure in problems.iter().take(MAX_LOGGED_PROBLEMS) {
        tracing::warn!(code = %failure.code, %failure, hint = failure.hint, "ignored");
    }
    if problems.len() > MAX_LOGGED_PROBLEMS {
        let count = problems.len() - MAX_LOGGED_PROBLEMS;
        tracing::warn!(count, "more was ignored: `warmstart config check` shows it");
    }
    problems
}

/// A session that gets the tasks of another folder should know why.
fn late(workspace: &Workspace) -> Failure {
    let folder = workspace.folder.display();
    let text = format!("{}: taken as a startup in `{folder}`", Problem::Late);
    Failure::new(Code::Event, text)
        .hint("if it happens again, let the hook call `warmstart` without a script before it")
}

/// How a report is rendered.
struct Rendering {
    agent: Agent,
    /// Only the final output stores its revision: a provisional one would count as a change of the
    /// state.
    access: Access,
}

/// From the report to what the host gets, and the context in it.
fn render_output(
    report: &Report,
    plan: &Plan,
    problems: &[Failure],
    rendering: &Rendering,
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
        let file = revision::file(&paths.revisions(), &digest::short(subject(plan)));
        let digest = digest::sha256_hex(&body);
        revision::changed_at(&file, &digest, Timestamp::now(), rendering.access)
    });
    let context = context::finish(&body, changed);
    let is_repeated = rendering.agent.keeps_text()
        && session.event.source == Source::Resume
        && config.session_start.resume == Resume::Changed
        && record::was_printed(session, &context.digest);
    let text = if is_repeated { String::new() } else { context.text.clone() };
    (HookOutput { context: text, message }, context)
}

/// Whose revision it is. The hooks are part of it: where a `clear` has other hooks than a `startup`,
/// the difference is not a change of the state.
fn subject(plan: &Plan) -> String {
    let session = &plan.session;
    let hooks: Vec<&str> = plan.hooks.iter().map(|hook| hook.name.as_str()).collect();
    let identity = session.queries.primary().identity.name();
    format!("{identity}{}\n{}", session.root.display(), hooks.join("\n"))
}

fn cause(report: &Report) -> String {
    let cause = report.first_failure().map(ToString::to_string).unwrap_or_default();
    one_line(&cause, MAX_CAUSE_CHARS)
}

/// A run whose answer has been printed.
struct FinishedRun<'a> {
    plan: &'a Plan,
    report: &'a Report,
    problems: &'a [Failure],
    output: &'a HookOutput,
    context: &'a Context,
    was_written: bool,
    /// Ties the lines of the log to the run.
    id: String,
}

/// The explanation, the record, and the start of the background work.
fn afterwards(
    finished: &FinishedRun<'_>,
    options: &Options,
    workspace: &Workspace,
    invocation: &Invocation,
    stages: Stages,
) {
    let work = background::work_of(finished);
    if options.explain {
        explain::print(&explain::lines(finished, &work));
    }
    if options.dry_run {
        return;
    }
    let can_keep = append_record(finished, workspace, stages);
    let detached = background::detached(work, finished.plan, workspace, invocation);
    if let Some(mut command) = detached.filter(|_| can_keep) {
        refresh::spawn_detached(&mut command);
    }
}

/// Whether anything more can be kept: there is a home, and the disk is not full.
fn append_record(finished: &FinishedRun<'_>, workspace: &Workspace, stages: Stages) -> bool {
    let run = record::run(finished, stages);
    tracing::info!(
        result = run.result.word(),
        cause = run.cause,
        millis = run.millis,
        chars = run.chars,
        "session started"
    );
    let Some(paths) = &workspace.paths else { return false };
    match runs::append(&runs::file(paths), &run) {
        Ok(()) => true,
        Err(error) => {
            tracing::warn!(%error, "the run is not recorded");
            !disk::is_full(&error)
        }
    }
}

/// Milliseconds, saturated.
fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
