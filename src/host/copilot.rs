//! Copilot CLI. It also runs hooks of `.claude/settings.json`, with Claude's event name but without
//! `transcript_path`, and drops a nested answer silently.

use super::{Answer, Host};

pub(super) const HOST: Host = Host {
    variable: Some("COPILOT_PROJECT_DIR"),
    accepts: |event| !event.contains_key("transcript_path"),
    is_own: |event| {
        super::detect::has_one(event, &["sessionId", "initial_prompt", "initialPrompt"])
    },
    answer: Answer::TopLevel("additionalContext"),
    shows_messages: false,
    keeps_text: false,
    private: &["initial_prompt", "initialPrompt"],
};
