//! Which host sent an event: `--agent`, a host's own variable with an event that matches, the shape
//! of the event, else Claude Code.

use serde_json::{Map, Value};

use super::Agent;
use crate::environment::Environment;
use crate::event::SessionEvent;

/// Qwen before Gemini, since Qwen sets Gemini's variable too.
const BY_VARIABLE: [Agent; 4] = [Agent::Copilot, Agent::Qwen, Agent::Gemini, Agent::Cursor];
const BY_SHAPE: [Agent; 3] = [Agent::Cursor, Agent::Copilot, Agent::Codex];
const ALL: [Agent; 7] = [
    Agent::Claude,
    Agent::Codex,
    Agent::Gemini,
    Agent::Qwen,
    Agent::Copilot,
    Agent::Cursor,
    Agent::Plain,
];

/// The host of this event, unless the user chose one.
#[must_use]
pub fn detect(chosen: Option<Agent>, event: &SessionEvent, environment: &Environment) -> Agent {
    let has_variable = |agent: &Agent| {
        let host = agent.host();
        let is_set = host.variable.is_some_and(|name| environment.get(name).is_some());
        is_set && (host.accepts)(&event.raw)
    };
    let has_shape = |agent: &Agent| (agent.host().is_own)(&event.raw);
    chosen
        .or_else(|| BY_VARIABLE.into_iter().find(has_variable))
        .or_else(|| BY_SHAPE.into_iter().find(has_shape))
        .unwrap_or_default()
}

/// Removes the fields that are private in any host, before anything else can use the event.
pub fn remove_private(event: &mut SessionEvent) {
    for field in ALL.iter().flat_map(|agent| agent.host().private) {
        event.raw.remove(*field);
    }
}

/// Whether this is the event of a host: an object with at least one field that hosts send.
#[must_use]
pub fn is_of_a_host(event: &SessionEvent) -> bool {
    has_one(&event.raw, &["hook_event_name", "source", "session_id", "sessionId", "cwd"])
}

/// Names of the event differ between hosts (`SessionStart`, `sessionStart`, `agentSpawn`).
#[must_use]
pub fn is_other_event(event: &SessionEvent) -> bool {
    let name = event.raw.get("hook_event_name").and_then(Value::as_str);
    name.is_some_and(|name| !name.eq_ignore_ascii_case("SessionStart") && name != "agentSpawn")
}

pub(super) fn has_one(event: &Map<String, Value>, fields: &[&str]) -> bool {
    fields.iter().any(|field| event.contains_key(*field))
}
