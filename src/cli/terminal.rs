//! What commands print beside their result, and how they end: messages with a coloured prefix on
//! standard error, and an exit code by the class of the failure.

use std::fmt::Display;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::builder::styling::{AnsiColor, Style};

use crate::error::Failure;
use crate::text::{for_terminal, for_terminal_line};

/// Exit code of wrong usage.
pub const USAGE: u8 = 2;

// `anstream` removes the colours where standard error is not a terminal, and under NO_COLOR.
const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const NOTE: Style = AnsiColor::Cyan.on_default().bold();
const HINT: Style = AnsiColor::Green.on_default().bold();

/// `-q`: no warnings and notes.
static IS_QUIET: AtomicBool = AtomicBool::new(false);

/// Keeps warnings and notes from being printed.
pub fn set_quiet(is_quiet: bool) {
    IS_QUIET.store(is_quiet, Ordering::Relaxed);
}

/// The end of a command.
pub type CommandResult = Result<ExitCode, CommandError>;

/// Why a command did not succeed.
#[derive(Debug)]
pub enum CommandError {
    Usage(Usage),
    Failure(Failure),
}

/// Arguments that clap accepts and the command cannot use.
#[derive(Debug)]
pub struct Usage {
    message: String,
    hint: Option<String>,
}

impl Usage {
    /// Makes the error; known secrets in `message` are masked.
    #[must_use]
    pub fn new(message: impl AsRef<str>) -> Self {
        Usage { message: crate::text::masked(message.as_ref()).into_owned(), hint: None }
    }

    /// The same error with the right form.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl From<Usage> for CommandError {
    fn from(usage: Usage) -> Self {
        CommandError::Usage(usage)
    }
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        CommandError::Failure(failure)
    }
}

/// Prints the error, if there is one, and returns the exit code.
#[must_use]
pub fn exit(result: CommandResult) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(CommandError::Usage(Usage { message, hint })) => {
            eprint(&message_lines("error", ERROR, &message, hint.as_deref()));
            ExitCode::from(USAGE)
        }
        Err(CommandError::Failure(failure)) => {
            print_error(&failure);
            ExitCode::from(failure.class().exit_code())
        }
    }
}

/// `error: …` and `hint: …`: why the command failed.
pub fn print_error(failure: &Failure) {
    eprint(&message_lines("error", ERROR, failure, failure.hint.as_deref()));
}

/// `warning: …` and `hint: …`: what went wrong beside a success.
pub fn print_warning(failure: &Failure) {
    if !IS_QUIET.load(Ordering::Relaxed) {
        eprint(&message_lines("warning", WARNING, failure, failure.hint.as_deref()));
    }
}

/// `note: …`: what the user may want to know.
pub fn print_note(text: &impl Display) {
    if !IS_QUIET.load(Ordering::Relaxed) {
        eprint(&message_lines("note", NOTE, text, None));
    }
}

/// `note: …` and `hint: …`: what the user may want to do something about.
pub fn print_note_of(failure: &Failure) {
    if !IS_QUIET.load(Ordering::Relaxed) {
        eprint(&message_lines("note", NOTE, failure, failure.hint.as_deref()));
    }
}

/// The text may come from a file or a server, so its own escape sequences are made visible.
fn message_lines(prefix: &str, style: Style, text: &impl Display, hint: Option<&str>) -> String {
    let line = |prefix: &str, style: Style, text: &str| {
        format!("{style}{prefix}:{style:#} {}\n", for_terminal_line(text))
    };
    let hint = hint.map(|hint| line("hint", HINT, hint)).unwrap_or_default();
    line(prefix, style, &text.to_string()) + &hint
}

/// Text on standard error; a closed one is ignored.
pub fn eprint(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// A line of the log on standard error.
pub fn eprint_log(line: &str) {
    eprint(&for_terminal(line));
}

/// Text on standard output. A closed pipe is not an error: its reader has seen enough.
pub fn print(text: &str) {
    let mut stdout = anstream::stdout().lock();
    let _ = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// The width of the terminal that standard output is, or a usual one.
#[must_use]
pub fn width() -> usize {
    let width = std::io::stdout().is_terminal().then(terminal_width).flatten();
    width.unwrap_or(100).clamp(40, 200)
}

#[cfg(unix)]
fn terminal_width() -> Option<usize> {
    rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col))
}

#[cfg(not(unix))]
fn terminal_width() -> Option<usize> {
    None
}
