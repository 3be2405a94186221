//! Reads one table of the configuration, key by key: the strongest layer's value, else the embedded
//! default. A value that its parser refuses is reported, and the next weaker one is used, so that there
//! always is a value. Keys that were not read are reported as unknown.

mod annotate;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use figment::value::{Dict, Value};

use super::defaults::DEFAULTS;
use super::layer::{Layer, Origin};
use super::parser::{Parse, Parser};
use super::problem;
use super::stack::{Depth, Stack};
use super::value::{Input, Leaf};
use crate::error::Failure;

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
    is_probe: bool,
    /// As a base, only the keys that were read from it are inherited.
    is_sealed: Cell<bool>,
}

/// A value that a layer has.
struct Written<'a, T> {
    origin: &'a Origin,
    input: Input<'a>,
    parsed: Result<T, Failure>,
}

impl<'a> Reader<'a> {
    /// The top table.
    pub fn root(stack: &'a Stack) -> Self {
        Reader {
            stack,
            path: Vec::new(),
            values: Some(stack.merged()),
            defaults: Some(&DEFAULTS),
            base: None,
            keys: RefCell::default(),
            is_probe: false,
            is_sealed: Cell::default(),
        }
    }

    /// The value of `key` in this table itself: nothing is inherited.
    pub fn get_own<T: Default>(&self, key: &'static str, parser: Parser<impl Parse<T>>) -> T {
        self.keys.borrow_mut().push(key);
        let without_base = Reader {
            stack: self.stack,
            path: self.path.clone(),
            values: self.values,
            defaults: self.defaults,
            base: None,
            keys: RefCell::default(),
            is_probe: self.is_probe,
            is_sealed: Cell::default(),
        };
        without_base.get(key, parser)
    }

    /// The value of `key`, which has a default.
    pub fn get<T: Default>(&self, key: &'static str, parser: Parser<impl Parse<T>>) -> T {
        self.get_optional(key, parser).unwrap_or_default()
    }

    /// The value of `key`, if a layer, a base or the defaults have one.
    #[expect(clippy::needless_pass_by_value, reason = "a parser is made where it is used")]
    pub fn get_optional<T>(&self, key: &'static str, parser: Parser<impl Parse<T>>) -> Option<T> {
        if self.is_probe {
            self.keys.borrow_mut().push(key);
            return None;
        }
        let value = self.lookup(key, &parser);
        if self.stack.depth() != Depth::Winners {
            self.annotate(key, &parser);
        }
        value
    }

    /// Whether a layer has a usable value of `key`, so that it is not the default.
    #[expect(clippy::needless_pass_by_value, reason = "a parser is made where it is used")]
    pub fn is_set<T>(&self, key: &str, parser: Parser<impl Parse<T>>) -> bool {
        let merged = self.values.and_then(|values| values.get(key));
        merged.is_some_and(|value| self.strongest(key, value, &parser).is_some())
    }

    fn lookup<T>(&self, key: &'static str, parser: &Parser<impl Parse<T>>) -> Option<T> {
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
    fn strongest<T>(&self, key: &str, merged: &Value, parser: &Parser<impl Parse<T>>) -> Option<T> {
        let input = Input::from(merged);
        let winners_only = self.stack.depth() == Depth::Winners;
        // A table that is one value is never a mixture of layers, and a secret's layer matters.
        let is_plain = !input.is_table() && !parser.kind.can_hold_secret();
        if is_plain
            && winners_only
            && let Ok(value) = (parser.parse)(input, self.stack.context())
        {
            return Some(value);
        }
        let mut winner = None;
        for written in self.written(key, parser) {
            match written.parsed {
                Ok(value) if winners_only => return Some(value),
                Ok(value) => _ = winner.get_or_insert(value),
                Err(problem) => {
                    self.stack.report(written.origin, &self.path_of(key).join("."), problem);
                }
            }
        }
        winner
    }

    /// The values of `key` in the layers, strongest first.
    fn written<'s, T>(
        &'s self,
        key: &'s str,
        parser: &'s Parser<impl Parse<T>>,
    ) -> impl Iterator<Item = Written<'s, T>> {
        let path = self.path_of(key);
        self.stack.layers().filter_map(move |layer| {
            let input = Input::from(layer.get(&path)?);
            let origin = layer.origin(&path)?;
            let key = path.join(".");
            let wrong = |wrong: String| problem::bad_value(origin, &key, parser.kind, &wrong);
            let parsed = match problem::misplaced(layer.kind, parser.kind, input, origin, &key) {
                Some(problem) => Err(problem),
                None => (parser.parse)(input, self.stack.context()).map_err(wrong),
            };
            Some(Written { origin, input, parsed })
        })
    }

    /// Reads the table `name` inside this one.
    pub fn table<T>(&self, name: &'static str, read: impl FnOnce(&Reader<'_>) -> T) -> T {
        read_whole(&self.base(name), read)
    }

    /// Reads the table `name` inside this one with the defaults of the top table `like`.
    pub fn table_with<T>(
        &self,
        name: &'static str,
        like: &str,
        read: impl FnOnce(&Reader<'_>) -> T,
    ) -> T {
        read_whole(&Reader { defaults: DEFAULTS.get(like), ..self.base(name) }, read)
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
        let path = self.path.clone();
        let probe = Reader { path, values: None, is_probe: true, ..Reader::root(self.stack) };
        read(&probe);
        probe.keys.into_inner()
    }

    /// Whether `layer` sets `key` to its default.
    fn is_default(&self, layer: &Layer, key: &str) -> bool {
        let value = layer.get(&self.path_of(key)).map(|value| Input::from(value).to_json());
        let default = self.defaults.and_then(|defaults| defaults.get(key));
        value == default.map(|leaf| Input::from(leaf).to_json())
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
        let table = self.base(name);
        let read_entry = |entry: &str| {
            let value = read_whole(&table.inner(entry, base), |table| read(entry, table));
            (entry.to_owned(), value)
        };
        table.names().into_iter().map(read_entry).collect()
    }

    /// Reads the table `name`, whose keys the user names and whose values are all of one kind.
    pub fn entries<T>(
        &self,
        name: &'static str,
        parser: &Parser<impl Parse<T>>,
    ) -> BTreeMap<String, T> {
        let table = self.base(name);
        if self.stack.depth() == Depth::Description {
            table.annotate("NAME", parser);
        }
        let values = table.values.into_iter().flatten();
        let read = |(key, value): (&String, &Value)| {
            if table.stack.depth() != Depth::Winners {
                table.annotate(key, parser);
            }
            Some((key.clone(), table.strongest(key, value, parser)?))
        };
        values.filter_map(read).collect()
    }

    /// A reader of the table `name` that outlives the call, as the base of others. Its unknown keys
    /// are reported by `report_unknown_keys`.
    pub fn base(&self, name: &'static str) -> Reader<'a> {
        self.keys.borrow_mut().push(name);
        self.inner(name, None)
    }

    fn inner<'b>(&self, name: &'b str, base: Option<&'b Reader<'b>>) -> Reader<'b>
    where
        'a: 'b,
    {
        Reader {
            path: self.path_of(name),
            values: self.values.and_then(|values| values.get(name)?.as_dict()),
            defaults: self.defaults.and_then(|defaults| defaults.get(name)),
            base,
            ..Reader::root(self.stack)
        }
    }

    /// The names of all entries, of the layers and of the defaults, in order.
    fn names(&self) -> BTreeSet<&'a str> {
        let mut names: BTreeSet<&str> = self.defaults.into_iter().flat_map(Leaf::keys).collect();
        names.extend(self.values.into_iter().flat_map(|values| values.keys().map(String::as_str)));
        names.extend((self.stack.depth() == Depth::Description).then_some("NAME"));
        names
    }

    /// Reports the keys of the layers that were not read. `others` are keys of other kinds of this
    /// table: one is reported only when its own layer chose `kind` too, and then as without effect.
    pub fn report_keys_of_other_kinds(&self, kind: &str, others: &[&'static str]) {
        for key in others.iter().filter(|key| !self.keys.borrow().contains(key)) {
            let (path, kind_path) = (self.path_of(key), self.path_of("kind"));
            let layers = self.stack.layers().filter(|layer| layer.get(&path).is_some());
            let chosen = layers.filter(|layer| layer.get(&kind_path).is_some());
            // A line copied from the defaults changes nothing, whatever the kind is.
            let differs = |layer: &&Layer| !self.is_default(layer, key);
            for origin in chosen.filter(differs).filter_map(|layer| layer.origin(&path)) {
                let key = path.join(".");
                self.stack.report(origin, &key, problem::without_effect(origin, &key, kind));
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
            let near = super::nearest(&path[depth], &keys).map(|near| self.path_of(near).join("."));
            let rest = path[depth + 1..].iter().map(|part| format!(".{part}"));
            let meant = near.map(|near| near + &rest.collect::<String>());
            let key = path.join(".");
            let problem = problem::unknown_key(origin, &key, meant.as_deref());
            self.stack.report(origin, &key, problem);
        }
    }

    /// `FILE:LINE: ` or `VARIABLE: ` for `key`, where it is written; empty for a default.
    #[must_use]
    pub fn place(&self, key: &str) -> String {
        self.stack.place(&self.path_of(key))
    }

    /// The path of `key` from the top table.
    fn path_of<'b>(&self, key: &'b str) -> Vec<&'b str>
    where
        'a: 'b,
    {
        self.path.iter().copied().chain([key]).collect()
    }

    /// Whether a table that inherits from this one inherits `key`.
    fn gives(&self, key: &str) -> bool {
        !self.is_sealed.get() || self.keys.borrow().contains(&key)
    }
}

/// Reads a table; a key that `read` does not ask for is reported.
fn read_whole<T>(table: &Reader<'_>, read: impl FnOnce(&Reader<'_>) -> T) -> T {
    let value = read(table);
    table.report_unknown_keys();
    value
}
