//! From the sources to the typed configuration. Loading cannot fail: everything that is wrong is
//! reported at once, and the next weaker value is used.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Config;
use super::environment;
use super::file::{self, File};
use super::layer::{Kind, Layer, Origin, Setting};
use super::parser::toml_value;
use super::preset;
use super::stack::{Depth, Stack};
use super::trust::{HookKeys, PROJECT_FILE, TrustState, TrustStore};
use super::untrusted::UntrustedFile;
use crate::disk;
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::paths::Paths;

/// Where settings may come from.
pub struct ConfigSources<'a> {
    pub environment: Arc<Environment>,
    pub paths: Option<&'a Paths>,
    /// The repository's root, or the session's folder.
    pub project: Option<&'a Path>,
    /// `--config FILE`: instead of the user's own file.
    pub file: Option<PathBuf>,
    /// `--set KEY=VALUE`: the strongest layer.
    pub flags: Vec<(String, String)>,
    /// What an untrusted project's file may set of a hook.
    pub hook_keys: HookKeys,
    pub depth: Depth,
}

/// The configuration, and what was found on the way to it.
pub struct LoadedConfig {
    pub config: Config,
    pub stack: Stack,
    /// Values that are ignored, each with its origin, its range and the nearest spelling.
    pub problems: Vec<Failure>,
    /// Those of the problems that `--set` and `--config` caused.
    pub refused_flags: Vec<Failure>,
    /// What has no effect here, and why.
    pub notices: Vec<String>,
    /// The project's file, unless it is trusted.
    pub untrusted: Option<Arc<UntrustedFile>>,
    /// Whether the project's file is trusted (a project without one is not).
    pub project_trusted: bool,
    /// The files that were looked for, and whether they exist.
    pub files: Vec<(PathBuf, bool)>,
}

/// Loads everything.
#[must_use]
pub fn load(sources: &ConfigSources<'_>) -> LoadedConfig {
    let mut loading = Loading::default();
    let user = loading.user_file(sources);
    let project = loading.project_file(sources);
    let environment = environment::read(&sources.environment);
    let flags = loading.flags(&sources.flags);
    loading.problems.extend(environment.problems);
    let mut layers = vec![user, project];
    layers.extend(environment.options);
    layers.extend(environment.variables);
    layers.extend(flags);
    let (preset, problems) = preset::layer(&layers);
    layers.splice(0..0, preset);
    loading.problems.extend(problems);
    let home = sources.paths.and_then(|paths| paths.home.clone());
    let untrusted = loading.untrusted.map(Arc::new);
    let stack = Stack::new(layers, Arc::clone(&sources.environment), home, sources.depth)
        .hiding(untrusted.clone());
    let config = Config::read(&stack.root());
    loading.refused_flags.extend(stack.take_flag_problems());
    loading.problems.extend(stack.take_problems());
    LoadedConfig {
        config,
        stack,
        problems: loading.problems,
        refused_flags: loading.refused_flags,
        notices: environment.notices,
        untrusted,
        project_trusted: loading.project_trusted,
        files: loading.files,
    }
}

/// What is found while the files are read.
#[derive(Default)]
struct Loading {
    problems: Vec<Failure>,
    refused_flags: Vec<Failure>,
    untrusted: Option<UntrustedFile>,
    project_trusted: bool,
    files: Vec<(PathBuf, bool)>,
}

impl Loading {
    /// The flags as layers, a repeated key in a stronger one. A text in quotes is read as TOML. Only a
    /// secret's form may be a table: `auth.token={ env = "NAME" }`.
    fn flags(&mut self, flags: &[(String, String)]) -> Vec<Layer> {
        let mut layers = Vec::new();
        for (key, text) in flags {
            let is_secret = key.ends_with(".token") || key.ends_with(".client_secret");
            let is_form =
                |value: &serde_json::Value| value.is_string() || (is_secret && value.is_object());
            let form = toml_value(text).filter(is_form);
            let form = form.and_then(|value| figment::value::Value::serialize(value).ok());
            let value = form.unwrap_or_else(|| text.as_str().into());
            let path = key.split('.').map(str::to_owned).collect();
            let setting = Setting { path, value, origin: Origin::Name("--set".into()) };
            let mut layer = Layer::new(Kind::Flag);
            if let Err(failure) = layer.set(setting) {
                self.refused_flags.push(failure.clone());
                self.problems.push(failure);
            }
            layers.push(layer);
        }
        layers
    }

    fn user_file(&mut self, sources: &ConfigSources<'_>) -> Layer {
        let named = sources.file.clone().or_else(|| self.file_of_variable(sources));
        let is_named = named.is_some();
        let default = sources.paths.map(|paths| paths.config_file.clone());
        let Some(path) = named.or(default) else { return Layer::new(Kind::UserFile) };
        let count = self.problems.len();
        // The files of a project may have another owner; one of them is obeyed when the user names it.
        let is_projects = is_named && sources.project.is_some_and(|root| is_inside(&path, root));
        let read = self.parsed(&path, file::read(&path)).map(|(_, settings)| settings);
        let settings = read.filter(|_| is_projects || self.is_users(&path));
        if is_named && settings.is_none() && self.problems.len() == count {
            let text = format!("there is no file `{}`", path.display());
            let failure = Failure::new(Code::ConfigUnreadable, text);
            self.problems.push(failure.hint("`--config` or `WARMSTART_CONFIG` names it"));
        }
        if sources.file.is_some() {
            self.refused_flags.extend(self.problems[count..].iter().cloned());
        }
        self.layer(Kind::UserFile, settings.unwrap_or_default())
    }

    /// Whether no other user can change the file: it can run programs with the user's rights.
    fn is_users(&mut self, path: &Path) -> bool {
        let checked = std::path::absolute(path).and_then(|path| disk::check_owners(&path));
        if let Err(error) = &checked {
            let text = format!("`{}` is ignored: another user can change it", path.display());
            let failure = Failure::new(Code::ConfigUnreadable, text).hint(error.to_string());
            self.problems.push(failure);
        }
        checked.is_ok()
    }

    /// A relative path would be looked for in the project, and be obeyed like the user's own file.
    fn file_of_variable(&mut self, sources: &ConfigSources<'_>) -> Option<PathBuf> {
        const NAME: &str = "WARMSTART_CONFIG";
        let text = sources.environment.get(NAME)?;
        let path = sources.environment.path(NAME);
        if path.is_none() {
            let wrong = format!("`{NAME}`: `{text}` is not an absolute path");
            self.problems.push(Failure::new(Code::ConfigValue, wrong));
        }
        path
    }

    fn project_file(&mut self, sources: &ConfigSources<'_>) -> Layer {
        let read = sources.project.and_then(|root| {
            let path = root.join(PROJECT_FILE);
            Some((self.parsed(&path, file::read_of_project(root))?, path))
        });
        let Some(((file, mut settings), path)) = read else { return Layer::new(Kind::ProjectFile) };
        let store = sources.paths.map_or_else(|| Ok(TrustStore::default()), TrustStore::read);
        // On the bytes that were parsed: no second read.
        let (state, cause) = match store {
            Ok(store) => (store.state(&path, &file.text), None),
            Err(error) => (TrustState::Undecided, Some(error.to_string())),
        };
        self.project_trusted = state == TrustState::Trusted;
        if !self.project_trusted {
            let mut untrusted = UntrustedFile::new(&file.shown, state, cause);
            untrusted.refuse(&mut settings, sources.hook_keys);
            self.untrusted = Some(untrusted);
        }
        self.layer(Kind::ProjectFile, settings)
    }

    fn layer(&mut self, kind: Kind, settings: Vec<Setting>) -> Layer {
        let mut layer = Layer::new(kind);
        for setting in settings {
            self.problems.extend(layer.set(setting).err());
        }
        layer
    }

    fn parsed(
        &mut self,
        path: &Path,
        file: Result<Option<File>, Failure>,
    ) -> Option<(File, Vec<Setting>)> {
        let file = file.unwrap_or_else(|failure| {
            self.problems.push(failure);
            None
        });
        self.files.push((path.to_path_buf(), file.is_some()));
        let file = file?;
        match file::parse(&file) {
            Ok(settings) => Some((file, settings)),
            Err(failure) => {
                self.problems.push(failure);
                None
            }
        }
    }
}

/// Whether a file is in a folder, after links are resolved.
fn is_inside(file: &Path, folder: &Path) -> bool {
    let real = (file.canonicalize(), folder.canonicalize());
    matches!(real, (Ok(file), Ok(folder)) if file.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AuthKind, SecretSource};

    fn with(variables: &[(&str, &str)]) -> LoadedConfig {
        let environment: Environment = variables.iter().copied().collect();
        load(&ConfigSources {
            environment: Arc::new(environment),
            depth: Depth::Winners,
            paths: None,
            project: None,
            file: None,
            flags: Vec::new(),
            hook_keys: |_| &[],
        })
    }

    fn messages(loaded: &LoadedConfig) -> String {
        loaded
            .problems
            .iter()
            .map(|problem| format!("{problem} {}\n", problem.hint.as_deref().unwrap_or("")))
            .collect()
    }

    #[test]
    fn the_embedded_defaults_are_whole_and_valid() {
        let loaded = with(&[]);
        assert_eq!(messages(&loaded), "");
        assert_eq!(loaded.config.session_start.deadline.as_secs(), 2);
        assert_eq!(loaded.config.queries["tasks"].arguments["limit"], 100);
        assert_eq!(loaded.config.auth.resolved_kind(), AuthKind::None);
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
        assert_eq!(loaded.config.auth.resolved_kind(), AuthKind::Keycloak);
        assert_eq!(loaded.config.auth.realm, "agenthub");
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
                let found = loaded.config.auth.client_secret.unwrap();
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
            ("WARMSTART_CACHE__READ", "fresh_frist", "did you mean `fresh_first`?"),
            ("WARMSTART_AUTH__URL", "localhost", "no scheme"),
            ("WARMSTART_AUTH__ULR", "x", "WARMSTART_AUTH__URL"),
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
