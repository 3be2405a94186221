//! The plugin's side of the C interface: a checked copy of the host's struct with safe methods.

use std::marker::PhantomData;

use crate::abi::{Host, Str};
use crate::context::Level;

/// The host during one call. Holds raw pointers, so it is not `Send`.
pub struct Port {
    host: Host,
    /// The host's callbacks must not be called from another thread.
    _one_thread: PhantomData<*const ()>,
}

#[expect(unsafe_code, reason = "the host's callbacks are C functions")]
impl Port {
    /// Copies the host's struct; `None` if it is null or older than version 1.0.
    ///
    /// # Safety
    /// `host` is null, or points to a struct of which `size` bytes are valid, and its callbacks may be
    /// called until the returned value is dropped.
    pub unsafe fn open(host: *mut Host) -> Option<Self> {
        if host.is_null() {
            return None;
        }
        // SAFETY: not null; `size` is the first field in every version.
        let size = unsafe { (&raw const (*host).size).read() };
        if (size as usize) < size_of::<Host>() {
            return None;
        }
        // SAFETY: by `size`, this many bytes are valid.
        Some(Port { host: unsafe { host.read() }, _one_thread: PhantomData })
    }

    /// Whether the host accepted the reply.
    pub fn reply(&self, json: &str) -> bool {
        // SAFETY: `open`'s caller guarantees valid callbacks; the text outlives the call.
        unsafe { (self.host.reply)(self.host.context, Str::of(json)) == 0 }
    }

    pub fn log(&self, level: Level, line: &str) {
        // SAFETY: as in `reply`.
        unsafe { (self.host.log)(self.host.context, level as u32, Str::of(line)) }
    }

    pub fn cancelled(&self) -> bool {
        // SAFETY: as in `reply`.
        unsafe { (self.host.cancelled)(self.host.context) != 0 }
    }
}
