//! A command at a terminal of 80 columns whose questions are answered as they appear.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::child::Stream;
use super::{Missing, Session, or_skip};

/// Far above what a step takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// Columns of the terminal.
pub const COLUMNS: usize = 80;

/// A question, and what is typed then.
pub type Answer<'a> = (&'a str, &'a str);

/// A command that runs at a terminal.
pub struct Dialog {
    child: Child,
    screen: Stream,
    reader: JoinHandle<()>,
}

impl Dialog {
    /// Starts the command; `None` without the program `script`.
    pub fn start(session: &Session, arguments: &[&str]) -> Option<Self> {
        let mut command = at_terminal(session, arguments);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = or_skip(child.map_err(|error| Missing(format!("script: {error}"))))?;
        let (screen, reader) = Stream::of(child.stdout.take());
        Some(Dialog { child, screen, reader })
    }

    /// Waits until the screen has `text` for the `count`th time, or the command has ended.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str, count: usize) {
        self.wait_until(text, |screen| screen.matches(text).count() >= count);
    }

    /// Types these characters.
    pub fn type_in(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("it was piped");
        // The command may have ended.
        let _ = stdin.write_all(text.as_bytes());
    }

    /// The whole screen and the exit code.
    #[track_caller]
    pub fn end(mut self) -> (String, i32) {
        self.wait_until("the end", |_| false);
        let code = self.child.wait().expect("the program ends").code().expect("an exit code");
        (self.screen.text().replace("\r\n", "\n"), code)
    }

    #[track_caller]
    fn wait_until(&mut self, what: &str, is_there: impl Fn(&str) -> bool) {
        let patience = Instant::now() + LIMIT;
        while !self.reader.is_finished() && !is_there(&self.screen.text()) {
            if Instant::now() > patience {
                // The command gets the end of its terminal, and ends too.
                let _ = self.child.kill();
                panic!("`{what}` did not appear within {LIMIT:?}: {}", self.screen.text());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The command at a terminal, not yet started.
fn at_terminal(session: &Session, arguments: &[&str]) -> Command {
    let program = session.program(arguments);
    let words = std::iter::once(program.get_program()).chain(program.get_args());
    let quoted =
        words.map(|word| format!("'{}'", word.display().to_string().replace('\'', "'\\''")));
    let line = quoted.collect::<Vec<_>>().join(" ");
    let line = format!("stty cols {COLUMNS} rows 24; exec {line}");
    let mut terminal = Command::new("script");
    terminal.args(["-qec", &line, "/dev/null"]).current_dir(session.project()).env_clear();
    terminal.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    terminal
}

/// The screen and the exit code of a command where nothing is typed.
pub fn without_typing(session: &Session, arguments: &[&str]) -> Option<(String, i32)> {
    let output = at_terminal(session, arguments).stdin(Stdio::null()).output();
    let output = or_skip(output.map_err(|error| Missing(format!("script: {error}"))))?;
    let text = String::from_utf8(output.stdout).expect("UTF-8 on the terminal");
    Some((text.replace("\r\n", "\n"), output.status.code().expect("an exit code")))
}

/// The screen and exit code of a command whose questions are answered.
#[track_caller]
pub fn typing(
    session: &Session,
    arguments: &[&str],
    answers: &[Answer<'_>],
) -> Option<(String, i32)> {
    let mut dialog = Dialog::start(session, arguments)?;
    for (number, (question, answer)) in answers.iter().enumerate() {
        let count = answers[..=number].iter().filter(|(other, _)| other == question).count();
        dialog.wait_for(question, count);
        dialog.type_in(answer);
    }
    Some(dialog.end())
}
