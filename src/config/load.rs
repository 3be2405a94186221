//! From the layers to the typed configuration. Loading cannot fail: what is wrong is reported, all
//! of it at once, and the next weaker value stands in.

use std::path::{Path, PathBuf};

use super::defaults::DEFAULTS;
use super::env;
use super::layers::{self, Layer, Origin, Setting};
use super::problem::{bad_value, literal_secret, refusal, unknown};
use super::read::ReadContext;
use super::schema::Config;
use super::slots::{self, Tables};
use super::trust::{self, PROJECT_FILE, TrustStore};
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::paths::Paths;

/// Where settings may come from.
pub struct ConfigSources<'a> {
    pub environment: &'a Environment,
    pub paths: Option<&'a Paths>,
    /// The repository's root, or the session's folder.
    pub project: Option<&'a Path>,
    /// `--config FILE` or `WARMSTART_CONFIG`: instead of the user's own file.
    pub file: Option<PathBuf>,
    /// Flags, as keys and values: the strongest layer.
    pub flags: Vec<(String, String)>,
}

/// What loading came to.
pub struct LoadedConfig {
    pub config: Config,
    /// Values that were left out, each with its place, its range and the nearest spelling.
    pub problems: Vec<Failure>,
    /// What changes nothing here, and why.
    pub notices: Vec<String>,
    /// What the project's file asked for without being trusted.
    pub untrusted: Option<Failure>,
    /// Whether the project's file is trusted (a project without one is not).
    pub project_trusted: bool,
    /// The layers above the defaults, the strongest last.
    pub layers: Vec<Layer>,
    /// Of those the settings that could not be used, by path and place.
    pub ignored: Vec<(Vec<String>, Origin)>,
    /// The files that were looked for, in the order of their layers, and whether they were there.
    pub files: Vec<(PathBuf, bool)>,
}

/// Loads everything.
#[must_use]
pub fn load(sources: &ConfigSources<'_>) -> LoadedConfig {
    let mut loaded = LoadedConfig {
        config: Config::blank(),
        problems: Vec::new(),
        notices: Vec::new(),
        untrusted: None,
        project_trusted: false,
        layers: Vec::new(),
        ignored: Vec::new(),
        files: Vec::new(),
    };
    loaded.user_file(sources);
    loaded.project_file(sources);
    let found = env::read(sources.environment);
    loaded.layers.extend([found.options, found.legacy, found.canonical]);
    let flags = loaded.flags(&sources.flags);
    loaded.layers.push(flags);
    loaded.problems.extend(found.problems);
    loaded.notices.extend(found.notices);
    loaded.resolve(sources);
    loaded
}

impl LoadedConfig {
    /// The variables that secrets are taken from (`{ env = "NAME" }`).
    #[must_use]
    pub fn secret_variables(&self) -> Vec<&str> {
        let settings = self.layers.iter().flat_map(|layer| &layer.settings);
        settings
            .filter(|one| slots::is_secret(&one.words()))
            .filter_map(|one| one.value.get("env").and_then(serde_json::Value::as_str))
            .collect()
    }

    /// A secret among the flags could be read by every process of the machine.
    fn flags(&mut self, flags: &[(String, String)]) -> Layer {
        let mut layer = Layer { name: "flag", settings: Vec::new() };
        for (key, value) in flags {
            let path: Vec<String> = key.split('.').map(str::to_owned).collect();
            let setting = Setting { path, value: value.as_str().into(), place: flag() };
            let words = setting.words();
            if slots::is_secret(&words) || slots::holds_secret(&words, &setting.value) {
                let text = format!("`--set {key}` puts a secret on the command line");
                let failure = Failure::new(Code::CONFIG_VALUE, text);
                self.problems.push(failure.hint("give it by a variable or a file"));
            } else {
                layer.settings.push(setting);
            }
        }
        layer
    }

    fn user_file(&mut self, sources: &ConfigSources<'_>) {
        let named = sources.file.clone().or_else(|| self.named_by_variable(sources));
        let is_named = named.is_some();
        let usual = sources.paths.map(|paths| paths.config_file.clone());
        let Some(path) = named.or(usual) else { return };
        let count = self.problems.len();
        let settings = self.read(&path).map(|(_, settings)| settings);
        if is_named && settings.is_none() && self.problems.len() == count {
            let text = format!("there is no file `{}`", path.display());
            let failure = Failure::new(Code::CONFIG_UNREADABLE, text);
            self.problems.push(failure.hint("`--config` or `WARMSTART_CONFIG` names it"));
        }
        self.layers.push(Layer { name: "user file", settings: settings.unwrap_or_default() });
    }

    /// A relative path would be looked for in the project, and be obeyed as the user's own word.
    fn named_by_variable(&mut self, sources: &ConfigSources<'_>) -> Option<PathBuf> {
        const NAME: &str = "WARMSTART_CONFIG";
        let text = sources.environment.get(NAME)?;
        let path = sources.environment.path(NAME);
        if path.is_none() {
            let wrong = format!("`{NAME}`: `{text}` is not an absolute path");
            self.problems.push(Failure::new(Code::CONFIG_VALUE, wrong));
        }
        path
    }

    /// The bytes that are judged are the bytes that are parsed.
    fn project_file(&mut self, sources: &ConfigSources<'_>) {
        let Some(path) = sources.project.map(|root| root.join(PROJECT_FILE)) else { return };
        let Some((file, mut settings)) = self.read(&path) else { return };
        let store = sources.paths.map(TrustStore::open).unwrap_or_default();
        self.project_trusted = store.trusts(&path, &file.text);
        if !self.project_trusted {
            let (harmless, refused): (Vec<_>, Vec<_>) =
                settings.into_iter().partition(trust::needs_no_trust);
            settings = harmless;
            self.untrusted = refusal(&file.shown, &refused, store.has_entry(&path));
            if self.untrusted.is_some() {
                // It must not silence what is said about itself.
                settings.retain(|one| one.words() != ["session_start", "notice"]);
            }
        }
        self.refuse_literal_secrets(&mut settings);
        self.layers.push(Layer { name: "project file", settings });
    }

    fn read(&mut self, path: &Path) -> Option<(layers::File, Vec<Setting>)> {
        let file = match layers::read(path) {
            Ok(found) => found,
            Err(failure) => {
                self.problems.push(failure);
                None
            }
        };
        self.files.push((path.to_path_buf(), file.is_some()));
        let file = file?;
        let settings = layers::parse(&file).and_then(|settings| checked_version(&file, settings));
        match settings {
            Ok(settings) => Some((file, settings)),
            Err(failure) => {
                self.problems.push(failure);
                None
            }
        }
    }

    /// A secret in a file of the project would be committed with it.
    fn refuse_literal_secrets(&mut self, settings: &mut Vec<Setting>) {
        settings.retain(|setting| {
            let is_literal = slots::holds_secret(&setting.words(), &setting.value);
            if is_literal {
                self.problems.push(literal_secret(setting));
            }
            !is_literal
        });
    }

    fn resolve(&mut self, sources: &ConfigSources<'_>) {
        let context = context(sources);
        let mut tables = Tables::blank();
        read_defaults(&mut tables, &context, |path| path[0] != "hooks");
        let layers = std::mem::take(&mut self.layers);
        let merged = layers::merge(&layers);
        let (hooks, others): (Vec<_>, Vec<_>) =
            merged.into_iter().partition(|one| one.path.first().is_some_and(|one| one == "hooks"));
        for setting in others {
            self.apply(&mut tables, setting, &layers, &context);
        }
        read_defaults(&mut tables, &context, |path| path[0] == "hooks");
        // Tables that begin with `hook_defaults` come after those were read.
        for setting in hooks {
            self.apply(&mut tables, setting, &layers, &context);
        }
        self.layers = layers;
        self.config = tables.config;
    }

    fn apply(
        &mut self,
        tables: &mut Tables,
        setting: &Setting,
        layers: &[Layer],
        context: &ReadContext<'_>,
    ) {
        let words = setting.words();
        let Some(slot) = slots::find(&words) else {
            return self.problems.push(unknown(setting));
        };
        let Err(wrong) = tables.set(&slot, &setting.value, context) else { return };
        self.problems.push(bad_value(setting, &wrong));
        // The next weaker one that says something usable stands in.
        let strongest_first = layers.iter().rev().flat_map(|layer| layer.settings.iter().rev());
        let weaker = strongest_first.skip_while(|one| !std::ptr::eq(*one, setting)).skip(1);
        let weaker = weaker.filter(|one| one.path == setting.path);
        for one in std::iter::once(setting).chain(weaker) {
            if tables.set(&slot, &one.value, context).is_ok() {
                break;
            }
            self.ignored.push((one.path.clone(), one.place.clone()));
        }
    }
}

/// What is wrong with settings that a stronger layer hides: nothing yet, but all of it when that
/// layer goes. For `config check`; a session start does not pay for it.
#[must_use]
pub fn hidden_problems(loaded: &LoadedConfig, sources: &ConfigSources<'_>) -> Vec<Failure> {
    let context = context(sources);
    let visible = layers::merge(&loaded.layers);
    let all = loaded.layers.iter().flat_map(|layer| &layer.settings);
    let hidden = all.filter(|one| !visible.iter().any(|other| std::ptr::eq(*one, *other)));
    let wrong = hidden.filter_map(|setting| {
        let words = setting.words();
        let Some(slot) = slots::find(&words) else { return Some(unknown(setting)) };
        let set = Tables::blank().set(&slot, &setting.value, &context);
        set.err().map(|wrong| bad_value(setting, &wrong))
    });
    // What was refused while loading has been told.
    wrong.filter(|failure| !loaded.problems.contains(failure)).collect()
}

fn flag() -> Origin {
    Origin::Name("--set".into())
}

fn context<'a>(sources: &'a ConfigSources<'_>) -> ReadContext<'a> {
    let home = sources.paths.and_then(|paths| paths.home.as_deref());
    ReadContext { environment: sources.environment, home }
}

fn read_defaults(tables: &mut Tables, context: &ReadContext<'_>, wanted: impl Fn(&[&str]) -> bool) {
    for (path, leaf) in DEFAULTS.iter().filter(|(path, _)| wanted(path)) {
        let set = slots::find(path).map(|slot| tables.set(&slot, &leaf.value(), context));
        debug_assert!(matches!(set, Some(Ok(()))), "hooks.toml: `{path:?}`");
    }
}

fn checked_version(file: &layers::File, settings: Vec<Setting>) -> Result<Vec<Setting>, Failure> {
    let version = settings.iter().find(|one| one.words() == ["version"]);
    match version {
        Some(setting) if setting.value.as_i64().is_some_and(|number| number > 1) => {
            let text = format!("{}: the file has format {}", setting.place, setting.value);
            Err(Failure::new(Code::CONFIG_NEWER, text).hint(format!(
                "this program has_entry format 1: upgrade it, or mend `{}`",
                file.shown
            )))
        }
        _ => Ok(settings),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AuthKind, SecretSource};

    fn with(variables: &[(&str, &str)]) -> LoadedConfig {
        let environment: Environment = variables.iter().copied().collect();
        load(&ConfigSources {
            environment: &environment,
            paths: None,
            project: None,
            file: None,
            flags: Vec::new(),
        })
    }

    fn messages(loaded: &LoadedConfig) -> String {
        loaded
            .problems
            .iter()
            .map(|one| format!("{one} {}\n", one.hint.as_deref().unwrap_or("")))
            .collect()
    }

    #[test]
    fn the_embedded_defaults_are_whole_and_valid() {
        let loaded = with(&[]);
        assert_eq!(messages(&loaded), "");
        assert_eq!(loaded.config.session_start.deadline.as_secs(), 2);
        assert_eq!(loaded.config.queries["tasks"].arguments["limit"], 5);
        assert_eq!(loaded.config.hooks["git_context"].timeout.as_millis(), 300);
        assert_eq!(loaded.config.hooks["pending_tasks"].timeout.as_millis(), 1500);
        assert_eq!(loaded.config.client.auth.resolved_kind(), AuthKind::None);
    }

    #[test]
    fn e01_e06_the_guides_variables_alone_make_a_setup() {
        let loaded = with(&[
            ("MCP_SERVER_URL", "http://localhost:8000"),
            ("KEYCLOAK_URL", "http://localhost:8080/"),
            ("KEYCLOAK_REALM", "agenthub"),
            ("KEYCLOAK_CLIENT_SECRET", "12345678"),
        ]);
        assert_eq!(messages(&loaded), "");
        assert_eq!(loaded.config.client.auth.resolved_kind(), AuthKind::Keycloak);
        assert_eq!(loaded.config.client.auth.realm, "agenthub");
    }

    #[test]
    fn m31_a_secret_is_taken_literally_and_never_repeated() {
        let odd = [
            "12345678",
            "0123",
            "true",
            "{a=1}",
            "[a,b]",
            " blanks ",
            "\"quoted\"",
            "a\\b",
            "p@ss:w%rd+&=~",
            "null",
            "1e3",
            "#hash",
        ];
        for value in odd {
            for name in ["KEYCLOAK_CLIENT_SECRET", "WARMSTART_AUTH__CLIENT_SECRET"] {
                let loaded = with(&[(name, value)]);
                assert_eq!(messages(&loaded), "", "{name}={value}");
                let found = loaded.config.client.auth.client_secret.unwrap();
                assert!(matches!(found, SecretSource::Value(secret) if secret.expose() == value));
            }
        }
    }

    #[test]
    fn c004_c005_x08_bad_values_name_the_variable_the_range_and_leave_the_weaker_value() {
        let table = [
            ("MCP_SERVER_TIMEOUT", "abc", "not a number of seconds (1 to 300)"),
            ("MCP_SERVER_TIMEOUT", "-1", "out of range (1 to 300 seconds)"),
            ("MCP_SERVER_TIMEOUT", "99999", "out of range"),
            ("TASK_CACHE_TTL", "15m", "not a number of seconds (60 to 3600)"),
            ("HTTP_MAX_RETRIES", "11", "out of range (0 to 10)"),
            ("APP_LOG_LEVEL", "LOUD", "is not one of DEBUG"),
            ("WARMSTART_SESSION_START__DEADLINE", "5", "not a duration"),
            ("WARMSTART_CLIENT__ERA", "modren", "did you mean `modern`?"),
            ("WARMSTART_CLIENT__URL", "localhost", "no scheme"),
            ("WARMSTART_CLIENT__ULR", "x", "WARMSTART_CLIENT__URL"),
        ];
        for (name, value, expected) in table {
            let loaded = with(&[(name, value)]);
            let text = messages(&loaded);
            assert!(text.contains(name) && text.contains(expected), "{name}={value}: {text}");
            assert_eq!(loaded.config, with(&[]).config, "{name}={value} changes nothing");
        }
        let both = with(&[("MCP_SERVER_TIMEOUT", "7"), ("WARMSTART_HTTP__REQUEST_TIMEOUT", "x")]);
        assert_eq!(both.config.http.request_timeout.as_secs(), 7);
    }

    #[test]
    fn all_errors_come_at_once_and_odd_numbers_are_fine() {
        let loaded =
            with(&[("MCP_SERVER_TIMEOUT", "x"), ("TASK_CACHE_TTL", "y"), ("WARMSTART_X", "z")]);
        assert_eq!(loaded.problems.len(), 3);
        assert_eq!(
            with(&[("MCP_SERVER_TIMEOUT", "10s")]).config.http.request_timeout.as_secs(),
            10
        );
        assert_eq!(
            with(&[("MCP_SERVER_TIMEOUT", "1e2")]).config.http.request_timeout.as_secs(),
            100
        );
    }
}
