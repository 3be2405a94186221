//! A plain HTTP request to a peer on loopback: its control interface, its REST endpoints.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// The status and the body of one request on its own connection.
pub fn request(
    method: &str,
    origin: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, String) {
    let authority = origin.strip_prefix("http://").expect("plain http");
    let mut stream = TcpStream::connect(authority).expect("the peer listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a socket");
    let mut head =
        format!("{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(head.as_bytes()).expect("the peer reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("the peer answers");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    (status.unwrap_or(0), body)
}

/// Posts JSON and reads JSON; `Null` when the answer is not JSON.
pub fn post(origin: &str, path: &str, body: &Value) -> Value {
    let headers = [("Content-Type", "application/json")];
    let (_, text) = request("POST", origin, path, &headers, &body.to_string());
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// Reads JSON; `Null` when the answer is not JSON.
pub fn get(origin: &str, path: &str) -> Value {
    serde_json::from_str(&request("GET", origin, path, &[], "").1).unwrap_or(Value::Null)
}
