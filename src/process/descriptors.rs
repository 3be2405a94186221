//! Open files of the caller. A host may leave more open than the three standard streams; a program
//! that we start must not hold them open: their other end would wait for it.

#[cfg(unix)]
use std::path::Path;

#[cfg(unix)]
use crate::disk;

/// Closes all but the standard streams in the programs that are started from now on. Our own files are
/// opened that way; those of the caller are not.
pub fn close_on_exec() {
    #[cfg(unix)]
    for number in open_numbers() {
        set_close_on_exec(number);
    }
}

/// Where the system does not list them: the first 256.
#[cfg(unix)]
fn open_numbers() -> Vec<i32> {
    let names = disk::names(Path::new("/dev/fd"));
    if names.is_empty() {
        return (3..256).collect();
    }
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse().ok());
    numbers.filter(|number| *number > 2).collect()
}

#[cfg(unix)]
#[expect(unsafe_code, reason = "only the number of an inherited file is known")]
fn set_close_on_exec(number: i32) {
    use std::os::fd::BorrowedFd;
    // SAFETY: the number is used in this one call, which changes nothing but the flag: where another
    // thread has closed the file since, the call fails or sets the flag of a file that has it already.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    let _ = rustix::io::fcntl_setfd(file, rustix::io::FdFlags::CLOEXEC);
}
