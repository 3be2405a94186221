//! The output of a program: an argument list, no shell. Only the user's file or a trusted project can
//! name one; the configuration ensures that.

use std::path::PathBuf;

use super::{
    Built, Builtin, Hook, HookFuture, HookInputs, HookResult, HookTimeout, Part, SessionContext,
};
use crate::config::parser::list;
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::process::{self, LookupError, ProcessResult, Program};

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
        let file = match program(name, session) {
            Ok(file) => file,
            Err(failure) => return HookResult::failed(failure),
        };
        let limit = self.timeout.cap(deadline);
        let program = Program {
            file: &file,
            arguments: &self.words[1..],
            variables: &process::variables(&session.environment, &[]),
            folder: &session.root,
        };
        match program.run(limit).await {
            ProcessResult::TimedOut => HookResult::failed(
                failed(name, "did not end in time")
                    .hint(limit.limit().hint("check why it takes so long")),
            ),
            ProcessResult::Failed(why) => HookResult::failed(failed(name, &why)),
            ProcessResult::Output { bytes, .. } if bytes.trim_ascii().is_empty() => {
                HookResult::nothing()
            }
            ProcessResult::Output { bytes, .. } => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
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

/// A relative path is a program of the project. The user's own file may name one, but any cloned
/// project may have another file at that path: so the project must be trusted.
fn program(name: &str, session: &SessionContext) -> Result<PathBuf, Failure> {
    let path = session.environment.get("PATH").unwrap_or_default();
    process::look_up(name, path, session.project()).or_else(|error| match error {
        LookupError::NotInPath => {
            Err(failed(name, "is not in PATH").hint("install it, or name it by its absolute path"))
        }
        LookupError::Relative if session.trusted => Ok(session.root.join(name)),
        LookupError::Relative => Err(untrusted(name)),
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

    fn missing(&self, session: &SessionContext) -> Option<Failure> {
        let name = &self.words[0];
        let absent = || failed(name, "does not exist").hint("fix the path");
        match program(name, session) {
            Ok(file) => (!file.exists()).then(absent),
            Err(failure) => Some(failure),
        }
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(self.run(session, deadline))
    }
}
