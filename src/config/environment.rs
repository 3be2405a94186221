//! The environment as layers: the canonical names (`WARMSTART_CLIENT__URL`), the variables of the guide
//! under their own names, and the options of a Claude Code plugin. Values are taken unchanged, empty ones
//! count as unset, and every message names the exact variable.

use figment::value::Value;

use super::layer::{Kind, Layer, Origin, Setting};
use super::proxies;
use super::variables::{self, Effect, Variable};
use crate::environment::Environment;
use crate::error::{Code, Failure};

const CANONICAL: &str = "WARMSTART_";
const OPTION: &str = "CLAUDE_PLUGIN_OPTION_";
/// How the names of variables for settings begin.
pub const PREFIXES: &[&str] = &[CANONICAL, OPTION];
/// Names with our prefix that are not settings.
const OTHER_NAMES: &[&str] = &[
    "WARMSTART_HOME",
    "WARMSTART_CONFIG",
    "WARMSTART_LOG",
    "WARMSTART_DISABLE",
    "WARMSTART_DEBUG",
];

/// What the environment sets, and what is wrong with it.
pub struct FromEnvironment {
    /// The weakest first; a key that several variables set has a value in several layers.
    pub options: Vec<Layer>,
    pub variables: Vec<Layer>,
    pub problems: Vec<Failure>,
    /// Variables of the guide that change nothing here, with the reason.
    pub notices: Vec<String>,
}

/// Reads all variables.
#[must_use]
pub fn read(environment: &Environment) -> FromEnvironment {
    let mut result = FromEnvironment {
        options: Vec::new(),
        variables: Vec::new(),
        problems: proxies::problems(environment),
        notices: Vec::new(),
    };
    let (mut options, mut settings) = (Vec::new(), Vec::new());
    for (name, value) in environment.iter() {
        if let Some(path) = name.strip_prefix(CANONICAL) {
            settings.extend(canonical(name, path, value));
        } else if let Some(option) = name.strip_prefix(OPTION) {
            options.extend(result.option(name, option, value));
        } else if let Some(position) = variables::position(name) {
            settings.extend(result.of_guide(name, position, value));
        }
    }
    result.variables = result.layers(Kind::Environment, settings);
    result.options = result.layers(Kind::PluginOption, options);
    result
}

/// A setting and its strength within the layer: of two variables for one key the larger number wins.
type Ranked = (usize, Setting);

impl FromEnvironment {
    /// As few layers as keep the weaker ones of several variables for one key.
    fn layers(&mut self, kind: Kind, mut settings: Vec<Ranked>) -> Vec<Layer> {
        settings.sort_by_key(|(strength, _)| *strength);
        let mut layers: Vec<Layer> = Vec::new();
        for (_, setting) in settings {
            let below = layers.iter().rposition(|layer| layer.has(&setting.path));
            let position = below.map_or(0, |below| below + 1);
            if position == layers.len() {
                layers.push(Layer::new(kind));
            }
            self.problems.extend(layers[position].set(setting).err());
        }
        layers
    }

    /// An option is named like a variable of the guide, or like a key.
    fn option(&mut self, name: &str, option: &str, value: &str) -> Vec<Ranked> {
        match variables::position(option) {
            Some(position) => self.of_guide(name, position, value),
            None => vec![(usize::MAX, setting(name, option, value))],
        }
    }

    /// The settings of the guide's variable at `position` of the table.
    fn of_guide(&mut self, name: &str, position: usize, value: &str) -> Vec<Ranked> {
        let (keys, effect) = match variables::TABLE[position].1 {
            Variable::Ignored(reason) => (&[][..], Ok(Effect::None(reason))),
            Variable::Sets(keys, convert) => (keys, convert(value)),
        };
        match effect {
            Ok(Effect::Set(value)) => {
                // The earlier row of the table is the stronger one.
                let strength = variables::TABLE.len() - position;
                keys.iter().map(|key| (strength, guide_setting(name, key, &value))).collect()
            }
            Ok(Effect::None(reason)) => {
                self.notices.push(format!("`{name}` has no effect here, because {reason}"));
                Vec::new()
            }
            Err(wrong) => {
                let failure = Failure::new(Code::ConfigValue, format!("`{name}`: {wrong}"));
                self.problems.push(failure);
                Vec::new()
            }
        }
    }
}

fn guide_setting(name: &str, key: &str, value: &Value) -> Setting {
    let path = key.split('.').map(str::to_owned).collect();
    Setting { path, value: value.clone(), origin: Origin::Name(name.to_owned()) }
}

/// The canonical name is stronger than the guide's.
fn canonical(name: &str, path: &str, value: &str) -> Option<Ranked> {
    if name == "WARMSTART_LOG" {
        return Some((usize::MAX - 1, guide_setting(name, "log.level", &value.into())));
    }
    let is_other = OTHER_NAMES.contains(&name) || name.starts_with("WARMSTART_TEST_");
    (!is_other).then(|| (usize::MAX, setting(name, path, value)))
}

fn setting(name: &str, path: &str, value: &str) -> Setting {
    let path = path.split("__").map(str::to_ascii_lowercase).collect();
    Setting { path, value: value.into(), origin: Origin::Name(name.to_owned()) }
}

/// Whether a detached process of ours may inherit the variable.
#[must_use]
pub fn is_ours(name: &str) -> bool {
    // A variable of the guide that sets nothing here may be another program's secret.
    let sets = |position: usize| matches!(variables::TABLE[position].1, Variable::Sets(..));
    name.starts_with(CANONICAL)
        || name.starts_with(OPTION)
        || variables::position(name).is_some_and(sets)
        || proxies::NAMES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The options in this order of the process, the weakest first.
    fn ranked(options: [&str; 2]) -> Vec<String> {
        let variables = options.iter().map(|name| (format!("{OPTION}{name}"), "2"));
        let result = read(&variables.collect());
        assert_eq!(result.problems, []);
        let origin = |layer: &Layer| layer.origin(&["http", "attempts"]).unwrap().to_string();
        let names = result.options.iter().map(origin);
        names.map(|name| name.trim_start_matches(OPTION).to_owned()).collect()
    }

    #[test]
    fn b18_the_stronger_of_two_plugin_options_wins_in_any_order() {
        let by_strength = ["MCP_MAX_RETRIES", "HTTP_MAX_RETRIES", "HTTP__ATTEMPTS"];
        for [weak, strong] in [[0, 1], [0, 2], [1, 2]] {
            let expected = [by_strength[weak], by_strength[strong]];
            assert_eq!(ranked(expected), expected);
            assert_eq!(ranked([expected[1], expected[0]]), expected);
        }
    }
}
