//! `[fallback]`: what happens when a source does not answer.

use super::kind::Kind;
use super::parser::{Parse, Parser, parser, read_list};

/// The steps of a chain. An empty one is ambiguous: `skip` shows nothing on purpose.
pub(super) fn chain() -> Parser<impl Parse<Vec<String>>> {
    parser(Kind::List(None), |value, _| match read_list(value)? {
        steps if steps.is_empty() => Err("is empty; `[\"skip\"]` shows nothing old".into()),
        steps => Ok(steps),
    })
}
