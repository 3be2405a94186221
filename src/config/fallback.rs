//! `[fallback]`: what happens when a source does not answer.

use super::kind::Kind;
use super::parser::{Parsed, Parser, ReadContext, parser, read_list};
use super::value::Input;

/// The steps of a chain. An empty one is ambiguous: `skip` shows nothing on purpose.
pub(super) fn chain() -> Parser<impl Fn(Input<'_>, ReadContext<'_>) -> Parsed<Vec<String>>> {
    parser(Kind::List(None), |value, _| match read_list(value)? {
        steps if steps.is_empty() => Err("is empty; `[\"skip\"]` shows nothing old".into()),
        steps => Ok(steps),
    })
}
