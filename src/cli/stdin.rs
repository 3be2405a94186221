//! Reading the host's event, bounded in size and time, since standard input may be empty, huge, or
//! never end. Reading stops when one JSON value is complete.

use std::io::{IsTerminal, Read};
use std::time::{Duration, Instant};

use crate::event::{Problem, SessionEvent};
use crate::host;

/// The event is a few hundred bytes.
const MAX_EVENT_BYTES: usize = 1 << 20;
/// The host writes at once.
const TIMEOUT: Duration = Duration::from_millis(250);
/// Pieces that end like an object are parsed this often; after that the end of the input counts.
const MAX_ATTEMPTS: usize = 16;

/// The event, and what was wrong with it.
pub type ReadEvent = (SessionEvent, Option<Problem>);

/// Reads the event; unreadable input is an unknown start, with the reason.
#[must_use]
pub fn read() -> ReadEvent {
    let mut stdin = std::io::stdin().lock();
    if stdin.is_terminal() {
        super::terminal::eprint(
            "no event on standard input: this is what a session gets at its startup\n",
        );
        return (SessionEvent::unknown(), Some(Problem::Empty));
    }
    let until = Instant::now() + TIMEOUT;
    let mut bytes = Vec::new();
    let mut piece = [0; 8192];
    let mut attempts = 0;
    let mut is_late = true;
    while is_ready(until) {
        match stdin.read(&mut piece) {
            Ok(0) | Err(_) => {
                is_late = false;
                break;
            }
            Ok(length) => bytes.extend_from_slice(&piece[..length]),
        }
        if bytes.len() > MAX_EVENT_BYTES {
            return (SessionEvent::unknown(), Some(Problem::TooLarge));
        }
        if attempts < MAX_ATTEMPTS && ends_like_an_object(&bytes) {
            attempts += 1;
            if is_complete(&bytes) {
                break;
            }
        }
    }
    let (event, problem) = SessionEvent::parse(&bytes);
    let problem = if is_late { problem.map(|_| Problem::Late) } else { problem };
    let is_other = problem.is_none() && host::is_other_event(&event);
    (event, if is_other { Some(Problem::OtherEvent) } else { problem })
}

fn ends_like_an_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_end().ends_with(b"}")
}

fn is_complete(bytes: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(bytes.trim_ascii_end()).is_ok()
}

/// Waits until there is something to read, or the end; `false` after `until`.
#[cfg(unix)]
fn is_ready(until: Instant) -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let wait =
            Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut polled, Some(&wait)) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(0) | Err(_) => return false,
            Ok(_) => return true,
        }
    }
}

#[cfg(not(unix))]
fn is_ready(until: Instant) -> bool {
    Instant::now() < until
}
