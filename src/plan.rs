//! What will be done, as a value: clients, queries and hooks assembled from what `resolve` finds. No
//! network; the only files read are the pins of the plugins that are named.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::auth;
use crate::cache::{Cache, Identity};
use crate::client::ClientContext;
use crate::config::{CacheRead, Config, HookConfig, LoadedConfig, SessionStart};
use crate::deadline::Timestamp;
use crate::disk::Access;
use crate::environment::Environment;
use crate::error::Failure;
use crate::event::{SessionEvent, Source};
use crate::hook::{Hook, SessionContext};
use crate::http::Http;
use crate::paths::Paths;
use crate::plugin::{PluginHost, Plugins};
use crate::query::{ConfiguredQuery, Queries, TaskSource};
use crate::repository::Repository;
use crate::resolve::{ClientDefinition, Clients, HookDefinition, Resolver};

/// What is known when the plan is made.
pub struct PlanInputs<'a> {
    pub event: SessionEvent,
    pub loaded: &'a LoadedConfig,
    pub environment: Arc<Environment>,
    pub paths: Option<Paths>,
    pub repository: Option<Repository>,
    /// The repository's root, or the session's folder.
    pub root: PathBuf,
    /// Our own program, which plugins run in.
    pub program: PathBuf,
    pub now: Timestamp,
    pub options: PlanOptions,
}

/// What a caller asks of a plan.
#[derive(Clone, Copy, Default)]
pub struct PlanOptions {
    /// Store nothing.
    pub dry_run: bool,
    /// Instead of `cache.read`.
    pub read: Option<CacheRead>,
    /// Find what clients and hooks lack.
    pub check: bool,
}

impl PlanOptions {
    /// A plan to look at: nothing is run, nothing stored.
    pub const CHECK: PlanOptions = PlanOptions { dry_run: true, read: None, check: true };
}

/// All that one run will do.
pub struct Plan {
    pub hooks: Vec<PlannedHook>,
    /// Enabled hooks that do not run for this event's source, with the setting that decides it.
    pub skipped: Vec<(String, String)>,
    pub session: Rc<SessionContext>,
    /// The whole run.
    pub budget: Duration,
    /// Settings of clients and hooks that cannot be used, and names that could not be resolved; a
    /// default replaces them.
    pub problems: Vec<Failure>,
    /// What is missing before clients and hooks can work; only with `check`.
    pub missing: Vec<Failure>,
    /// What works only on some machines; only with `check`.
    pub notes: Vec<String>,
    /// The variables that secrets are taken from (`{ env = "NAME" }`), and those that the clients'
    /// programs get.
    pub client_variables: Vec<String>,
}

/// A hook that takes part in this session.
pub struct PlannedHook {
    pub name: String,
    pub kind: String,
    pub order: i64,
    pub timeout: Duration,
    pub max_chars: usize,
    /// Or why it cannot run.
    pub hook: Result<Rc<dyn Hook>, Failure>,
}

/// Assembles the plan.
#[must_use]
pub fn build(inputs: PlanInputs<'_>) -> Plan {
    let config = Arc::new(inputs.loaded.config.clone());
    let plugins = inputs.plugins(&config);
    let resolver = Resolver { config: &config, stack: &inputs.loaded.stack, plugins: &plugins };
    let clients = resolver.clients();
    let mut problems = client_problems(&clients);
    let client_variables = client_variables(&clients);
    let (mut missing, notes) = inputs.check(&config, &clients);
    let check = inputs.options.check;
    let (hooks, skipped) = chosen(resolver.hooks(), &config.session_start, inputs.event.source);
    let queries = queries(&inputs, &resolver, clients, &mut problems);
    problems.extend(inputs.loaded.stack.take_problems());
    let budget = config.session_start.deadline;
    let session = SessionContext {
        event: inputs.event,
        repository: inputs.repository,
        root: inputs.root,
        trusted: inputs.loaded.project_trusted,
        config,
        environment: inputs.environment,
        paths: inputs.paths,
        queries,
        now: inputs.now,
        dry_run: inputs.options.dry_run,
    };
    if check {
        let usable = hooks.iter().filter_map(|hook| hook.hook.as_ref().ok());
        missing.extend(usable.filter_map(|hook| hook.missing(&session)));
    }
    let session = Rc::new(session);
    Plan { hooks, skipped, session, budget, problems, missing, notes, client_variables }
}

fn client_problems(clients: &Clients) -> Vec<Failure> {
    let all = std::iter::once(&clients.primary).chain(clients.others.values());
    let mut problems: Vec<Failure> = Vec::new();
    for failure in all.filter_map(|client| client.settings.as_ref().err()) {
        if !problems.contains(failure) {
            problems.push(failure.clone());
        }
    }
    problems
}

/// The variables that the clients' secrets are taken from, and that their programs get.
fn client_variables(clients: &Clients) -> Vec<String> {
    let all = || std::iter::once(&clients.primary).chain(clients.others.values());
    let settings = all().filter_map(|client| client.settings.as_ref().ok());
    let of_programs = settings.flat_map(|settings| settings.variables()).cloned();
    let of_secrets = all().flat_map(|client| client.config.auth.secret_variables());
    of_secrets.map(str::to_owned).chain(of_programs).collect()
}

/// The hooks for this source in the order of the text, and the names of the enabled others.
fn chosen(
    hooks: Vec<HookDefinition>,
    session_start: &SessionStart,
    source: Source,
) -> (Vec<PlannedHook>, Vec<(String, String)>) {
    let mut chosen = Vec::new();
    let mut skipped = Vec::new();
    for hook in hooks.into_iter().filter(|hook| hook.config.enabled) {
        let (sources, setting) = sources(&hook.name, &hook.config, session_start);
        if sources.contains(&source) {
            chosen.push(planned(hook));
        } else {
            skipped.push((hook.name, setting));
        }
    }
    chosen.sort_by(|one, other| (one.order, &one.name).cmp(&(other.order, &other.name)));
    (chosen, skipped)
}

/// The sources of a hook, and the setting that has them.
fn sources<'a>(
    name: &str,
    hook: &'a HookConfig,
    session_start: &'a SessionStart,
) -> (&'a [Source], String) {
    if hook.sources.is_empty() {
        (&session_start.sources, "session_start.sources".to_owned())
    } else {
        (&hook.sources, format!("hooks.{name}.sources"))
    }
}

fn planned(definition: HookDefinition) -> PlannedHook {
    let HookDefinition { name, kind, config, hook } = definition;
    let HookConfig { order, timeout, max_chars, .. } = config;
    PlannedHook { name, kind, order, timeout, max_chars, hook }
}

fn queries(
    inputs: &PlanInputs<'_>,
    resolver: &Resolver<'_>,
    clients: Clients,
    problems: &mut Vec<Failure>,
) -> Queries {
    let config = resolver.config;
    let default = |problems: &mut Vec<Failure>| {
        resolver.chain("fallback.chain", &config.fallback_chain, &clients, problems)
    };
    // Checked also where every query has a chain of its own.
    default(problems);
    let mut table = std::collections::BTreeMap::new();
    for (name, query) in &config.queries {
        let chain = match &query.fallback {
            Some(words) => {
                resolver.chain(&format!("queries.{name}.fallback"), words, &clients, problems)
            }
            None => default(problems),
        };
        problems.extend(resolver.unknown_client_of(name, &query.client, &clients));
        table.insert(name.clone(), ConfiguredQuery { config: query.clone(), chain });
    }
    let http = inputs.http(config);
    let paths = inputs.paths.as_ref();
    let source = |client: ClientDefinition| source(client, inputs.client_context(&http), paths);
    let primary = source(clients.primary);
    let others = clients.others.into_iter().map(|(name, client)| (name, source(client))).collect();
    let cache = Cache::new(
        &config.cache,
        inputs.paths.as_ref(),
        Access::of_dry_run(inputs.options.dry_run),
    );
    let read = inputs.options.read.unwrap_or(config.cache.read);
    Queries::new(table, primary, others, cache, read)
}

/// Whether the source belongs to projects of another kind than this one.
fn is_absent(only_in: &[PathBuf], root: &Path) -> bool {
    !only_in.is_empty() && !only_in.iter().any(|path| root.join(path).exists())
}

/// A client as a source of tasks, built when it is first asked.
fn source(
    client: ClientDefinition,
    make_context: impl Fn(&ClientDefinition) -> ClientContext,
    paths: Option<&Paths>,
) -> TaskSource {
    let context = make_context(&client);
    let ClientDefinition { config, kind, settings } = client;
    let usable = settings.as_ref().ok();
    let own = usable.map(|settings| settings.identity()).unwrap_or_default();
    let identity = {
        let (kind, config, root, paths) =
            (kind.clone(), config.clone(), context.root.clone(), paths.cloned());
        move || {
            let credentials = auth::identity_parts(&config.auth, &root, paths.as_ref());
            Identity::new(&kind, &config, &credentials, &own, &root)
        }
    };
    TaskSource {
        label: usable.map_or_else(|| format!("client {kind}"), |settings| settings.label(&config)),
        identity: identity(),
        is_absent: is_absent(&config.only_in, &context.root),
        is_cached: usable.is_some_and(|settings| !settings.is_local()),
        starts_program: usable.is_some_and(|settings| settings.starts_program()),
        files: usable.map(|settings| settings.files().to_vec()).unwrap_or_default(),
        user_id: config.user_id.clone(),
        path: usable.map(|settings| settings.path().to_owned()).unwrap_or_default(),
        identity_now: Box::new(identity),
        build: Box::new(move || settings.clone()?.build(context.clone())),
        client: OnceCell::new(),
    }
}

impl PlanInputs<'_> {
    /// Where state may be written; nowhere in a dry run.
    fn kept_paths(&self) -> Option<&Paths> {
        self.paths.as_ref().filter(|_| !self.options.dry_run)
    }

    fn plugins(&self, config: &Arc<Config>) -> Plugins {
        let place = PluginHost { program: self.program.clone(), root: self.root.clone() };
        let environment = Arc::clone(&self.environment);
        Plugins::new(Arc::clone(config), environment, self.paths.as_ref(), place)
    }

    fn http(&self, config: &Config) -> Rc<Http> {
        Rc::new(Http::new(config, self.kept_paths()))
    }

    fn client_context(&self, http: &Rc<Http>) -> impl Fn(&ClientDefinition) -> ClientContext {
        let (http, environment) = (Rc::clone(http), Arc::clone(&self.environment));
        // A check asks nothing, so it stores nothing, but it reads what is known of a server.
        let paths = if self.options.check { self.paths.as_ref() } else { self.kept_paths() };
        let (paths, root) = (paths.cloned(), self.root.clone());
        let home = self.paths.as_ref().and_then(|paths| paths.home.clone());
        let trusted = self.loaded.project_trusted;
        move |client| ClientContext {
            config: client.config.clone(),
            http: Rc::clone(&http),
            environment: Arc::clone(&environment),
            paths: paths.clone(),
            root: root.clone(),
            trusted,
            home: home.clone(),
        }
    }

    /// What `config check` reads from the clients: what they lack, and what depends on the machine.
    fn check(&self, config: &Config, clients: &Clients) -> (Vec<Failure>, Vec<String>) {
        if !self.options.check {
            return (Vec::new(), Vec::new());
        }
        let http = self.http(config);
        let context = self.client_context(&http);
        let missing = |client: &ClientDefinition| match &client.settings {
            Ok(settings) => settings.missing(&context(client)),
            Err(_) => Vec::new(),
        };
        let others = clients.others.iter().flat_map(|(name, client)| {
            missing(client).into_iter().map(move |failure| {
                let message = format!("`[clients.{name}]`: {}", failure.message);
                Failure { message, ..failure }
            })
        });
        let missing = missing(&clients.primary).into_iter().chain(others).collect();
        let all = std::iter::once(&clients.primary).chain(clients.others.values());
        let notes =
            all.filter_map(|client| Some(client.settings.as_ref().ok()?.notes(&context(client))));
        (missing, notes.flatten().collect())
    }
}
