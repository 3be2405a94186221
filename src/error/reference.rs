//! The table of codes as a page.

use std::fmt::Write;

use super::TABLE;

/// `docs/errors.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text =
        String::from("# Error codes\n\n`warmstart explain CODE` prints the same in a terminal.\n");
    for info in TABLE {
        let list =
            |items: &[&str]| items.iter().map(|item| format!("- {item}\n")).collect::<String>();
        let _ = write!(
            text,
            "\n## {}: {}\n\nCauses:\n\n{}\nWhat to do:\n\n{}\nExit code of commands: {}.\n",
            info.code,
            info.title,
            list(info.causes),
            list(info.cures),
            info.class.exit_code()
        );
    }
    text
}
