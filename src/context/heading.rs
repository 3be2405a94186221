//! The line above a source's items: its name, its state, and why it has nothing.

use super::{MAX_FIELD_CHARS, MAX_TITLE_CHARS};
use crate::engine::HookReport;
use crate::error::{Audience, Class, Code, Failure};
use crate::provenance::{Provenance, ServedFrom};
use crate::text;

/// `Open tasks, task server http://…:`; for stale tasks with the time they are from, and why. Then the
/// same in fewer words, for a small budget.
pub(super) fn headings(title: &str, provenance: &Provenance, is_empty: bool) -> [String; 2] {
    let mut long = title.to_owned();
    let mut short = title.to_owned();
    if !provenance.origin.is_empty() {
        long.push_str(", ");
        long.push_str(&text::for_model(&provenance.origin, MAX_TITLE_CHARS));
    }
    if let (ServedFrom::Stale, Some(written)) = (provenance.served, provenance.written) {
        let stale = format!(", STALE: as of {written}");
        long.push_str(&stale);
        short.push_str(&stale);
        if let Some(failure) = &provenance.failure {
            long.push_str(", because ");
            long.push_str(cause(failure));
        }
    }
    let end = if is_empty { ": none" } else { ":" };
    [long + end, short + end]
}

/// The line of a hook that has nothing because of a failure.
pub(super) fn absent(hook: &HookReport) -> Option<String> {
    let failure = hook.result.provenance.failure.as_ref()?;
    let name = text::for_model(&hook.name.replace('_', " "), MAX_FIELD_CHARS);
    (failure.code.info().audience == Audience::Model)
        .then(|| format!("{name}: not available, because {}", cause(failure)))
}

/// Why, by the failure's class alone: its message holds counters and codes that change from run to
/// run, and the same state must give the same text. `Unavailable` covers a server that cannot be
/// reached and one that answers HTTP 500.
fn cause(failure: &Failure) -> &'static str {
    match failure.code {
        Code::Forbidden => return "the source denies access",
        Code::UnknownTool => return "the source has no such tool",
        _ => {}
    }
    match failure.class() {
        Class::Config if failure.code == Code::Unencrypted => {
            "its credential would travel unencrypted"
        }
        Class::Unavailable => "the source gave no usable answer",
        Class::Auth => "the login at the source failed",
        Class::Protocol => "the source's answer was not understood",
        Class::Cache => "a local file could not be used",
        Class::Plugin => "a plugin could not be used",
        Class::Trust => "it is not trusted here",
        Class::Config => "the configuration is incomplete",
        Class::Hook => "the hook failed",
        Class::Bug => "of an internal error",
    }
}
