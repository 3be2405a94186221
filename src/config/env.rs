//! The environment as a layer: the canonical names (`WARMSTART_CLIENT__URL`), the variables of the
//! guide under their own names, and the options of a Claude Code plugin. Values are taken as they
//! stand, empty ones count as unset, and every message names the exact variable.

use serde_json::Value;

use super::layers::{Layer, Origin, Setting};
use super::proxies;
use super::slots;
use super::variables::{self, Effect, Variable};
use crate::environment::Environment;
use crate::error::{Code, Failure};

const CANONICAL: &str = "WARMSTART_";
const OPTION: &str = "CLAUDE_PLUGIN_OPTION_";
/// Names under our prefix that are no settings.
const OTHER_NAMES: &[&str] = &["WARMSTART_HOME", "WARMSTART_CONFIG", "WARMSTART_LOG"];

/// What the environment says, and what was wrong with it.
#[derive(Default)]
pub struct FromEnvironment {
    pub options: Layer,
    pub legacy: Layer,
    pub canonical: Layer,
    pub problems: Vec<Failure>,
    /// Variables of the guide that change nothing here, with the reason.
    pub notices: Vec<String>,
}

/// Reads all layers of the environment.
#[must_use]
pub fn read(environment: &Environment) -> FromEnvironment {
    let mut found = FromEnvironment {
        options: Layer { name: "plugin option", settings: Vec::new() },
        legacy: Layer { name: "environment", settings: Vec::new() },
        canonical: Layer { name: "environment", settings: Vec::new() },
        ..FromEnvironment::default()
    };
    for (name, value) in environment.iter() {
        if let Some(path) = name.strip_prefix(CANONICAL) {
            found.canonical(name, path, value);
        } else if let Some(option) = name.strip_prefix(OPTION) {
            found.option(name, option, value);
        } else if let Some(at) = variables::position(name) {
            let settings = found.of_guide(name, at, value);
            found.legacy.settings.extend(settings);
        }
    }
    found.legacy.settings.sort_by_key(weakest_first);
    found.options.settings.sort_by_key(weakest_first);
    found.problems.extend(proxies::problems(environment));
    found
}

/// Of two names for one key the one that stands first in the table is the stronger.
fn weakest_first(setting: &Setting) -> std::cmp::Reverse<usize> {
    let name = setting.place.to_string();
    let name = name.strip_prefix(OPTION).unwrap_or(&name);
    std::cmp::Reverse(variables::position(name).unwrap_or(0))
}

impl FromEnvironment {
    fn canonical(&mut self, name: &str, path: &str, value: &str) {
        if name == "WARMSTART_LOG" {
            let path = vec!["log".into(), "level".into()];
            let place = Origin::Name(name.into());
            self.canonical.settings.push(Setting { path, value: value.into(), place });
        }
        if OTHER_NAMES.contains(&name) || name.starts_with("WARMSTART_TEST_") {
            return;
        }
        match canonical_setting(CANONICAL, name, path, value) {
            Ok(setting) => self.canonical.settings.push(setting),
            Err(failure) => self.problems.push(failure),
        }
    }

    /// An option is named like a variable of the guide, or like a key.
    fn option(&mut self, name: &str, option: &str, value: &str) {
        if let Some(at) = variables::position(option) {
            let settings = self.of_guide(name, at, value);
            self.options.settings.extend(settings);
            return;
        }
        match canonical_setting(OPTION, name, option, value) {
            Ok(setting) => self.options.settings.push(setting),
            Err(failure) => self.problems.push(failure),
        }
    }

    /// What the variable at `at` of the guide's table sets under the name it has here.
    fn of_guide(&mut self, name: &str, at: usize, value: &str) -> Vec<Setting> {
        let (keys, effect) = match variables::TABLE[at].1 {
            Variable::Ignored(reason) => (&[][..], Ok(Effect::None(reason))),
            Variable::Sets(keys, convert) => (keys, convert(value)),
        };
        match effect {
            Ok(Effect::Set(value)) => {
                keys.iter().map(|key| guide_setting(name, key, &value)).collect()
            }
            Ok(Effect::None(reason)) => {
                self.notices.push(format!("`{name}` has no effect here, because {reason}"));
                Vec::new()
            }
            Err(wrong) => {
                let text = format!("`{name}`: {wrong}");
                self.problems.push(Failure::new(Code::CONFIG_VALUE, text));
                Vec::new()
            }
        }
    }
}

fn guide_setting(name: &str, key: &str, value: &Value) -> Setting {
    let path = key.split('.').map(str::to_owned).collect();
    Setting { path, value: value.clone(), place: Origin::Name(name.to_owned()) }
}

fn canonical_setting(
    prefix: &str,
    name: &str,
    path: &str,
    value: &str,
) -> Result<Setting, Failure> {
    let path: Vec<String> = path.split("__").map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    if slots::find(&words).is_some() {
        let place = Origin::Name(name.to_owned());
        return Ok(Setting { path, value: Value::from(value), place });
    }
    let meant = slots::nearest_key(&words).map(|near| {
        format!("did you mean `{prefix}{}`?", near.replace('.', "__").to_ascii_uppercase())
    });
    let failure = Failure::new(Code::CONFIG_VALUE, format!("`{name}` names no setting"));
    Err(failure.hint(meant.unwrap_or_else(|| format!("a key is written {prefix}TABLE__KEY"))))
}

/// Whether a detached process of ours may inherit the variable.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    // A variable of the guide that sets nothing here may be another program's secret.
    let sets = |at: usize| matches!(variables::TABLE[at].1, Variable::Sets(..));
    name.starts_with(CANONICAL)
        || name.starts_with(OPTION)
        || variables::position(name).is_some_and(sets)
        || proxies::NAMES.contains(&name)
}
