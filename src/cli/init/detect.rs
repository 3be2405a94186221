//! From what is in the environment and the project to the sources of tasks that can be configured. Pure.

use super::listing::{Listing, MCP_JSON};
use super::mcp_json::{self, McpServer, Target, holds_secret};
use crate::client;
use crate::config;
use crate::environment::Environment;
use crate::secret::SafeUrl;

/// A source of tasks that `init` can configure.
#[derive(Clone, Debug, PartialEq)]
pub enum Candidate {
    /// The configuration as it is names one already.
    Configured { label: String },
    /// The variable `name` holds the server's URL.
    Variable { name: &'static str, url: String },
    /// A server of the project's `.mcp.json`.
    Server(McpServer),
    /// A task file that a preset reads.
    Preset { name: &'static str, path: &'static str },
    /// A task file that the defaults read.
    Checklist { path: &'static str },
}

/// The result of the search.
#[derive(Debug, Default, PartialEq)]
pub struct Detected {
    /// The most likely first.
    pub candidates: Vec<Candidate>,
    /// What was found and cannot be used: its place and the reason.
    pub unusable: Vec<(String, String)>,
}

/// What this program can do.
#[derive(Clone, Copy)]
pub struct Abilities {
    /// Whether it can start a server that is a program.
    pub stdio: bool,
    /// Whether there is a preset of this name.
    pub has_preset: fn(&str) -> bool,
}

impl Abilities {
    /// Those of this version.
    pub fn of_program() -> Self {
        Abilities { stdio: client::find("stdio").is_some(), has_preset: config::has_preset }
    }
}

/// The variables with the URL of a task server, the stronger one first.
const URL_VARIABLES: [&str; 2] = ["WARMSTART_CLIENT__URL", "MCP_SERVER_URL"];

/// Finds the sources. `configured` is the label of the source that the configuration names; `None` when
/// it names none, or only a variable does.
pub fn detect(
    environment: &Environment,
    listing: &Listing,
    configured: Option<String>,
    abilities: Abilities,
) -> Detected {
    let mut detected = Detected::default();
    detected.add_variable(environment);
    detected.candidates.extend(configured.map(|label| Candidate::Configured { label }));
    detected.add_servers(listing, abilities);
    detected.add_files(listing, abilities);
    detected
}

impl Detected {
    fn add_variable(&mut self, environment: &Environment) {
        let variable =
            URL_VARIABLES.into_iter().find_map(|name| Some((name, environment.get(name)?)));
        let Some((name, url)) = variable else { return };
        match SafeUrl::parse(url) {
            Ok(_) => self.candidates.push(Candidate::Variable { name, url: url.trim().to_owned() }),
            Err(reason) => self.unusable.push((name.into(), format!("its URL {reason}"))),
        }
    }

    fn add_servers(&mut self, listing: &Listing, abilities: Abilities) {
        let Some(text) = &listing.mcp_json else { return };
        let entries = text.clone().and_then(|text| mcp_json::entries(&text));
        let entries = match entries {
            Ok(entries) => entries,
            Err(reason) => return self.unusable.push((MCP_JSON.into(), reason)),
        };
        for entry in entries {
            match entry {
                Ok(McpServer { name, target: Target::Command { words, .. } })
                    if !abilities.stdio =>
                {
                    let reason =
                        format!("starts a program, which this version cannot: {}", words.join(" "));
                    self.unusable.push((place(&name), reason));
                }
                Ok(server) => self.candidates.push(Candidate::Server(server)),
                Err((name, reason)) => self.unusable.push((place(&name), reason)),
            }
        }
    }

    fn add_files(&mut self, listing: &Listing, abilities: Abilities) {
        for file in &listing.files {
            let path = file.path;
            match file.preset {
                Some(name) if (abilities.has_preset)(name) => {
                    self.candidates.push(Candidate::Preset { name, path });
                }
                Some(_) => {}
                // Only the first existing file is read.
                None if self.has_checklist() => {}
                None => self.candidates.push(Candidate::Checklist { path }),
            }
        }
    }

    fn has_checklist(&self) -> bool {
        self.candidates.iter().any(|candidate| matches!(candidate, Candidate::Checklist { .. }))
    }

    /// Whether nothing was found, usable or not.
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty() && self.unusable.is_empty()
    }
}

/// A server of `.mcp.json`, for the list.
fn place(name: &str) -> String {
    format!("{MCP_JSON}, {name}")
}

impl Candidate {
    /// Whether it is a program or URL that only a file of the project names: it is neither started nor
    /// asked before the user has seen and confirmed it.
    pub fn needs_confirmation(&self) -> bool {
        matches!(self, Candidate::Server(_))
    }

    /// What is done to get its tasks.
    pub fn asking(&self) -> String {
        match self {
            Candidate::Preset { path, .. } | Candidate::Checklist { path } => {
                format!("Reading {path}")
            }
            other => format!("Asking {}", other.describe().1),
        }
    }

    /// Where it was found, and what it is.
    pub fn describe(&self) -> (String, String) {
        match self {
            Candidate::Configured { label } => ("your configuration".into(), label.clone()),
            Candidate::Variable { name, url } => ((*name).into(), shown_url(url)),
            Candidate::Server(McpServer { name, target }) => {
                let target = match target {
                    Target::Url { url, .. } => shown_url(url),
                    Target::Command { words, .. } => format!("the program {}", words.join(" ")),
                };
                (place(name), target)
            }
            Candidate::Preset { name, path } => ((*path).into(), format!("preset {name}")),
            Candidate::Checklist { path } => ((*path).into(), "a checklist".into()),
        }
    }
}

/// The URL without its private parts.
fn shown_url(text: &str) -> String {
    SafeUrl::parse(text).map(|url| url.to_string()).unwrap_or_default()
}

/// Whether a variable holds the URL of the task server.
pub fn has_url_variable(environment: &Environment) -> bool {
    URL_VARIABLES.iter().any(|name| environment.get(name).is_some())
}

/// The remark on a variable that is stronger than what is written for `candidate`.
pub fn stronger_variable(candidate: &Candidate, environment: &Environment) -> Option<String> {
    let Candidate::Server(McpServer { target: Target::Url { .. }, .. }) = candidate else {
        return None;
    };
    let name = URL_VARIABLES.iter().find(|name| environment.get(name).is_some())?;
    Some(format!(
        "`{name}` is set and stronger than the file: unset it, or a session asks that URL"
    ))
}

/// Whether this URL may be written to a file.
pub fn is_writable(text: &str) -> bool {
    SafeUrl::parse(text).is_ok_and(|url| !holds_secret(&url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::init::listing::TASK_FILES;

    const ALL: Abilities = Abilities { stdio: true, has_preset: |_| true };
    const NONE: Abilities = Abilities { stdio: false, has_preset: |_| false };

    fn listing(files: &[&str], mcp_json: Option<&str>) -> Listing {
        Listing {
            files: TASK_FILES.iter().filter(|file| files.contains(&file.path)).collect(),
            mcp_json: mcp_json.map(|text| Ok(text.into())),
        }
    }

    /// Place and description of the candidates, then of what is unusable.
    fn found(variables: &[(&str, &str)], listing: &Listing, abilities: Abilities) -> Vec<String> {
        let environment: Environment = variables.iter().copied().collect();
        let detected = detect(&environment, listing, None, abilities);
        let usable = detected.candidates.iter().map(Candidate::describe);
        let usable = usable.map(|(place, what)| format!("{place}: {what}"));
        let unusable = detected.unusable.iter().map(|(place, why)| format!("{place}: NOT {why}"));
        usable.chain(unusable).collect()
    }

    #[test]
    fn every_source_is_found_and_the_most_likely_is_first() {
        let url = [("MCP_SERVER_URL", "http://user:password-1@localhost:8000")];
        let servers = r#"{ "mcpServers": { "b": { "command": "npx", "args": ["-y"] },
            "a": { "url": "https://example.com/mcp" } } }"#;
        let files = ["backlog/tasks/", ".beads/issues.jsonl", ".claude/TODO.md", "TODO.md"];
        let all = listing(&files, Some(servers));
        assert_eq!(
            found(&url, &all, ALL),
            [
                "MCP_SERVER_URL: http://localhost:8000",
                ".mcp.json, a: https://example.com/mcp",
                ".mcp.json, b: the program npx -y",
                "backlog/tasks/: preset backlog-md",
                ".beads/issues.jsonl: preset beads",
                ".claude/TODO.md: a checklist",
            ]
        );
        assert_eq!(
            found(&[], &all, NONE),
            [
                ".mcp.json, a: https://example.com/mcp",
                ".claude/TODO.md: a checklist",
                ".mcp.json, b: NOT starts a program, which this version cannot: npx -y",
            ]
        );
        assert!(found(&[], &Listing::default(), ALL).is_empty());
    }

    #[test]
    fn mistakes_are_named() {
        let table = [
            (
                vec![("MCP_SERVER_URL", "localhost:8000")],
                None,
                "MCP_SERVER_URL: NOT its URL has the scheme",
            ),
            (vec![], Some("{"), ".mcp.json: NOT is not valid JSON"),
            (vec![], Some(r#"{"mcpServers":{"s":{}}}"#), ".mcp.json, s: NOT has neither"),
        ];
        for (variables, mcp_json, expected) in table {
            let all = found(&variables, &listing(&[], mcp_json), ALL);
            assert!(all.len() == 1 && all[0].starts_with(expected), "{all:?}");
        }
    }

    #[test]
    fn only_what_a_project_alone_names_needs_a_confirmation() {
        let text = r#"{ "mcpServers": { "a": { "url": "http://a" }, "b": { "command": "b" } } }"#;
        let environment: Environment = [("MCP_SERVER_URL", "http://b")].into_iter().collect();
        let listing = listing(&["backlog/tasks/", "TODO.md"], Some(text));
        let detected = detect(&environment, &listing, Some("task server x".into()), ALL);
        let confirmed: Vec<bool> =
            detected.candidates.iter().map(Candidate::needs_confirmation).collect();
        assert_eq!(confirmed, [false, false, true, true, false, false]);
    }
}
