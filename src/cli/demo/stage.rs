//! The temporary folder of the demonstration: a home with settings, two projects, and the environment in
//! which the program is called.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::cli::Invocation;
use crate::refresh;

/// Variables of the user that change nothing but how times are written.
const INHERITED: [&str; 2] = ["TZ", "LANG"];
const PROJECTS: [&str; 2] = ["shop", "blog"];

/// The folder, removed at the end.
pub struct Stage {
    folder: TempDir,
    program: PathBuf,
    /// Variables of the children.
    variables: Vec<(String, String)>,
    settings: String,
}

impl Stage {
    /// Makes the folder, for the server at `address`.
    ///
    /// # Errors
    /// The system's.
    pub fn build(invocation: &Invocation, address: SocketAddr) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("warmstart-demo-").tempdir()?;
        for project in PROJECTS {
            std::fs::create_dir(folder.path().join(project))?;
        }
        let settings = settings(address);
        std::fs::write(folder.path().join("hooks.toml"), &settings)?;
        let root = folder.path().display().to_string();
        let own = ["HOME", "WARMSTART_HOME", "TMPDIR"].map(|name| (name.into(), root.clone()));
        let inherited = INHERITED.iter().filter_map(|name| {
            Some(((*name).to_owned(), invocation.environment.get(name)?.to_owned()))
        });
        let variables = own.into_iter().chain(inherited).collect();
        let stage = Stage { folder, program: invocation.program.clone(), variables, settings };
        // Done before the first start, so that no start does it in the background, where it could
        // outlive the folder.
        stage.run("shop", &[refresh::COMMAND, "--upkeep"])?;
        Ok(stage)
    }

    /// The settings, for the screen.
    pub fn settings(&self) -> String {
        self.settings.lines().map(|line| format!("  {line}").trim_end().to_owned() + "\n").collect()
    }

    /// Standard output and standard error of the program in one of the projects.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(&self, project: &str, arguments: &[&str]) -> io::Result<[String; 2]> {
        let output = self.run(project, arguments)?;
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ok([text(output.stdout), text(output.stderr)])
    }

    fn run(&self, project: &str, arguments: &[&str]) -> io::Result<std::process::Output> {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.folder.path().join(project)).env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).output()
    }
}

/// An answer is fresh for no time, so that every start asks the server; the other settings keep the
/// demonstration short and without background work.
fn settings(address: SocketAddr) -> String {
    format!(
        "[client]\nurl = \"http://{address}\"\n\n\
         [queries.tasks]\nttl = \"0s\"      # here every start asks the server; the default is 15m\n\n\
         [hooks.prime_cache]\nenabled = false\n"
    )
}
