//! Names of the configuration, resolved to clients, chains, hooks and plugins, or to the reason why not.
//! Clients and hooks read their own settings here. Pure but for the pins of the plugins that are named.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::client::{self, ClientSettings};
use crate::config::{
    self, AnnotatedSetting, ClientConfig, Config, Credentials, Depth, HookConfig, QueryConfig,
    Reader, Stack, reference,
};
use crate::error::{Code, Failure};
use crate::fallback::{self, Step};
use crate::hook::{self, Hook, HookInputs};
use crate::plugin::{self, ItemKind, Plugins};

/// What names are resolved with.
pub struct Resolver<'a> {
    pub config: &'a Config,
    pub stack: &'a Stack,
    pub plugins: &'a Plugins,
}

/// A client of the configuration.
pub struct ClientDefinition {
    pub config: ClientConfig,
    /// With `auto` resolved.
    pub kind: String,
    /// Or why it cannot be used.
    pub settings: Result<Rc<dyn ClientSettings>, Failure>,
}

/// `[client]` and `[clients.NAME]`.
pub struct Clients {
    pub primary: ClientDefinition,
    pub others: BTreeMap<String, ClientDefinition>,
}

/// A hook of the configuration.
pub struct HookDefinition {
    pub name: String,
    pub kind: String,
    pub config: HookConfig,
    /// Or why it cannot run.
    pub hook: Result<Rc<dyn Hook>, Failure>,
}

impl Resolver<'_> {
    /// Reads and resolves all clients.
    #[must_use]
    pub fn clients(&self) -> Clients {
        let root = self.stack.root();
        let table = root.base("client");
        let own = Credentials {
            auth: self.config.auth.clone(),
            headers: self.config.http.headers.clone(),
        };
        let primary = self.client("client.kind", ClientConfig::read(&table, own), &table);
        let others = root.named("clients", Some(&table), |name, table| {
            let config = ClientConfig::read(table, ClientConfig::own_credentials(table));
            self.client(&format!("clients.{name}.kind"), config, table)
        });
        Clients { primary, others }
    }

    fn client(&self, key: &str, config: ClientConfig, table: &Reader<'_>) -> ClientDefinition {
        let kind = client::resolve_kind(&config, table).to_owned();
        let settings = match (kind.strip_prefix(plugin::PREFIX), client::find(&kind)) {
            (Some(name), _) => {
                self.plugins.find(name, ItemKind::Client).map(client::plugin::settings)
            }
            (None, Some(builtin)) => Ok((builtin.read)(table)),
            (None, None) => {
                let names = client::BUILTINS.iter().map(|builtin| builtin.name);
                Err(unknown(&format!("{}`{key}`", table.place("kind")), "client", &kind, names))
            }
        };
        if settings.is_ok() {
            let others = self.keys_of_other_kinds(&config.kind, table);
            table.report_keys_of_other_kinds(&kind, &others);
        } else {
            // The keys of any kind may be meant.
            read_all(client::BUILTINS, table);
            table.report_unknown_keys();
        }
        ClientDefinition { config, kind, settings }
    }

    /// The keys of the clients that this kind is not; `auto` may become any of its kinds, so theirs
    /// are checked too.
    fn keys_of_other_kinds(&self, kind: &str, table: &Reader<'_>) -> Vec<&'static str> {
        if !table.has_unread_keys() && self.stack.depth() == Depth::Winners {
            return Vec::new();
        }
        if kind == "auto" {
            read_all(client::AUTO, table);
        }
        table.keys_of(|table| read_all(client::BUILTINS, table))
    }

    /// Reads and resolves all hooks.
    #[must_use]
    pub fn hooks(&self) -> Vec<HookDefinition> {
        let root = self.stack.root();
        let defaults = root.base("hook_defaults");
        if defaults.is_needed() {
            HookConfig::read_defaults(&defaults);
            defaults.seal();
            defaults.report_unknown_keys();
        }
        let hooks = root.named("hooks", Some(&defaults), |name, table| self.hook(name, table));
        hooks.into_values().collect()
    }

    fn hook(&self, name: &str, table: &Reader<'_>) -> HookDefinition {
        let config = HookConfig::read(table);
        let kind = if config.kind.is_empty() { name.to_owned() } else { config.kind.clone() };
        let queries = &self.config.queries;
        let inputs = HookInputs { name, config: &config, table, queries };
        let hook = match (kind.strip_prefix(plugin::PREFIX), hook::find(&kind)) {
            (Some(word), _) => self
                .plugins
                .find(word, ItemKind::Hook)
                .map(|item| hook::plugin::hook(item, inputs.timeout())),
            (None, Some(builtin)) => (builtin.build)(&inputs),
            (None, None) => {
                // The keys of any kind may be meant.
                read_all_hooks(&inputs);
                let names = hook::BUILTINS.iter().map(|builtin| builtin.name);
                let key = format!("{}`hooks.{name}`", table.place("kind"));
                Err(unknown(&key, "hook", &kind, names))
            }
        };
        HookDefinition { name: name.to_owned(), kind, config, hook: hook.map(Rc::from) }
    }

    /// What is wrong with the client of the query `name`.
    pub fn unknown_client_of(
        &self,
        name: &str,
        client: &str,
        clients: &Clients,
    ) -> Option<Failure> {
        if client.is_empty() || clients.others.contains_key(client) {
            return None;
        }
        let place = self.stack.place(&["queries", name, "client"]);
        Some(unknown_client(&format!("{place}`queries.{name}.client`"), client, clients))
    }

    /// The steps of the chain at `key`; an unknown word is ignored and reported. When no word is left,
    /// the default chain is used: a typing mistake must not cost the session what is cached.
    pub fn chain(
        &self,
        key: &str,
        words: &[String],
        clients: &Clients,
        problems: &mut Vec<Failure>,
    ) -> Vec<Step> {
        let path: Vec<&str> = key.split('.').collect();
        let key = format!("{}`{key}`", self.stack.place(&path));
        let mut steps = Vec::new();
        for word in words {
            match self.step(&key, word, clients) {
                Ok(step) => steps.push(step),
                Err(failure) if problems.contains(&failure) => {}
                Err(failure) => problems.push(failure),
            }
        }
        if steps.is_empty() && !words.is_empty() {
            let default = config::default_chain();
            steps.extend(default.iter().filter_map(|word| self.step(&key, word, clients).ok()));
        }
        steps
    }

    /// A prefix names the kind; of bare words a configured name is stronger than a built-in one.
    fn step(&self, key: &str, word: &str, clients: &Clients) -> Result<Step, Failure> {
        let plugin = |name: &str| {
            let item = self.plugins.find(name, ItemKind::Strategy);
            let item = item.map_err(|failure| {
                let message = format!("{key}: {}", failure.message);
                Failure { message, ..failure }
            })?;
            Ok(Step::Plugin(fallback::plugin::step(word, item)))
        };
        if let Some(name) = word.strip_prefix(plugin::PREFIX) {
            return plugin(name);
        }
        if let Some(name) = word.strip_prefix("client:") {
            let is_known = clients.others.contains_key(name);
            let step = is_known.then(|| Step::Client(name.to_owned()));
            return step.ok_or_else(|| unknown_client(key, name, clients));
        }
        let names = (clients.others.contains_key(word), self.config.plugins.contains_key(word));
        match names {
            (true, true) => Err(ambiguous(key, word)),
            (true, false) => Ok(Step::Client(word.to_owned())),
            (false, true) => plugin(word),
            (false, false) => fallback::find(word).map(Step::Builtin).ok_or_else(|| {
                unknown(key, "strategy", word, fallback::BUILTINS.iter().map(|step| step.name))
            }),
        }
    }
}

fn read_all(clients: &[&client::Builtin], table: &Reader<'_>) {
    for client in clients {
        (client.read)(table);
    }
}

fn read_all_hooks(inputs: &HookInputs<'_>) {
    for builtin in hook::BUILTINS {
        drop((builtin.build)(inputs));
    }
}

/// Every setting with its default, those of clients and hooks among them: for the references.
#[must_use]
pub fn settings() -> Vec<AnnotatedSetting> {
    let stack = reference::description();
    let root = stack.root();
    let client = root.base("client");
    ClientConfig::read(&client, ClientConfig::own_credentials(&client));
    read_all(client::BUILTINS, &client);
    root.named("clients", None, |_, table| {
        ClientConfig::read(table, ClientConfig::own_credentials(table));
        read_all(client::BUILTINS, table);
    });
    HookConfig::read_defaults(&root.base("hook_defaults"));
    root.named("hooks", None, |name, table| {
        let config = HookConfig::read(table);
        let queries = BTreeMap::<String, QueryConfig>::new();
        let inputs = HookInputs { name, config: &config, table, queries: &queries };
        match hook::find(name) {
            Some(builtin) => drop((builtin.build)(&inputs)),
            None => read_all_hooks(&inputs),
        }
    });
    let mut settings = stack.take_settings();
    // `[client]` has no credentials of its own: they are `[auth]` and `http.headers`.
    for key in ["auth", "headers"] {
        settings.retain(|setting| !setting.path.starts_with(&["client".into(), key.into()]));
    }
    settings
}

fn ambiguous(key: &str, word: &str) -> Failure {
    let text = format!("{key}: `{word}` is both a client and a plugin");
    Failure::new(Code::ConfigName, text).hint(format!("write `client:{word}` or `plugin:{word}`"))
}

fn unknown_client(key: &str, name: &str, clients: &Clients) -> Failure {
    let failure = unknown(key, "client", name, clients.others.keys().map(String::as_str));
    match failure.hint {
        Some(_) => failure,
        None => failure.hint(format!("add a table `[clients.{name}]`")),
    }
}

/// `key` is in backticks, after the place where it is written.
fn unknown<'a>(key: &str, what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> Failure {
    let names: Vec<&str> = names.collect();
    let failure = Failure::new(Code::ConfigName, format!("{key}: there is no {what} `{name}`"));
    match config::nearest(name, &names) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if names.is_empty() => failure,
        None => failure.hint(format!("known: {}", names.join(", "))),
    }
}
