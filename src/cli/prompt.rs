//! Questions at the terminal. What is to be confirmed is printed to standard error with the question,
//! so that it is seen even when standard output is redirected.

use std::io::{BufRead, IsTerminal};

use super::terminal;
use crate::error::{Code, Failure};
use crate::text::for_terminal;

/// Whether the user can see a question and answer it.
pub fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Whether the user agrees; an unreadable answer counts as no.
pub fn yes_or_no(question: &str) -> bool {
    matches!(answer(&format!("{question} [y/N] ")).as_deref(), Some("y" | "Y" | "yes"))
}

/// A number from 1 to `most`; 1 for an empty line, `None` for anything else.
pub fn number(question: &str, most: usize) -> Option<usize> {
    let answer = answer(&format!("{question} [1] "))?;
    let number = if answer.is_empty() { 1 } else { answer.parse().ok()? };
    (1..=most).contains(&number).then_some(number)
}

/// Whether the user agrees to trust what was shown: never without an answer, except by `--yes`. `code` is
/// that of the failure when there is no terminal to ask at.
///
/// # Errors
/// When standard input is not a terminal.
pub fn confirm_trust(question: &str, code: Code) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        let text = "stdin is not a terminal, so trust cannot be confirmed";
        return Err(Failure::new(code, text).hint("read what is shown above, then pass `--yes`"));
    }
    Ok(yes_or_no(question))
}

/// The line that the user types; `None` at the end of input.
fn answer(question: &str) -> Option<String> {
    terminal::eprint(&for_terminal(question));
    let mut line = String::new();
    let count = std::io::stdin().lock().read_line(&mut line).unwrap_or(0);
    (count > 0).then(|| line.trim().to_owned())
}
