//! Tasks from an MCP server that is a program: started for each question in the project's root, asked
//! over its standard streams, and ended with its group. The server's era is kept for the next runs.

mod connection;
mod conversation;
mod frames;
mod message;

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use super::tool_call::ToolCall;
use super::wire::missing_tools::MissingTools;
use super::wire::profile::{ServerProfile, WireCache};
use super::wire::tool_server::ToolServer;
use super::{Builtin, Client, ClientContext, ClientSettings};
use crate::config::parser::{list, url};
use crate::config::{ClientConfig, Reader};
use crate::deadline::Timestamp;
use crate::error::{Code, Failure};
use crate::http::Repeat;
use crate::process::{self, LookupError, Program};

use connection::Connection;
use conversation::{Answered, Conversation, Era};

pub static BUILTIN: Builtin =
    Builtin { name: "stdio", summary: "an MCP server that is started as a program", read };

/// For the end of a program that gave no answer, or a tenth of a short time.
const END_RESERVE: Duration = Duration::from_millis(50);

struct StdioSettings {
    /// Program and arguments.
    command: Vec<String>,
    /// The names of the variables that it gets beside the usual ones.
    env: Vec<String>,
}

fn read(table: &Reader<'_>) -> Rc<dyn ClientSettings> {
    let (command, env) = (table.get("command", list()), table.get("env", list()));
    Rc::new(StdioSettings { command, env })
}

/// Whether the table names a program: then `auto` is this kind.
pub(super) fn is_configured(table: &Reader<'_>) -> bool {
    let command: Vec<String> = table.get("command", list());
    !command.is_empty()
}

/// Whether the table itself names a program and only inherits a URL.
pub(super) fn is_nearer_than_url(table: &Reader<'_>) -> bool {
    table.is_set("command", list()) && !table.is_set("url", url()) && is_configured(table)
}

impl ClientSettings for StdioSettings {
    fn starts_program(&self) -> bool {
        true
    }

    fn variables(&self) -> &[String] {
        &self.env
    }

    fn identity(&self) -> Vec<String> {
        vec![self.command.join("\0"), self.env.join("\0")]
    }

    /// Without the arguments, which may hold a secret.
    fn label(&self, _: &ClientConfig) -> String {
        let name = self.command.first().map(|word| name_of(word)).unwrap_or_default();
        format!("program {name}")
    }

    fn missing(&self, context: &ClientContext) -> Vec<Failure> {
        let program = Stdio::new(context.clone(), self).and_then(|client| client.file());
        match program {
            Ok(file) if !file.exists() => vec![absent(&self.command[0], "does not exist")],
            Ok(_) => Vec::new(),
            Err(failure) => vec![failure],
        }
    }

    fn build(&self, context: ClientContext) -> Result<Box<dyn Client>, Failure> {
        Ok(Box::new(Stdio::new(context, self)?))
    }
}

/// The last part of a path.
fn name_of(word: &str) -> &str {
    Path::new(word).file_name().and_then(|name| name.to_str()).unwrap_or(word)
}

struct Stdio {
    words: Vec<String>,
    env: Vec<String>,
    context: ClientContext,
    wire: WireCache,
    missing_tools: MissingTools,
}

impl Stdio {
    fn new(context: ClientContext, settings: &StdioSettings) -> Result<Self, Failure> {
        let StdioSettings { command, env } = settings;
        if command.is_empty() {
            let text = "`client.command`, the program of the task server, is not set";
            return Err(Failure::new(Code::ConfigValue, text)
                .hint("set `command = [\"PROGRAM\", \"ARGUMENT\"]`"));
        }
        let endpoint = format!("stdio\0{}", command.join("\0"));
        let identity = format!("{}\0{}", context.root.display(), env.join("\0"));
        let wire = WireCache::new(context.paths.as_ref(), &endpoint, &identity);
        let missing_tools = MissingTools::new(context.paths.as_ref(), &endpoint, &identity);
        Ok(Stdio { words: command.clone(), env: env.clone(), context, wire, missing_tools })
    }

    fn name(&self) -> &str {
        name_of(&self.words[0])
    }

    /// The file to start. A relative path is a program of the project: so the project must be trusted,
    /// also where the user's own file names it.
    fn file(&self) -> Result<PathBuf, Failure> {
        let ClientContext { environment, root, home, trusted, .. } = &self.context;
        let path = environment.get("PATH").unwrap_or_default();
        let name = &self.words[0];
        let project = process::project(root, home.as_deref());
        process::look_up(name, path, project).or_else(|error| match error {
            LookupError::NotInPath => Err(absent(name, "is not in PATH")),
            LookupError::Relative if *trusted => Ok(root.join(name)),
            LookupError::Relative => Err(untrusted(name)),
        })
    }

    async fn answer(&self, call: ToolCall<'_>) -> Result<Value, Failure> {
        let profile = self.wire.read();
        let era = match &profile {
            None => Era::Unknown,
            Some(profile) if profile.legacy => Era::Legacy,
            Some(_) => Era::Modern,
        };
        let answered = match self.converse(call, era).await {
            // Some older servers end at a request before the handshake.
            Err(attempt)
                if attempt.ended_silent && era == Era::Unknown && call.repeat == Repeat::Safe =>
            {
                self.converse(call, Era::Legacy).await.map_err(|attempt| attempt.failure)
            }
            settled => settled.map_err(|attempt| attempt.failure),
        };
        if answered.is_err() {
            self.wire.forget();
        }
        let Answered { result, legacy } = answered?;
        let is_legacy = legacy.is_some();
        let version = legacy.unwrap_or_default();
        let seen = Timestamp::now().0;
        let new = ServerProfile { legacy: is_legacy, version, seen, ..ServerProfile::default() };
        self.wire.write(&new, profile.as_ref());
        Ok(result)
    }

    /// Starts the program, calls the tool, ends the program.
    async fn converse(&self, call: ToolCall<'_>, era: Era) -> Result<Answered, FailedAttempt> {
        let file = self.file()?;
        let program = Program {
            file: &file,
            arguments: &self.words[1..],
            variables: &process::variables(&self.context.environment, &self.env),
            folder: &self.context.root,
        };
        let mut connection =
            Connection::start(&program, self.name(), self.context.http.max_body())?;
        tracing::debug!(program = self.name(), ?era, "started");
        let until = call.deadline.earlier(END_RESERVE.min(call.deadline.remaining() / 10));
        let at = tokio::time::Instant::from_std(until.instant());
        let mut conversation = Conversation::new(&mut connection, call);
        let answered = match tokio::time::timeout_at(at, conversation.run(era)).await {
            Ok(answered) => answered,
            Err(_) => {
                let hint = call.deadline.limit().hint("check why the program takes so long");
                Err(connection.not_in_time(hint))
            }
        };
        let ended_silent = !connection.has_spoken()
            && answered.as_ref().is_err_and(|failure| failure.code == Code::ProgramFailed);
        connection.end(answered.as_ref().err()).await;
        answered.map_err(|failure| FailedAttempt { failure, ended_silent })
    }
}

/// Why there is no answer.
struct FailedAttempt {
    failure: Failure,
    /// The program was started, and ended without any message.
    ended_silent: bool,
}

impl From<Failure> for FailedAttempt {
    fn from(failure: Failure) -> Self {
        FailedAttempt { failure, ended_silent: false }
    }
}

fn absent(name: &str, how: &str) -> Failure {
    Failure::new(Code::ProgramFailed, format!("the program `{name}` of `client.command` {how}"))
        .hint("install it, or name it by its absolute path")
}

fn untrusted(name: &str) -> Failure {
    let text = format!(
        "the program `{name}` of `client.command` is a file of this project, which is not trusted"
    );
    Failure::new(Code::FileUntrusted, text)
        .hint("set it in the project's `.claude/hooks.toml` and run `warmstart trust`, or name it by its absolute path")
}

impl ToolServer for Stdio {
    async fn request<T>(
        &self,
        call: ToolCall<'_>,
        read: impl Fn(Value) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.answer(call).await.and_then(read)
    }

    fn missing_tools(&self) -> &MissingTools {
        &self.missing_tools
    }
}
