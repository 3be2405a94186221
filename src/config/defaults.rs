//! The embedded defaults: `hooks.toml`, parsed by the build.

use super::value::Leaf;

/// The text itself: sample and documentation.
pub const TEXT: &str = include_str!("../../hooks.toml");

/// Every default, as one table.
pub static DEFAULTS: Leaf = include!(concat!(env!("OUT_DIR"), "/defaults.rs"));
