//! The command line, parsed by clap. `session-start` must answer whatever its arguments are, so for
//! it alone there is a second way: without the arguments that clap refuses.

use std::ffi::{OsStr, OsString};
use std::iter::once;
use std::ops::Range;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, FromArgMatches};

use super::flags::Flags;
use super::{Cli, Command, session_start};
use crate::error::{Code, Failure};

/// More refused arguments than this cost all flags: each one is a parse more, and time is short.
const MAX_REFUSED: usize = 32;

/// The whole of clap's definition.
pub fn definition() -> clap::Command {
    Flags::on_every_level(Cli::command())
}

/// The command and its flags; `arguments` are without the program's name.
///
/// # Errors
/// clap's; `--help` and `--version` are among them.
pub fn strictly(arguments: &[OsString]) -> Result<(Command, Flags), clap::Error> {
    let words = once(OsString::from("warmstart")).chain(arguments.iter().cloned());
    let matches = definition().try_get_matches_from(words)?;
    Ok((Cli::from_arg_matches(&matches)?.command, Flags::of_every_level(&matches)?))
}

/// Whether `arguments`, which clap refused, are for `session-start`: the first word that names a
/// command decides; without one, `session-start` as the value of a flag whose own value is missing.
pub fn is_session_start(arguments: &[OsString]) -> bool {
    match command_index(arguments) {
        Some(at) => arguments[at] == session_start::COMMAND,
        None => arguments.iter().any(|word| word == session_start::COMMAND),
    }
}

/// Where the command is: the first word that names one and is not the value of a known flag.
fn command_index(arguments: &[OsString]) -> Option<usize> {
    let mut root = definition();
    root.build();
    let takes_value = |word: &OsStr| {
        root.get_arguments().any(|flag| {
            let name = flag.get_long().map(|long| format!("--{long}"));
            flag.get_action().takes_values() && name.is_some_and(|name| word == name.as_str())
        })
    };
    let mut at = 0;
    while let Some(word) = arguments.get(at) {
        if root.find_subcommand(word).is_some() {
            return Some(at);
        }
        at += if takes_value(word) { 2 } else { 1 };
    }
    None
}

/// Parses the arguments of `session-start` without those that clap refuses, which are reported.
///
/// # Errors
/// The text of `--help` or `--version`, when that is what the rest asks for.
pub fn leniently(arguments: &[OsString]) -> Result<(Command, Flags, Failure), clap::Error> {
    let mut kept = arguments.to_vec();
    let (mut first, mut refused) = (None, 0);
    while refused < MAX_REFUSED && !kept.is_empty() {
        match strictly(&kept) {
            Ok((command, flags)) => return Ok((command, flags, report(first.as_ref(), refused))),
            Err(error) if !error.use_stderr() => return Err(error),
            Err(error) => {
                remove_refused(&mut kept, &error);
                first.get_or_insert(error);
                refused += 1;
            }
        }
    }
    let command = Command::SessionStart(session_start::Options::default());
    Ok((command, Flags::default(), report(first.as_ref(), refused)))
}

fn report(first: Option<&clap::Error>, refused: usize) -> Failure {
    let text = first.map(ToString::to_string).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let more = match refused {
        0 | 1 => String::new(),
        _ => format!(", and {} more ignored", refused - 1),
    };
    Failure::new(Code::Flag, format!("session-start: {line}{more}"))
        .hint("`warmstart session-start --help` lists the flags")
}

/// Removes the argument that `error` is about, with its value; the last one where clap names none.
/// The command itself stays.
fn remove_refused(arguments: &mut Vec<OsString>, error: &clap::Error) {
    let command = command_index(arguments);
    let last = || (0..arguments.len()).rev().find(|at| Some(*at) != command);
    let refused = refused(arguments, command, error).or_else(|| last().map(|at| at..at + 1));
    arguments.drain(refused.unwrap_or(0..0));
}

fn refused(
    arguments: &[OsString],
    command: Option<usize>,
    error: &clap::Error,
) -> Option<Range<usize>> {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    // An unknown command is before the command, a surplus word behind it.
    let (word, start) = match text(ContextKind::InvalidSubcommand) {
        Some(word) => (word, 0),
        None => (text(ContextKind::InvalidArg)?, command.map_or(0, |at| at + 1)),
    };
    if word.starts_with('-') {
        let flag = word.split(' ').next().unwrap_or(word);
        return refused_flag(arguments, flag, text(ContextKind::InvalidValue));
    }
    let is_refused = |at: &usize| Some(*at) != command && arguments[*at] == word;
    (start..arguments.len()).find(is_refused).map(|at| at..at + 1)
}

/// The flag with exactly this value, in both spellings, else the last one of its name.
fn refused_flag(arguments: &[OsString], flag: &str, value: Option<&str>) -> Option<Range<usize>> {
    let value = value.filter(|value| !value.is_empty());
    let joined = value.map(|value| format!("{flag}={value}"));
    let with_value = (0..arguments.len()).find_map(|at| {
        let next = arguments.get(at + 1);
        let is_apart = arguments[at] == flag
            && next.is_some_and(|next| value.is_some_and(|value| next == value));
        let is_joined = joined.as_ref().is_some_and(|joined| arguments[at] == joined.as_str());
        (is_apart || is_joined).then_some(at..at + 1 + usize::from(is_apart))
    });
    let last = |is: &dyn Fn(&OsStr) -> bool| {
        arguments.iter().rposition(|word| is(word)).map(|at| at..at + 1)
    };
    with_value.or_else(|| last(&|word| word == flag)).or_else(|| last(&|word| is_flag(word, flag)))
}

/// Whether `word` is the flag of that name with a value (`--name=VALUE`), or has it among others
/// (`-n` in `-anz`).
fn is_flag(word: &OsStr, flag: &str) -> bool {
    let word = word.to_string_lossy();
    match flag.strip_prefix("--") {
        Some(_) => word.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')),
        None => !word.starts_with("--") && word.starts_with('-') && word.contains(&flag[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn no_flag_means_two_things() {
        definition().debug_assert();
    }

    #[test]
    fn the_command_is_not_the_value_of_a_flag() {
        let cases = [
            ("session-start --bogus", true),
            ("--bogus session-start", true),
            ("--bogus value session-start", true),
            ("--config session-start tasks", false),
            ("--config=x session-start tasks", true),
            ("tasks session-start", false),
            ("help session-start", false),
            ("--config session-start", true),
            ("--set session-start", true),
            ("--set", false),
        ];
        for (line, expected) in cases {
            assert_eq!(is_session_start(&words(line)), expected, "{line}");
        }
    }

    #[test]
    fn what_is_refused_goes_and_the_rest_counts() {
        let lines = [
            "--bogus --set a=1 session-start --set b=2",
            "--set a=1 session-start --bogus=x --set b=2 surplus",
            "--set a=1 --colour always session-start --set=b=2 --set broken",
            "-x --set a=1 session-start --set=broken --set=b=2 session-start",
            "--set a=1 session-start --agent clippy --set b=2 --config",
            "--set a=1 --agent=plain session-start --set b=2 --agent=clippy",
            "--set a=1 - session-start - --set b=2 --",
            "--set a=1 --config session-start --set b=2 --config= -x=y -vx",
        ];
        for line in lines {
            let (command, flags, _) = leniently(&words(line)).unwrap();
            assert!(matches!(command, Command::SessionStart(_)), "{line}");
            let pairs = [("a", "1"), ("b", "2")].map(|(key, value)| (key.into(), value.into()));
            assert_eq!(flags.set, pairs, "{line}");
        }
    }

    #[test]
    fn any_number_of_refused_arguments_comes_to_an_end() {
        let line = format!("session-start{}", " --bogus".repeat(200));
        let (command, _, failure) = leniently(&words(&line)).unwrap();
        assert!(matches!(command, Command::SessionStart(_)));
        assert!(failure.message.ends_with(", and 31 more ignored"), "{failure}");
    }
}
