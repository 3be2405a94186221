//! Qwen Code. It sets Gemini's and Claude's variables beside its own.

use super::{Answer, Host};

pub(super) const HOST: Host = Host {
    variable: Some("QWEN_PROJECT_DIR"),
    accepts: |event| event.contains_key("transcript_path"),
    is_own: |_| false,
    answer: Answer::Nested,
    shows_messages: true,
    keeps_text: false,
    private: &[],
};
