//! Where each agent program keeps its hooks, and the form of an entry there, as measured with the real
//! programs; for Cursor as its documentation describes it.

use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::host::Agent;

/// An agent program that `install` knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum HostName {
    Claude,
    Codex,
    Copilot,
    Gemini,
    Qwen,
    Cursor,
}

/// Whose sessions have the entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// All of yours
    User,
    /// Those of all users in this project
    Project,
    /// Yours in this project; Claude Code alone has such a file
    Local,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::User, Scope::Project, Scope::Local];

    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Scope::User => "user",
            Scope::Project => "project",
            Scope::Local => "local",
        }
    }
}

/// The form of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `hooks.SessionStart[].hooks[]`, with a command line for the shell.
    Grouped,
    /// `hooks.sessionStart[]`, with a program and its arguments.
    Flat,
}

/// The files and the form of one host.
#[derive(Debug)]
pub struct Placement {
    pub host: HostName,
    pub name: &'static str,
    pub title: &'static str,
    pub agent: Agent,
    pub shape: Shape,
    /// How many of the host's units of time a second has.
    pub units_per_second: u64,
    /// A variable that moves the user's folder.
    variable: Option<&'static str>,
    /// The user's folder, below the home.
    folder: &'static str,
    /// The user's file, below that folder.
    file: &'static str,
    /// The project's file, below its root.
    project: &'static str,
    local: Option<&'static str>,
}

static ALL: [Placement; 6] = [
    Placement {
        host: HostName::Claude,
        name: "claude",
        title: "Claude Code",
        agent: Agent::Claude,
        shape: Shape::Grouped,
        units_per_second: 1,
        variable: Some("CLAUDE_CONFIG_DIR"),
        folder: ".claude",
        file: "settings.json",
        project: ".claude/settings.json",
        local: Some(".claude/settings.local.json"),
    },
    Placement {
        host: HostName::Codex,
        name: "codex",
        title: "Codex",
        agent: Agent::Codex,
        shape: Shape::Grouped,
        units_per_second: 1,
        variable: Some("CODEX_HOME"),
        folder: ".codex",
        file: "hooks.json",
        project: ".codex/hooks.json",
        local: None,
    },
    Placement {
        host: HostName::Copilot,
        name: "copilot",
        title: "Copilot CLI",
        agent: Agent::Copilot,
        shape: Shape::Flat,
        units_per_second: 1,
        variable: Some("COPILOT_HOME"),
        folder: ".copilot",
        file: "hooks/warmstart.json",
        project: ".github/hooks/warmstart.json",
        local: None,
    },
    Placement {
        host: HostName::Gemini,
        name: "gemini",
        title: "Gemini CLI",
        agent: Agent::Gemini,
        shape: Shape::Grouped,
        units_per_second: 1000,
        variable: None,
        folder: ".gemini",
        file: "settings.json",
        project: ".gemini/settings.json",
        local: None,
    },
    Placement {
        host: HostName::Qwen,
        name: "qwen",
        title: "Qwen Code",
        agent: Agent::Qwen,
        shape: Shape::Grouped,
        units_per_second: 1,
        variable: None,
        folder: ".qwen",
        file: "settings.json",
        project: ".qwen/settings.json",
        local: None,
    },
    Placement {
        host: HostName::Cursor,
        name: "cursor",
        title: "Cursor",
        agent: Agent::Cursor,
        shape: Shape::Flat,
        units_per_second: 1,
        variable: None,
        folder: ".cursor",
        file: "hooks.json",
        project: ".cursor/hooks.json",
        local: None,
    },
];

impl Placement {
    #[must_use]
    pub fn all() -> &'static [Placement] {
        &ALL
    }

    #[must_use]
    pub fn of(host: HostName) -> &'static Placement {
        ALL.iter().find(|placement| placement.host == host).unwrap_or(&ALL[0])
    }

    /// The user's folder of this host.
    #[must_use]
    pub fn folder(&self, environment: &Environment, home: &Path) -> PathBuf {
        let moved = self.variable.and_then(|name| environment.path(name));
        moved.unwrap_or_else(|| home.join(self.folder))
    }

    /// The settings file of this scope; `None` where the host has none.
    #[must_use]
    pub fn path(
        &self,
        scope: Scope,
        environment: &Environment,
        home: &Path,
        project: &Path,
    ) -> Option<PathBuf> {
        match scope {
            Scope::User => Some(self.folder(environment, home).join(self.file)),
            Scope::Project => Some(project.join(self.project)),
            Scope::Local => self.local.map(|file| project.join(file)),
        }
    }
}
