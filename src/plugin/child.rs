//! The process that a plugin runs in: reads one order, shuts itself in, loads, calls, tells its
//! parent, and is gone. It knows no configuration and no files of ours but the one library.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::{Fault, FaultKind};
use super::frame::Frame;
use super::host::{self, LoadedLibrary};
use super::image::{Image, PinnedLibrary};
use super::wire::MAX_REQUEST_BYTES;

/// The hidden command.
pub const COMMAND: &str = "__plugin-host";
/// The request with what is put around it.
const MAX_CALL_BYTES: u64 = MAX_REQUEST_BYTES as u64 + (64 << 10);

/// What the child is told on its standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallRequest {
    pub library: PinnedLibrary,
    /// The parent, to notice that it was gone before we asked to end with it.
    pub parent: u32,
    /// When the plugin is told to wrap up, and how much processor time it may use.
    pub soft_ms: u64,
    pub cpu_s: u64,
    pub request: Value,
}

/// The whole life of the child.
pub fn run() -> ! {
    let code = match guarded_channel() {
        Ok(channel) => serve(channel),
        Err(_) => 1,
    };
    host::exit_now(code)
}

fn serve(channel: File) -> i32 {
    let channel = Mutex::new(channel);
    let send = |frame: &Frame| {
        let mut channel = channel.lock().unwrap_or_else(PoisonError::into_inner);
        channel.write_all(&frame.encode()).is_ok()
    };
    let result = order().and_then(|order| {
        restrict_self(&order);
        answer(&order, &|level, text| {
            send(&Frame::Log { level, text });
        })
    });
    let frame = match result {
        Ok(reply) => Frame::Reply(reply),
        Err(fault) => Frame::Fault(fault),
    };
    i32::from(!send(&frame))
}

fn order() -> Result<CallRequest, Fault> {
    let unread = |text: String| Fault::new(FaultKind::Reply, format!("was not asked: {text}"));
    let mut bytes = Vec::new();
    let mut stdin = std::io::stdin().lock().take(MAX_CALL_BYTES);
    stdin.read_to_end(&mut bytes).map_err(|error| unread(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))
}

fn answer(order: &CallRequest, log: host::Log<'_>) -> Result<Value, Fault> {
    let soft = Instant::now() + Duration::from_millis(order.soft_ms);
    let loaded = LoadedLibrary::open(Image::verified(&order.library)?)?;
    loaded.call(&order.request.to_string(), soft, log)
}

/// Keeps standard output for the frames, and lets everything that is printed go to standard error.
#[cfg(unix)]
fn guarded_channel() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    let channel = std::io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(std::io::stderr())?;
    Ok(File::from(channel))
}

#[cfg(windows)]
fn guarded_channel() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    std::io::stdout().as_handle().try_clone_to_owned().map(File::from)
}

/// What a plugin that leaks may take before it is refused more. Reserved address space, of which some
/// runtimes take much, does not count.
#[cfg(unix)]
const MAX_MEMORY_BYTES: u64 = 512 << 20;

/// No core dump, limits on processor time and memory, an end with the parent, nothing to read.
#[cfg(unix)]
fn restrict_self(order: &CallRequest) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    let _ = setrlimit(Resource::Core, limit(0));
    let _ = setrlimit(Resource::Cpu, limit(order.cpu_s));
    // A sanitiser's own tables are larger than that.
    if !cfg!(sanitized) {
        let _ = setrlimit(Resource::Data, limit(MAX_MEMORY_BYTES));
    }
    if let Ok(nothing) = File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(nothing);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        let parent = getppid().map(|id| id.as_raw_nonzero().get().cast_unsigned());
        if parent != Some(order.parent) {
            host::exit_now(1);
        }
    }
}

#[cfg(not(unix))]
fn restrict_self(_: &CallRequest) {}
