//! A host that gives all of standard output to the model (Kiro, Droid). Only by `--agent plain`.

use super::{Answer, Host};

pub(super) const HOST: Host = Host {
    variable: None,
    accepts: |_| false,
    is_own: |_| false,
    answer: Answer::Text,
    shows_messages: false,
    keeps_text: false,
    private: &[],
};
