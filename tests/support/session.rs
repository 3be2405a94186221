//! A user of the program: a home of its own, nothing in the environment but what a test puts
//! there, a repository as working folder. At its end no secret may be left in a file and no child
//! may be running.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use warmstart::testing::{Entry, Timestamp};

use super::run::{self, Outcome};
use super::{canary, repository};

/// Enough for git and a shell, without the folders of the developer's home.
pub const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// See the module.
pub struct Session {
    root: TempDir,
    program: PathBuf,
    variables: Vec<(String, String)>,
    secrets: Vec<String>,
    written: Vec<PathBuf>,
    id: String,
}

/// What the record of runs has of one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRun {
    /// `live`, `fresh`, `stale` or `none`.
    pub supply: String,
    /// The failure; empty when there was none.
    pub cause: String,
}

impl Session {
    /// An empty home, a repository on branch `main`, no server. Priming is off, so that a test
    /// counts the requests of the run alone.
    pub fn new() -> Self {
        let root = tempfile::Builder::new().prefix("warmstart-test-").tempdir().expect("a folder");
        for folder in ["home", "project", "tmp"] {
            fs::create_dir(root.path().join(folder)).expect("a folder of the test");
        }
        repository::plant(&root.path().join("project"), "main");
        let session = Session {
            program: env!("CARGO_BIN_EXE_warmstart").into(),
            variables: Vec::new(),
            secrets: Vec::new(),
            written: Vec::new(),
            id: "00000000-0000-4000-8000-000000000001".into(),
            root,
        };
        session
            .env("WARMSTART_HOOKS__PRIME_CACHE__ENABLED", "false")
            // The deadline of the test is the limit, however busy the machine is.
            .env("WARMSTART_HOOK_DEFAULTS__TIMEOUT", "60s")
            // So that `children` can read the environment of a process.
            .env("WARMSTART_DEBUG", "1")
            .env("WARMSTART_HOOKS__GIT_CONTEXT__TIMEOUT", "10s")
    }

    /// The same, with the source at `url` and the modern era's `mcp` client.
    pub fn with_server(url: &str) -> Self {
        Session::new().env("MCP_SERVER_URL", url)
    }

    /// Runs another build of the program.
    pub fn with_program(mut self, program: &Path) -> Self {
        self.program = program.to_path_buf();
        self
    }

    /// Sets a variable, in place of an earlier one of that name.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, value);
        self
    }

    /// The same on a session that is in use.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.unset(name);
        self.variables.push((name.into(), value.into()));
    }

    /// The value of a variable that was set.
    pub fn variable(&self, name: &str) -> String {
        let variable = self.variables.iter().find(|(variable, _)| variable == name);
        variable.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        self.variables.retain(|(variable, _)| variable != name);
    }

    /// Sets a variable whose value must never be seen again.
    pub fn secret(self, name: &str, value: &str) -> Self {
        self.guard(value).env(name, value)
    }

    /// Checks for a secret that reaches the program in another way.
    pub fn guard(mut self, value: &str) -> Self {
        self.secrets.push(value.to_owned());
        self
    }

    /// The five variables that make Keycloak and a server work; the issuer as the peer names it.
    pub fn with_keycloak(self, origin: &str, client: &str, secret: &str) -> Self {
        self.env("KEYCLOAK_URL", origin)
            .env("KEYCLOAK_REALM", "dhafnck")
            .env("KEYCLOAK_CLIENT_ID", client)
            .secret("KEYCLOAK_CLIENT_SECRET", secret)
    }

    /// A total deadline for the run.
    pub fn deadline(self, deadline: &str) -> Self {
        self.env("WARMSTART_SESSION_START__DEADLINE", deadline)
    }

    /// The user's own `hooks.toml`.
    pub fn hooks_toml(mut self, text: &str) -> Self {
        let path = self.home().join(".config/warmstart/hooks.toml");
        write(&path, text.as_bytes());
        self.written.push(path);
        self
    }

    /// A file of the project, by its path from the root.
    pub fn project_file(mut self, path: &str, text: &str) -> Self {
        let path = self.project().join(path);
        write(&path, text.as_bytes());
        self.written.push(path);
        self
    }

    /// The user's home.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The folder the session starts in.
    pub fn project(&self) -> PathBuf {
        self.root.path().join("project")
    }

    /// A folder for the test's own files.
    pub fn scratch(&self) -> PathBuf {
        self.root.path().join("tmp")
    }

    /// The host's event for this source.
    pub fn event(&self, source: &str) -> Value {
        json!({
            "session_id": self.id,
            "transcript_path": self.home().join("transcript.jsonl"),
            "cwd": self.project(),
            "hook_event_name": "SessionStart",
            "source": source,
        })
    }

    /// Takes another session id for the events that follow.
    pub fn next_session(&mut self, id: &str) {
        self.id = id.into();
    }

    /// The program with these arguments, this session's environment and nothing else.
    pub fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.project()).env_clear();
        command.env("HOME", self.home()).env("PATH", PATH).env("TMPDIR", self.scratch());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// One session start of this source, by the host's contract.
    pub fn start(&self, source: &str) -> Outcome {
        self.start_with(&self.event(source).to_string(), &[])
    }

    /// A session start with these bytes on stdin and these flags.
    pub fn start_with(&self, stdin: &str, flags: &[&str]) -> Outcome {
        let arguments = [&["session-start"], flags].concat();
        self.checked(run::to_its_end(&mut self.program(&arguments), stdin.as_bytes()))
    }

    /// A session start that is not waited for; `finish` it.
    pub fn begin(&self, source: &str) -> (Child, Instant) {
        let event = self.event(source).to_string();
        let began = Instant::now();
        (run::start(&mut self.program(&["session-start"]), event.as_bytes()), began)
    }

    /// Waits for what `begin` started.
    pub fn finish(&self, (child, began): (Child, Instant)) -> Outcome {
        self.checked(run::finish(child, began))
    }

    /// Any other command.
    pub fn run(&self, arguments: &[&str]) -> Outcome {
        self.checked(run::to_its_end(&mut self.program(arguments), b""))
    }

    #[track_caller]
    fn checked(&self, outcome: Outcome) -> Outcome {
        for secret in &self.secrets {
            canary::absent(secret, &outcome.stdout, "stdout");
            canary::absent(secret, outcome.stderr.as_bytes(), "stderr");
        }
        canary::absent("eyJhbGciOi", &outcome.stdout, "stdout");
        assert!(!outcome.stderr.contains("panicked at"), "a panic on stderr: {outcome:?}");
        outcome
    }

    /// The cache folder of the platform.
    pub fn cache(&self) -> PathBuf {
        self.home().join(".cache/warmstart")
    }

    /// The state folder of the platform.
    pub fn state(&self) -> PathBuf {
        self.home().join(".local/state/warmstart")
    }

    /// The cached answers.
    pub fn entries(&self) -> Vec<PathBuf> {
        let all = canary::files(&self.cache());
        let kept = |path: &PathBuf| {
            path.extension().is_some_and(|kind| kind == "json")
                && path.parent().is_some_and(|folder| folder.ends_with("answers"))
        };
        all.into_iter().filter(kept).collect()
    }

    /// Makes every cached answer older by `age`, as if it had been written that long ago.
    pub fn age_cache(&self, age: Duration) {
        let seconds = i64::try_from(age.as_secs()).expect("a short time");
        let entries = self.entries();
        assert!(!entries.is_empty(), "there is nothing cached to age");
        for path in entries {
            let bytes = fs::read(&path).expect("an entry");
            let mut entry = Entry::decode(&bytes).expect("a whole entry");
            entry.written = Timestamp(entry.written.0 - seconds);
            fs::write(&path, entry.encode()).expect("an entry");
        }
    }

    /// The bytes of all cached answers.
    pub fn cached_bytes(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let read = |path: PathBuf| {
            let bytes = fs::read(&path).expect("an entry");
            (path, bytes)
        };
        self.entries().into_iter().map(read).collect()
    }

    /// The tokens that are kept.
    pub fn tokens(&self) -> Vec<PathBuf> {
        let in_store = |path: &PathBuf| path.components().any(|part| part.as_os_str() == "tokens");
        let is_token = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "json");
        let all = canary::files(&self.state()).into_iter();
        all.filter(|path| in_store(path) && is_token(path)).collect()
    }

    /// The text of all log files.
    pub fn log(&self) -> String {
        let logs = canary::files(&self.state().join("logs"));
        let texts = logs.iter().filter_map(|path| fs::read(path).ok());
        texts.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).collect()
    }

    /// Makes every kept token older by `age`, as if it had been issued that long ago.
    pub fn age_tokens(&self, age: Duration) {
        let seconds = i64::try_from(age.as_secs()).expect("a short time");
        let tokens = self.tokens();
        assert!(!tokens.is_empty(), "there is no token to age");
        for path in tokens {
            let bytes = fs::read(&path).expect("a token");
            let mut token: Value = serde_json::from_slice(&bytes).expect("a token is JSON");
            for key in ["obtained", "expires"] {
                let at = token[key].as_i64().unwrap_or_else(|| panic!("`{key}` of {token}"));
                token[key] = json!(at - seconds);
            }
            fs::write(&path, token.to_string()).expect("a token");
        }
    }

    /// The recorded runs, oldest first.
    pub fn runs(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.state().join("runs.jsonl")).unwrap_or_default();
        let lines = text.lines();
        lines.map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// Fails unless the only run took no longer than its deadline and 100 ms, on the program's own clock
    /// as it is recorded. Without a record the watchdog must have answered, which it does in time.
    #[track_caller]
    pub fn kept_deadline(&self, deadline: Duration, outcome: &Outcome) {
        let runs = self.runs();
        let Some(run) = runs.last() else {
            assert!(outcome.notice().contains("(WS702)"), "no record and no watchdog: {outcome:?}");
            return;
        };
        let millis = run["millis"].as_u64().expect("milliseconds");
        let most = deadline + Duration::from_millis(100);
        assert!(Duration::from_millis(millis) <= most, "{millis} ms, deadline {deadline:?}: {run}");
    }

    /// What the last run recorded of a hook.
    #[track_caller]
    pub fn last(&self, hook: &str) -> HookRun {
        let runs = self.runs();
        let run = runs.last().expect("no run was recorded");
        let hooks = run["hooks"].as_array().expect("hooks of a run");
        let record = hooks.iter().find(|record| record["name"] == hook);
        let record = record.unwrap_or_else(|| panic!("no `{hook}` in {run}"));
        let text = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
        HookRun { supply: text("supply"), cause: text("cause") }
    }

    /// Waits until nothing that was started in the background is left, so that it cannot disturb
    /// what is counted next.
    pub fn settle(&self) {
        let patience = Instant::now() + Duration::from_secs(35);
        while !self.children().is_empty() {
            assert!(Instant::now() < patience, "a child outlived its 30 seconds");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The processes, other than our own, whose HOME is this session's, and their children: of some
    /// only root can read the environment.
    pub fn children(&self) -> Vec<u32> {
        let mark = format!("HOME={}", self.home().display());
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let ours = |id: &u32| {
            let environment = fs::read(format!("/proc/{id}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        let (mut children, others): (Vec<u32>, Vec<u32>) = ids.partition(ours);
        let known = children.clone();
        let is_child = |id: &u32| parent(*id).is_some_and(|parent| known.contains(&parent));
        children.extend(others.into_iter().filter(is_child));
        children
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        self.settle();
        canary::absent_below(self.root.path(), &self.secrets, &self.written);
    }
}

/// The parent of a process that has not ended.
fn parent(id: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let state = fields.next()?;
    fields.next().filter(|_| state != "Z")?.parse().ok()
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().expect("a file")).expect("a folder of the test");
    fs::write(path, bytes).expect("a file of the test");
}
