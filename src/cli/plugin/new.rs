//! `plugin new`: a folder with a plugin that builds without changes, in Rust with the SDK's sources in
//! it, or in C with only a header.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::super::terminal::{self, CommandError, CommandResult, Usage};
use super::sdk;
use crate::error::{Code, Failure};

/// Flags of `plugin new`.
#[derive(Args)]
pub struct Options {
    /// Name of the plugin and its folder
    name: String,
    /// Kind of plugin
    #[arg(long, value_enum, default_value_t = Kind::Client)]
    kind: Kind,
    /// Language
    #[arg(long, value_enum, default_value_t = Language::Rust)]
    lang: Language,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// A source of tasks
    Client,
    /// A step of a fallback chain
    Strategy,
    /// Text for the session's context
    Hook,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Language {
    Rust,
    C,
}

/// Writes the folder.
///
/// # Errors
/// When the name is invalid, the folder exists, or the disk refuses.
pub fn run(options: &Options) -> CommandResult {
    let name = options.name.as_str();
    check_name(name)?;
    std::fs::create_dir(name).map_err(|error| unwritten(name, &error))?;
    for (path, text) in files(options) {
        write(&Path::new(name).join(path), &text).map_err(|error| unwritten(name, &error))?;
    }
    let item = item(name);
    let (build, library) = match options.lang {
        Language::Rust => {
            ("cargo build --release", format!("target/release/{}", cargo_name(&item)))
        }
        Language::C => ("make", format!("warmstart_{item}.so")),
    };
    terminal::print(&format!(
        "Created `{name}`. Next:\n  cd {name} && {build}\n  warmstart plugin check {library}\n  warmstart plugin trust {library}\n"
    ));
    Ok(ExitCode::SUCCESS)
}

fn check_name(name: &str) -> Result<(), Usage> {
    let has_initial = name.starts_with(|c: char| c.is_ascii_lowercase());
    if has_initial && crate::plugin::pin::is_name(name) {
        return Ok(());
    }
    let text = format!("`{}` cannot be the name of a plugin", name.escape_debug());
    Err(Usage::new(text).hint("use lower-case letters, digits, - and _, beginning with a letter"))
}

fn unwritten(name: &str, error: &io::Error) -> CommandError {
    if error.kind() == io::ErrorKind::AlreadyExists {
        return Usage::new(format!("`{name}` already exists"))
            .hint("choose another name, or remove it first")
            .into();
    }
    Failure::new(Code::StoreUnusable, format!("cannot write `{name}`: {error}")).into()
}

fn item(name: &str) -> String {
    name.replace('-', "_")
}

fn cargo_name(item: &str) -> String {
    let (before, after) = (std::env::consts::DLL_PREFIX, std::env::consts::DLL_SUFFIX);
    format!("{before}warmstart_{item}{after}")
}

fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(path, text)
}

fn files(options: &Options) -> Vec<(PathBuf, String)> {
    let filled = |text: &str| fill(text, &options.name);
    match options.lang {
        Language::C => {
            let source = match options.kind {
                Kind::Client => include_str!("templates/client.c.txt"),
                Kind::Strategy => include_str!("templates/strategy.c.txt"),
                Kind::Hook => include_str!("templates/hook.c.txt"),
            };
            let makefile = include_str!("templates/Makefile.txt");
            vec![
                ("plugin.c".into(), filled(source)),
                ("Makefile".into(), filled(makefile)),
                ("json.h".into(), sdk::JSON_H.into()),
                ("warmstart_plugin.h".into(), sdk::HEADER.into()),
            ]
        }
        Language::Rust => {
            let source = match options.kind {
                Kind::Client => include_str!("templates/client.rs.txt"),
                Kind::Strategy => include_str!("templates/strategy.rs.txt"),
                Kind::Hook => include_str!("templates/hook.rs.txt"),
            };
            let mut files = vec![
                ("Cargo.toml".into(), filled(include_str!("templates/Cargo.toml.txt"))),
                (".gitignore".into(), "/target\n".into()),
                ("src/lib.rs".into(), filled(source)),
            ];
            let sdk = sdk::FILES.iter();
            files.extend(sdk.map(|(path, text)| (Path::new("sdk").join(path), (*text).to_owned())));
            files
        }
    }
}

fn fill(text: &str, name: &str) -> String {
    let item = item(name);
    let words = item.split('_').filter(|word| !word.is_empty());
    let camel: String = words.map(|word| word[..1].to_ascii_uppercase() + &word[1..]).collect();
    text.replace("@NAME@", name).replace("@ITEM@", &item).replace("@TYPE@", &camel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_sdk_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("plugins/sdk");
        let mut files = vec!["Cargo.toml".to_owned(), "include/warmstart_plugin.h".to_owned()];
        for entry in std::fs::read_dir(folder.join("src")).unwrap().flatten() {
            files.push(format!("src/{}", entry.file_name().to_string_lossy()));
        }
        files.sort();
        let embedded: Vec<_> = sdk::FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(embedded, files);
    }

    #[test]
    fn names_become_identifiers() {
        assert_eq!(fill("@NAME@ @ITEM@ @TYPE@", "my-todo_2"), "my-todo_2 my_todo_2 MyTodo2");
    }
}
