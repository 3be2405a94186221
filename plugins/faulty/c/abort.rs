//! A plugin without the SDK, compiled by the tests with `-C panic=abort`: its panic cannot be caught
//! and ends its process.

use std::ffi::c_void;

#[repr(C)]
pub struct Str {
    pointer: *const u8,
    length: usize,
}

#[repr(C)]
pub struct Host {
    size: u32,
    reserved: u32,
    context: *mut c_void,
    reply: extern "C" fn(*mut c_void, Str) -> i32,
}

const DESCRIPTION: &str = r#"{"ok":{"name":"abort","abi":"1.0","clients":["abort"]}}"#;

/// # Safety
/// Called by the host.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn warmstart_plugin_v1(host: *mut Host, request: Str) -> i32 {
    let (host, request) =
        unsafe { (&*host, std::slice::from_raw_parts(request.pointer, request.length)) };
    assert!(request.windows(10).any(|part| part == br#""describe""#), "nothing catches this");
    (host.reply)(host.context, Str { pointer: DESCRIPTION.as_ptr(), length: DESCRIPTION.len() })
}
