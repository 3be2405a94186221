//! Cursor. For hooks of `.claude/settings.json` it uses Claude's event name and takes Claude's
//! answer; those events are not recognised here, on purpose.

use serde_json::{Map, Value};

use super::{Answer, Host};

pub(super) const HOST: Host = Host {
    variable: Some("CURSOR_PROJECT_DIR"),
    accepts: has_own_name,
    is_own: |event| {
        has_own_name(event) && super::detect::has_one(event, &["cursor_version", "conversation_id"])
    },
    answer: Answer::TopLevel("additional_context"),
    shows_messages: false,
    keeps_text: false,
    private: &[],
};

fn has_own_name(event: &Map<String, Value>) -> bool {
    event.get("hook_event_name").and_then(Value::as_str) == Some("sessionStart")
}
