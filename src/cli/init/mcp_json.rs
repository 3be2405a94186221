//! The servers that a project's `.mcp.json` names. The file is foreign: each entry is either complete
//! and short enough to be shown and confirmed, or refused with the reason. Pure.

use serde_json::{Map, Value};

use crate::config::is_credential;
use crate::secret::SafeUrl;
use crate::text::for_terminal;

/// Characters of a URL or a command line: more cannot be judged at a terminal.
const MAX_CHARS: usize = 600;
/// Characters of a name.
const MAX_NAME_CHARS: usize = 60;
/// Servers of one file.
const MAX_SERVERS: usize = 30;

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub struct McpServer {
    pub name: String,
    pub target: Target,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    Url {
        url: String,
        token: Token,
    },
    Command {
        /// The program and its arguments; not empty.
        words: Vec<String>,
        /// The names of the variables that the entry sets.
        variables: Vec<String>,
    },
}

/// The bearer token of an entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Token {
    None,
    /// The value of the variable of this name.
    Variable(String),
    /// Written in the file.
    Literal,
}

/// A usable server, or the name of an entry and why it cannot be used.
pub type Entry = Result<McpServer, (String, String)>;

/// The entries of the file.
///
/// # Errors
/// Why the text has none.
pub fn entries(text: &str) -> Result<Vec<Entry>, String> {
    let file: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| format!("is not valid JSON: {error}"))?;
    let servers = file.get("mcpServers").and_then(Value::as_object);
    let servers = servers.ok_or("has no table `mcpServers`")?;
    Ok(servers.iter().take(MAX_SERVERS).map(|(name, entry)| server(name, entry)).collect())
}

fn server(name: &str, entry: &Value) -> Entry {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let target = match (text("url"), text("command")) {
        (Some(_), _) if text("type") == Some("sse") => {
            Err("uses the former SSE transport, which is not supported".into())
        }
        (Some(url), _) => url_target(url, entry),
        (None, Some(program)) => command_target(program, entry),
        (None, None) => Err("has neither a `url` nor a `command`".into()),
    };
    let target = target.and_then(|target| match (name.chars().count(), is_plain(name)) {
        (_, false) => Err(HIDDEN.into()),
        (0..=MAX_NAME_CHARS, true) => Ok(target),
        _ => Err("has a name that is too long".into()),
    });
    let target = target.map_err(|reason: String| (name.to_owned(), reason))?;
    Ok(McpServer { name: name.to_owned(), target })
}

const HIDDEN: &str = "has hidden or control characters";

/// Whether a text looks on a terminal like what it is.
fn is_plain(text: &str) -> bool {
    !text.contains('\n') && for_terminal(text) == text
}

fn url_target(url: &str, entry: &Value) -> Result<Target, String> {
    if url.contains("${") {
        return Err("has a variable in its URL".into());
    }
    let parsed = SafeUrl::parse(url).map_err(|reason| format!("has a wrong URL: it {reason}"))?;
    if holds_secret(&parsed) {
        return Err("has a password or a query in its URL".into());
    }
    if url.chars().count() > MAX_CHARS {
        return Err(format!("has a URL of more than {MAX_CHARS} characters"));
    }
    let token = token(entry.get("headers").and_then(Value::as_object))?;
    Ok(Target::Url { url: parsed.url().to_string(), token })
}

/// Whether a URL has a user part or a query, which may be secrets and must not be written to a file.
pub fn holds_secret(url: &SafeUrl) -> bool {
    let url = url.url();
    !url.username().is_empty() || url.password().is_some() || url.query().is_some()
}

fn token(headers: Option<&Map<String, Value>>) -> Result<Token, String> {
    let authorization = headers.into_iter().flatten();
    let mut authorization =
        authorization.filter(|(name, _)| name.eq_ignore_ascii_case("authorization"));
    let Some((_, value)) = authorization.next() else { return Ok(Token::None) };
    let bearer = value.as_str().and_then(|text| text.strip_prefix("Bearer "));
    let bearer = bearer.ok_or("has an `Authorization` that is not a bearer token")?.trim();
    match bearer.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
        Some(name) if is_variable(name) => Ok(Token::Variable(name.to_owned())),
        Some(_) => Err("has a token with a default value".into()),
        None if bearer.contains("${") => Err("has a token with several parts".into()),
        None => Ok(Token::Literal),
    }
}

fn is_variable(name: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !name.is_empty() && name.len() <= 100 && name.chars().all(is_part)
}

fn command_target(program: &str, entry: &Value) -> Result<Target, String> {
    let arguments = entry.get("args").and_then(Value::as_array).into_iter().flatten();
    let arguments = arguments.map(|word| word.as_str().map(str::to_owned));
    let words: Option<Vec<String>> =
        std::iter::once(Some(program.to_owned())).chain(arguments).collect();
    let words = words.ok_or("has an argument that is not a text")?;
    let variables = entry.get("env").and_then(Value::as_object).into_iter().flatten();
    let variables: Vec<String> = variables.map(|(name, _)| name.clone()).collect();
    let chars = words.iter().chain(&variables).map(|word| word.chars().count() + 3).sum::<usize>();
    if !words.iter().all(|word| is_plain(word)) {
        Err(HIDDEN.into())
    } else if program.is_empty() {
        Err("has an empty `command`".into())
    } else if chars > MAX_CHARS {
        Err(format!("has a command of more than {MAX_CHARS} characters"))
    } else if words.iter().any(|word| word.contains("${")) {
        Err("has a variable in its command".into())
    } else if words.iter().any(|word| is_credential(word)) {
        Err("seems to have a secret in its arguments".into())
    } else if let Some(name) = variables.iter().find(|name| !is_variable(name)) {
        Err(format!("sets `{name}`, which is not the name of a variable"))
    } else {
        Ok(Target::Command { words, variables })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn only(entry: &Value) -> Entry {
        let text = json!({ "mcpServers": { "x": entry } }).to_string();
        entries(&text).unwrap().remove(0)
    }

    fn url(url: &str, token: Token) -> Entry {
        Ok(McpServer { name: "x".into(), target: Target::Url { url: url.into(), token } })
    }

    #[test]
    fn servers_by_url() {
        let at = "https://example.com/mcp";
        let bearer = |text: &str| json!({ "url": at, "headers": { "authorization": text } });
        let table = [
            (json!({ "url": at }), url(at, Token::None)),
            (
                json!({ "type": "http", "url": "http://localhost:1" }),
                url("http://localhost:1/", Token::None),
            ),
            (bearer("Bearer ${MY_KEY}"), url(at, Token::Variable("MY_KEY".into()))),
            (bearer("Bearer abc"), url(at, Token::Literal)),
        ];
        for (entry, expected) in table {
            assert_eq!(only(&entry), expected, "{entry}");
        }
    }

    #[test]
    fn programs() {
        let entry = json!({ "command": "npx", "args": ["-y", "a b"], "env": { "KEY": "secret" } });
        let target = Target::Command {
            words: vec!["npx".into(), "-y".into(), "a b".into()],
            variables: vec!["KEY".into()],
        };
        assert_eq!(only(&entry), Ok(McpServer { name: "x".into(), target }));
    }

    #[test]
    fn entries_that_cannot_be_judged_are_refused() {
        let table = [
            (json!({}), "neither"),
            (json!({ "type": "sse", "url": "http://a" }), "SSE"),
            (json!({ "url": "http://${HOST}/mcp" }), "variable in its URL"),
            (json!({ "url": "http://u:p@a" }), "password"),
            (json!({ "url": "http://a/?key=1" }), "query"),
            (json!({ "url": "file:///etc" }), "wrong URL"),
            (json!({ "url": format!("http://a/{}", "x".repeat(700)) }), "more than 600"),
            (json!({ "url": "http://a", "headers": { "Authorization": "Basic x" } }), "bearer"),
            (
                json!({ "url": "http://a", "headers": { "Authorization": "Bearer ${A:-b}" } }),
                "default",
            ),
            (json!({ "command": "" }), "empty"),
            (json!({ "command": "x", "args": [1] }), "not a text"),
            (json!({ "command": "x", "args": ["a\nb"] }), "control characters"),
            (json!({ "command": "x", "args": ["a\u{202e}b"] }), "control characters"),
            (json!({ "command": "x", "args": ["${HOME}"] }), "variable in its command"),
            (json!({ "command": "x", "args": ["--api-key=1"] }), "secret in its arguments"),
            (json!({ "command": "x", "args": ["y".repeat(700)] }), "more than 600"),
            (json!({ "command": "x", "env": { "A B": "" } }), "not the name of a variable"),
        ];
        for (entry, expected) in table {
            let (_, reason) = only(&entry).unwrap_err();
            assert!(reason.contains(expected), "{entry}: {reason}");
        }
        for name in ["a\nb", "a\u{1b}[2J", &"x".repeat(61)] {
            let text = json!({ "mcpServers": { name: { "url": "http://a" } } }).to_string();
            assert!(entries(&text).unwrap()[0].is_err(), "{name:?}");
        }
        assert!(entries("{").unwrap_err().contains("not valid JSON"));
        assert!(entries("{}").unwrap_err().contains("mcpServers"));
    }
}
