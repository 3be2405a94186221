//! The process that a plugin runs in: reads one request, applies resource limits, loads the library,
//! calls it, writes the result to its parent, and exits. It reads no configuration.

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
#[cfg(unix)]
use crate::process::guard;

/// The hidden command.
pub const COMMAND: &str = "__plugin-host";
/// The plugin's request and the fields around it.
const MAX_CALL_BYTES: u64 = MAX_REQUEST_BYTES as u64 + (64 << 10);

/// The child's standard input.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallRequest {
    pub library: PinnedLibrary,
    /// When `cancelled` becomes true.
    pub soft_ms: u64,
    /// The limit on processor time.
    pub cpu_s: u64,
    pub request: Value,
}

/// Serves one call and exits.
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
    let result = read_request().and_then(|request| {
        restrict_self(&request);
        answer(&request, &|level, text| {
            send(&Frame::Log { level, text });
        })
    });
    let frame = match result {
        Ok(reply) => Frame::Reply(reply),
        Err(fault) => Frame::Fault(fault),
    };
    i32::from(!send(&frame))
}

fn read_request() -> Result<CallRequest, Fault> {
    let unread = |text: String| Fault::new(FaultKind::Reply, format!("was not called: {text}"));
    let mut bytes = Vec::new();
    let mut stdin = std::io::stdin().lock().take(MAX_CALL_BYTES);
    stdin.read_to_end(&mut bytes).map_err(|error| unread(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| unread(error.to_string()))
}

fn answer(call: &CallRequest, log: host::Log<'_>) -> Result<Value, Fault> {
    let soft = Instant::now() + Duration::from_millis(call.soft_ms);
    let loaded = LoadedLibrary::open(Image::verified(&call.library)?)?;
    loaded.call(&call.request.to_string(), soft, log)
}

/// Reserves standard output for the frames; what the plugin prints there goes to standard error.
#[cfg(unix)]
fn guarded_channel() -> std::io::Result<File> {
    use std::os::fd::AsFd;
    // A session and a process group of its own, without the terminal of the host.
    rustix::process::setsid()?;
    let channel = std::io::stdout().as_fd().try_clone_to_owned()?;
    guard::end_group_with_reader(channel.try_clone()?)?;
    rustix::stdio::dup2_stdout(std::io::stderr())?;
    Ok(File::from(channel))
}

#[cfg(windows)]
fn guarded_channel() -> std::io::Result<File> {
    use std::os::windows::io::AsHandle;
    std::io::stdout().as_handle().try_clone_to_owned().map(File::from)
}

/// Limits a leaking plugin. Reserved address space does not count: some runtimes reserve much.
#[cfg(unix)]
const MAX_MEMORY_BYTES: u64 = 512 << 20;
/// Open files.
#[cfg(unix)]
const MAX_FILES: u64 = 256;

/// No core dump, limits on processor time, memory and open files, an empty standard input; ends with the
/// parent.
#[cfg(unix)]
fn restrict_self(call: &CallRequest) {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    let _ = setrlimit(Resource::Core, limit(0));
    let _ = setrlimit(Resource::Cpu, limit(call.cpu_s));
    let _ = setrlimit(Resource::Nofile, limit(MAX_FILES));
    // A sanitiser's tables are larger than the limit.
    if !cfg!(sanitized) {
        let _ = setrlimit(Resource::Data, limit(MAX_MEMORY_BYTES));
    }
    if let Ok(nothing) = File::open("/dev/null") {
        let _ = rustix::stdio::dup2_stdin(nothing);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        // The guard's thread ends the group with the parent. A plugin that has stopped its process
        // stops that thread too: this lets it run.
        let _ = set_parent_process_death_signal(Some(Signal::CONT));
    }
}

#[cfg(not(unix))]
fn restrict_self(_: &CallRequest) {}
