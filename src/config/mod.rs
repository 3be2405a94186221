//! What the user set: the layers (flag, environment, plugin option, project file, user file,
//! embedded defaults), checked key by key, with the place of every value.
//! Knows no client, strategy or hook: their names are resolved in `plan`.

mod blank;
pub mod defaults;
mod env;
mod keys;
pub mod layers;
mod load;
mod nearest;
pub mod origin;
mod problem;
mod proxies;
mod read;
mod schema;
mod slots;
pub mod trust;
mod variables;

pub use env::is_ours;
pub use load::{ConfigSources, LoadedConfig, hidden_problems, load};
pub use nearest::nearest;
pub use schema::*;
pub use slots::is_credential;
