//! The command of a hook entry, as a POSIX shell splits it into words, and whether it runs this program.

use std::ops::Range;

/// The base name by which an entry is recognised, whatever the folder.
const PROGRAM: &str = "warmstart";
/// The command that hosts call.
pub const COMMAND: &str = "session-start";

/// A word of a command line, or an operator of the shell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    pub text: String,
    pub range: Range<usize>,
    is_operator: bool,
}

/// How a command runs this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One command: a form that `install` writes.
    Plain,
    /// Inside a longer command line, which is the user's own.
    Wrapped,
}

/// The form of a command that runs `session-start`; `None` for every other command.
pub fn form(words: &[Word]) -> Option<Form> {
    let is_start = |at: usize| words.get(at).is_some_and(|word| word.text == COMMAND);
    let is_end = |at: usize| words.get(at).is_none_or(|word| word.is_operator);
    let runs =
        |at: usize| is_program(&words[at].text) && (is_start(at + 1) || at == 0 && is_end(1));
    let at = (0..words.len()).find(|at| runs(*at))?;
    let is_plain = at == 0 && !words.iter().any(|word| word.is_operator);
    Some(if is_plain { Form::Plain } else { Form::Wrapped })
}

/// Whether the word is this program's name, in any folder.
fn is_program(word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    name.strip_suffix(".exe").unwrap_or(name) == PROGRAM
}

/// The words of an entry without a shell.
pub fn plain_words<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<Word> {
    let word = |text: &str| Word { text: text.to_owned(), range: 0..0, is_operator: false };
    words.into_iter().map(word).collect()
}

/// The words of a shell command line. Variables are not replaced: their text is kept.
pub fn words(line: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut open: Option<Word> = None;
    let mut quote = None;
    let mut characters = line.char_indices().peekable();
    while let Some((at, character)) = characters.next() {
        let end = at + character.len_utf8();
        let is_outside = quote.is_none();
        if is_outside && character.is_whitespace() && character != '\n' {
            words.extend(open.take());
            continue;
        }
        if is_outside && matches!(character, ';' | '&' | '|' | '<' | '>' | '(' | ')' | '\n') {
            words.extend(open.take());
            words.push(Word { text: character.into(), range: at..end, is_operator: true });
            continue;
        }
        let new = Word { text: String::new(), range: at..end, is_operator: false };
        let word = open.get_or_insert(new);
        word.range.end = end;
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None | Some('"'), '\\') => {
                if let Some((at, escaped)) = characters.next() {
                    word.text.push(escaped);
                    word.range.end = at + escaped.len_utf8();
                }
            }
            _ => word.text.push(character),
        }
    }
    words.extend(open);
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::for_shell;

    #[test]
    fn only_commands_that_run_session_start_are_recognised() {
        use Form::{Plain, Wrapped};
        let table = [
            ("warmstart session-start", Some(Plain)),
            ("warmstart", Some(Plain)),
            ("/opt/old/warmstart session-start --agent gemini", Some(Plain)),
            ("'/a b/warmstart' session-start", Some(Plain)),
            ("\"$HOME/.cargo/bin/warmstart\" session-start", Some(Plain)),
            ("warmstart.exe session-start", Some(Plain)),
            ("C:\\\\bin\\\\warmstart.exe session-start", Some(Plain)),
            ("X=1 warmstart session-start", Some(Wrapped)),
            ("warmstart session-start || true", Some(Wrapped)),
            ("warmstart session-start||true", Some(Wrapped)),
            ("warmstart||true", Some(Wrapped)),
            ("cd /x && /bin/warmstart session-start", Some(Wrapped)),
            // Hooks of the user.
            ("warmstart tasks --json", None),
            ("cd /src/warmstart && ./hook.sh", None),
            ("echo \"warmstart session-start\"", None),
            ("mywarmstart session-start", None),
            ("/opt/warmstart-old session-start", None),
            ("/opt/warmstart/bin/other session-start", None),
            ("", None),
        ];
        for (line, expected) in table {
            assert_eq!(form(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn a_quoted_word_is_read_as_itself() {
        for word in ["/bin/a", "/a b/c", "/it's/x", "$HOME/`x`", "é", ""] {
            let read = words(&for_shell(word));
            assert_eq!(read.len(), 1, "{word}");
            assert_eq!(read[0].text, word);
        }
    }
}
