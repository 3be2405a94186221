//! What will be done, as a value: every name of the configuration resolved to a client, a chain, a
//! hook or a plugin, or to the reason why not. No network; the only files read are the pins of the
//! plugins that are named.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::{Cache, Identity};
use crate::client::{self, ClientContext};
use crate::config::{self, CacheRead, ClientConfig, Config, HookConfig};
use crate::deadline::Timestamp;
use crate::disk::Access;
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::event::SessionEvent;
use crate::fallback::{self, Step};
use crate::hook::{self, Hook, HookTimeout, SessionContext};
use crate::http::Http;
use crate::paths::Paths;
use crate::plugin::{self, ItemKind, PluginHost, Plugins};
use crate::query::{ConfiguredQuery, Queries, TaskSource};
use crate::repository::Repository;

/// What is known when the plan is made.
pub struct PlanInputs {
    pub event: SessionEvent,
    pub config: Arc<Config>,
    pub environment: Arc<Environment>,
    pub paths: Option<Paths>,
    pub repository: Option<Repository>,
    /// The repository's root, or the session's folder.
    pub root: PathBuf,
    /// Our own program, which plugins run in.
    pub program: PathBuf,
    /// Whether the user trusted the project's file.
    pub trusted: bool,
    pub dry_run: bool,
    pub now: Timestamp,
    /// Instead of `cache.read`.
    pub read: Option<CacheRead>,
}

/// All that one run will do.
pub struct Plan {
    pub hooks: Vec<PlannedHook>,
    pub session: Rc<SessionContext>,
    /// The whole run.
    pub budget: Duration,
    /// Names that could not be resolved; the default replaces them.
    pub problems: Vec<Failure>,
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

/// Resolves everything.
#[must_use]
pub fn build(inputs: PlanInputs) -> Plan {
    let mut problems = Vec::new();
    let plugins = inputs.plugins();
    let queries = queries(&inputs, &plugins, &mut problems);
    let config = Arc::clone(&inputs.config);
    let source = inputs.event.source;
    let takes_part = |hook: &HookConfig| {
        let sources =
            if hook.sources.is_empty() { &config.session_start.sources } else { &hook.sources };
        hook.enabled && sources.contains(&source)
    };
    let chosen = config.hooks.iter().filter(|(_, hook)| takes_part(hook));
    let mut hooks: Vec<_> =
        chosen.map(|(name, hook)| plan_hook(name, hook, &inputs, &plugins)).collect();
    hooks.sort_by(|one, other| (one.order, &one.name).cmp(&(other.order, &other.name)));
    let session = SessionContext {
        event: inputs.event,
        repository: inputs.repository,
        root: inputs.root,
        trusted: inputs.trusted,
        config: inputs.config,
        environment: inputs.environment,
        paths: inputs.paths,
        queries,
        now: inputs.now,
        dry_run: inputs.dry_run,
    };
    let budget = config.session_start.deadline;
    Plan { hooks, session: Rc::new(session), budget, problems }
}

fn plan_hook(
    name: &str,
    config: &HookConfig,
    inputs: &PlanInputs,
    plugins: &Plugins,
) -> PlannedHook {
    let kind = if config.kind.is_empty() { name } else { &config.kind };
    let built = match (kind.strip_prefix(plugin::PREFIX), hook::find(kind)) {
        (Some(word), _) => {
            let named = plugins.find(word, ItemKind::Hook);
            named.map(|named| hook::plugin::hook(named, HookTimeout::new(name, config)))
        }
        (None, Some(builtin)) => (builtin.build)(name, config, &inputs.config),
        (None, None) => Err(unknown(
            &format!("hooks.{name}"),
            "hook",
            kind,
            hook::BUILTINS.iter().map(|one| one.name),
        )),
    };
    PlannedHook {
        name: name.to_owned(),
        kind: kind.to_owned(),
        order: config.order,
        timeout: config.timeout,
        max_chars: config.max_chars,
        hook: built.map(Rc::from),
    }
}

fn queries(inputs: &PlanInputs, plugins: &Plugins, problems: &mut Vec<Failure>) -> Queries {
    let config = &inputs.config;
    let http = Rc::new(Http::new(config, inputs.kept_paths()));
    let context = |own: &ClientConfig| ClientContext {
        config: own.clone(),
        whole: Arc::clone(config),
        http: Rc::clone(&http),
        environment: Arc::clone(&inputs.environment),
        paths: inputs.kept_paths().cloned(),
        root: inputs.root.clone(),
    };
    let known = KnownNames { config, plugins };
    let usual = |problems: &mut Vec<Failure>| {
        chain("fallback.chain", &config.fallback_chain, &known, problems)
    };
    // It is judged also where every query has a chain of its own.
    drop(usual(problems));
    let mut table = BTreeMap::new();
    for (name, query) in &config.queries {
        let chain = match &query.fallback {
            Some(words) => chain(&format!("queries.{name}.fallback"), words, &known, problems),
            None => usual(problems),
        };
        table.insert(name.clone(), ConfiguredQuery { config: query.clone(), chain });
    }
    let primary = source("client.kind", context(&config.client), plugins, problems);
    let other = |(name, own): (&String, &ClientConfig)| {
        (name.clone(), source(&format!("clients.{name}.kind"), context(own), plugins, problems))
    };
    let others = config.clients.iter().map(other).collect();
    let cache =
        Cache::new(&config.cache, inputs.paths.as_ref(), Access::of_dry_run(inputs.dry_run));
    let read = inputs.read.unwrap_or(config.cache.read);
    Queries::new(table, primary, others, cache, read)
}

impl PlanInputs {
    /// Where state may be written; nowhere in a dry run.
    fn kept_paths(&self) -> Option<&Paths> {
        self.paths.as_ref().filter(|_| !self.dry_run)
    }

    fn plugins(&self) -> Plugins {
        let place = PluginHost { program: self.program.clone(), root: self.root.clone() };
        let (config, environment) = (Arc::clone(&self.config), Arc::clone(&self.environment));
        Plugins::new(config, environment, self.paths.as_ref(), place)
    }
}

fn source(
    key: &str,
    context: ClientContext,
    plugins: &Plugins,
    problems: &mut Vec<Failure>,
) -> TaskSource {
    let kind = client::resolve_kind(&context.config).to_owned();
    if let Some(word) = kind.strip_prefix(plugin::PREFIX) {
        return plugin_source(word, context, plugins, problems);
    }
    let identity = Identity::new(&kind, &context.config, &context.root);
    let label = client::label(&context.config);
    let user_id = context.config.user_id.clone();
    let is_cached = kind != "local";
    let found = client::find(&kind)
        .ok_or_else(|| unknown(key, "client", &kind, client::BUILTINS.iter().map(|one| one.name)));
    problems.extend(found.as_ref().err().cloned());
    let build = move || found.clone().and_then(|builtin| (builtin.build)(context.clone()));
    TaskSource {
        label,
        identity,
        is_cached,
        user_id,
        build: Box::new(build),
        client: OnceCell::new(),
    }
}

fn plugin_source(
    word: &str,
    context: ClientContext,
    plugins: &Plugins,
    problems: &mut Vec<Failure>,
) -> TaskSource {
    let named = plugins.find(word, ItemKind::Client);
    problems.extend(named.as_ref().err().filter(|failure| !problems.contains(failure)).cloned());
    let known = named.as_ref().ok();
    let own = known.map(|named| format!("{} {}", named.item, named.plugin.identity()));
    let kind = format!("{}{word} {}", plugin::PREFIX, own.unwrap_or_default());
    TaskSource {
        label: format!("plugin {word}"),
        identity: Identity::new(&kind, &context.config, &context.root),
        is_cached: known.is_some_and(|named| !named.pin.manifest.local.contains(&named.item)),
        user_id: context.config.user_id.clone(),
        build: Box::new(move || {
            named.clone().map(|named| client::plugin::client(named, context.clone()))
        }),
        client: OnceCell::new(),
    }
}

/// What the words of a chain may name.
struct KnownNames<'a> {
    config: &'a Config,
    plugins: &'a Plugins,
}

/// The steps of the chain at `key`; an unknown word is ignored and reported. When no word
/// is left, the default stands in: a slip must not cost the session what is cached.
fn chain(
    key: &str,
    words: &[String],
    known: &KnownNames,
    problems: &mut Vec<Failure>,
) -> Vec<Step> {
    let mut steps = Vec::new();
    for word in words {
        match step(key, word, known) {
            Ok(step) => steps.push(step),
            Err(failure) if problems.contains(&failure) => {}
            Err(failure) => problems.push(failure),
        }
    }
    if steps.is_empty() && !words.is_empty() {
        steps.extend(config::default_chain().filter_map(|word| step(key, word, known).ok()));
    }
    steps
}

/// A word with a prefix says what it means; of bare words what the user configured wins over what is
/// built in.
fn step(key: &str, word: &str, known: &KnownNames) -> Result<Step, Failure> {
    let KnownNames { config, plugins } = known;
    let plugin = |name: &str| {
        let named = plugins.find(name, ItemKind::Strategy)?;
        Ok(Step::Plugin(fallback::plugin::step(word, named)))
    };
    if let Some(name) = word.strip_prefix(plugin::PREFIX) {
        return plugin(name);
    }
    if let Some(name) = word.strip_prefix("client:") {
        let known = config.clients.contains_key(name);
        let step = known.then(|| Step::Client(name.to_owned()));
        return step.ok_or_else(|| {
            unknown(key, "client", name, config.clients.keys().map(String::as_str))
        });
    }
    match (config.clients.contains_key(word), config.plugins.contains_key(word)) {
        (true, true) => Err(ambiguous(key, word)),
        (true, false) => Ok(Step::Client(word.to_owned())),
        (false, true) => plugin(word),
        (false, false) => fallback::find(word).map(Step::Builtin).ok_or_else(|| {
            unknown(key, "strategy", word, fallback::BUILTINS.iter().map(|one| one.name))
        }),
    }
}

fn ambiguous(key: &str, word: &str) -> Failure {
    let text = format!("`{key}`: `{word}` is both a client and a plugin");
    Failure::new(Code::ConfigName, text).hint(format!("write `client:{word}` or `plugin:{word}`"))
}

fn unknown<'a>(key: &str, what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let known: Vec<&str> = known.collect();
    let failure = Failure::new(Code::ConfigName, format!("`{key}`: there is no {what} `{name}`"));
    match config::nearest(name, &known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.hint(format!("no {what} is configured")),
        None => failure.hint(format!("known: {}", known.join(", "))),
    }
}
