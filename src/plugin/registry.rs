//! From a name in the configuration to a plugin: only by its pin, checked at each start. A plugin that
//! cannot be used is an entry with its reason; nothing else stops for it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use super::{ItemKind, Pin, PinnedLibrary, Pins, Plugin, PluginHost, find, pin, untrusted};
use crate::config::Config;
use crate::environment::Environment;
use crate::error::{Code, Failure};
use crate::paths::Paths;

/// How a plugin is named where a client, a step or a hook can stand.
pub const PREFIX: &str = "plugin:";

/// The plugins that one run may use; each is looked up when its name is met.
pub struct Plugins {
    pins: Option<Pins>,
    config: Arc<Config>,
    environment: Arc<Environment>,
    folders: Vec<PathBuf>,
    place: PluginHost,
    known: RefCell<BTreeMap<String, Result<OpenedPlugin, Failure>>>,
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
    /// Takes the settings; opens nothing.
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
            known: RefCell::default(),
        }
    }

    /// The item that `word`, `LIBRARY` or `LIBRARY/ITEM`, means.
    ///
    /// # Errors
    /// When the plugin is not trusted, has changed, or has no such item.
    pub fn find(&self, word: &str, kind: ItemKind) -> Result<ResolvedItem, Failure> {
        let (library, item) = match word.split_once('/') {
            Some((library, item)) => (library, Some(item)),
            None => (word, None),
        };
        let OpenedPlugin { plugin, pin } = self.entry(library)?;
        let item = pin.manifest.choose(kind, item).map_err(|wrong| {
            Failure::new(Code::CONFIG_NAME, format!("the plugin `{library}` {wrong}"))
        })?;
        Ok(ResolvedItem { plugin, pin, item })
    }

    fn entry(&self, name: &str) -> Result<OpenedPlugin, Failure> {
        if let Some(known) = self.known.borrow().get(name) {
            return known.clone();
        }
        let opened = self.open(name);
        self.known.borrow_mut().insert(name.to_owned(), opened.clone());
        opened
    }

    fn open(&self, name: &str) -> Result<OpenedPlugin, Failure> {
        let pins = self.pins.as_ref().ok_or_else(|| untrusted(name, None))?;
        let pin = pins.get(name)?;
        let pin =
            pin.ok_or_else(|| untrusted(name, find::library(name, &self.folders).as_deref()))?;
        let path = pins.library(&pin.name, &pin.sha256);
        pin::check_copy(&path, pin.size).map_err(|fault| fault.failure(name))?;
        let library = PinnedLibrary { path, sha256: pin.sha256.clone(), size: pin.size };
        let config = self.config.plugin(name);
        let plugin = Plugin::new(name, library, config, &self.environment, self.place.clone());
        Ok(OpenedPlugin { plugin: Rc::new(plugin), pin: Rc::new(pin) })
    }
}
