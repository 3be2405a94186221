//! What goes over the wire: bodies and headers of MCP requests in both eras. Pure.
//! Modern is revision 2026-07-28; legacy is 2025-11-25 and before.

use base64::prelude::{BASE64_STANDARD, Engine};
use serde_json::{Map, Value, json};

use crate::client::tool_call::ToolMethod;

/// The stateless revision.
pub const MODERN: &str = "2026-07-28";
/// The newest revision with a handshake, offered to legacy servers.
pub const LEGACY: &str = "2025-11-25";
/// All revisions of the handshake era that we can speak.
pub const LEGACY_ALL: &[&str] = &[LEGACY, "2025-06-18", "2025-03-26", "2024-11-05"];

/// Name and value of a header.
pub type Header = (String, String);

/// One request about tools.
#[derive(Clone, Debug)]
pub struct CallParams<'a> {
    pub method: ToolMethod,
    pub tool: &'a str,
    pub arguments: &'a Map<String, Value>,
    /// The state of an `input_required` answer, to be sent back (MRTR).
    pub request_state: Option<&'a str>,
    /// Arguments that the tool's schema requires in headers too: header name and argument name.
    pub mirrored: &'a [(String, String)],
}

impl CallParams<'_> {
    /// The parameters of the request in both eras.
    fn common(&self) -> Value {
        match self.method {
            ToolMethod::Call => json!({ "name": self.tool, "arguments": self.arguments }),
            ToolMethod::List => Value::Object(self.arguments.clone()),
        }
    }
}

/// A request about tools in the modern era.
#[must_use]
pub fn modern_call(id: u64, call: &CallParams<'_>) -> (Vec<Header>, Vec<u8>) {
    let mut params = call.common();
    params["_meta"] = meta();
    if let Some(state) = call.request_state {
        params["requestState"] = state.into();
    }
    let mut headers = modern_headers(call.method.word());
    if call.method == ToolMethod::Call {
        headers.push(("mcp-name".into(), header_value(call.tool)));
    }
    for (header, argument) in call.mirrored {
        if let Some(value) = call.arguments.get(argument).and_then(mirrored_value) {
            headers.push((header.clone(), header_value(&value)));
        }
    }
    (headers, body(Some(id), call.method.word(), &params))
}

fn modern_headers(method: &str) -> Vec<Header> {
    let mut headers = common();
    headers.push(("mcp-protocol-version".into(), MODERN.into()));
    headers.push(("mcp-method".into(), method.into()));
    headers
}

fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientCapabilities": {
            "extensions": { "io.modelcontextprotocol/oauth-client-credentials": {} }
        },
        "io.modelcontextprotocol/clientInfo": client_info(),
    })
}

fn client_info() -> Value {
    json!({ "name": "warmstart", "version": env!("CARGO_PKG_VERSION") })
}

/// The handshake of the legacy era.
#[must_use]
pub fn initialize(id: u64) -> (Vec<Header>, Vec<u8>) {
    let params =
        json!({ "protocolVersion": LEGACY, "capabilities": {}, "clientInfo": client_info() });
    (common(), body(Some(id), "initialize", &params))
}

/// A session of the legacy era: sent with each request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    pub version: String,
    pub id: Option<String>,
}

/// The second message of the handshake.
#[must_use]
pub fn initialized(session: &Session) -> (Vec<Header>, Vec<u8>) {
    (legacy_headers(session), body(None, "notifications/initialized", &json!({})))
}

/// A request about tools in the legacy era.
#[must_use]
pub fn legacy_call(id: u64, session: &Session, call: &CallParams<'_>) -> (Vec<Header>, Vec<u8>) {
    (legacy_headers(session), body(Some(id), call.method.word(), &call.common()))
}

/// The headers of every legacy request after the handshake.
#[must_use]
pub fn legacy_headers(session: &Session) -> Vec<Header> {
    let mut headers = common();
    headers.push(("mcp-protocol-version".into(), session.version.clone()));
    headers.extend(session.id.iter().map(|id| ("mcp-session-id".to_owned(), id.clone())));
    headers
}

/// The content type has no parameters: some servers compare the whole value.
fn common() -> Vec<Header> {
    vec![
        ("content-type".into(), "application/json".into()),
        ("accept".into(), "application/json, text/event-stream".into()),
    ]
}

fn body(id: Option<u64>, method: &str, params: &Value) -> Vec<u8> {
    let mut message = json!({ "jsonrpc": "2.0", "method": method });
    if let Some(id) = id {
        message["id"] = id.into();
    }
    if params.as_object().is_none_or(|params| !params.is_empty()) {
        message["params"] = params.clone();
    }
    message.to_string().into_bytes()
}

/// A value in the form that a header can carry: unchanged, or `=?base64?…?=` when it is not plain ASCII,
/// begins or ends with a blank, or looks encoded already.
#[must_use]
pub fn header_value(value: &str) -> String {
    let plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && value.trim() == value
        && !(value.starts_with("=?base64?") && value.ends_with("?="));
    if plain { value.to_owned() } else { format!("=?base64?{}?=", BASE64_STANDARD.encode(value)) }
}

/// Null and absent arguments have no header; objects and lists cannot have one.
fn mirrored_value(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p01_a_modern_call_carries_its_version_method_and_name_twice() {
        let arguments = Map::from_iter([("action".to_owned(), json!("list"))]);
        let call = CallParams {
            method: ToolMethod::Call,
            tool: "manage_task",
            arguments: &arguments,
            request_state: None,
            mirrored: &[],
        };
        let (headers, body) = modern_call(3, &call);
        let body: Value = serde_json::from_slice(&body).unwrap();
        let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
        assert_eq!(header("mcp-protocol-version"), Some(MODERN));
        assert_eq!(header("mcp-method"), Some("tools/call"));
        assert_eq!(header("mcp-name"), Some("manage_task"));
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], MODERN);
        assert_eq!(
            (&body["id"], &body["params"]["arguments"]["action"]),
            (&json!(3), &json!("list"))
        );
    }

    #[test]
    fn p13_header_values_are_encoded_only_where_they_must_be() {
        let table = [
            ("manage_task", "manage_task"),
            ("us-east 1", "us-east 1"),
            (" padded", "=?base64?IHBhZGRlZA==?="),
            ("größe", "=?base64?Z3LDtsOfZQ==?="),
            ("a\nb", "=?base64?YQpi?="),
            ("=?base64?x?=", "=?base64?PT9iYXNlNjQ/eD89?="),
            ("", ""),
        ];
        for (value, expected) in table {
            assert_eq!(header_value(value), expected, "{value:?}");
        }
    }
}
