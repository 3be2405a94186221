//! The one question with yes or no, at the terminal. Trust is never given without it, except by
//! `--yes`.

use std::io::{BufRead, IsTerminal};

use super::terminal;
use crate::error::{Code, Failure};

/// Whether the user agrees. `code` is that of the failure when there is no terminal to ask at.
///
/// # Errors
/// When standard input is not a terminal.
pub fn confirm(question: &str, code: Code) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        let text = "stdin is not a terminal, so trust cannot be confirmed";
        return Err(Failure::new(code, text).hint("read what is shown above, then pass `--yes`"));
    }
    terminal::eprint(&crate::text::for_terminal(&format!("{question} [y/N] ")));
    let mut answer = String::new();
    // An unreadable answer counts as no.
    let _ = std::io::stdin().lock().read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
