//! From a path to verified bytes that cannot change between check and load: on Linux a sealed file in
//! memory.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};
use super::{header, pin};
use crate::digest::sha256_hex;
use crate::disk;

/// A library's file and the bytes it must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedLibrary {
    /// Absolute: the dynamic loader would search for a bare name.
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
    /// Reads the file and verifies its size, its hash, and that it is a library for this machine.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn verified(library: &PinnedLibrary) -> Result<Self, Fault> {
        if !library.path.is_absolute() {
            return Err(Fault::new(FaultKind::Path, "does not have an absolute path"));
        }
        let bytes = disk::read_private(&library.path, pin::MAX_LIBRARY_BYTES)
            .map_err(|error| Fault::new(FaultKind::Path, format!("cannot be read: {error}")))?
            .ok_or_else(|| Fault::new(FaultKind::Path, "has lost its trusted copy"))?;
        if bytes.len() as u64 != library.size || sha256_hex(&bytes) != library.sha256 {
            return Err(Fault::new(FaultKind::Changed, "has changed since it was trusted"));
        }
        header::check(&bytes).map_err(|wrong| Fault::new(FaultKind::NotALibrary, wrong))?;
        Ok(match in_memory(&bytes) {
            Some((path, memory)) => Image { path, _memory: Some(memory) },
            // Only the user can write there.
            None => Image { path: library.path.clone(), _memory: None },
        })
    }

    /// The path for the dynamic loader.
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
    // A kernel that forbids executing memory files refuses only the load itself.
    let path = PathBuf::from(format!("/proc/self/fd/{}", memory.as_raw_fd()));
    path.exists().then_some((path, memory))
}

#[cfg(not(target_os = "linux"))]
fn in_memory(_: &[u8]) -> Option<(PathBuf, File)> {
    None
}
