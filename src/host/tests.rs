//! The tables of the hosts, over events in the shapes that hosts send.

use serde_json::json;

use super::*;
use crate::environment::Environment;
use crate::event::SessionEvent;

fn event(value: &Value) -> SessionEvent {
    SessionEvent::parse(value.to_string().as_bytes()).0
}

/// Each shape of an event, as the real hosts send it, with the variables of its host.
#[test]
fn every_host_is_recognised_by_its_variable_and_event() {
    let claude = json!({ "session_id": "s", "transcript_path": "/t", "cwd": "/w",
        "hook_event_name": "SessionStart", "source": "startup" });
    let codex = json!({ "session_id": "s", "transcript_path": "/t", "cwd": "/w", "source": "startup",
        "hook_event_name": "SessionStart", "model": "m", "permission_mode": "default" });
    let copilot = json!({ "session_id": "s", "cwd": "/w", "source": "startup",
        "hook_event_name": "SessionStart" });
    let camel = json!({ "sessionId": "s", "cwd": "/w", "source": "new", "initialPrompt": "p" });
    let cursor = json!({ "conversation_id": "c", "hook_event_name": "sessionStart" });
    let cases: [(&Value, &[&str], Agent); 11] = [
        (&claude, &[], Agent::Claude),
        (&claude, &["CLAUDE_PROJECT_DIR"], Agent::Claude),
        (&claude, &["COPILOT_PROJECT_DIR"], Agent::Claude), // inherited: the event is not Copilot's
        (&codex, &[], Agent::Codex),
        (&copilot, &["COPILOT_PROJECT_DIR", "CLAUDE_PROJECT_DIR"], Agent::Copilot),
        (&copilot, &[], Agent::Claude),
        (&camel, &[], Agent::Copilot),
        (&claude, &["GEMINI_PROJECT_DIR", "CLAUDE_PROJECT_DIR"], Agent::Gemini),
        (&claude, &["QWEN_PROJECT_DIR", "GEMINI_PROJECT_DIR", "CLAUDE_PROJECT_DIR"], Agent::Qwen),
        (&cursor, &[], Agent::Cursor),
        (&json!({}), &[], Agent::Claude),
    ];
    for (value, variables, agent) in cases {
        let environment: Environment = variables.iter().map(|name| (*name, "/w")).collect();
        assert_eq!(detect(None, &event(value), &environment), agent, "{value} {variables:?}");
        let chosen = detect(Some(Agent::Plain), &event(value), &environment);
        assert_eq!(chosen, Agent::Plain, "`--agent` is first");
    }
}

#[test]
fn s02_every_host_gets_exactly_its_keys() {
    let text = |agent: Agent| String::from_utf8(agent.encode("a\nb", Some("m"))).unwrap();
    let nested = r#"{"hookSpecificOutput":{"additionalContext":"a\nb","hookEventName":"SessionStart"},"systemMessage":"m"}"#;
    for agent in [Agent::Claude, Agent::Codex, Agent::Gemini, Agent::Qwen] {
        assert_eq!(text(agent), format!("{nested}\n"));
        assert_eq!(agent.encode("", None), b"{}\n");
    }
    assert_eq!(text(Agent::Copilot), "{\"additionalContext\":\"a\\nb\"}\n");
    assert_eq!(text(Agent::Cursor), "{\"additional_context\":\"a\\nb\"}\n");
    assert_eq!(text(Agent::Plain), "a\nb\n");
    assert_eq!(Agent::Plain.encode("", None), b"");
}

#[test]
fn only_claude_and_codex_keep_the_text() {
    use clap::ValueEnum;
    let keeping = Agent::value_variants().iter().filter(|agent| agent.keeps_text());
    assert_eq!(keeping.copied().collect::<Vec<_>>(), [Agent::Claude, Agent::Codex]);
}

#[test]
fn the_first_prompt_of_the_user_is_removed() {
    for field in ["initial_prompt", "initialPrompt"] {
        let mut event = event(&json!({ field: "secret", "cwd": "/w" }));
        remove_private(&mut event);
        assert_eq!(event.raw.keys().collect::<Vec<_>>(), ["cwd"]);
    }
}

#[test]
fn names_of_the_event_differ_between_hosts() {
    for (name, is_other) in [
        ("SessionStart", false),
        ("sessionStart", false),
        ("agentSpawn", false),
        ("PreToolUse", true),
    ] {
        let event = event(&json!({ "hook_event_name": name }));
        assert_eq!(is_other_event(&event), is_other, "{name}");
    }
}
