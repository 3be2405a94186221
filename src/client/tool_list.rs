//! The tools of a server with their arguments, from the pages of `tools/list`.

use serde_json::{Map, Value};

use crate::error::{Code, Failure};

/// Pages of one list; a server that always names a next page is not followed further.
const MAX_PAGES: usize = 50;

/// One tool of a server.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// The required ones first, then by name.
    pub arguments: Vec<Argument>,
}

/// One argument of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Argument {
    pub name: String,
    /// `string`, `string[]`, `integer|string`, `list|next`; empty when any value is allowed.
    pub kind: String,
    pub is_required: bool,
    pub description: String,
}

/// Asks for all pages with `fetch`, which gets the parameters of each request.
///
/// # Errors
/// That of a page; `WS404` for a page that is not understood, or a list without an end.
pub async fn ask(
    fetch: impl AsyncFn(Map<String, Value>) -> Result<Value, Failure>,
) -> Result<Vec<Tool>, Failure> {
    let mut tools = Vec::new();
    let mut cursor: Option<String> = None;
    for _ in 0..MAX_PAGES {
        let parameters = cursor.iter().map(|cursor| ("cursor".into(), cursor.as_str().into()));
        let page = fetch(parameters.collect()).await?;
        tools.append(&mut read_page(&page)?);
        let next = page.get("nextCursor").and_then(Value::as_str).map(str::to_owned);
        if next.is_none() {
            return Ok(tools);
        }
        if next == cursor {
            break;
        }
        cursor = next;
    }
    Err(not_understood("the server's list of tools does not end: each page names a next one"))
}

fn read_page(page: &Value) -> Result<Vec<Tool>, Failure> {
    let list = page.get("tools").and_then(Value::as_array);
    let list =
        list.ok_or_else(|| not_understood("the answer to `tools/list` has no list `tools`"))?;
    let tools: Option<Vec<Tool>> = list.iter().map(read).collect();
    tools.ok_or_else(|| not_understood("the answer to `tools/list` has a tool without a name"))
}

fn not_understood(text: &str) -> Failure {
    Failure::new(Code::NotUnderstood, text).hint("check the version and the log of the server")
}

fn read(value: &Value) -> Option<Tool> {
    let schema = value.get("inputSchema");
    let required = schema.and_then(|schema| schema.get("required")).and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|names| names.iter().any(|other| other == name));
    let properties = schema.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let argument = |(name, schema): (&String, &Value)| Argument {
        name: name.clone(),
        kind: kind(schema),
        is_required: is_required(name),
        description: text(schema, "description"),
    };
    let mut arguments: Vec<Argument> = properties.into_iter().flatten().map(argument).collect();
    arguments.sort_by(|one, other| {
        (!one.is_required, &one.name).cmp(&(!other.is_required, &other.name))
    });
    let name = value.get("name")?.as_str()?.to_owned();
    Some(Tool { name, description: text(value, "description"), arguments })
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The type: `string`, `string[]`, `integer|string`, the values of an enumeration. `null` is the same as
/// not to send the argument, and is not named.
fn kind(schema: &Value) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return values.iter().map(text).collect::<Vec<_>>().join("|");
    }
    let alternatives = ["anyOf", "oneOf"].iter().find_map(|key| schema.get(key)?.as_array());
    let kinds: Vec<String> = match (schema.get("type"), alternatives) {
        (Some(Value::String(word)), _) => vec![word.clone()],
        (Some(Value::Array(words)), _) => {
            words.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        (_, Some(schemas)) => schemas.iter().map(kind).collect(),
        _ => Vec::new(),
    };
    let items = schema.get("items").map(kind).filter(|items| !items.is_empty());
    let with_items = |kind: String| match (&items, kind.as_str()) {
        (Some(items), "array") if items.contains('|') => format!("({items})[]"),
        (Some(items), "array") => format!("{items}[]"),
        _ => kind,
    };
    let named = kinds.into_iter().filter(|kind| kind != "null" && !kind.is_empty());
    named.map(with_items).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_read_in_every_usual_form() {
        let table = [
            (json!({ "type": "string" }), "string"),
            (json!({ "type": ["integer", "null"] }), "integer"),
            (
                json!({ "anyOf": [{ "type": "integer" }, { "type": "string" }, { "type": "null" }] }),
                "integer|string",
            ),
            (json!({ "type": "array", "items": { "type": "string" } }), "string[]"),
            (json!({ "enum": ["list", "next"] }), "list|next"),
            (
                json!({ "type": "array", "items": { "type": ["integer", "string"] } }),
                "(integer|string)[]",
            ),
            (json!({}), ""),
            (json!(true), ""),
        ];
        for (schema, expected) in table {
            assert_eq!(kind(&schema), expected, "{schema}");
        }
    }

    #[test]
    fn odd_tools_are_skipped_or_have_no_arguments() {
        assert_eq!(read(&json!({ "title": "no name" })), None);
        assert_eq!(read(&json!("text")), None);
        let tool = read(&json!({ "name": "x", "inputSchema": [1] })).unwrap();
        assert_eq!((tool.name.as_str(), tool.arguments), ("x", vec![]));
    }
}
