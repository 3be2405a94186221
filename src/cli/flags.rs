//! The flags that every command takes, before and after its name, and how the places add up.
//!
//! clap's `global = true` lets the inner place replace the outer one, so `--set` on both sides would
//! lose a value. Here every level of the command line has these flags, and the levels are merged.

use std::path::PathBuf;

use clap::{ArgAction, ArgMatches, Args, FromArgMatches};
use serde_json::Value;

const HEADING: &str = "Global options";

// Flags of every command. Not a doc comment: clap would take it for the description of each.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// Set KEY for this run, over every file and variable
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair, help_heading = HEADING)]
    pub set: Vec<(String, String)>,
    /// Use FILE instead of your user hooks.toml
    #[arg(long, value_name = "FILE", help_heading = HEADING)]
    pub config: Option<PathBuf>,
    /// Print the log on standard error too: -v from level info, -vv from debug
    #[arg(short, long, action = ArgAction::Count, help_heading = HEADING)]
    pub verbose: u8,
    /// Print errors only, no warnings or notes
    #[arg(short, long, help_heading = HEADING)]
    pub quiet: bool,
}

/// Key and value of `--set`.
fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(key, value)| (key.trim().to_owned(), value.to_owned()));
    pair.ok_or_else(|| "write it as KEY=VALUE".into())
}

/// `key=value` as a command takes it; a value that is not JSON is text.
pub fn key_value(text: &str) -> Option<(String, Value)> {
    let (key, value) = text.split_once('=')?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Some((key.to_owned(), value))
}

impl Flags {
    /// Adds the flags to `command` and to all its subcommands.
    pub fn on_every_level(command: clap::Command) -> clap::Command {
        // Without a display name `--version` of a subcommand would name another program.
        Flags::augment_args(command)
            .display_name("warmstart")
            .mut_subcommands(Flags::on_every_level)
    }

    /// The flags of all levels.
    ///
    /// # Errors
    /// clap's, for matches of another command.
    pub fn of_every_level(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = Flags::from_arg_matches(matches)?;
        Ok(match matches.subcommand() {
            Some((_, inner)) => flags.plus(Flags::of_every_level(inner)?),
            None => flags,
        })
    }

    /// Both; where only one value can hold, it is that of `later`.
    fn plus(mut self, later: Flags) -> Self {
        self.set.extend(later.set);
        Flags {
            set: self.set,
            config: later.config.or(self.config),
            verbose: self.verbose.saturating_add(later.verbose),
            quiet: self.quiet || later.quiet,
        }
    }
}
