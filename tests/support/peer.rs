//! The real servers as processes: one for each way to start it, shared by the tests of a binary,
//! used by one test at a time. They hang on our end of a pipe, so they end with us, however we do.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Missing, control, install};

const MCP_2: (&str, &[&str]) = ("mcp2", &["mcp==2.3.0", "uvicorn>=0.34", "PyJWT", "cryptography"]);
const MCP_1: (&str, &[&str]) = ("mcp1", &["mcp==1.30.0", "uvicorn>=0.34"]);
const FASTMCP: (&str, &[&str]) = ("fastmcp", &["fastmcp>=4.0,<4.1.6"]);

/// A server process of ours.
pub struct Process {
    child: Child,
    // Its end is the child's sign to leave.
    stdin: Option<ChildStdin>,
    /// `http://127.0.0.1:PORT`.
    pub origin: String,
}

impl Process {
    /// Starts it and waits for the line that names its address.
    fn start(command: &mut Command) -> Result<Self, Missing> {
        let shown = format!("{command:?}");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| Missing(format!("{shown}: {error}")))?;
        let stdin = child.stdin.take().expect("it was piped");
        let addresses = watch(&mut child);
        let Ok(origin) = addresses.recv_timeout(Duration::from_secs(120)) else {
            let _ = child.kill();
            let output = child.wait_with_output().map(|out| out.stderr).unwrap_or_default();
            panic!("{shown} did not start: {}", String::from_utf8_lossy(&output));
        };
        Ok(Process { child, stdin: Some(stdin), origin })
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

// Reads on after the address, or the peer would one day wait for room in the pipe.
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
    if let Some(known) = all.get(&key) {
        return Ok(known);
    }
    let process: Shared = Box::leak(Box::new(Mutex::new(start()?)));
    all.insert(key, process);
    Ok(process)
}

/// A server for one test: nobody else uses it meanwhile, and it is as it was at its start.
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

    /// The port alone.
    pub fn port(&self) -> u16 {
        self.origin().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
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

    /// What was asked since the last reset.
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

    /// The requests since the last look, which then starts at none.
    pub fn take_requests(&self) -> u64 {
        let requests = self.stats().requests;
        control::post(self.origin(), "/__control/forget", &json!({}));
        requests
    }
}

fn python_peer(
    (name, packages): (&str, &[&str]),
    source: &str,
    options: &[&str],
) -> Result<Peer, Missing> {
    let start = || {
        let python = install::python(name, packages)?;
        let script = install::sources().join(source);
        Process::start(Command::new(python).arg("-B").arg(script).args(options))
    };
    Ok(Peer::of(shared(format!("{name} {options:?}"), start)?))
}

fn node_peer(node: PathBuf, source: &str, options: &[&str]) -> Result<Peer, Missing> {
    let start = || {
        let script = install::beside_packages(source)?;
        Process::start(Command::new(node).arg("--no-warnings").arg(script).args(options))
    };
    Ok(Peer::of(shared(format!("{source} {options:?}"), start)?))
}

/// The task server on mcp 2.3.0: both eras, unless the options say otherwise.
pub fn task_server(options: &[&str]) -> Result<Peer, Missing> {
    let all = [&["--port", "0", "--end-with-stdin"], options].concat();
    python_peer(MCP_2, "task_server/task_server.py", &all)
}

/// The same on mcp 1.30.0: a genuine legacy server.
pub fn legacy_task_server(options: &[&str]) -> Result<Peer, Missing> {
    let all = [&["--port", "0", "--end-with-stdin", "--era", "legacy"], options].concat();
    python_peer(MCP_1, "task_server/task_server.py", &all)
}

/// fastmcp, answering `manage_task` with the content of `answer`.
pub fn fastmcp_server(answer: &str) -> Result<Peer, Missing> {
    python_peer(FASTMCP, "other_servers/fastmcp_server.py", &[answer])
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

/// A port of loopback on which nobody listens.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("it is bound").port()
}

/// The SDK's example server with a fixed set of tools; legacy, with sessions and event streams.
/// It counts nothing.
pub fn everything_server() -> Result<Peer, Missing> {
    let script =
        install::npm()?.join("node_modules/@modelcontextprotocol/server-everything/dist/index.js");
    // It neither names its port on stdout nor watches its stdin: a shell does both for it.
    let wrap = "\"$0\" \"$1\" streamableHttp >/dev/null 2>&1 & server=$!\n\
        until (exec 3<>/dev/tcp/127.0.0.1/$PORT) 2>/dev/null; do sleep 0.1; done\n\
        echo \"http://127.0.0.1:$PORT\"; read -r _; kill $server";
    let mut command = Command::new("bash");
    command
        .args(["-c", wrap])
        .arg(install::node_22()?)
        .arg(script)
        .env("PORT", free_port().to_string());
    Ok(Peer::alone(Process::start(&mut command)?))
}

/// The real Keycloak below `prefix` (`/` or `/auth`); one at a time, as it builds itself anew for
/// each prefix. It counts nothing.
pub fn keycloak(prefix: &str) -> Result<Peer, Missing> {
    let work = install::keycloak()?;
    let script = install::sources().join("keycloak/start.sh");
    let mut command = Command::new(script);
    command.env("KEYCLOAK_WORK", work).env("PREFIX", prefix).env("END_WITH_STDIN", "1");
    command.env("PORT", free_port().to_string()).env("MGMT", free_port().to_string());
    Ok(Peer::alone(Process::start(&mut command)?))
}
