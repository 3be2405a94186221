//! Resolves a name in the configuration to a plugin: only by its pin, checked at each start. An
//! unusable plugin is a failure with its reason and affects nothing else.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    ItemKind, Manifest, Pin, PinnedLibrary, Pins, Plugin, PluginHost, find, pin, untrusted,
};
use crate::config::{self, Config};
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::paths::Paths;

/// The prefix of a plugin in `kind` and in a chain.
pub const PREFIX: &str = "plugin:";

/// The plugins of one run; each is looked up at its first use.
pub struct Plugins {
    pins: Option<Pins>,
    config: Arc<Config>,
    environment: Arc<Environment>,
    folders: Vec<PathBuf>,
    place: PluginHost,
    opened: RefCell<BTreeMap<String, Result<OpenedPlugin, Failure>>>,
}

#[derive(Clone)]
struct OpenedPlugin {
    plugin: Rc<Plugin>,
    pin: Rc<Pin>,
}

/// One item of a plugin, resolved.
#[derive(Clone)]
pub struct ResolvedItem {
    pub plugin: Rc<Plugin>,
    pub pin: Rc<Pin>,
    pub item: String,
}

impl Plugins {
    /// Opens nothing yet.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        environment: Arc<Environment>,
        paths: Option<&Paths>,
        place: PluginHost,
    ) -> Self {
        Plugins {
            pins: paths.map(Pins::of),
            folders: find::folders(&config.plugin_path, paths),
            config,
            environment,
            place,
            opened: RefCell::default(),
        }
    }

    /// The item called `name`: `LIBRARY` or `LIBRARY/ITEM`.
    ///
    /// # Errors
    /// When the plugin is not trusted, has changed, has no such item, or has a setting that it does
    /// not know.
    pub fn find(&self, name: &str, kind: ItemKind) -> Result<ResolvedItem, Failure> {
        let (library, item) = match name.split_once('/') {
            Some((library, item)) => (library, Some(item)),
            None => (name, None),
        };
        if !pin::is_name(library) {
            return Err(pin::bad_name(&format!("{PREFIX}{name}")));
        }
        let OpenedPlugin { plugin, pin } = self.entry(library)?;
        let item = pin.manifest.choose(kind, item).map_err(|wrong| {
            Failure::new(Code::ConfigName, format!("the plugin `{library}` {wrong}"))
        })?;
        Ok(ResolvedItem { plugin, pin, item })
    }

    fn entry(&self, name: &str) -> Result<OpenedPlugin, Failure> {
        if let Some(opened) = self.opened.borrow().get(name) {
            return opened.clone();
        }
        let opened = self.open(name);
        self.opened.borrow_mut().insert(name.to_owned(), opened.clone());
        opened
    }

    fn open(&self, name: &str) -> Result<OpenedPlugin, Failure> {
        let pins = self.pins.as_ref().ok_or_else(|| untrusted(name, None))?;
        let pin = pins
            .get(name)?
            .ok_or_else(|| untrusted(name, find::library(name, &self.folders).as_deref()))?;
        let path = pins.library(&pin.name, &pin.sha256);
        pin::check_copy(&path, pin.size).map_err(|fault| fault.failure(name))?;
        let library = PinnedLibrary { path, sha256: pin.sha256.clone(), size: pin.size };
        let config = self.config.plugin(name);
        check_settings(name, &pin.manifest, &config.config)?;
        let plugin = Plugin::new(name, library, config, &self.environment, self.place.clone());
        Ok(OpenedPlugin { plugin: Rc::new(plugin), pin: Rc::new(pin) })
    }
}

/// Refuses a key that the plugin does not declare, without starting it: so `config check` finds it.
///
/// # Errors
/// The first unknown key, with the nearest known one.
pub fn check_settings(
    name: &str,
    manifest: &Manifest,
    config: &Map<String, Value>,
) -> Result<(), Failure> {
    let Some(key) = manifest.unknown_setting(config) else { return Ok(()) };
    let known: Vec<&str> =
        manifest.settings.iter().flat_map(Map::keys).map(String::as_str).collect();
    let text = format!("`plugins.{name}.config.{key}`: the plugin `{name}` has no setting `{key}`");
    let failure = Failure::new(Code::ConfigName, text);
    Err(match config::nearest(key, &known) {
        Some(near) => failure.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.hint("it has no settings: remove the key"),
        None => failure.hint(format!("known: {}", known.join(", "))),
    })
}
