//! Codex. It refuses an answer with unknown keys as a whole.

use super::{Answer, Host};

pub(super) const HOST: Host = Host {
    variable: None,
    accepts: |_| true,
    is_own: |event| event.contains_key("model") && event.contains_key("permission_mode"),
    answer: Answer::Nested,
    shows_messages: true,
    keeps_text: true,
    private: &[],
};
