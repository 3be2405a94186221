//! One run of the program and its outcome; the checks that hold for every session start.

use std::fmt;
use std::io::Write;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Session, child};

/// The outcome of one run.
pub struct Outcome {
    pub status: ExitStatus,
    pub stdout: Vec<u8>,
    pub stderr: String,
    /// From before the start to after the end.
    pub elapsed: Duration,
}

/// Starts `command`, feeds it `stdin`, waits for its end.
#[track_caller]
pub fn to_its_end(command: &mut Command, stdin: &[u8]) -> Outcome {
    let began = Instant::now();
    finish(start(command, stdin), began)
}

/// Starts `command` and feeds it `stdin` from a thread, as the host does: all of it, then the end.
pub fn start(command: &mut Command, stdin: &[u8]) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut pipe = child.stdin.take().expect("it was piped");
    let bytes = stdin.to_vec();
    // It may end before it has read all of it.
    std::thread::spawn(move || pipe.write_all(&bytes));
    child
}

/// Starts `command`, feeds it `stdin` and does not end it before the program has ended.
#[track_caller]
pub fn with_open_input(command: &mut Command, stdin: &[u8]) -> Outcome {
    let began = Instant::now();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut pipe = child.stdin.take().expect("it was piped");
    pipe.write_all(stdin).expect("it fits into the pipe");
    let outcome = finish(child, began);
    drop(pipe);
    outcome
}

/// Waits for the end of a run that began at `began`.
#[track_caller]
pub fn finish(child: Child, began: Instant) -> Outcome {
    let output = child::wait(child, "warmstart", child::LIMIT);
    Outcome {
        status: output.status,
        stdout: output.stdout,
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        elapsed: began.elapsed(),
    }
}

/// One session start with `event`, and the processor time that it took in its own code: measured by
/// the shell, since a time of all children of this process would count other tests.
#[track_caller]
pub fn with_processor_time(session: &Session, event: &str) -> (Outcome, Duration) {
    let plain = session.program(&["session-start"]);
    let mut shell = Command::new("bash");
    shell.args(["-c", "TIMEFORMAT=%U; time \"$0\" \"$@\""]);
    shell.arg(plain.get_program()).args(plain.get_args());
    shell.current_dir(session.project()).env_clear();
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let outcome = to_its_end(&mut shell, event.as_bytes());
    let seconds = outcome.stderr.lines().last().and_then(|line| line.parse().ok());
    let seconds = seconds.unwrap_or_else(|| panic!("no time of the shell: {outcome:?}"));
    (outcome, Duration::from_secs_f64(seconds))
}

/// Whether this process, and so every child, ignores the signal of that number, as in the background
/// of a script.
pub fn is_ignored(number: u32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or(0) >> (number - 1) & 1 == 1
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stdout = String::from_utf8_lossy(&self.stdout);
        let (status, stderr, elapsed) = (self.status, &self.stderr, self.elapsed);
        write!(f, "{status} after {elapsed:?}\n-- stdout\n{stdout}\n-- stderr\n{stderr}")
    }
}

impl Outcome {
    /// The exit code; a signal fails the test.
    #[track_caller]
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by a signal: {self:?}"))
    }

    /// The standard output as text.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("UTF-8 on stdout")
    }

    /// The standard output as JSON of any form.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not one JSON value ({error}): {self:?}"))
    }

    /// The hook's answer: exit 0, exactly one object and a newline, the exact envelope.
    #[track_caller]
    pub fn answer(&self) -> Value {
        assert_eq!(self.code(), 0, "{self:?}");
        let text = self.text();
        let line = text.strip_suffix('\n').unwrap_or_else(|| panic!("no newline: {self:?}"));
        assert!(line.starts_with('{') && line.ends_with('}'), "{self:?}");
        assert!(!line.contains('\n'), "more than one line: {self:?}");
        let answer = self.json();
        check_envelope(&answer);
        answer
    }

    /// The text for the model; empty when there is none.
    #[track_caller]
    pub fn context(&self) -> String {
        let answer = self.answer();
        let context = &answer["hookSpecificOutput"]["additionalContext"];
        context.as_str().unwrap_or_default().to_owned()
    }

    /// The line that the user sees; empty when there was none.
    #[track_caller]
    pub fn notice(&self) -> String {
        self.answer()["systemMessage"].as_str().unwrap_or_default().to_owned()
    }

    /// Fails unless the run ended within `limit` and some slack for a busy machine.
    #[track_caller]
    pub fn within(&self, limit: Duration) -> &Self {
        let most = limit + Duration::from_millis(1500);
        assert!(self.elapsed < most, "took {:?}, limit {limit:?}: {self:?}", self.elapsed);
        self
    }
}

#[track_caller]
fn check_envelope(answer: &Value) {
    let keys = |value: &Value| -> Vec<String> {
        value.as_object().expect("an object").keys().cloned().collect()
    };
    for key in keys(answer) {
        assert!(["hookSpecificOutput", "systemMessage"].contains(&key.as_str()), "{answer}");
    }
    if let Some(message) = answer.get("systemMessage") {
        assert!(message.as_str().is_some_and(|text| !text.is_empty()), "{answer}");
    }
    if let Some(inner) = answer.get("hookSpecificOutput") {
        let mut inner_keys = keys(inner);
        inner_keys.sort();
        assert_eq!(inner_keys, ["additionalContext", "hookEventName"], "{answer}");
        assert_eq!(inner["hookEventName"], "SessionStart", "{answer}");
        assert!(inner["additionalContext"].as_str().is_some_and(|text| !text.is_empty()));
    }
}
