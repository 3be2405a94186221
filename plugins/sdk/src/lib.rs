//! Write a plugin for `warmstart`: a source of tasks ([`Client`]), a fallback strategy ([`Strategy`])
//! or a piece of the session start ([`Hook`]). A plugin is a shared library; this crate makes one
//! without a line of `unsafe` in yours.
//!
//! ```
//! use warmstart_plugin::{Client, Ctx, Query, Result, Task, export};
//!
//! struct TodoFile;
//!
//! #[derive(serde::Deserialize)]
//! struct Config {
//!     path: std::path::PathBuf,
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
//! export! { clients: [TodoFile] }
//! ```
//!
//! Build it with `crate-type = ["cdylib"]`, look at it with `warmstart plugin check FILE`, and let it
//! in with `warmstart plugin trust FILE`. Never set `panic = "abort"`: the barrier that turns a panic
//! into an ordinary error needs unwinding.
//!
//! The functions have no `self`: each call may come in a new process, so state between calls does not
//! exist. Calls are synchronous, one at a time, and on one thread; the process is killed at the
//! deadline, and `ctx.cancelled()` turns true at four fifths of it.

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
pub use plugin::{ClientItem, HookItem, Plugin, StrategyItem};
pub use values::{Cache, CacheState, Decision, Failure, Query, Section, Serve, Session, Task};

/// A source of tasks: `kind = "plugin:LIBRARY/NAME"` of a client.
pub trait Client {
    /// Its name, in snake_case and unique in the plugin.
    const NAME: &'static str;

    /// Whether its answers come from this machine and cost next to nothing: then they are never
    /// cached and always as new as they can be.
    const LOCAL: bool = false;

    /// The tasks, the most important ones first, `query.limit` of them at the most. It may read files
    /// and ask servers; `ctx.remaining()` tells how long that may take.
    ///
    /// # Errors
    /// Whatever went wrong; the [`ErrorKind`] decides whether the fallback chain runs, and whether
    /// the person is told.
    fn pending_tasks(ctx: &Ctx<'_>, query: &Query) -> Result<Vec<Task>>;
}

/// A step of a fallback chain: `plugin:LIBRARY/NAME` in `fallback.chain`.
pub trait Strategy {
    /// Its name, in snake_case and unique in the plugin.
    const NAME: &'static str;

    /// Whether [`Strategy::before`] is asked at all. It costs each session start that has no fresh
    /// answer a call, which may take 100 ms at the most.
    const BEFORE: bool = false;

    /// Before the request, when the cache is not fresh: what to serve without asking. `None`: ask.
    ///
    /// # Errors
    /// Then the request is made as if there were no such step.
    fn before(_ctx: &Ctx<'_>, _query: &Query, _cache: &Cache) -> Result<Option<Serve>> {
        Ok(None)
    }

    /// After the request failed.
    ///
    /// # Errors
    /// Then the next step of the chain is asked.
    fn after_failure(
        ctx: &Ctx<'_>,
        query: &Query,
        failure: &Failure,
        cache: &Cache,
    ) -> Result<Decision>;
}

/// A piece of the session start: `kind = "plugin:LIBRARY/NAME"` of a hook.
pub trait Hook {
    /// Its name, in snake_case and unique in the plugin.
    const NAME: &'static str;

    /// Text for the context. The same state must give the same text.
    ///
    /// # Errors
    /// Then this hook has nothing to say, and the log tells why.
    fn session_start(ctx: &Ctx<'_>, session: &Session) -> Result<Vec<Section>>;
}

/// Makes a shared library of your types: the one exported symbol, and the answer to `describe`.
///
/// All lists may be left out, and are in this order:
/// ```ignore
/// export! {
///     clients: [Jira],
///     strategies: [WorkHours],
///     hooks: [Summary],
///     wants: ["bearer_token"],
/// }
/// ```
#[macro_export]
macro_rules! export {
    (
        $(clients: [$($client:ty),* $(,)?] $(,)?)?
        $(strategies: [$($strategy:ty),* $(,)?] $(,)?)?
        $(hooks: [$($hook:ty),* $(,)?] $(,)?)?
        $(wants: [$($want:literal),* $(,)?] $(,)?)?
    ) => {
        /// # Safety
        /// Called by the host alone, with pointers that are valid until it returns.
        #[allow(unsafe_code, reason = "the one function that C sees")]
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
            };
            // SAFETY: the host keeps the promises of `abi::Entry`.
            unsafe { PLUGIN.answer(host, request) }
        }
    };
}
