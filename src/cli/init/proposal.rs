//! From a source of tasks to the settings that configure it. Pure. A literal secret is never among them:
//! where a variable holds it, the setting names the variable.

mod login;

use std::path::{Path, PathBuf};

use super::detect::{Candidate, is_writable};
use super::mcp_json::{McpServer, Target};
use crate::environment::Environment;
use crate::error::{Class, Code, Failure};

/// A value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    List(Vec<String>),
    /// A secret in the variable of this name.
    SecretVariable(String),
    /// A secret in this file.
    SecretFile(String),
}

/// One setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub table: &'static str,
    pub key: &'static str,
    pub value: Value,
}

/// What would be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proposal {
    pub settings: Vec<Setting>,
    /// Comment lines below the settings.
    pub comments: Vec<String>,
    /// What the user has to know beside the file.
    pub notes: Vec<String>,
}

/// What a proposal depends on.
pub struct Situation<'a> {
    pub environment: &'a Environment,
    /// `client.kind` as it is in effect.
    pub kind: String,
    /// Whether the configuration names a server already.
    pub has_server: bool,
    pub credentials: Credentials,
    /// `client.files` and `client.only_in` as they are in effect.
    pub files: Vec<PathBuf>,
    pub only_in: Vec<PathBuf>,
}

/// What the user's configuration would send to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials {
    None,
    /// A login, which `auth.kind = "none"` keeps back.
    Login,
    /// `http.headers`, or a login that a variable or flag demands: no setting of a file keeps it back.
    Always,
}

/// The settings for `candidate`.
///
/// # Errors
/// Why it cannot be configured safely.
pub fn propose(candidate: &Candidate, situation: &Situation<'_>) -> Result<Proposal, Failure> {
    let mut proposal = Proposal::default();
    match candidate {
        Candidate::Configured { .. } => {}
        Candidate::Variable { name, url } => proposal.use_variables(name, url, situation),
        Candidate::Server(McpServer { name, target: Target::Url { url, token } }) => {
            proposal.set_url(url, situation, &["auto", "mcp"]);
            proposal.use_token(name, token, situation)?;
        }
        Candidate::Server(McpServer { target: Target::Command { words, variables }, .. }) => {
            proposal.use_command(words, variables, situation);
        }
        Candidate::Preset { name, .. } => proposal.use_preset(name, situation),
        Candidate::Checklist { path } => proposal.use_checklist(path, situation),
    }
    Ok(proposal)
}

impl Proposal {
    fn set(&mut self, table: &'static str, key: &'static str, value: Value) {
        self.settings.push(Setting { table, key, value });
    }

    fn set_text(&mut self, table: &'static str, key: &'static str, text: &str) {
        self.set(table, key, Value::Text(text.into()));
    }

    /// Nothing where it is read already.
    fn use_checklist(&mut self, path: &str, situation: &Situation<'_>) {
        if situation.has_server {
            self.set_text("client", "kind", "local");
        }
        if !situation.files.iter().any(|file| file == Path::new(path)) {
            self.set("client", "files", Value::List(vec![path.into()]));
        }
        if !situation.only_in.is_empty() {
            self.set("client", "only_in", Value::List(Vec::new()));
        }
    }

    /// A kind that is set is stronger than that of the preset, whose tasks are in a file.
    fn use_preset(&mut self, name: &str, situation: &Situation<'_>) {
        self.set_text("client", "preset", name);
        if situation.kind != "auto" && situation.kind != "local" {
            self.set_text("client", "kind", "local");
        }
    }

    /// The URL, and `mcp` where the kind in effect is not one of `kinds`.
    fn set_url(&mut self, url: &str, situation: &Situation<'_>, kinds: &[&str]) {
        self.set_text("client", "url", url);
        if !kinds.contains(&situation.kind.as_str()) {
            self.set_text("client", "kind", "mcp");
        }
    }

    fn use_variables(&mut self, name: &str, url: &str, situation: &Situation<'_>) {
        if is_writable(url) {
            self.set_url(url, situation, &["auto", "mcp", "rest"]);
        } else {
            let note =
                format!("the URL in `{name}` has a password or a query, so it is not written");
            self.notes.push(note);
        }
        self.use_login(situation.environment);
    }

    fn use_command(&mut self, words: &[String], variables: &[String], situation: &Situation<'_>) {
        self.set_text("client", "kind", "stdio");
        self.set("client", "command", Value::List(words.to_vec()));
        if variables.is_empty() {
            return;
        }
        self.set("client", "env", Value::List(variables.to_vec()));
        let unset = variables.iter().filter(|name| situation.environment.get(name).is_none());
        let unset: Vec<String> = unset.map(|name| format!("`{name}`")).collect();
        if !unset.is_empty() {
            let note = format!("the program gets {}: set it in your environment", unset.join(", "));
            self.notes.push(note);
        }
    }

    /// Adds what `failure` of the server asks for, as comments: a login, or the name of a tool.
    pub fn explain(&mut self, failure: &Failure) {
        let has_login = self.settings.iter().any(|setting| setting.table == "auth");
        if !self.comments.is_empty() {
            return;
        }
        let lines: &[&str] = match (failure.class(), failure.code) {
            (Class::Auth, _) if !has_login => &LOGIN,
            (_, Code::ToolError) => &TOOL,
            (_, Code::NotUnderstood) => &ITEMS,
            _ => &[],
        };
        self.comments.extend(lines.iter().map(|line| (*line).to_owned()));
    }
}

const LOGIN: [&str; 5] = [
    "The server requires a login. Remove the # of one of these, or set MCP_AUTH_TOKEN.",
    "[auth]",
    "token = { env = \"MY_TOKEN\" }              # the name of a variable",
    "token = { file = \"~/.config/my-token\" }",
    "token = { command = [\"pass\", \"show\", \"my-token\"] }",
];

const TOOL: [&str; 4] = [
    "The server's tool for the list of tasks:",
    "[queries.tasks]",
    "tool = \"NAME\"             # `warmstart tools` lists the names",
    "arguments = {}",
];

const ITEMS: [&str; 3] = [
    "Where the list of tasks is in the answer:",
    "[queries.tasks]",
    "items = [\"/tasks\"]        # `warmstart call manage_task --pointers` prints it",
];

#[cfg(test)]
mod tests {
    use super::super::mcp_json::Token;
    use super::*;

    struct Case {
        variables: &'static [(&'static str, &'static str)],
        candidate: Candidate,
        expected: &'static [&'static str],
    }

    fn line(setting: &Setting) -> String {
        format!("{}.{} {:?}", setting.table, setting.key, setting.value)
    }

    fn proposed(
        variables: &[(&str, &str)],
        candidate: &Candidate,
        credentials: Credentials,
    ) -> Result<Proposal, Failure> {
        let environment: Environment = variables.iter().copied().collect();
        propose(candidate, &Situation { credentials, ..situation(&environment) })
    }

    /// Nothing is configured.
    fn situation(environment: &Environment) -> Situation<'_> {
        Situation {
            environment,
            kind: "auto".into(),
            has_server: false,
            credentials: Credentials::None,
            files: vec!["TODO.md".into()],
            only_in: Vec::new(),
        }
    }

    fn server(token: Token) -> Candidate {
        let target = Target::Url { url: "https://a/mcp".into(), token };
        Candidate::Server(McpServer { name: "s".into(), target })
    }

    fn variable(url: &str) -> Candidate {
        Candidate::Variable { name: "MCP_SERVER_URL", url: url.into() }
    }

    #[test]
    fn settings_of_each_source() {
        let command = Target::Command { words: vec!["npx".into()], variables: vec!["KEY".into()] };
        let cases = [
            Case {
                variables: &[],
                candidate: variable("http://localhost:1"),
                expected: &["client.url Text(\"http://localhost:1\")"],
            },
            Case {
                variables: &[],
                candidate: variable("http://u:password-2@localhost:1"),
                expected: &[],
            },
            Case {
                variables: &[
                    ("MCP_AUTH_TOKEN", "token-1234"),
                    ("KEYCLOAK_CLIENT_SECRET", "secret-1"),
                ],
                candidate: variable("http://a"),
                expected: &[
                    "client.url Text(\"http://a\")",
                    "auth.token SecretVariable(\"MCP_AUTH_TOKEN\")",
                ],
            },
            Case {
                variables: &[
                    ("KEYCLOAK_URL", "http://k"),
                    ("KEYCLOAK_REALM", "r"),
                    ("KEYCLOAK_SERVICE_CLIENT_ID", "c"),
                    ("KEYCLOAK_CLIENT_SECRET_FILE", "/s"),
                ],
                candidate: variable("http://a"),
                expected: &[
                    "client.url Text(\"http://a\")",
                    "auth.url Text(\"http://k\")",
                    "auth.realm Text(\"r\")",
                    "auth.client_id Text(\"c\")",
                    "auth.client_secret SecretFile(\"/s\")",
                ],
            },
            Case {
                variables: &[("T", "token-1234")],
                candidate: server(Token::Variable("T".into())),
                expected: &[
                    "client.url Text(\"https://a/mcp\")",
                    "auth.token SecretVariable(\"T\")",
                ],
            },
            Case {
                variables: &[],
                candidate: server(Token::Variable("T".into())),
                expected: &["client.url Text(\"https://a/mcp\")"],
            },
            Case {
                variables: &[],
                candidate: server(Token::Literal),
                expected: &[
                    "client.url Text(\"https://a/mcp\")",
                    "auth.kind Text(\"mcp_json\")",
                    "auth.mcp_json Text(\"s\")",
                ],
            },
            Case {
                variables: &[],
                candidate: Candidate::Server(McpServer { name: "s".into(), target: command }),
                expected: &[
                    "client.kind Text(\"stdio\")",
                    "client.command List([\"npx\"])",
                    "client.env List([\"KEY\"])",
                ],
            },
            Case {
                variables: &[],
                candidate: Candidate::Preset { name: "beads", path: ".beads" },
                expected: &["client.preset Text(\"beads\")"],
            },
            Case {
                variables: &[],
                candidate: Candidate::Checklist { path: "TODO.md" },
                expected: &[],
            },
        ];
        for Case { variables, candidate, expected } in cases {
            let proposal = proposed(variables, &candidate, Credentials::None).unwrap();
            let lines: Vec<String> = proposal.settings.iter().map(line).collect();
            assert_eq!(lines, expected, "{candidate:?}");
        }
    }

    #[test]
    fn the_users_login_never_goes_to_a_server_that_a_project_names() {
        let tokens = [Token::None, Token::Variable("T".into()), Token::Literal];
        for token in tokens {
            let candidate = server(token.clone());
            assert!(proposed(&[], &candidate, Credentials::Always).is_err(), "{token:?}");
            match proposed(&[], &candidate, Credentials::Login) {
                Err(_) => assert_eq!(token, Token::Variable("T".into())),
                Ok(proposal) => {
                    let kinds = ["auth.kind Text(\"none\")", "auth.kind Text(\"mcp_json\")"];
                    assert!(kinds.contains(&line(&proposal.settings[1]).as_str()), "{proposal:?}");
                }
            }
        }
    }

    #[test]
    fn a_kind_that_cannot_ask_a_url_is_replaced() {
        for (kind, expected) in [("local", 2), ("auto", 1), ("rest", 1), ("stdio", 2)] {
            let environment = Environment::default();
            let situation = Situation { kind: kind.into(), ..situation(&environment) };
            let proposal = propose(&variable("http://a"), &situation).unwrap();
            assert_eq!(proposal.settings.len(), expected, "{kind}");
        }
    }

    #[test]
    fn a_checklist_is_configured_where_another_source_is() {
        let environment = Environment::default();
        let of_server = Situation { has_server: true, ..situation(&environment) };
        let of_preset = Situation {
            files: vec![".beads/issues.jsonl".into()],
            only_in: vec![".beads/".into()],
            ..situation(&environment)
        };
        let cases = [
            (of_server, vec!["client.kind Text(\"local\")"]),
            (of_preset, vec!["client.files List([\"TODO.md\"])", "client.only_in List([])"]),
            (situation(&environment), vec![]),
        ];
        for (situation, expected) in cases {
            let proposal = propose(&Candidate::Checklist { path: "TODO.md" }, &situation).unwrap();
            assert_eq!(proposal.settings.iter().map(line).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_failure_adds_what_is_missing_as_comments() {
        let cases = [
            (Code::SecretMissing, "requires a login"),
            (Code::TokenRefused, "requires a login"),
            (Code::ToolError, "tool for the list"),
            (Code::NotUnderstood, "in the answer"),
        ];
        for (code, expected) in cases {
            let mut proposal = Proposal::default();
            proposal.explain(&Failure::new(code, "x"));
            assert!(proposal.comments[0].contains(expected), "{code}: {proposal:?}");
        }
        let mut proposal = Proposal::default();
        proposal.explain(&Failure::new(Code::Refused, "x"));
        assert!(proposal.comments.is_empty());
    }
}
