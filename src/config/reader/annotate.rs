//! The values of a setting in all layers, for `config show` and the references.

use super::{Depth, Parse, Parser, Reader};
use crate::config::annotated::{AnnotatedSetting, AnnotatedValue};

impl Reader<'_> {
    /// Notes all values of `key`, the one in use first.
    pub(super) fn annotate<T>(&self, key: &str, parser: &Parser<impl Parse<T>>) {
        let path = self.path_of(key).into_iter().map(str::to_owned).collect();
        let mut values = self.annotated(key, parser);
        values.sort_by_key(|value| value.is_ignored);
        self.stack.annotate(AnnotatedSetting { path, kind: parser.kind, values });
    }

    /// The values of all layers and the default; without one of its own, those that it inherits. The
    /// references list an inherited value once, where it is set.
    fn annotated<T>(&self, key: &str, parser: &Parser<impl Parse<T>>) -> Vec<AnnotatedValue> {
        let written = self.written(key, parser).map(|written| {
            let (origin, is_ignored) = (written.origin.to_string(), written.parsed.is_err());
            AnnotatedValue::new(parser.kind, written.input, origin, is_ignored)
        });
        let mut values: Vec<AnnotatedValue> = written.collect();
        if let Some(leaf) = self.defaults.and_then(|defaults| defaults.get(key)) {
            values.push(AnnotatedValue::new(parser.kind, leaf.into(), "default".into(), false));
        }
        let is_set = values.iter().any(|value| !value.is_ignored);
        if let Some(base) = self.base.filter(|base| !is_set && base.gives(key))
            && self.stack.depth() != Depth::Description
        {
            let inherited = base.annotated(key, parser).into_iter();
            let name = base.path_of(key).join(".");
            values.extend(inherited.map(|value| match value.origin.as_str() {
                "default" => AnnotatedValue { origin: format!("default of `{name}`"), ..value },
                _ => value,
            }));
        }
        values
    }
}
