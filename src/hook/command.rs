//! The output of a program: an argument list, no shell. Only the user's file or a trusted project can
//! name one; the configuration ensures that.

use std::path::{Path, PathBuf};

use super::process::{self, ProcessResult, Program};
use super::{
    Built, Builtin, Hook, HookFuture, HookInputs, HookResult, HookTimeout, Part, SessionContext,
};
use crate::config::parser::list;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};

pub static BUILTIN: Builtin =
    Builtin { name: "command", summary: "the output of a program", untrusted_keys: &[], build };

struct Command {
    words: Vec<String>,
    timeout: HookTimeout,
}

fn build(inputs: &HookInputs<'_>) -> Built {
    let words: Vec<String> = inputs.table.get("command", list());
    if words.is_empty() {
        let text = format!("`hooks.{}.command` is not set", inputs.name);
        return Err(Failure::new(Code::ConfigValue, text)
            .hint("set `command = [\"PROGRAM\", \"ARGUMENT\"]`"));
    }
    Ok(Box::new(Command { words, timeout: inputs.timeout() }))
}

impl Command {
    async fn run(&self, session: &SessionContext, deadline: Deadline) -> HookResult {
        let name = &self.words[0];
        let path = match program(name, session) {
            Ok(path) => path,
            Err(failure) => return HookResult::failed(failure),
        };
        let limit = self.timeout.cap(deadline);
        let program = Program {
            path: &path,
            arguments: &self.words[1..],
            variables: &[],
            folder: &session.root,
        };
        match process::run(&program, session, limit).await {
            ProcessResult::TimedOut => HookResult::failed(
                failed(name, "did not end in time")
                    .hint(limit.limit().hint("check why it takes so long")),
            ),
            ProcessResult::Failed(why) => HookResult::failed(failed(name, &why)),
            ProcessResult::Output(text) if text.trim().is_empty() => HookResult::nothing(),
            ProcessResult::Output(text) => {
                let parts = vec![Part::Text { title: format!("Output of {name}"), text }];
                let origin = format!("command {name}");
                HookResult::live(parts, origin)
            }
        }
    }
}

fn failed(name: &str, why: &str) -> Failure {
    Failure::new(Code::Hook, format!("the command `{name}` {why}"))
}

/// An absolute path is used unchanged; another name with a slash is a program of the project; a name
/// without one is looked up in PATH. The user's own file may name a program of the project, but any
/// cloned project may have another file at that path: so the project must be trusted.
fn program(name: &str, session: &SessionContext) -> Result<PathBuf, Failure> {
    let path = Path::new(name);
    if path.is_absolute() {
        return Ok(path.to_path_buf());
    }
    if path.components().count() > 1 {
        return if session.trusted { Ok(session.root.join(path)) } else { Err(untrusted(name)) };
    }
    process::find(name, session.environment.get("PATH").unwrap_or_default(), &session.root)
        .ok_or_else(|| {
            failed(name, "is not in PATH").hint("install it, or name it by its absolute path")
        })
}

fn untrusted(name: &str) -> Failure {
    let text = format!("the command `{name}` is a program of this project, which is not trusted");
    Failure::new(Code::FileUntrusted, text)
        .hint("move it to the project's `.claude/hooks.toml` and run `warmstart trust`, or name it by its absolute path")
}

impl Hook for Command {
    fn from_disk(&self, _session: &SessionContext) -> Option<HookResult> {
        None
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(self.run(session, deadline))
    }
}
