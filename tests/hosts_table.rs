//! Each host gets its answer without `--agent`, and the answer is late in no start.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::fault_server::FaultServer;
use crate::support::mcp_reply::healthy;
use crate::support::session::Session;
use crate::support::{needs, or_skip};

/// The deadline is 2 s; the rest is for a loaded machine.
const LATEST: Duration = Duration::from_secs(6);

fn copilot_event(session: &Session, source: &str) -> Value {
    let mut event = session.event(source);
    event.as_object_mut().unwrap().remove("transcript_path");
    event["initial_prompt"] = json!("the-private-prompt");
    event
}

#[test]
fn copilot_gets_its_own_answer_and_its_prompt_is_kept_nowhere() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).deadline("20s");
    let session = session.env("COPILOT_PROJECT_DIR", "/w").env("WARMSTART_LOG", "trace");
    let event = copilot_event(&session, "startup").to_string();
    let answer = session.start_with(&event, &[]).json();
    assert!(answer["additionalContext"].as_str().unwrap().contains("Mend the roof"), "{answer}");
    let mut search = Command::new("grep");
    let search = search.args(["-rl", "the-private-prompt"]).arg(session.home());
    let found = search.output().unwrap().stdout;
    assert_eq!(String::from_utf8_lossy(&found), "");
}

#[test]
fn resume_repeats_the_text_where_the_host_does_not_keep_it() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).deadline("20s");
    for (agent, is_kept) in [("claude", true), ("codex", true), ("gemini", false), ("qwen", false)]
    {
        let start = |source| {
            session.start_with(&session.event(source).to_string(), &["--agent", agent]).context()
        };
        let first = start("startup");
        assert!(first.contains("Mend the roof"), "{agent}: {first}");
        assert_eq!(start("resume"), if is_kept { String::new() } else { first }, "{agent}");
    }
}

#[test]
fn warmstart_disable_gives_an_empty_answer_and_no_record() {
    let session = Session::new().env("WARMSTART_DISABLE", "1");
    assert_eq!(session.start("startup").text(), "{}\n");
    let event = session.event("startup").to_string();
    let plain = session.start_with(&event, &["--agent", "plain"]);
    assert_eq!(plain.text(), "");
    assert!(!session.state().exists(), "nothing is recorded");
}

#[test]
fn a_subagent_gets_nothing_unless_agents_is_all() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).deadline("20s");
    let mut event = session.event("startup");
    event["agent_type"] = json!("reviewer");
    let event = event.to_string();
    assert_eq!(session.start_with(&event, &[]).json(), json!({}));
    let session = session.env("WARMSTART_SESSION_START__AGENTS", "all");
    assert!(session.start_with(&event, &[]).context().contains("Mend the roof"));
}

/// B6: every file is slow to open, from the first one.
#[test]
fn b6_a_slow_disk_does_not_delay_the_answer() {
    let Some(_) = or_skip(needs("strace", "strace")) else { return };
    let session = Session::new().hooks_toml("[session_start]\ndeadline = \"2s\"\n");
    let config = session.home().join(".config/warmstart/hooks.toml");
    let program = session.program(&["session-start"]);
    let mut traced = Command::new("strace");
    traced
        .args(["-f", "-qq", "-o", "/dev/null", "-P"])
        .arg(&config)
        .arg("-P")
        .arg(session.project());
    // Microseconds.
    traced.args(["-e", "inject=openat,read,statx,newfstatat,lstat,stat:delay_enter=20000000"]);
    traced.arg(program.get_program()).args(program.get_args());
    traced.current_dir(session.project()).env_clear();
    traced.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let stdout = session.scratch().join("answer.json");
    traced.stdout(std::fs::File::create(&stdout).unwrap()).stdin(std::process::Stdio::null());
    let began = Instant::now();
    let mut child = traced.spawn().unwrap();
    while std::fs::metadata(&stdout).unwrap().len() == 0 && began.elapsed() < LATEST {
        std::thread::sleep(Duration::from_millis(20));
    }
    let took = began.elapsed();
    let answer = std::fs::read(&stdout).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let message = answer["systemMessage"].as_str().unwrap_or_default();
    assert_eq!(message, "warmstart: the deadline passed before anything was ready (WS702)");
    assert!(took < LATEST, "after {took:?}");
}
