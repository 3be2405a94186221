//! A loopback server that does exactly what a test scripts, byte by byte: it reads a request, asks
//! the test's script for the acts that follow, and performs them on the bare connection.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::port::ReservedPort;

/// One thing that the server does with a connection.
#[derive(Clone, Debug)]
pub enum Act {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Sends them one at a time with this pause between them.
    Slowly(Vec<u8>, Duration),
    /// Sends them again and again until the other side closes.
    Endlessly(Vec<u8>),
    Wait(Duration),
    /// Keeps the connection open and sends nothing more.
    Hold,
    /// Ends with RST instead of FIN.
    Reset,
    /// Ends the connection; without it the next request may come on the same one.
    Close,
}

/// A request as received.
#[derive(Clone, Debug)]
pub struct Request {
    /// Counted over all connections, from 0.
    pub n: usize,
    pub method: String,
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(header, _)| header == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON; `Null` when it is not JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

type Script = dyn Fn(&Request) -> Vec<Act> + Send + Sync;

struct Shared {
    script: Mutex<Arc<Script>>,
    tls: Option<Arc<ServerConfig>>,
    seen: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    over: AtomicBool,
}

/// A server that runs until it is dropped.
pub struct FaultServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
    /// Held before, during and after the server, so that no parallel test is given the port.
    port: Option<ReservedPort>,
}

impl FaultServer {
    /// A plain server; the script is asked once for each request.
    pub fn start(script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static) -> Self {
        FaultServer::listen(ReservedPort::any(), None, Arc::new(script))
    }

    /// The same behind TLS.
    pub fn start_tls(
        tls: Arc<ServerConfig>,
        script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static,
    ) -> Self {
        FaultServer::listen(ReservedPort::any(), Some(tls), Arc::new(script))
    }

    /// Does the same acts on every request.
    pub fn always(acts: Vec<Act>) -> Self {
        FaultServer::start(move |_| acts.clone())
    }

    fn listen(port: ReservedPort, tls: Option<Arc<ServerConfig>>, script: Arc<Script>) -> Self {
        let address = port.address();
        let listener = TcpListener::bind(address).expect("the port is ours");
        let shared = Arc::new(Shared {
            script: Mutex::new(script),
            tls,
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let accepting = std::thread::spawn(move || accept(&listener, &of_thread));
        FaultServer { address, shared, accepting: Some(accepting), port: Some(port) }
    }

    /// Uses another script from now on.
    pub fn becomes(&self, script: impl Fn(&Request) -> Vec<Act> + Send + Sync + 'static) {
        *self.shared.script.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(script);
    }

    /// Forgets what it has seen.
    pub fn forget(&self) {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.shared.connections.store(0, Ordering::SeqCst);
    }

    /// `127.0.0.1:PORT`.
    pub fn authority(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The MCP endpoint.
    pub fn mcp(&self) -> String {
        format!("{}/mcp", self.origin())
    }

    /// Every whole request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// How many requests there were whose path ends like this.
    pub fn count(&self, path_end: &str) -> usize {
        self.requests().iter().filter(|request| request.path.ends_with(path_end)).count()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the thread that accepts; once it has ended, the port is closed.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
        // The rest of the test may rely on a refused connection.
        self.port.take().into_iter().for_each(ReservedPort::keep);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.over.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        shared.connections.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(shared);
        std::thread::spawn(move || serve(&stream, &shared));
    }
}

fn serve(raw: &TcpStream, shared: &Shared) {
    let _ = raw.set_nodelay(true);
    let Ok(socket) = raw.try_clone() else { return };
    match &shared.tls {
        None => converse(&mut { socket }, raw, shared),
        Some(config) => {
            let Ok(connection) = ServerConnection::new(Arc::clone(config)) else { return };
            converse(&mut StreamOwned::new(connection, socket), raw, shared);
        }
    }
    let _ = raw.shutdown(Shutdown::Both);
}

fn converse<S: Read + Write>(stream: &mut S, raw: &TcpStream, shared: &Shared) {
    while let Some(request) = read_request(stream, shared) {
        let script = Arc::clone(&shared.script.lock().unwrap_or_else(PoisonError::into_inner));
        for act in script(&request) {
            if !perform(&act, stream, raw, shared) {
                return;
            }
        }
    }
}

/// Whether the connection stays open.
fn perform<S: Write>(act: &Act, stream: &mut S, raw: &TcpStream, shared: &Shared) -> bool {
    match act {
        Act::Send(bytes) => stream.write_all(bytes).and_then(|()| stream.flush()).is_ok(),
        Act::Slowly(bytes, pause) => bytes.iter().all(|byte| {
            wait(*pause, shared) && stream.write_all(&[*byte]).and_then(|()| stream.flush()).is_ok()
        }),
        Act::Endlessly(bytes) => {
            let mut is_open = true;
            while is_open && !shared.over.load(Ordering::SeqCst) {
                is_open = stream.write_all(bytes).is_ok();
            }
            false
        }
        Act::Wait(time) => wait(*time, shared),
        Act::Hold => {
            wait(Duration::from_secs(120), shared);
            false
        }
        Act::Reset => {
            let _ = rustix::net::sockopt::set_socket_linger(raw, Some(Duration::ZERO));
            false
        }
        Act::Close => false,
    }
}

/// False when the server is stopped first.
fn wait(time: Duration, shared: &Shared) -> bool {
    let end = Instant::now() + time;
    while Instant::now() < end {
        if shared.over.load(Ordering::SeqCst) {
            return false;
        }
        let left = end.saturating_duration_since(Instant::now());
        std::thread::sleep(left.min(Duration::from_millis(20)));
    }
    true
}

fn read_request<S: Read>(stream: &mut S, shared: &Shared) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            _ => return None,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let (method, path) = (first.next()?, first.next()?);
    let mut seen = shared.seen.lock().unwrap_or_else(PoisonError::into_inner);
    let request = Request { n: seen.len(), method, path, headers, body };
    seen.push(request.clone());
    Some(request)
}

/// A port whose accept queue is full: connecting gets no answer at all, for as long as this lives.
pub struct BlackHole {
    address: SocketAddr,
    _listener: std::os::fd::OwnedFd,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    pub fn open() -> Self {
        use rustix::net::{AddressFamily, SocketType, bind, getsockname, listen, socket};
        let listener = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&listener, &SocketAddr::from(([127, 0, 0, 1], 0))).expect("loopback");
        listen(&listener, 0).expect("a socket");
        let bound = getsockname(&listener).expect("it is bound");
        let address = SocketAddr::try_from(bound).expect("an internet address");
        let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(200));
        let waiting = (0..8).map_while(|_| connect().ok()).collect();
        BlackHole { address, _listener: listener, _waiting: waiting }
    }

    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }
}
