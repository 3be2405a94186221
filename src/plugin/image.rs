//! From a path to bytes that are known to be the trusted ones, in a form that nobody can change
//! between the check and the load: on Linux a sealed file in memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};
use super::{header, pin};
use crate::disk;

/// Which file, and what it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedLibrary {
    /// Absolute: a bare name would be looked up by the dynamic loader.
    pub path: PathBuf,
    /// In hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// A verified library.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    _memory: Option<File>,
}

impl Image {
    /// Reads and verifies: size, hash, and that it is a library for this machine.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn verified(library: &PinnedLibrary) -> Result<Self, Fault> {
        if !library.path.is_absolute() {
            return Err(Fault::new(FaultKind::Path, "is not named by an absolute path"));
        }
        let bytes = disk::read_private(&library.path, pin::MAX_LIBRARY_BYTES);
        let bytes = bytes
            .map_err(|error| Fault::new(FaultKind::Path, format!("cannot be read: {error}")))?;
        let bytes =
            bytes.ok_or_else(|| Fault::new(FaultKind::Path, "has lost its trusted copy"))?;
        if bytes.len() as u64 != library.size || pin::digest(&bytes) != library.sha256 {
            return Err(Fault::new(FaultKind::Changed, "has changed since it was trusted"));
        }
        header::check(&bytes).map_err(|wrong| Fault::new(FaultKind::NotALibrary, wrong))?;
        Ok(match in_memory(&bytes) {
            Some((path, memory)) => Image { path, _memory: Some(memory) },
            // Nobody but the user can write there.
            None => Image { path: library.path.clone(), _memory: None },
        })
    }

    /// What the dynamic loader opens.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(target_os = "linux")]
fn in_memory(bytes: &[u8]) -> Option<(PathBuf, File)> {
    use std::io::Write;
    use std::os::fd::AsRawFd;

    use rustix::fs::{MemfdFlags, SealFlags};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut memory = File::from(rustix::fs::memfd_create("warmstart-plugin", flags).ok()?);
    memory.write_all(bytes).ok()?;
    let seals = SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
    rustix::fs::fcntl_add_seals(&memory, seals).ok()?;
    // A kernel that forbids to run what lies in memory says so only when it is loaded; there the
    // folder's own rules have to do.
    let path = PathBuf::from(format!("/proc/self/fd/{}", memory.as_raw_fd()));
    path.exists().then_some((path, memory))
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &[u8]) -> Option<(PathBuf, File)> {
    None
}
