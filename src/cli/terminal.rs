//! How a command for people ends: what it printed, or a failure with its hint on standard error and
//! an exit code by its class.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use crate::context::sanitise::spelled_out;
use crate::error::Failure;

/// The end of a command.
pub type CommandResult = Result<ExitCode, Failure>;

/// Prints the failure, if it is one, and gives the exit code.
#[must_use]
pub fn exit(terminal: CommandResult) -> ExitCode {
    match terminal {
        Ok(code) => code,
        Err(failure) => {
            print_error(&failure);
            ExitCode::from(failure.class().exit_code())
        }
    }
}

/// `error: …` and `hint: …` on standard error. The words may be those of a file or a server.
pub fn print_error(failure: &Failure) {
    let mut text = format!("error: {failure}\n");
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    eprint(&spelled_out(&text));
}

/// `warning: …` and `hint: …` on standard error, beside a result that is shown all the same.
pub fn print_warning(failure: &Failure) {
    let mut text = format!("warning: {failure}\n");
    if let Some(hint) = &failure.hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    eprint(&spelled_out(&text));
}

/// `note: …` on standard error: something that stops nothing.
pub fn print_note(what: &impl std::fmt::Display) {
    eprint(&spelled_out(&format!("note: {what}\n")));
}

/// Text on standard error; nobody listening is nobody's failure.
pub fn eprint(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Text on standard output. A closed pipe ends the command well: its reader has seen enough.
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
