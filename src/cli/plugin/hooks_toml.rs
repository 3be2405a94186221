//! The lines for `hooks.toml` that put a trusted plugin to use, as `plugin trust` prints them. Pure.

use serde_json::Value;

use crate::plugin::{ItemKind, Manifest};

/// The tables of the plugin `name`: its settings with their defaults, and one place for each item.
pub fn hooks_toml(name: &str, manifest: &Manifest) -> String {
    let mut text = settings(name, manifest);
    let clients = manifest.items(ItemKind::Client);
    // A single client is called as the plugin.
    let client_name =
        |item: &str| if clients.len() == 1 { name.to_owned() } else { item.to_owned() };
    let steps: Vec<String> = (manifest.items(ItemKind::Strategy).iter())
        .map(|item| format!("\"plugin:{name}/{item}\""))
        .chain(clients.iter().map(|item| format!("\"client:{}\"", client_name(item))))
        .collect();
    if !steps.is_empty() {
        let steps = steps.join(", ");
        text.push_str(&format!("\n[fallback]\nchain = [{steps}, \"cache_then_skip\"]\n"));
    }
    for item in clients {
        let client = client_name(item);
        text.push_str(&format!(
            "\n[clients.{client}]          # or as your only source: this `kind` in [client]\nkind = \"plugin:{name}/{item}\"\n"
        ));
    }
    for item in manifest.items(ItemKind::Hook) {
        text.push_str(&format!("\n[hooks.{item}]\nkind = \"plugin:{name}/{item}\"\n"));
    }
    text
}

fn settings(name: &str, manifest: &Manifest) -> String {
    let mut text = format!("[plugins.{name}]\ntimeout = \"1s\"\n");
    let Some(settings) = &manifest.settings else {
        text.push_str("# It does not declare its settings: see its documentation.\n");
        return text;
    };
    if !settings.is_empty() {
        text.push_str(&format!("\n[plugins.{name}.config]\n"));
    }
    for (key, value) in settings {
        match toml_value(value) {
            Some(value) => text.push_str(&format!("{key} = {value}\n")),
            None => text.push_str(&format!("# {key} =\n")),
        }
    }
    text
}

/// `None` for a value that TOML cannot express, such as `null`.
fn toml_value(value: &Value) -> Option<String> {
    toml::Value::try_from(value).ok().map(|value| value.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn printed(described: &Value) -> String {
        let text = hooks_toml("x", &Manifest::read(described).unwrap());
        toml::from_str::<toml::Table>(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        text
    }

    #[test]
    fn every_setting_and_item_has_its_line() {
        let text = printed(&json!({
            "abi": "1.0", "clients": ["one"], "strategies": ["two"], "hooks": ["three"],
            "settings": { "days": ["mon"], "limits": { "a": 1 }, "text": "a \"b\"\u{1b}", "zone": null },
        }));
        insta::assert_snapshot!(text, @r#"
        [plugins.x]
        timeout = "1s"

        [plugins.x.config]
        days = ["mon"]
        limits = { a = 1 }
        text = "a \"b\"\u001B"
        # zone =

        [fallback]
        chain = ["plugin:x/two", "client:x", "cache_then_skip"]

        [clients.x]          # or as your only source: this `kind` in [client]
        kind = "plugin:x/one"

        [hooks.three]
        kind = "plugin:x/three"
        "#);
    }

    #[test]
    fn without_declared_settings_there_is_no_table_for_them() {
        let undeclared = printed(&json!({ "abi": "1.0", "hooks": ["a"] }));
        assert!(undeclared.contains("does not declare its settings"), "{undeclared}");
        let none = printed(&json!({ "abi": "1.0", "clients": ["a", "b"], "settings": {} }));
        assert!(!none.contains("config"), "{none}");
        assert!(none.contains("\"client:a\", \"client:b\""), "{none}");
    }
}
