//! Write a plugin for `warmstart`: a source of tasks ([`Client`]), a fallback strategy ([`Strategy`])
//! or a hook of the session start ([`Hook`]). A plugin is a shared library; with this crate yours
//! needs no `unsafe` code.
//!
//! ```
//! use warmstart_plugin::{Client, Ctx, Query, Result, Task, export};
//!
//! struct TodoFile;
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct Config {
//!     path: std::path::PathBuf,
//! }
//!
//! impl Default for Config {
//!     fn default() -> Self {
//!         Config { path: "TODO.md".into() }
//!     }
//! }
//!
//! impl Client for TodoFile {
//!     const NAME: &'static str = "todo_file";
//!
//!     fn pending_tasks(ctx: &Ctx<'_>, query: &Query) -> Result<Vec<Task>> {
//!         let config: Config = ctx.config()?;
//!         let text = std::fs::read_to_string(ctx.path(config.path))?;
//!         let open = text.lines().filter_map(|line| line.strip_prefix("- [ ] "));
//!         Ok(open.take(query.limit).map(Task::titled).collect())
//!     }
//! }
//!
//! export! { clients: [TodoFile], settings: Config::default() }
//! ```
//!
//! Build it with `crate-type = ["cdylib"]`, check it with `warmstart plugin check FILE`, and trust it
//! with `warmstart plugin trust FILE`. Never set `panic = "abort"`: turning a panic into an ordinary
//! error needs unwinding.
//!
//! The functions have no `self`: each call may run in a new process, so there is no state between
//! calls. Calls are synchronous, one at a time, and on one thread; the process is killed at the
//! deadline, and `ctx.cancelled()` becomes true after 80 % of the time.

#![warn(missing_docs)]

pub mod abi;
mod context;
mod error;
mod plugin;
mod port;
mod settings;
mod values;

pub use context::{Ctx, Level};
pub use error::{Error, ErrorKind, Result};
#[doc(hidden)]
pub use plugin::{ClientItem, HookItem, Plugin, StrategyItem, settings_value};
pub use values::{Cache, CacheState, Decision, Failure, Query, Section, Serve, Session, Task};

/// A source of tasks: `kind = "plugin:LIBRARY/NAME"` of a client.
pub trait Client {
    /// Its name, in snake_case and unique in the plugin.
    const NAME: &'static str;

    /// Whether its answers come from this machine and are cheap: then they are never cached.
    const LOCAL: bool = false;

    /// The tasks, most important first, at most `query.limit`. It may read files and call servers;
    /// `ctx.remaining()` is the time left for that.
    ///
    /// # Errors
    /// The [`ErrorKind`] decides whether the fallback chain runs and whether the user is notified.
    fn pending_tasks(ctx: &Ctx<'_>, query: &Query) -> Result<Vec<Task>>;
}

/// A step of a fallback chain: `plugin:LIBRARY/NAME` in `fallback.chain`.
pub trait Strategy {
    /// Its name, in snake_case and unique in the plugin.
    const NAME: &'static str;

    /// Whether [`Strategy::before`] is called at all. It adds a call of at most 100 ms to each
    /// session start without a fresh cached answer.
    const BEFORE: bool = false;

    /// Called before the request, when the cached answer is not fresh. `None`: make the request.
    ///
    /// # Errors
    /// The request is made as if this step were not there.
    fn before(_ctx: &Ctx<'_>, _query: &Query, _cache: &Cache) -> Result<Option<Serve>> {
        Ok(None)
    }

    /// Called after the request failed.
    ///
    /// # Errors
    /// The next step of the chain runs.
    fn after_failure(
        ctx: &Ctx<'_>,
        query: &Query,
        failure: &Failure,
        cache: &Cache,
    ) -> Result<Decision>;
}

/// A hook of the session start: `kind = "plugin:LIBRARY/NAME"` in `[hooks.X]`.
pub trait Hook {
    /// Its name, in snake_case and unique in the plugin.
    const NAME: &'static str;

    /// Text for the context. The same state must give the same text.
    ///
    /// # Errors
    /// This hook adds nothing to the context; the reason is logged.
    fn session_start(ctx: &Ctx<'_>, session: &Session) -> Result<Vec<Section>>;
}

/// Exports your types as a plugin: the one C symbol, and the answer to `describe`.
///
/// Every part is optional; they must be in this order:
/// ```
/// # use warmstart_plugin::*;
/// # struct Summary;
/// # impl Hook for Summary {
/// #     const NAME: &'static str = "summary";
/// #     fn session_start(_: &Ctx<'_>, _: &Session) -> Result<Vec<Section>> { Ok(Vec::new()) }
/// # }
/// # #[derive(Default, serde::Serialize)]
/// # struct Config { title: String }
/// export! {
///     clients: [],
///     strategies: [],
///     hooks: [Summary],
///     wants: ["bearer_token"],
///     settings: Config::default(),
/// }
/// ```
///
/// `settings` is a value that serialises to the table `[plugins.NAME.config]`: every key that the
/// plugin reads, with its default or an example. `warmstart plugin trust` prints that table, and the
/// host refuses any other key. Without `settings` every key is accepted.
#[macro_export]
macro_rules! export {
    (
        $(clients: [$($client:ty),* $(,)?] $(,)?)?
        $(strategies: [$($strategy:ty),* $(,)?] $(,)?)?
        $(hooks: [$($hook:ty),* $(,)?] $(,)?)?
        $(wants: [$($want:literal),* $(,)?] $(,)?)?
        $(settings: $settings:expr $(,)?)?
    ) => {
        /// # Safety
        /// Called only by the host, with pointers that are valid until it returns.
        #[allow(unsafe_code, reason = "the one function that is called from C")]
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn warmstart_plugin_v1(
            host: *mut $crate::abi::Host,
            request: $crate::abi::Str,
        ) -> i32 {
            static PLUGIN: $crate::Plugin = $crate::Plugin {
                name: env!("CARGO_PKG_NAME"),
                version: env!("CARGO_PKG_VERSION"),
                clients: &[$($($crate::ClientItem::of::<$client>()),*)?],
                strategies: &[$($($crate::StrategyItem::of::<$strategy>()),*)?],
                hooks: &[$($($crate::HookItem::of::<$hook>()),*)?],
                wants: &[$($($want),*)?],
                settings: &[$(|| $crate::settings_value(&$settings))?],
            };
            // SAFETY: the host passes what `abi::Entry` requires.
            unsafe { PLUGIN.answer(host, request) }
        }
    };
}
