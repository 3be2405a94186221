//! A started program and its three streams: sends lines, gives messages, keeps the end of what it
//! prints as errors. Knows messages, not what they are about. Dropping it ends the program's group.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::frames::Frames;
use super::message::{self, Incoming, LineError};
use crate::error::{Code, Failure};
use crate::process::{self, ProcessGroup, Program};
use crate::text;

/// Bytes read at once.
const BLOCK_BYTES: usize = 16 << 10;
/// Lines of standard error that are kept, the last ones, and characters of one.
const MAX_ERROR_LINES: usize = 20;
const MAX_ERROR_LINE_CHARS: usize = 1 << 10;
/// Bytes of a line that are read: a secret that begins in what is kept must be whole to be masked.
const MAX_ERROR_LINE_BYTES: usize = 16 << 10;
/// Characters of the program's output in a message.
const MAX_SHOWN_CHARS: usize = 200;
/// For the exit status of a program that closed its output.
const EXIT_GRACE: Duration = Duration::from_millis(200);
/// For the rest of its standard error.
const STDERR_GRACE: Duration = Duration::from_millis(50);

pub struct Connection<'a> {
    /// Before the child: the group is ended while its leader is not yet reaped.
    group: ProcessGroup,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    stderr: Option<ChildStderr>,
    /// The name in messages.
    name: &'a str,
    outgoing: Vec<u8>,
    frames: Frames,
    incoming: VecDeque<Incoming>,
    errors: ErrorLines,
    noise: Noise,
    /// Whether a message of the protocol arrived.
    has_spoken: bool,
    block: Vec<u8>,
}

/// Output that is not a message.
#[derive(Default)]
struct Noise {
    first: Option<String>,
    bytes: u64,
}

/// The last lines of standard error.
#[derive(Default)]
struct ErrorLines {
    lines: VecDeque<String>,
    open: Vec<u8>,
}

impl ErrorLines {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.end_line(),
                byte if self.open.len() < MAX_ERROR_LINE_BYTES => self.open.push(*byte),
                _ => {}
            }
        }
    }

    fn end_line(&mut self) {
        let line = text::masked(String::from_utf8_lossy(&self.open).trim())
            .chars()
            .take(MAX_ERROR_LINE_CHARS)
            .collect::<String>();
        self.open.clear();
        if line.is_empty() {
            return;
        }
        if self.lines.len() == MAX_ERROR_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl<'a> Connection<'a> {
    /// Starts the program; a line of its output has at most `max_line` bytes.
    ///
    /// # Errors
    /// `WS326` when it cannot be started.
    pub fn start(program: &Program<'_>, name: &'a str, max_line: u64) -> Result<Self, Failure> {
        let (mut child, group) =
            program.spawn_conversation().map_err(|error| not_started(name, &error.to_string()))?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(not_started(name, "it has no streams"));
        };
        Ok(Connection {
            group,
            stdin: Some(stdin),
            stdout,
            stderr: child.stderr.take(),
            child,
            name,
            outgoing: Vec::new(),
            frames: Frames::new(usize::try_from(max_line).unwrap_or(usize::MAX)),
            incoming: VecDeque::new(),
            errors: ErrorLines::default(),
            noise: Noise::default(),
            has_spoken: false,
            block: vec![0; BLOCK_BYTES],
        })
    }

    /// Whether a message of the protocol arrived.
    pub fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    /// Sends a message, while answers are waited for.
    pub fn send(&mut self, message: &[u8]) {
        self.outgoing.extend_from_slice(message);
        self.outgoing.push(b'\n');
    }

    /// The next result or error, with its id. Meanwhile the server's own requests are answered.
    ///
    /// # Errors
    /// `WS326` when the program ended or closed its output, `WS405` for a line that is too long,
    /// `WS402` for too much output that is not a message.
    pub async fn next_reply(&mut self) -> Result<(Option<u64>, Value), Failure> {
        loop {
            while let Some(incoming) = self.incoming.pop_front() {
                match incoming {
                    Incoming::Reply { id, message } => return Ok((id, message)),
                    Incoming::Request(answer) => self.send(&answer),
                    Incoming::Notification => {}
                }
            }
            match self.frames.next_line().map_err(|_| self.too_long())? {
                Some(line) => self.read_line(&line)?,
                None if self.frames.is_over() => return Err(self.ended().await),
                None => self.transfer().await,
            }
        }
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), Failure> {
        match message::read(line) {
            Ok(messages) => {
                self.has_spoken = true;
                self.incoming.extend(messages);
                Ok(())
            }
            Err(LineError::Refused(failure)) => Err(failure),
            Err(LineError::NotAMessage) => {
                if let Some(error) = process::start_error(line) {
                    return Err(not_started(self.name, &error));
                }
                self.noise.bytes += line.len() as u64;
                let shown = || text::one_line(&String::from_utf8_lossy(line), MAX_SHOWN_CHARS);
                self.noise.first.get_or_insert_with(shown);
                match self.noise.bytes > self.max_noise() {
                    true => Err(self.noisy("prints only text")),
                    false => Ok(()),
                }
            }
        }
    }

    /// Reads and writes what is ready. Does nothing that is lost when it is cancelled.
    async fn transfer(&mut self) {
        let Connection { stdin, stdout, stderr, outgoing, frames, errors, block, .. } = self;
        let mut error_block = [0; 1024];
        let writing = async {
            match stdin {
                Some(stdin) => stdin.write(outgoing).await,
                None => Ok(outgoing.len()),
            }
        };
        tokio::select! {
            count = stdout.read(block) => match count {
                Ok(count @ 1..) => frames.feed(&block[..count]),
                _ => frames.end(),
            },
            count = writing, if !outgoing.is_empty() => match count {
                Ok(count) => drop(outgoing.drain(..count)),
                // A program that reads nothing more is reported by its end.
                Err(_) => outgoing.clear(),
            },
            count = read_some(stderr, &mut error_block), if stderr.is_some() => match count {
                0 => *stderr = None,
                count => errors.feed(&error_block[..count]),
            },
        }
    }

    /// The failure after the output ended.
    async fn ended(&mut self) -> Failure {
        let exit = tokio::time::timeout(EXIT_GRACE, process::exit_of(&mut self.child)).await;
        let _ = tokio::time::timeout(STDERR_GRACE, self.read_errors()).await;
        let how = match exit {
            Ok(exit) => format!("ended before it answered ({exit})"),
            Err(_) => "closed its output before it answered".into(),
        };
        let text = format!("the program `{}` {how}", self.name) + &self.printed();
        Failure::new(Code::ProgramFailed, text)
            .hint("run the program of `client.command` by hand in the project")
    }

    async fn read_errors(&mut self) {
        let mut block = [0; 1024];
        while self.stderr.is_some() {
            match read_some(&mut self.stderr, &mut block).await {
                0 => self.stderr = None,
                count => self.errors.feed(&block[..count]),
            }
        }
    }

    /// What it printed last: on standard error, else on standard output.
    fn printed(&mut self) -> String {
        self.errors.end_line();
        let last = self.errors.lines.back().map(|line| text::one_line(line, MAX_SHOWN_CHARS));
        match last.filter(|line| !line.is_empty()).or_else(|| self.noise.first.clone()) {
            Some(line) => format!(": {line}"),
            None => String::new(),
        }
    }

    /// The failure of a program that gave no answer by its deadline.
    pub fn not_in_time(&mut self, hint: String) -> Failure {
        if !self.has_spoken && self.noise.first.is_some() {
            return self.noisy("printed only text until its time limit");
        }
        let how = match self.has_spoken {
            true => "sent messages, but no answer to our request, in time",
            false => "did not answer in time",
        };
        let text = format!("the program `{}` {how}", self.name) + &self.printed();
        Failure::new(Code::Timeout, text).hint(hint)
    }

    fn noisy(&self, how: &str) -> Failure {
        let first = self.noise.first.as_deref().unwrap_or_default();
        let text = format!("the program `{}` {how}, not MCP messages: {first}", self.name);
        Failure::new(Code::NotJson, text)
            .hint("check that `client.command` starts an MCP server on its standard streams")
    }

    fn too_long(&self) -> Failure {
        let text = format!("the program `{}` sent a message that is too long", self.name);
        Failure::new(Code::TooLarge, text).hint("ask for fewer tasks, or raise `http.max_body`")
    }

    fn max_noise(&self) -> u64 {
        self.frames.limit() as u64
    }

    /// Ends the group and writes to the log what the program printed.
    pub async fn end(mut self, failure: Option<&Failure>) {
        /// For the kernel to end it.
        const REAP_TIMEOUT: Duration = Duration::from_millis(200);
        self.errors.end_line();
        for line in &self.errors.lines {
            let line = text::for_log(line);
            match failure {
                Some(_) => tracing::warn!(program = self.name, "printed: {line}"),
                None => tracing::debug!(program = self.name, "printed: {line}"),
            }
        }
        let Connection { group, mut child, .. } = self;
        drop(group);
        let _ = tokio::time::timeout(REAP_TIMEOUT, child.wait()).await;
    }
}

fn not_started(name: &str, why: &str) -> Failure {
    let text = format!("the program `{name}` of `client.command` cannot be started: {why}");
    Failure::new(Code::ProgramFailed, text).hint("fix `client.command`")
}

/// The number of bytes; 0 at the end.
async fn read_some(stderr: &mut Option<ChildStderr>, block: &mut [u8]) -> usize {
    match stderr {
        Some(pipe) => pipe.read(block).await.unwrap_or(0),
        None => 0,
    }
}
