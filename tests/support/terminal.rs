//! A command at a terminal of 80 columns whose questions are answered as they appear.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};

use super::{Missing, Session, or_skip};

/// A question by the end of its text, and what is typed then.
pub type Answer<'a> = (&'a str, &'a str);

/// A command that runs at a terminal.
pub struct Dialog {
    child: Child,
    screen: Vec<u8>,
}

impl Dialog {
    /// Starts the command; `None` without the program `script`.
    pub fn start(session: &Session, arguments: &[&str]) -> Option<Self> {
        let program = session.program(arguments);
        let words = std::iter::once(program.get_program()).chain(program.get_args());
        let quoted: Vec<String> = words.map(|word| format!("'{}'", word.display())).collect();
        let line = format!("stty cols 80 rows 24; exec {}", quoted.join(" "));
        let mut command = Command::new("script");
        command.args(["-qec", &line, "/dev/null"]).current_dir(session.project()).env_clear();
        command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let child = or_skip(child.map_err(|error| Missing(format!("script: {error}"))))?;
        Some(Dialog { child, screen: Vec::new() })
    }

    /// Reads until the screen ends with `text`, or the command has ended.
    pub fn wait_for(&mut self, text: &str) {
        let stdout = self.child.stdout.as_mut().expect("it was piped");
        let mut byte = [0];
        while !self.screen.ends_with(text.as_bytes())
            && stdout.read(&mut byte).is_ok_and(|count| count == 1)
        {
            self.screen.push(byte[0]);
        }
    }

    /// Types these characters.
    pub fn type_in(&mut self, text: &str) {
        let stdin = self.child.stdin.as_mut().expect("it was piped");
        // The command may have ended.
        let _ = stdin.write_all(text.as_bytes());
    }

    /// The whole screen and the exit code.
    pub fn end(mut self) -> (String, i32) {
        let mut stdout = self.child.stdout.take().expect("it was piped");
        stdout.read_to_end(&mut self.screen).expect("the rest of the screen");
        let code = self.child.wait().expect("the program ends").code().expect("an exit code");
        (String::from_utf8(self.screen).expect("UTF-8").replace("\r\n", "\n"), code)
    }
}

/// The screen and exit code of a command whose questions are answered.
pub fn typing(
    session: &Session,
    arguments: &[&str],
    answers: &[Answer<'_>],
) -> Option<(String, i32)> {
    let mut dialog = Dialog::start(session, arguments)?;
    for (question, answer) in answers {
        dialog.wait_for(question);
        dialog.type_in(answer);
    }
    Some(dialog.end())
}
