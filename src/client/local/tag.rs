//! Lists by tag in one file, as task-master writes them: `{ TAG: { "tasks": [..] } }`. The current tag is
//! in `state.json` of the folder above.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// The file of the current tag that belongs to the task file `file`; `None` where there are no tags.
pub fn state_file(file: &Path) -> Option<PathBuf> {
    let folder = file.strip_prefix(".").unwrap_or(file).parent()?;
    let is_tagged = folder.ends_with(".taskmaster/tasks");
    is_tagged.then(|| folder.with_file_name("state.json"))
}

/// The list of the current tag, which the text of the state file names (`master` without one); empty when
/// the file has no such tag. A value without tags stays as it is.
pub fn part(value: Value, state: Option<&str>) -> Value {
    let state = state.and_then(|text| serde_json::from_str::<Value>(text).ok());
    let tag = state.as_ref().and_then(|state| state.get("currentTag")).and_then(Value::as_str);
    match value {
        Value::Object(mut tags) if !tags.is_empty() && tags.values().all(has_tasks) => {
            tags.remove(tag.unwrap_or("master")).unwrap_or_else(|| json!({ "tasks": [] }))
        }
        value => value,
    }
}

fn has_tasks(tag: &Value) -> bool {
    tag.get("tasks").is_some_and(Value::is_array)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_current_tag_selects_its_list() {
        let state = state_file(Path::new(".taskmaster/tasks/tasks.json"));
        assert_eq!(state.as_deref(), Some(Path::new(".taskmaster/state.json")));
        assert_eq!(state_file(Path::new("tasks/tasks.json")), None);
        let value = json!({ "master": { "tasks": [1] }, "feature": { "tasks": [2] } });
        let table = [
            (Some(r#"{"currentTag":"feature"}"#), json!([2])),
            (Some(r#"{"currentTag":"deleted"}"#), json!([])),
            (Some("oops"), json!([1])),
            (Some("{}"), json!([1])),
            (None, json!([1])),
        ];
        for (state, tasks) in table {
            assert_eq!(part(value.clone(), state), json!({ "tasks": tasks }), "{state:?}");
        }
        for untagged in [json!({ "tasks": [1] }), json!({}), json!([1]), json!({ "a": {} })] {
            assert_eq!(part(untagged.clone(), Some(r#"{"currentTag":"a"}"#)), untagged);
        }
    }
}
