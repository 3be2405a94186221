//! The C interface: the types of `include/warmstart_plugin.h`, in its order.
//! The host uses them too, so there is one definition; a test compares it with the header.

use core::ffi::c_void;

/// The one function that a plugin of this major version exports.
pub const SYMBOL: &str = "warmstart_plugin_v1";

/// Major and minor version of this interface. The major version is part of [`SYMBOL`]; the minor one
/// grows with every addition (a new `op`, field of a request, or field at the end of [`Host`]).
pub const VERSION: (u16, u16) = (1, 0);

/// Maximum size of a reply, in bytes.
pub const LARGEST_REPLY: usize = 1 << 20;

/// Borrowed UTF-8 without a terminator (`ws_str`).
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Str {
    /// The first byte; may be null only when `length` is 0.
    pub pointer: *const u8,
    /// How many bytes there are.
    pub length: usize,
}

impl Str {
    /// Borrows `text`, for as long as the caller keeps it.
    #[must_use]
    pub const fn of(text: &str) -> Self {
        Str { pointer: text.as_ptr(), length: text.len() }
    }

    /// The bytes; `None` for a null pointer with a length, or a length that no object can have.
    ///
    /// # Safety
    /// If the pointer is not null, `length` bytes must be readable there for the whole of `'a`.
    #[must_use]
    #[expect(unsafe_code, reason = "the caller across the interface passes a pointer")]
    pub unsafe fn bytes<'a>(self) -> Option<&'a [u8]> {
        if self.length == 0 {
            return Some(&[]);
        }
        if self.pointer.is_null() || isize::try_from(self.length).is_err() {
            return None;
        }
        // SAFETY: not null, no longer than any object, and readable as the caller guarantees.
        Some(unsafe { std::slice::from_raw_parts(self.pointer, self.length) })
    }
}

/// Receives the reply. Returns 0 if it was accepted, anything else if it was refused.
pub type Reply = unsafe extern "C" fn(context: *mut c_void, json: Str) -> i32;
/// Receives one line for the log, at a level of [`crate::Level`].
pub type Log = unsafe extern "C" fn(context: *mut c_void, level: u32, text: Str);
/// Not 0 once 80 % of the time limit has passed.
pub type Cancelled = unsafe extern "C" fn(context: *mut c_void) -> i32;

/// The host's callbacks during a call (`ws_host`). Valid until the call returns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Host {
    /// Valid bytes of this struct; later versions only append fields.
    pub size: u32,
    /// 0.
    pub reserved: u32,
    /// Passed back unchanged.
    pub context: *mut c_void,
    /// Copies the bytes; only the first reply counts.
    pub reply: Reply,
    /// Copies the bytes.
    pub log: Log,
    /// Cooperative: a plugin that does not poll it runs until the time limit.
    pub cancelled: Cancelled,
}

/// The type of [`SYMBOL`]: returns 0 after a reply; any other value is a fault.
pub type Entry = unsafe extern "C" fn(host: *mut Host, request: Str) -> i32;
