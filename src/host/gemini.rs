//! Gemini CLI. Plain text would go to the user, not to the model.

use super::{Answer, Host};

pub(super) const HOST: Host = Host {
    variable: Some("GEMINI_PROJECT_DIR"),
    accepts: |event| event.contains_key("transcript_path"),
    is_own: |_| false,
    answer: Answer::Nested,
    shows_messages: true,
    keeps_text: false,
    private: &[],
};
