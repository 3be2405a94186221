//! What the user set: the layers (flag, environment, plugin option, project file, user file,
//! embedded defaults), checked key by key, with the origin of every value.
//! Knows no client, strategy or hook: their names are resolved in `plan`.

mod schema;

pub use schema::*;
