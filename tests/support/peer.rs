//! The real servers as processes: one for each way to start it, shared by all tests, used by one
//! test at a time. Each ends when its standard input does, so also when the test program is killed.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::port::ReservedPort;
use super::{Missing, child, control, install};

/// How long a server may take to name its address.
const START: Duration = Duration::from_secs(120);
/// Keycloak builds itself first; 135 s were measured on a busy machine of two cores.
const KEYCLOAK_START: Duration = Duration::from_secs(300);

/// A server process of ours.
pub struct Process {
    child: Child,
    // Its end makes the child end.
    stdin: Option<ChildStdin>,
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
}

impl Process {
    /// Starts it and waits for the line that names its address.
    fn start(command: &mut Command, limit: Duration) -> Result<Self, Missing> {
        let shown = format!("{command:?}");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let failed = |error| Missing(format!("{shown}: {error}"));
        let mut child = command.spawn().map_err(failed)?;
        let (errors, _) = child::Stream::of(child.stderr.take());
        let addresses = watch(&mut child);
        let mut process = Process { stdin: child.stdin.take(), child, origin: String::new() };
        let Ok(origin) = addresses.recv_timeout(limit) else {
            // By the end of its input, so that it ends its own children too. Its standard error is
            // not read to the end, which may never come.
            drop(process);
            panic!("{shown} named no address within {limit:?}: {}", errors.text());
        };
        process.origin = origin;
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stdin = None;
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// Continues to read after the address, or the pipe would fill and block the peer.
fn watch(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    let output = BufReader::new(child.stdout.take().expect("it was piped"));
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if let Some((_, address)) = line.split_once("http://") {
                let authority = address.split('/').next().unwrap_or_default();
                let _ = sender.send(format!("http://{authority}"));
            }
        }
    });
    receiver
}

type Shared = &'static Mutex<Process>;

fn shared(
    key: String,
    start: impl FnOnce() -> Result<Process, Missing>,
) -> Result<Shared, Missing> {
    static ALL: Mutex<Option<HashMap<String, Shared>>> = Mutex::new(None);
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let all = all.get_or_insert_default();
    if let Some(running) = all.get(&key) {
        return Ok(running);
    }
    let process: Shared = Box::leak(Box::new(Mutex::new(start()?)));
    all.insert(key, process);
    Ok(process)
}

/// A server for one test: no other test uses it meanwhile, and its state is that after its start.
/// A test that needs two takes the identity server first, or two tests would wait for each other.
pub struct Peer {
    origin: String,
    // The process itself, or the turn at a shared one.
    _held: Box<dyn Any>,
}

/// What a peer has counted since its last reset.
#[derive(Debug)]
pub struct Stats {
    pub requests: u64,
    /// Distinct client ports; not counted by every peer.
    pub connections: u64,
    /// Task server: `mcp:tools/call`, `rest:POST`. Identity server: `POST /realms/…`.
    pub counts: BTreeMap<String, u64>,
    /// One object a request: method, path, headers with the bearer masked, status.
    pub log: Vec<Value>,
}

impl Stats {
    /// How many requests whose kind contains `part` there were.
    pub fn count(&self, part: &str) -> u64 {
        self.counts.iter().filter(|(kind, _)| kind.contains(part)).map(|(_, n)| n).sum()
    }

    /// A header of the n-th request.
    pub fn header(&self, n: usize, name: &str) -> Option<&str> {
        self.log.get(n)?.get("headers")?.get(name)?.as_str()
    }
}

impl Peer {
    fn of(process: Shared) -> Self {
        let turn = process.lock().unwrap_or_else(PoisonError::into_inner);
        let peer = Peer { origin: turn.origin.clone(), _held: Box::new(turn) };
        peer.reset();
        peer
    }

    fn alone(process: Process) -> Self {
        Peer { origin: process.origin.clone(), _held: Box::new(process) }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The MCP endpoint.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.origin())
    }

    /// Undoes what a test set: faults, counters, options.
    pub fn reset(&self) {
        control::post(self.origin(), "/__control/reset", &json!({}));
    }

    /// Answers the next requests with these faults (see the READMEs of the peers).
    pub fn faults(&self, faults: &Value) {
        control::post(self.origin(), "/__control/faults", faults);
    }

    /// Changes options while the peer runs.
    pub fn set(&self, options: &Value) {
        control::post(self.origin(), "/__control/set", options);
    }

    /// Identity server: gives a client another secret.
    pub fn rotate(&self, client: &str, secret: &str) {
        let body = json!({ "client": client, "secret": secret });
        control::post(self.origin(), "/__control/secret", &body);
    }

    /// The requests since the last reset.
    pub fn stats(&self) -> Stats {
        let stats = control::get(self.origin(), "/__control/stats");
        let counts = stats["counts"].as_object().cloned().unwrap_or_default();
        Stats {
            requests: stats["requests"].as_u64().expect("a peer that counts"),
            connections: stats["connections"].as_u64().unwrap_or(0),
            counts: counts.into_iter().map(|(kind, n)| (kind, n.as_u64().unwrap_or(0))).collect(),
            log: stats["log"].as_array().cloned().unwrap_or_default(),
        }
    }

    /// The number of requests since the last call of this or `reset`.
    pub fn take_requests(&self) -> u64 {
        let requests = self.stats().requests;
        control::post(self.origin(), "/__control/forget", &json!({}));
        requests
    }
}

fn python_peer(name: &str, source: &str, options: &[&str]) -> Result<Peer, Missing> {
    let start = || {
        let python = install::python(name)?;
        let script = install::sources().join(source);
        Process::start(Command::new(python).arg("-B").arg(script).args(options), START)
    };
    Ok(Peer::of(shared(format!("{name} {options:?}"), start)?))
}

fn node_peer(node: PathBuf, source: &str, options: &[&str]) -> Result<Peer, Missing> {
    let start = || {
        let script = install::beside_packages(source)?;
        Process::start(Command::new(node).arg("--no-warnings").arg(script).args(options), START)
    };
    Ok(Peer::of(shared(format!("{source} {options:?}"), start)?))
}

/// The task server on mcp 2.3.0: both eras, unless the options say otherwise.
pub fn task_server(options: &[&str]) -> Result<Peer, Missing> {
    let all = [&["--port", "0", "--end-with-stdin"], options].concat();
    python_peer("mcp2", "task_server/task_server.py", &all)
}

/// The same on mcp 1.30.0: a genuine legacy server.
pub fn legacy_task_server(options: &[&str]) -> Result<Peer, Missing> {
    let all = [&["--port", "0", "--end-with-stdin", "--era", "legacy"], options].concat();
    python_peer("mcp1", "task_server/task_server.py", &all)
}

/// fastmcp, answering `manage_task` with the content of `answer`.
pub fn fastmcp_server(answer: &str) -> Result<Peer, Missing> {
    python_peer("fastmcp", "other_servers/fastmcp_server.py", &[answer])
}

/// The Python SDK 1.9.4's server, answering `manage_task` with the content of `answer`.
pub fn python_sdk_server(answer: &str) -> Result<Peer, Missing> {
    python_peer("mcp1_9", "other_servers/python_sdk_server.py", &[answer])
}

/// better-todo-mcp for the project in `folder`.
pub fn better_todo(folder: &Path) -> Result<Peer, Missing> {
    let mut command = Command::new(install::python("better_todo")?);
    command.arg("-B").arg(install::sources().join("other_servers/better_todo.py"));
    Ok(Peer::alone(Process::start(command.current_dir(folder), START)?))
}

/// The TypeScript SDK's server, answering `manage_task` with the content of `answer`.
/// `legacy` is `stateless` or `reject`.
pub fn typescript_server(answer: &str, legacy: &str) -> Result<Peer, Missing> {
    node_peer(install::node_22()?, "other_servers/typescript_server.mjs", &[answer, legacy])
}

/// The identity server with Keycloak's paths and errors.
pub fn oidc_server(options: &[&str]) -> Result<Peer, Missing> {
    let all = [&["--port", "0", "--end-with-stdin", "on"], options].concat();
    node_peer(install::node_22()?, "oidc_server/oidc_server.mjs", &all)
}

/// The SDK's example server with a fixed set of tools; legacy, with sessions and event streams.
/// It counts nothing.
pub fn everything_server() -> Result<Peer, Missing> {
    let script =
        install::npm()?.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    // It neither names its port on stdout nor watches its stdin: a shell does both for it.
    let wrap = "\"$0\" \"$1\" streamableHttp >/dev/null 2>&1 & server=$!\n\
        until (exec 3<>/dev/tcp/127.0.0.1/$PORT) 2>/dev/null; do\n\
        kill -0 $server || exit 1; sleep 0.1; done\n\
        echo \"http://127.0.0.1:$PORT\"; read -r _; kill $server";
    let mut command = Command::new("bash");
    let port = ReservedPort::any();
    command.args(["-c", wrap]).arg(install::node_22()?).arg(script);
    command.env("PORT", port.port().to_string());
    let peer = Peer::alone(Process::start(&mut command, START)?);
    port.keep();
    Ok(peer)
}

/// The real Keycloak below `prefix` (`/` or `/auth`); one at a time, as it builds itself anew for
/// each prefix. It counts nothing.
pub fn keycloak(prefix: &str) -> Result<Peer, Missing> {
    let work = install::keycloak()?;
    let script = install::sources().join("keycloak/start.sh");
    let mut command = Command::new(script);
    command.env("KEYCLOAK_WORK", work).env("PREFIX", prefix).env("END_WITH_STDIN", "1");
    let (port, health) = (ReservedPort::any(), ReservedPort::any());
    command.env("PORT", port.port().to_string()).env("MGMT", health.port().to_string());
    let peer = Peer::alone(Process::start(&mut command, KEYCLOAK_START)?);
    port.keep();
    health.keep();
    Ok(peer)
}

#[test]
fn a_peer_that_names_no_address_is_ended_and_its_errors_are_shown() {
    // Like Keycloak's script: a subshell waits for the end of the input and holds standard error.
    let script = "exec 4<&0; ( read -r -u 4 _ ) & echo no luck >&2; wait";
    let start = || {
        let mut command = Command::new("bash");
        Process::start(command.args(["-c", script]), Duration::from_secs(1)).map(drop)
    };
    let message = std::panic::catch_unwind(start).expect_err("it has no address");
    let message = message.downcast_ref::<String>().expect("a message with details");
    assert!(message.contains("named no address") && message.contains("no luck"), "{message}");
}
