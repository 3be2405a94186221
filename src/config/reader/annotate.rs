//! The values of a setting in all layers, for `config show` and the references.

use super::{Depth, Input, Parsed, Parser, ReadContext, Reader, is_key_below_a_value, problem};
use crate::config::annotated::{AnnotatedSetting, AnnotatedValue};

impl Reader<'_> {
    /// Notes all values of `key`, the one in use first.
    pub(super) fn annotate<T, F>(&self, key: &str, parser: &Parser<F>)
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        let path = self.path.iter().copied().chain([key]).map(str::to_owned).collect();
        let mut values = self.annotated(key, parser);
        values.sort_by_key(|value| value.is_ignored);
        self.stack.annotate(AnnotatedSetting { path, kind: parser.kind, values });
    }

    /// The values of all layers and the default; without one of its own, those that it inherits. The
    /// references list an inherited value once, where it is set.
    fn annotated<T, F>(&self, key: &str, parser: &Parser<F>) -> Vec<AnnotatedValue>
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        let mut values: Vec<AnnotatedValue> = self.written(key, parser);
        if let Some(leaf) = self.defaults.and_then(|defaults| defaults.get(key)) {
            values.push(AnnotatedValue::new(parser.kind, leaf.into(), "default".into(), false));
        }
        let is_set = values.iter().any(|value| !value.is_ignored);
        if let Some(base) = self.base.filter(|base| !is_set && base.gives(key))
            && self.stack.depth() != Depth::Description
        {
            let inherited = base.annotated(key, parser).into_iter();
            let name = base.key(key);
            values.extend(inherited.map(|value| match value.origin.as_str() {
                "default" => AnnotatedValue { origin: format!("default of `{name}`"), ..value },
                _ => value,
            }));
        }
        values
    }

    /// The values that the layers have.
    fn written<T, F>(&self, key: &str, parser: &Parser<F>) -> Vec<AnnotatedValue>
    where
        F: Fn(Input<'_>, ReadContext<'_>) -> Parsed<T>,
    {
        let path: Vec<&str> = self.path.iter().copied().chain([key]).collect();
        let values = self.stack.values(&self.path, key).filter_map(|(layer, value)| {
            let input = Input::from(value);
            let origin = layer.origin(&path)?;
            let is_refused = is_key_below_a_value(layer.kind, parser.kind, input)
                || problem::secret_in(layer.kind, parser.kind, input, origin, key).is_some()
                || (parser.parse)(input, self.stack.context()).is_err();
            Some(AnnotatedValue::new(parser.kind, input, origin.to_string(), is_refused))
        });
        values.collect()
    }
}
