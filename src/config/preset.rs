//! `client.preset`: settings for one task server, as a layer between the user's file and the defaults.
//!
//! To add one: `presets/NAME.toml` and its row here.

use super::file::{self, File};
use super::layer::{Kind, Layer, Origin, Setting};
use super::parser::Words;
use crate::error::Failure;

/// A task server with settings of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    pub name: &'static str,
    text: &'static str,
}

macro_rules! preset {
    ($name:literal) => {
        (
            $name,
            Some(Preset {
                name: $name,
                text: include_str!(concat!("../../presets/", $name, ".toml")),
            }),
        )
    };
}

impl Words for Option<Preset> {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("", None),
        preset!("agenthub"),
        preset!("backlog-md"),
        preset!("beads"),
        preset!("better-todo"),
        preset!("shrimp"),
        preset!("task-master"),
    ];
}

/// The layer of the presets that `layers` name, weakest first; `None` when there is none. A name that
/// does not exist is reported where the table is read.
pub fn layer(layers: &[Layer]) -> (Option<Layer>, Vec<Failure>) {
    let mut settings = Vec::new();
    for table in tables(layers) {
        let mut path: Vec<&str> = table.iter().map(String::as_str).collect();
        path.push("preset");
        let name = layers.iter().rev().find_map(|layer| layer.get(&path));
        let name = name.and_then(figment::value::Value::as_str);
        if let Some(preset) = name.and_then(find) {
            settings.extend(placed(preset, &table));
        }
    }
    if settings.is_empty() {
        return (None, Vec::new());
    }
    let mut layer = Layer::new(Kind::Preset);
    let problems = settings.into_iter().filter_map(|setting| layer.set(setting).err()).collect();
    (Some(layer), problems)
}

/// Whether there is a preset of that name.
pub fn exists(name: &str) -> bool {
    find(name).is_some()
}

fn find(name: &str) -> Option<Preset> {
    let words = <Option<Preset> as Words>::WORDS;
    words.iter().find(|(word, _)| *word == name).and_then(|(_, preset)| *preset)
}

/// The tables that may name one: `client` and each of `clients`.
fn tables(layers: &[Layer]) -> Vec<Vec<String>> {
    let names = layers.iter().filter_map(|layer| layer.get(&["clients"])?.as_dict());
    let mut tables: Vec<Vec<String>> = names
        .flat_map(|clients| clients.keys().map(|name| vec!["clients".to_owned(), name.clone()]))
        .collect();
    tables.push(vec!["client".to_owned()]);
    tables.sort();
    tables.dedup();
    tables
}

/// The settings of a preset for the client at `table`. That of a further client sets its `[client]`
/// there and its `[queries.tasks]` as the query of that client's name, and nothing else.
fn placed(preset: Preset, table: &[String]) -> Vec<Setting> {
    let shown = format!("preset {}", preset.name);
    let parsed = file::parse(&File { shown: shown.clone(), text: preset.text.to_owned() });
    debug_assert!(parsed.is_ok(), "{shown}: {:?}", parsed.err());
    let settings = parsed.unwrap_or_default();
    let [_, name] = table else { return settings };
    let client = Setting {
        path: ["queries", name, "client"].map(str::to_owned).to_vec(),
        value: name.as_str().into(),
        origin: Origin::Name(shown),
    };
    let moved = settings.into_iter().filter_map(|setting| moved(setting, name));
    moved.chain([client]).collect()
}

fn moved(mut setting: Setting, name: &str) -> Option<Setting> {
    let from: Vec<&str> = setting.path.iter().map(String::as_str).collect();
    let path = match from.as_slice() {
        ["client", rest @ ..] => [&["clients", name], rest].concat(),
        ["queries", "tasks", rest @ ..] => [&["queries", name], rest].concat(),
        _ => return None,
    };
    let path = path.into_iter().map(str::to_owned).collect();
    setting.path = path;
    Some(setting)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> Layer {
        let file = File { shown: "hooks.toml".into(), text: text.into() };
        let mut layer = Layer::new(Kind::UserFile);
        for setting in file::parse(&file).unwrap() {
            layer.set(setting).unwrap();
        }
        layer
    }

    #[test]
    fn every_preset_is_a_valid_file_for_both_places() {
        for (name, preset) in <Option<Preset> as Words>::WORDS {
            let Some(preset) = preset else { continue };
            assert_eq!(*name, preset.name);
            assert!(!placed(*preset, &["client".into()]).is_empty(), "{name}");
            assert!(placed(*preset, &["clients".into(), "x".into()]).len() > 1, "{name}");
        }
    }

    #[test]
    fn a_preset_of_a_further_client_sets_its_own_tables_alone() {
        let layers = [user("[clients.beads]\npreset = \"beads\"\n")];
        let (layer, problems) = layer(&layers);
        assert_eq!(problems, []);
        let layer = layer.unwrap();
        assert!(layer.get(&["clients", "beads", "only_in"]).is_some());
        let client = layer.get(&["queries", "beads", "client"]);
        assert_eq!(client.and_then(|value| value.as_str()), Some("beads"));
        assert!(layer.get(&["queries", "beads", "words"]).is_some());
        assert!(layer.get(&["client"]).is_none());
        assert!(layer.get(&["queries", "tasks"]).is_none());
    }

    #[test]
    fn the_strongest_name_counts_and_an_unknown_one_sets_nothing() {
        let weak = user("[client]\npreset = \"beads\"\n");
        let strong = user("[client]\npreset = \"task-master\"\n");
        let (both, _) = layer(&[weak.clone(), strong]);
        assert!(both.unwrap().get(&["queries", "tasks", "words"]).is_none());
        assert!(layer(&[weak, user("[client]\npreset = \"no\"\n")]).0.is_none());
    }
}
