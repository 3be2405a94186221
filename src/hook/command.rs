//! The output of a program of the user's own: words, no shell. Only the user's file or a trusted
//! project can name one; the configuration sees to that.

use std::path::{Path, PathBuf};

use super::process::{self, ProcessResult};
use super::{Builtin, Hook, HookFuture, HookResult, Part, SessionContext};
use crate::config::{Config, HookConfig};
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::query::ServedFrom;

pub static BUILTIN: Builtin =
    Builtin { name: "command", summary: "the output of a program", build };

struct Command {
    words: Vec<String>,
    timeout: std::time::Duration,
}

fn build(own: &HookConfig, _: &Config) -> Result<Box<dyn Hook>, Failure> {
    if own.command.is_empty() {
        return Err(Failure::new(Code::CONFIG_VALUE, "the hook has no `command`")
            .hint("set `command = [\"PROGRAM\", \"ARGUMENT\"]`"));
    }
    Ok(Box::new(Command { words: own.command.clone(), timeout: own.timeout }))
}

impl Command {
    async fn run(&self, session: &SessionContext, deadline: Deadline) -> HookResult {
        let name = &self.words[0];
        let program = match program(name, session) {
            Ok(program) => program,
            Err(failure) => return HookResult::failed(failure),
        };
        let limit = deadline.capped(self.timeout);
        let ended =
            process::run(&program, &self.words[1..], &[], &session.root, session, limit).await;
        match ended {
            ProcessResult::Failed(why) => HookResult::failed(failed(name, &why)),
            ProcessResult::Output(text) if text.trim().is_empty() => HookResult::nothing(),
            ProcessResult::Output(text) => {
                let parts = vec![Part::Text { title: format!("Output of {name}"), text }];
                let origin = format!("command {name}");
                HookResult { parts, served: ServedFrom::Live, origin, ..HookResult::nothing() }
            }
        }
    }
}

fn failed(name: &str, why: &str) -> Failure {
    Failure::new(Code::HOOK, format!("the command `{name}` {why}"))
}

/// An absolute path is meant as it stands; another word with a slash is a program of the project;
/// a word without one is looked up in PATH. The user's own file names a program of *a* project, and
/// any cloned one may have something else in its place: so it must have been trusted.
fn program(name: &str, session: &SessionContext) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.is_absolute() {
        return Ok(path.to_path_buf());
    }
    if path.components().count() > 1 {
        return if session.trusted { Ok(session.root.join(path)) } else { Err(untrusted(name)) };
    }
    process::find(name, session.environment.get("PATH").unwrap_or_default(), &session.root)
        .ok_or_else(|| failed(name, "was not found"))
}

fn untrusted(name: &str) -> Failure {
    let text = format!("the command `{name}` is this project's, which is not trusted");
    Failure::new(Code::FILE_UNTRUSTED, text)
        .hint("put it into the project's `.claude/hooks.toml` and run `warmstart trust`, or name it by its absolute path")
}

impl Hook for Command {
    fn from_disk(&self, _scope: &SessionContext) -> Option<HookResult> {
        None
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(self.run(session, deadline))
    }
}
