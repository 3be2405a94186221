//! The pause between two steps, and its end by a signal: the temporary folder must be removed then too.

use std::io::{BufRead, IsTerminal};

use crate::cli::terminal;

/// The signal that ended the demonstration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended(pub u8);

/// Waits between the steps.
pub struct Pause {
    is_silent: bool,
    signals: signals::Signals,
}

impl Pause {
    /// Without a terminal, or with `is_silent`, nothing is waited for.
    pub fn new(is_silent: bool) -> Self {
        let has_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
        Pause { is_silent: is_silent || !has_terminal, signals: signals::Signals::register() }
    }

    /// Waits for Enter.
    ///
    /// # Errors
    /// A signal.
    pub fn wait(&self) -> Result<(), Ended> {
        if !self.is_silent {
            terminal::eprint("\n[Enter] ");
            self.signals.wait_for_input()?;
            let mut line = String::new();
            let _ = std::io::stdin().lock().read_line(&mut line);
        }
        self.check()
    }

    /// Whether to continue.
    ///
    /// # Errors
    /// A signal.
    pub fn check(&self) -> Result<(), Ended> {
        self.signals.received()
    }
}

#[cfg(unix)]
mod signals {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    use super::Ended;

    /// How soon a signal is noticed, in nanoseconds.
    const INTERVAL: i64 = 100_000_000;

    /// The first signal that asks for the end; 0: none yet.
    pub struct Signals(Arc<AtomicUsize>);

    impl Signals {
        pub fn register() -> Self {
            let received = Arc::new(AtomicUsize::new(0));
            for signal in [SIGINT, SIGTERM, SIGHUP] {
                let number = usize::try_from(signal).unwrap_or(0);
                let _ = signal_hook::flag::register_usize(signal, Arc::clone(&received), number);
            }
            Signals(received)
        }

        pub fn received(&self) -> Result<(), Ended> {
            match self.0.load(Ordering::SeqCst) {
                0 => Ok(()),
                signal => Err(Ended(u8::try_from(signal).unwrap_or(0))),
            }
        }

        pub fn wait_for_input(&self) -> Result<(), Ended> {
            let stdin = std::io::stdin();
            let time = Timespec { tv_sec: 0, tv_nsec: INTERVAL };
            loop {
                self.received()?;
                let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
                if poll(&mut polled, Some(&time)).is_ok_and(|ready| ready > 0) {
                    return Ok(());
                }
            }
        }
    }
}

#[cfg(not(unix))]
mod signals {
    use super::Ended;

    pub struct Signals;

    impl Signals {
        pub fn register() -> Self {
            Signals
        }

        pub fn received(&self) -> Result<(), Ended> {
            Ok(())
        }

        pub fn wait_for_input(&self) -> Result<(), Ended> {
            Ok(())
        }
    }
}
