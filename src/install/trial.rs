//! Runs an entry once, as its host would: the command line by a shell, an event on standard input, the
//! host's variables; and judges the answer by that host's rule.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::entry::Command;
use super::placement::{HostName, Placement};
use crate::deadline::Deadline;
use crate::environment::Environment;
use crate::process::{self, Exit, MAX_OUTPUT_BYTES, Program};

/// The id of the session in the event, by which its run is recognised in `warmstart runs`.
const SESSION: &str = "warmstart-install";

/// The entry, and where it is run.
pub struct Trial<'a> {
    pub placement: &'a Placement,
    pub command: Command,
    pub environment: &'a Environment,
    pub folder: &'a Path,
    pub timeout: Duration,
}

/// The characters of context that a session gets from the entry.
///
/// # Errors
/// Why a session gets nothing, as a fragment.
pub async fn run(trial: &Trial<'_>) -> Result<usize, String> {
    let (file, arguments) = command(trial);
    let variables = variables(trial);
    let program = Program {
        file: Path::new(&file),
        arguments: &arguments,
        variables: &variables,
        folder: trial.folder,
    };
    let deadline = tokio::time::Instant::from_std(Deadline::after(trial.timeout).instant());
    let answer = tokio::time::timeout_at(deadline, answer(&program, &event(trial))).await;
    let answer = answer.unwrap_or_else(|_| Err("it did not answer in time".into()))?;
    trial.placement.agent.delivered(&answer)
}

async fn answer(program: &Program<'_>, event: &str) -> Result<Vec<u8>, String> {
    let cannot = |error: std::io::Error| format!("it cannot be started: {error}");
    let (mut child, group) = program.spawn_conversation().map_err(cannot)?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    // Kept open: the program ends with its standard input.
    let mut stdin = stdin.ok_or("it has no standard input")?;
    let _ = stdin.write_all(event.as_bytes()).await;
    let _ = stdin.flush().await;
    let mut bytes = Vec::new();
    let mut stdout = stdout.ok_or("it has no standard output")?.take(MAX_OUTPUT_BYTES as u64);
    stdout.read_to_end(&mut bytes).await.map_err(|error| error.to_string())?;
    let exit = process::exit_of(&mut child).await;
    drop(group);
    if let Some(error) = process::start_error(&bytes) {
        return Err(format!("it cannot be started: {error}"));
    }
    if exit == Exit::Code(0) { Ok(bytes) } else { Err(format!("it ended with {exit}")) }
}

/// The program and its arguments, as the host starts them.
fn command(trial: &Trial<'_>) -> (String, Vec<String>) {
    match &trial.command {
        Command::Line(line) => ("/bin/sh".into(), vec!["-c".into(), line.clone()]),
        Command::Words(words) => {
            let (program, arguments) =
                words.split_first().map_or(("", &[][..]), |(first, rest)| (first, rest));
            (program.to_owned(), arguments.to_vec())
        }
    }
}

fn event(trial: &Trial<'_>) -> String {
    let mut event = json!({
        "session_id": SESSION,
        "cwd": trial.folder,
        "hook_event_name": "SessionStart",
        "source": "startup",
    });
    match trial.placement.host {
        HostName::Copilot => {
            event = json!({ "sessionId": SESSION, "cwd": trial.folder, "source": "new" });
        }
        HostName::Codex => {
            event["model"] = json!("model");
            event["permission_mode"] = json!("default");
        }
        _ => {}
    }
    if trial.placement.host != HostName::Copilot {
        event["transcript_path"] = json!(trial.folder.join(".no-transcript"));
    }
    event.to_string()
}

/// The user's variables and those of the host.
fn variables(trial: &Trial<'_>) -> Vec<(String, String)> {
    let of_host: &[&str] = match trial.placement.host {
        HostName::Claude => &["CLAUDE_PROJECT_DIR"],
        HostName::Copilot => &["COPILOT_PROJECT_DIR", "CLAUDE_PROJECT_DIR"],
        HostName::Gemini => &["GEMINI_PROJECT_DIR", "CLAUDE_PROJECT_DIR"],
        HostName::Qwen => &["QWEN_PROJECT_DIR", "GEMINI_PROJECT_DIR", "CLAUDE_PROJECT_DIR"],
        HostName::Codex | HostName::Cursor => &[],
    };
    let folder = trial.folder.display().to_string();
    let all = trial.environment.iter().filter(|(name, _)| !name.ends_with("_PROJECT_DIR"));
    let mut variables: Vec<(String, String)> =
        all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    variables.extend(of_host.iter().map(|name| ((*name).to_owned(), folder.clone())));
    variables
}
