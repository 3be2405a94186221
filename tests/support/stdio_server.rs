//! Calls the tools of a real MCP server on its standard streams, as an agent program does: a handshake,
//! the project's folder when the server asks for it, then call after call.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::child;

/// A running server; ends with its standard input.
pub struct StdioServer {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    errors: child::Stream,
    root: PathBuf,
    requests: u64,
}

impl StdioServer {
    /// Starts it in the project at `root`, with a home of its own there.
    pub fn start(command: &mut Command, root: &Path) -> Self {
        command.current_dir(root).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("an installed server");
        let (errors, _) = child::Stream::of(child.stderr.take());
        let lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        let stdin = child.stdin.take();
        let mut server =
            StdioServer { child, stdin, lines, errors, root: root.to_owned(), requests: 0 };
        let capabilities = json!({ "roots": { "listChanged": false } });
        server.request(
            "initialize",
            &json!({ "protocolVersion": "2025-06-18", "capabilities": capabilities,
                "clientInfo": { "name": "test", "version": "1" } }),
        );
        server.send(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        server
    }

    /// The texts of the tool's result.
    #[track_caller]
    pub fn call(&mut self, tool: &str, arguments: &Value) -> String {
        let answer = self.request("tools/call", &json!({ "name": tool, "arguments": arguments }));
        let result = &answer["result"];
        assert!(result["isError"] != true && result.is_object(), "{tool} {arguments}: {answer}");
        let blocks = result["content"].as_array().into_iter().flatten();
        blocks.filter_map(|block| block["text"].as_str()).collect::<Vec<_>>().join("\n")
    }

    fn request(&mut self, method: &str, params: &Value) -> Value {
        self.requests += 1;
        let id = self.requests;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        loop {
            let Some(Ok(line)) = self.lines.next() else {
                panic!("the server ended: {}", self.errors.text());
            };
            let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
            match message["method"].as_str() {
                Some("roots/list") => {
                    let root = json!({ "uri": format!("file://{}", self.root.display()), "name": "project" });
                    let result = json!({ "roots": [root] });
                    self.send(&json!({ "jsonrpc": "2.0", "id": message["id"], "result": result }));
                }
                None if message["id"] == id => return message,
                _ => {}
            }
        }
    }

    fn send(&mut self, message: &Value) {
        let stdin = self.stdin.as_mut().expect("open until the end");
        writeln!(stdin, "{message}").expect("the server reads");
    }
}

impl Drop for StdioServer {
    fn drop(&mut self) {
        self.stdin = None;
        for _ in 0..100 {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
