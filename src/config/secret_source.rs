//! Where a secret comes from: a variable, a file, a program, or the value itself.

use std::path::{Path, PathBuf};

use super::parser::{Parsed, ReadContext, read_list, read_path, read_text};
use super::value::Input;
use crate::process;
use crate::secret::Secret;

/// Where a secret is kept; read only when it is needed.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretSource {
    /// Written in full in an environment variable or the user's own file.
    Value(Secret),
    /// From the environment variable of this name.
    Variable(String, Secret),
    File(PathBuf),
    /// Started without a shell; its first line is the secret.
    Command(SecretCommand),
}

/// The program that prints a secret.
#[derive(Clone, PartialEq)]
pub struct SecretCommand {
    /// Program and arguments; not empty.
    pub words: Vec<String>,
    /// The names of the variables that it gets beside the usual ones.
    pub env: Vec<String>,
    /// All variables that it gets. Their values may be secrets.
    pub variables: Vec<(String, String)>,
    /// The user's home folder, where it runs.
    pub home: Option<PathBuf>,
}

impl std::fmt::Debug for SecretCommand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SecretCommand({:?}, env: {:?})", self.words, self.env)
    }
}

/// One of the forms of a secret; `None` for an empty one.
pub fn read(value: Input<'_>, context: ReadContext<'_>) -> Parsed<Option<SecretSource>> {
    const FORMS: &str =
        "must be `{ env = \"NAME\" }`, `{ file = \"PATH\" }` or `{ command = [\"PROGRAM\"] }`";
    if let Input::Text(text) = value {
        return Ok((!text.is_empty()).then(|| SecretSource::Value(Secret::new(text))));
    }
    let entries = value.entries().ok_or(FORMS)?;
    let (form, inner) = match entries.as_slice() {
        [] => return Ok(None),
        [entry] => *entry,
        [("command", words), ("env", env)] | [("env", env), ("command", words)] => {
            return read_command(*words, read_list(*env)?, context).map(Some);
        }
        _ => return Err(FORMS.into()),
    };
    match form {
        "env" => read_variable(read_text(inner)?, context).map(Some),
        "file" => Ok(read_path(read_text(inner)?, context)?.map(SecretSource::File)),
        "command" => read_command(inner, Vec::new(), context).map(Some),
        _ => Err(FORMS.into()),
    }
}

fn read_command(
    words: Input<'_>,
    env: Vec<String>,
    context: ReadContext<'_>,
) -> Parsed<SecretSource> {
    let words = read_list(words)?;
    if words.is_empty() {
        return Err("has an empty command".into());
    }
    let variables = process::variables(context.environment, &env);
    let home = context.home.map(Path::to_path_buf);
    Ok(SecretSource::Command(SecretCommand { words, env, variables, home }))
}

fn read_variable(name: &str, context: ReadContext<'_>) -> Parsed<SecretSource> {
    match context.environment.get(name) {
        Some(value) => Ok(SecretSource::Variable(name.to_owned(), Secret::new(value))),
        None => Err(format!("names the variable `{name}`, which is not set")),
    }
}
