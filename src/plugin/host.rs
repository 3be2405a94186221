//! The host's side of the C interface: loads a verified library, calls its function, and receives
//! reply and log lines through callbacks. The only unsafe code of the program.

#![expect(unsafe_code, reason = "loading a library and C callbacks require it")]

use std::ffi::{c_int, c_void};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use libloading::Library;
use serde_json::Value;
use warmstart_plugin::abi::{self, Host, Str};

use super::fault::{Fault, FaultKind};
use super::frame::MAX_LOG_LINES;
use super::image::Image;

/// Bytes of one log line that are kept.
const MAX_LINE_BYTES: usize = 4096;

/// Receives a plugin's log lines: level and text.
pub type Log<'a> = &'a (dyn Fn(u32, String) + Sync);

/// A loaded library. Never unloaded: its threads and exit handlers may outlive a call.
pub struct LoadedLibrary {
    entry: abi::Entry,
}

impl LoadedLibrary {
    /// Loads the library; its constructors run here.
    ///
    /// # Errors
    /// The loader's message, or that the function is missing.
    pub fn open(image: Image) -> Result<Self, Fault> {
        // SAFETY: loading runs the library's constructors; the user trusts exactly these bytes.
        let library = unsafe { open(image.path()) }.map_err(|error| {
            Fault::new(FaultKind::Load, format!("cannot be loaded: {}", chain(&error)))
        })?;
        let library: &'static Library = Box::leak(Box::new(library));
        std::mem::forget(image);
        // SAFETY: a library that exports this name gives it this type (abi::Entry).
        let entry = unsafe { library.get::<abi::Entry>(abi::SYMBOL) };
        match entry {
            Ok(entry) => Ok(LoadedLibrary { entry: *entry }),
            Err(_) => Err(missing(library)),
        }
    }

    /// One call. `cancelled` is true from `soft` on.
    ///
    /// # Errors
    /// When there was no usable reply.
    pub fn call(&self, request: &str, soft: Instant, log: Log<'_>) -> Result<Value, Fault> {
        let call = HostCall { state: Mutex::default(), soft, log };
        let mut host = Host {
            size: u32::try_from(size_of::<Host>()).unwrap_or(u32::MAX),
            reserved: 0,
            context: (&raw const call).cast_mut().cast(),
            reply,
            log: take_line,
            cancelled,
        };
        // SAFETY: `host`, `call` and `request` outlive the call, as the interface requires; the
        // callbacks lock their shared state, in case the plugin calls them from several threads.
        let code = unsafe { (self.entry)(&raw mut host, Str::of(request)) };
        let state = std::mem::take(&mut *call.lock());
        match (code, state.reply) {
            (0, Some(reply)) => reply,
            (_, Some(Err(fault))) => Err(fault),
            (0, None) => Err(Fault::new(FaultKind::Reply, "returned without a reply")),
            (code, _) => Err(Fault::new(FaultKind::Reply, format!("returned the code {code}"))),
        }
    }
}

/// Resolves all symbols at once, so that a missing one is an error here and not a crash later, and
/// does not export them to other libraries.
#[cfg(unix)]
unsafe fn open(path: &std::path::Path) -> Result<Library, libloading::Error> {
    use libloading::os::unix;
    // SAFETY: as for the caller.
    unsafe { unix::Library::open(Some(path), unix::RTLD_NOW | unix::RTLD_LOCAL) }.map(Library::from)
}

#[cfg(not(unix))]
unsafe fn open(path: &std::path::Path) -> Result<Library, libloading::Error> {
    // SAFETY: as for the caller.
    unsafe { Library::new(path) }
}

fn missing(library: &Library) -> Fault {
    // SAFETY: only looked up, never called.
    let is_newer = unsafe { library.get::<abi::Entry>("warmstart_plugin_v2") }.is_ok();
    if is_newer {
        return Fault::new(
            FaultKind::Version,
            "requires version 2 of the plugin interface; this host has 1.0",
        );
    }
    Fault::new(FaultKind::Symbol, format!("does not export `{}`", abi::SYMBOL))
}

/// libloading's own message is only "dlopen failed"; the reason is its source.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    super::wire::plain(&text)
}

/// The state that the callbacks share.
struct HostCall<'a> {
    state: Mutex<State>,
    soft: Instant,
    log: Log<'a>,
}

#[derive(Default)]
struct State {
    reply: Option<Result<Value, Fault>>,
    lines: usize,
}

impl HostCall<'_> {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Only the first reply counts. Parsed here, so that the frame is one line whatever it holds.
    fn take_reply(&self, bytes: Option<&[u8]>) -> i32 {
        let mut state = self.lock();
        if state.reply.is_some() {
            return 1;
        }
        let invalid = |text: &str| Err(Fault::new(FaultKind::Reply, text));
        let reply = match bytes {
            None => invalid("replied with a null pointer or an impossible length"),
            Some(bytes) if bytes.len() > abi::LARGEST_REPLY => {
                invalid("replied with more than 1 MiB")
            }
            Some(bytes) => serde_json::from_slice(bytes)
                .or_else(|error| invalid(&format!("replied with text that is not JSON: {error}"))),
        };
        let refused = i32::from(reply.is_err());
        state.reply = Some(reply);
        refused
    }

    fn take_line(&self, level: u32, bytes: Option<&[u8]>) {
        let mut state = self.lock();
        state.lines += 1;
        if state.lines <= MAX_LOG_LINES {
            let bytes = bytes.unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(MAX_LINE_BYTES)]);
            (self.log)(level.clamp(1, 5), text.into_owned());
        }
    }
}

/// # Safety
/// `context` is the one that `LoadedLibrary::call` passed, and that call has not returned.
unsafe fn call_of<'a>(context: *mut c_void) -> &'a HostCall<'a> {
    // SAFETY: as for the caller.
    unsafe { &*context.cast_const().cast() }
}

unsafe extern "C" fn reply(context: *mut c_void, json: Str) -> i32 {
    // SAFETY: called by the plugin during its call, with bytes that it owns until this returns.
    unsafe { call_of(context).take_reply(json.bytes()) }
}

unsafe extern "C" fn take_line(context: *mut c_void, level: u32, text: Str) {
    // SAFETY: as in `reply`.
    unsafe { call_of(context).take_line(level, text.bytes()) }
}

unsafe extern "C" fn cancelled(context: *mut c_void) -> i32 {
    // SAFETY: as in `reply`.
    i32::from(Instant::now() >= unsafe { call_of(context) }.soft)
}

/// Ends the process at once, without running a plugin's destructors and exit handlers.
pub fn exit_now(code: c_int) -> ! {
    unsafe extern "C" {
        safe fn _exit(code: c_int) -> !;
    }
    _exit(code)
}
