//! The program: reads the environment once and runs the command.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use warmstart::{Environment, Flags, Invocation};

fn main() -> ExitCode {
    let at = Instant::now();
    let mut arguments = std::env::args_os();
    let name = arguments.next().map(Into::into);
    let program = std::env::current_exe().ok().or(name).unwrap_or_default();
    let arguments: Vec<_> = arguments.collect();
    let environment = Arc::new(Environment::of_process());
    if environment.get("WARMSTART_DEBUG") != Some("1") {
        warmstart::protect_memory();
    }
    warmstart::run(&arguments, &Invocation { environment, program, at, flags: Flags::default() })
}

/// For builds under AddressSanitizer alone. The tests need the signals of plugins that crash on purpose;
/// a library that is never unloaded, an abandoned thread and an `exit` in a call leak by design.
#[cfg(sanitized)]
#[expect(unsafe_code, reason = "the sanitiser asks for its options by this symbol")]
#[unsafe(no_mangle)]
extern "C" fn __asan_default_options() -> *const std::ffi::c_char {
    c"detect_leaks=0:handle_segv=0:handle_sigbus=0".as_ptr()
}
