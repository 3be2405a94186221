//! A task server for the demonstration: it answers every MCP call on a port of this machine with the
//! same three tasks. Dropping it closes the port.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

/// A client that sends no more is not waited for.
const TIMEOUT: Duration = Duration::from_secs(1);
/// A request of our own client has a few hundred bytes.
const MAX_REQUEST_BYTES: usize = 64 << 10;

/// The running server.
pub struct TaskServer {
    address: SocketAddr,
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl TaskServer {
    /// Listens on a free port of this machine.
    ///
    /// # Errors
    /// The system's.
    pub fn start() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let is_over = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&is_over);
        let thread = std::thread::spawn(move || serve(&listener, &of_thread));
        Ok(TaskServer { address, is_over, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for TaskServer {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Ends the wait for a connection.
        let _ = TcpStream::connect_timeout(&self.address, TIMEOUT);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(listener: &TcpListener, is_over: &AtomicBool) {
    for stream in listener.incoming().flatten() {
        if is_over.load(Ordering::SeqCst) {
            return;
        }
        // A failed connection is the client's matter.
        let _ = answer(&stream);
    }
}

/// Answers one request and closes the connection.
fn answer(mut stream: &TcpStream) -> io::Result<()> {
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request = body(&mut stream)?;
    let answer = reply(&request).to_string();
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
    write!(stream, "{head}Content-Length: {}\r\n\r\n{answer}", answer.len())
}

/// The JSON of the request; `Null` when it has none.
fn body(stream: &mut impl Read) -> io::Result<Value> {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    while bytes.len() < MAX_REQUEST_BYTES {
        let count = stream.read(&mut piece)?;
        bytes.extend_from_slice(&piece[..count]);
        let end = bytes.windows(4).position(|part| part == b"\r\n\r\n").map(|at| at + 4);
        let value = end.and_then(|end| serde_json::from_slice(&bytes[end..]).ok());
        match value {
            Some(value) => return Ok(value),
            None if count == 0 => return Ok(Value::Null),
            None => {}
        }
    }
    Ok(Value::Null)
}

fn reply(request: &Value) -> Value {
    let tasks = json!({ "success": true, "data": { "tasks": [
        { "id": "17", "title": "Write the release notes", "status": "todo", "priority": "low" },
        { "id": "12", "title": "Fix the login form", "status": "in_progress", "priority": "high" },
        { "id": "15", "title": "Add a test for empty carts", "status": "todo", "priority": "medium" },
    ], "count": 3 } });
    let result = json!({
        "resultType": "complete",
        "isError": false,
        "content": [{ "type": "text", "text": tasks.to_string() }],
        "structuredContent": tasks,
    });
    json!({ "jsonrpc": "2.0", "id": request["id"], "result": result })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_answers_and_its_port_is_closed_at_its_end() {
        let server = TaskServer::start().unwrap();
        let address = server.address();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(b"POST /mcp HTTP/1.1\r\nContent-Length: 8\r\n\r\n{\"id\":7}").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200") && text.contains("\"id\":7"), "{text}");
        // A client that never sends its request.
        let _silent = TcpStream::connect(address).unwrap();
        drop(server);
        assert!(TcpStream::connect(address).is_err());
    }
}
