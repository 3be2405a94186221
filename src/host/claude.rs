//! Claude Code: the default, so it has no mark of its own. Others set `CLAUDE_PROJECT_DIR` too.

use super::{Answer, Host};

pub(super) const HOST: Host = Host {
    variable: None,
    accepts: |_| true,
    is_own: |_| false,
    answer: Answer::Nested,
    shows_messages: true,
    keeps_text: true,
    private: &[],
};
