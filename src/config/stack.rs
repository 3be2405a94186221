//! The layers on top of each other. figment merges them; this keeps the layers beside the result, for
//! the values that a stronger layer hides, and collects what reading finds.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use figment::Figment;
use figment::value::{Dict, Value};

use super::annotated::AnnotatedSetting;
use super::layer::{Layer, Origin};
use super::parser::ReadContext;
use super::reader::Reader;
use super::untrusted::UntrustedFile;
use crate::environment::Environment;
use crate::error::Failure;

/// How much is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    /// The values in use.
    #[default]
    Winners,
    /// Every value of every layer, also those that a stronger layer hides.
    AllLayers,
    /// As `AllLayers`, with an entry `NAME` in each table whose entries the user names.
    Description,
}

/// The layers, weakest first, and what reading them found.
pub struct Stack {
    layers: Vec<Layer>,
    merged: Dict,
    environment: Arc<Environment>,
    home: Option<PathBuf>,
    depth: Depth,
    /// The file whose keys and values are not repeated.
    untrusted: Option<Arc<UntrustedFile>>,
    findings: RefCell<Findings>,
}

/// What reading found.
#[derive(Default)]
struct Findings {
    problems: Vec<Failure>,
    flag_problems: Vec<Failure>,
    /// The keys of flags that were refused.
    refused_flags: Vec<String>,
    reported: BTreeSet<(Origin, String)>,
    /// Only at `Depth::AllLayers`.
    settings: Vec<AnnotatedSetting>,
}

impl Stack {
    /// Merges `layers`, the weakest first.
    pub fn new(
        layers: Vec<Layer>,
        environment: Arc<Environment>,
        home: Option<PathBuf>,
        depth: Depth,
    ) -> Self {
        let layers: Vec<Layer> = layers.into_iter().filter(|layer| !layer.is_empty()).collect();
        let merged = merge(&layers);
        let findings = RefCell::default();
        Stack { layers, merged, environment, home, depth, untrusted: None, findings }
    }

    /// Reports of `file` no more than that it has problems, but in `config check` and `config show`.
    pub fn hiding(mut self, file: Option<Arc<UntrustedFile>>) -> Self {
        self.untrusted = file.filter(|_| self.depth == Depth::Winners);
        self
    }

    /// The reader of the whole configuration.
    pub fn root(&self) -> Reader<'_> {
        Reader::root(self)
    }

    /// The values of all layers, as figment merged them.
    pub(super) fn merged(&self) -> &Dict {
        &self.merged
    }

    /// What values may refer to.
    pub fn context(&self) -> ReadContext<'_> {
        ReadContext { environment: &self.environment, home: self.home.as_deref() }
    }

    /// How much is read.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// `FILE:LINE: ` or `VARIABLE: ` where `path` is written; empty for a default.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> String {
        let mut layers = self.layers().filter(|layer| layer.get(path).is_some());
        let origin = layers.find_map(|layer| layer.origin(path));
        origin.map_or_else(String::new, |origin| format!("{origin}: "))
    }

    /// Whether a text of any layer fits.
    pub fn has_text(&self, fits: impl Fn(&str) -> bool) -> bool {
        fn any(value: &Value, fits: &dyn Fn(&str) -> bool) -> bool {
            match value {
                Value::String(_, text) => fits(text),
                Value::Array(_, list) => list.iter().any(|value| any(value, fits)),
                Value::Dict(_, dict) => dict.values().any(|value| any(value, fits)),
                _ => false,
            }
        }
        self.merged.values().any(|value| any(value, &fits))
    }

    /// The layers, strongest first.
    pub fn layers(&self) -> impl Iterator<Item = &Layer> {
        self.layers.iter().rev()
    }

    /// Notes what is wrong with `key` as it is written at `origin`; once, however often it is read.
    pub fn report(&self, origin: &Origin, key: &str, problem: Failure) {
        let untrusted = self.untrusted.as_ref().filter(|file| file.has(origin));
        let (origin, key, mut problem) = match untrusted.map(|file| file.problem()) {
            None => (origin, key, problem),
            Some(Some((file, problem))) => (file, "", problem),
            Some(None) => return,
        };
        if problem.message.contains('\n') {
            problem.message = problem.message.replace('\n', r"\n");
        }
        let findings = &mut *self.findings.borrow_mut();
        if findings.reported.insert((origin.clone(), key.to_owned())) {
            if matches!(origin, Origin::Name(name) if name.starts_with('-')) {
                findings.flag_problems.push(problem.clone());
                findings.refused_flags.push(key.to_owned());
            }
            findings.problems.push(problem);
        }
    }

    /// Notes a setting with all its values; once, however often it is read.
    pub fn annotate(&self, setting: AnnotatedSetting) {
        let settings = &mut self.findings.borrow_mut().settings;
        if settings.iter().all(|known| known.path != setting.path) {
            settings.push(setting);
        }
    }

    /// Whether `--set KEY` was refused, such as a secret that must not appear on a command line.
    #[must_use]
    pub fn refuses_flag(&self, key: &str) -> bool {
        let refused = &self.findings.borrow().refused_flags;
        let is_below = |refused: &String| key.strip_prefix(refused.as_str());
        refused.iter().filter_map(is_below).any(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Takes the problems with flags that were found so far; they are among the problems too.
    pub fn take_flag_problems(&self) -> Vec<Failure> {
        std::mem::take(&mut self.findings.borrow_mut().flag_problems)
    }

    /// Takes the problems that were found so far.
    pub fn take_problems(&self) -> Vec<Failure> {
        std::mem::take(&mut self.findings.borrow_mut().problems)
    }

    /// Takes the settings that were noted so far.
    pub fn take_settings(&self) -> Vec<AnnotatedSetting> {
        std::mem::take(&mut self.findings.borrow_mut().settings)
    }
}

/// figment's merge: of two layers with the same key the later one wins, tables key by key.
fn merge(layers: &[Layer]) -> Dict {
    let merge = |stack: Figment, layer: &Layer| stack.merge(layer);
    match layers {
        [] => Dict::new(),
        [only] => only.dict().clone(),
        layers => match layers.iter().fold(Figment::new(), merge).find_value("") {
            Ok(Value::Dict(_, dict)) => dict,
            _ => Dict::new(),
        },
    }
}
