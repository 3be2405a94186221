//! The output of a program of the user's own: words, no shell. Only the user's file or a trusted
//! project can name one; the configuration sees to that.

use std::path::{Path, PathBuf};

use super::process::{self, Ended};
use super::{Builtin, Finding, Found, Hook, Part, Scope};
use crate::config::{Config, HookConfig};
use crate::deadline::Deadline;
use crate::error::{Code, Failure};
use crate::query::Supply;

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
    async fn run(&self, scope: &Scope, deadline: Deadline) -> Found {
        let name = &self.words[0];
        let failed = |why: String| {
            Found::failed(Failure::new(Code::HOOK, format!("the command `{name}` {why}")))
        };
        let Some(program) = program(name, scope) else {
            return failed("was not found".into());
        };
        let limit = deadline.capped(self.timeout);
        let ended = process::run(&program, &self.words[1..], &[], &scope.root, scope, limit).await;
        match ended {
            Ended::Failed(why) => failed(why),
            Ended::Output(text) if text.trim().is_empty() => Found::nothing(),
            Ended::Output(text) => {
                let parts = vec![Part::Text { title: format!("Output of {name}"), text }];
                let origin = format!("command {name}");
                Found { parts, supply: Supply::Live, origin, ..Found::nothing() }
            }
        }
    }
}

/// A word with a slash is a path, relative to the project; another one is looked up in PATH.
fn program(name: &str, scope: &Scope) -> Option<PathBuf> {
    if name.contains(std::path::MAIN_SEPARATOR) {
        return Some(scope.root.join(Path::new(name))).filter(|path| path.is_file());
    }
    process::find(name, scope.environment.get("PATH").unwrap_or_default(), &scope.root)
}

impl Hook for Command {
    fn from_disk(&self, _scope: &Scope) -> Option<Found> {
        None
    }

    fn live<'a>(&'a self, scope: &'a Scope, deadline: Deadline) -> Finding<'a> {
        Box::pin(self.run(scope, deadline))
    }
}
