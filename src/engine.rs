//! Executes a plan: every hook at once, inside one deadline. It cannot fail: what failed is in the
//! report.

use std::time::Duration;

use crate::hook::Found;

/// What a run came to, in the order of the text. (Contract; the engine fills it.)
pub struct Report {
    pub hooks: Vec<HookReport>,
}

/// What one hook came to.
pub struct HookReport {
    /// Its name in `[hooks.NAME]`.
    pub name: String,
    pub order: i64,
    /// Its character budget.
    pub max_chars: usize,
    pub found: Found,
    pub elapsed: Duration,
}
