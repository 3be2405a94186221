//! Reads one table of the configuration, key by key: the strongest layer's value, else the embedded
//! default. A value that its parser refuses is reported, and the next weaker one is used, so that there
//! always is a value. Keys that were not read are reported as unknown.

mod annotate;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use figment::value::{Dict, Value};

use super::defaults::DEFAULTS;
use super::kind::Kind;
use super::layer::{self, Layer};
use super::parser::{Parsed, Parser, ReadContext};
use super::problem;
use super::stack::{Depth, Stack};
use super::value::{Input, Leaf};

/// One table.
pub struct Reader<'a> {
    stack: &'a Stack,
    path: Vec<&'a str>,
    /// The merged values of all layers; `None` where no layer has the table.
    values: Option<&'a Dict>,
    defaults: Option<&'static Leaf>,
    /// Whose values hold for the keys that this table does not set.
    base: Option<&'a Reader<'a>>,
    keys: RefCell<Vec<&'static str>>,
    /// Only the names of the keys are collected.
    is_probe: Cell<bool>,
    /// As a base, only the keys that were read from it are inherited.
    is_sealed: Cell<bool>,
}

impl<'a> Reader<'a> {
    pub(super) fn root(stack: &'a Stack, values: &'a Dict) -> Self {
        Reader {
            stack,
            path: Vec::new(),
            values: Some(values),
            defaults: Some(&DEFAULTS),
            base: None,
            keys: RefCell::default(),
            is_probe: Cell::default(),
            is_sealed: Cell::default(),
        }
    }

    /// The value of `key`, which has a default.
    pub fn get<T: Default, F>(&self, key: &'static str, parser: Parser<F>) -> T
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        self.get_optional(key, parser).unwrap_or_default()
    }

    /// The value of `key`, if a layer, a base or the defaults have one.
    #[expect(clippy::needless_pass_by_value, reason = "a parser is made where it is used")]
    pub fn get_optional<T, F>(&self, key: &'static str, parser: Parser<F>) -> Option<T>
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        if self.is_probe.get() {
            self.keys.borrow_mut().push(key);
            return None;
        }
        let value = self.lookup(key, &parser);
        if self.stack.depth() != Depth::Winners {
            self.annotate(key, &parser);
        }
        value
    }

    fn lookup<T, F>(&self, key: &'static str, parser: &Parser<F>) -> Option<T>
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        self.keys.borrow_mut().push(key);
        let merged = self.values.and_then(|values| values.get(key));
        if let Some(value) = merged.and_then(|value| self.strongest(key, value, parser)) {
            return Some(value);
        }
        if let Some(leaf) = self.defaults.and_then(|defaults| defaults.get(key)) {
            let parsed = (parser.parse)(leaf.into(), self.stack.context());
            debug_assert!(parsed.is_ok(), "hooks.toml: {:?} {key}: {:?}", self.path, parsed.err());
            return parsed.ok();
        }
        self.base.filter(|base| base.gives(key)).and_then(|base| base.lookup(key, parser))
    }

    /// The strongest usable value; `merged` is the one that figment chose.
    fn strongest<T, F>(&self, key: &str, merged: &Value, parser: &Parser<F>) -> Option<T>
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        let input = Input::from(merged);
        // A table that is one value is never a mixture of layers, and a secret's layer matters.
        let is_plain = !input.is_table() && !parser.kind.can_hold_secret();
        if is_plain
            && self.stack.depth() == Depth::Winners
            && let Ok(value) = (parser.parse)(input, self.stack.context())
        {
            return Some(value);
        }
        let mut winner = None;
        for (layer, value) in self.stack.values(&self.path, key) {
            match self.parse(layer, key, value.into(), parser) {
                Some(value) if self.stack.depth() == Depth::Winners => return Some(value),
                Some(value) => _ = winner.get_or_insert(value),
                None => {}
            }
        }
        winner
    }

    /// Parses one layer's value; what is wrong with it is reported.
    fn parse<T, F>(
        &self,
        layer: &Layer,
        key: &str,
        input: Input<'_>,
        parser: &Parser<F>,
    ) -> Option<T>
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        let path = self.key(key);
        let parts: Vec<&str> = self.path.iter().copied().chain([key]).collect();
        let origin = layer.origin(&parts)?;
        let problem = if is_key_below_a_value(layer.kind, parser.kind, input) {
            let below = input
                .entries()
                .and_then(|entries| entries.first().map(|(name, _)| (*name).to_owned()));
            problem::unknown_key(origin, &format!("{path}.{}", below.unwrap_or_default()), None)
        } else if let Some(problem) =
            problem::secret_in(layer.kind, parser.kind, input, origin, &path)
        {
            problem
        } else {
            match (parser.parse)(input, self.stack.context()) {
                Ok(value) => return Some(value),
                Err(wrong) => problem::bad_value(origin, &path, parser.kind, &wrong),
            }
        };
        self.stack.report(origin, &path, problem);
        None
    }

    /// Reads the table `name` inside this one.
    pub fn table<T>(&self, name: &'static str, read: impl FnOnce(&Reader<'_>) -> T) -> T {
        self.keys.borrow_mut().push(name);
        let inner = self.inner(name, None);
        let value = read(&inner);
        inner.report_unknown_keys();
        value
    }

    /// Reads the table `name` inside this one with the defaults of the top table `like`.
    pub fn table_with<T>(
        &self,
        name: &'static str,
        like: &str,
        read: impl FnOnce(&Reader<'_>) -> T,
    ) -> T {
        self.keys.borrow_mut().push(name);
        let inner = Reader { defaults: DEFAULTS.get(like), ..self.inner(name, None) };
        let value = read(&inner);
        inner.report_unknown_keys();
        value
    }

    /// From now on only the keys that were read so far are inherited from this base.
    pub fn seal(&self) {
        self.is_sealed.set(true);
    }

    /// Whether a layer sets a key that was not read.
    pub fn has_unread_keys(&self) -> bool {
        let keys = self.keys.borrow();
        let is_read = |key: &String| keys.contains(&key.as_str());
        self.values.is_some_and(|values| !values.keys().all(is_read))
    }

    /// Leaves these keys to others, who read them later.
    pub fn leave(&self, keys: &[&'static str]) {
        self.keys.borrow_mut().extend(keys);
    }

    /// The keys that `read` asks for, without reading them.
    pub fn keys_of(&self, read: impl FnOnce(&Reader<'_>)) -> Vec<&'static str> {
        let before = self.keys.take();
        self.is_probe.set(true);
        read(self);
        self.is_probe.set(false);
        self.keys.replace(before)
    }

    /// Whether `layer` sets `key` to its default.
    fn is_default(&self, layer: &Layer, key: &str) -> bool {
        let value = layer.get(&self.path, key).map(|value| Input::from(value).to_json());
        let default = self.defaults.and_then(|defaults| defaults.get(key));
        value == default.map(|leaf| Input::from(leaf).to_json())
    }

    /// Whether a layer, or a base, sets `key`.
    pub fn is_set(&self, key: &str) -> bool {
        self.values.is_some_and(|values| values.contains_key(key))
            || self.base.is_some_and(|base| base.is_set(key))
    }

    /// Whether reading it can find anything beside the defaults.
    pub fn is_needed(&self) -> bool {
        self.values.is_some() || self.stack.depth() != Depth::Winners
    }

    /// Reads each entry of the table `name`, whose entries the user names. What an entry leaves unset
    /// comes from `base`.
    pub fn named<T>(
        &self,
        name: &'static str,
        base: Option<&Reader<'_>>,
        read: impl Fn(&str, &Reader<'_>) -> T,
    ) -> BTreeMap<String, T> {
        self.keys.borrow_mut().push(name);
        let table = self.inner(name, None);
        let mut entries = BTreeMap::new();
        for entry in table.names() {
            let inner = table.inner(entry, base);
            entries.insert(entry.to_owned(), read(entry, &inner));
            inner.report_unknown_keys();
        }
        entries
    }

    /// Reads the table `name`, whose keys the user names and whose values are all of one kind.
    pub fn entries<T, F>(
        &self,
        name: &'static str,
        parser: impl Fn() -> Parser<F>,
    ) -> BTreeMap<String, T>
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        self.keys.borrow_mut().push(name);
        let table = self.inner(name, None);
        if self.stack.depth() == Depth::Description {
            table.annotate("NAME", &parser());
        }
        let values = table.values.into_iter().flatten();
        let read = |(key, value): (&String, &Value)| {
            if table.stack.depth() != Depth::Winners {
                table.annotate(key, &parser());
            }
            Some((key.clone(), table.strongest(key, value, &parser())?))
        };
        values.filter_map(read).collect()
    }

    /// A reader of the table `name` that outlives the call, as the base of others. Its unknown keys
    /// are reported by `report_unknown_keys`.
    pub fn base(&self, name: &'static str) -> Reader<'a> {
        self.keys.borrow_mut().push(name);
        Reader { base: None, ..self.inner(name, None) }
    }

    fn inner<'b>(&self, name: &'b str, base: Option<&'b Reader<'b>>) -> Reader<'b>
    where
        'a: 'b,
    {
        let mut path: Vec<&'b str> = self.path.clone();
        path.push(name);
        Reader {
            stack: self.stack,
            path,
            values: self.values.and_then(|values| values.get(name)?.as_dict()),
            defaults: self.defaults.and_then(|defaults| defaults.get(name)),
            base,
            keys: RefCell::default(),
            is_probe: Cell::default(),
            is_sealed: Cell::default(),
        }
    }

    /// The names of all entries, of the layers and of the defaults, in order.
    fn names(&self) -> Vec<&'a str> {
        let defaults = self.defaults.into_iter().flat_map(Leaf::keys);
        let mut names: Vec<&str> = defaults.collect();
        names.extend(self.values.into_iter().flat_map(|values| values.keys().map(String::as_str)));
        names.sort_unstable();
        names.dedup();
        if self.stack.depth() == Depth::Description {
            names.push("NAME");
        }
        names
    }

    /// Reports the keys of the layers that were not read. `others` are keys of other kinds of this
    /// table: one is reported only when its own layer chose `kind` too, and then as without effect.
    pub fn report_keys_of_other_kinds(&self, kind: &str, others: &[&'static str]) {
        for key in others.iter().filter(|key| !self.keys.borrow().contains(key)) {
            let path: Vec<&str> = self.path.iter().copied().chain([*key]).collect();
            let layers = self.stack.layers().filter(|layer| layer.get(&self.path, key).is_some());
            let chosen = layers.filter(|layer| layer.get(&self.path, "kind").is_some());
            // A line copied from the defaults changes nothing, whatever the kind is.
            let differs = |layer: &&Layer| !self.is_default(layer, key);
            for origin in chosen.filter(differs).filter_map(|layer| layer.origin(&path)) {
                let problem = problem::without_effect(origin, &self.key(key), kind);
                self.stack.report(origin, &self.key(key), problem);
            }
        }
        self.keys.borrow_mut().extend(others);
        self.report_unknown_keys();
    }

    /// Reports the keys of the layers that were not read.
    pub fn report_unknown_keys(&self) {
        if !self.has_unread_keys() {
            return;
        }
        let keys = self.keys.borrow();
        let depth = self.path.len();
        let settings = self.stack.layers().flat_map(|layer| layer.below(&self.path));
        let mut unknown: Vec<_> = settings
            .filter(|(path, _)| path.get(depth).is_some_and(|key| !keys.contains(&key.as_str())))
            .collect();
        // By key, the strongest layer first.
        unknown.sort_by_key(|(path, _)| &path[depth]);
        for (path, origin) in unknown {
            let near = super::nearest(&path[depth], &keys);
            let meant = near.map(|near| join(&self.path, near, &path[depth + 1..]));
            let key = path.join(".");
            let problem = problem::unknown_key(origin, &key, meant.as_deref());
            self.stack.report(origin, &key, problem);
        }
    }

    /// `FILE:LINE: ` or `VARIABLE: ` for `key`, where it is written; empty for a default.
    #[must_use]
    pub fn place(&self, key: &str) -> String {
        let path: Vec<&str> = self.path.iter().copied().chain([key]).collect();
        self.stack.place(&path)
    }

    /// The name of `key` in messages.
    fn key(&self, key: &str) -> String {
        self.path.iter().copied().chain([key]).collect::<Vec<_>>().join(".")
    }

    /// Whether a table that inherits from this one inherits `key`.
    fn gives(&self, key: &str) -> bool {
        !self.is_sealed.get() || self.keys.borrow().contains(&key)
    }
}

/// A path with `key` in the middle, as it is written in messages.
fn join(before: &[&str], key: &str, rest: &[String]) -> String {
    let parts = before.iter().copied().chain([key]).chain(rest.iter().map(String::as_str));
    parts.collect::<Vec<_>>().join(".")
}

/// Variables and flags hold texts: a table there is a key written below a value. Only a secret's form
/// may be given that way.
fn is_key_below_a_value(layer: layer::Kind, kind: Kind, input: Input<'_>) -> bool {
    let is_file = matches!(layer, layer::Kind::UserFile | layer::Kind::ProjectFile);
    input.is_table() && !is_file && !matches!(kind, Kind::Secret)
}
