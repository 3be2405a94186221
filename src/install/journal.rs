//! What `install` changed: `<state>/installs.json` names each file with its original, `<state>/undo/TIME/`
//! keeps the bytes of every file before a change. The lock is held from the reading to the last write.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deadline::Deadline;
use crate::digest;
use crate::disk::{self, Durability, Lock, LockWait};
use crate::error::{Code, Failure};

/// Another `install` asks nothing while it holds the lock.
const LOCK_WAIT: Duration = Duration::from_secs(10);
const MAX_BYTES: u64 = 1 << 20;

/// One settings file with our entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installation {
    /// The path that the host opens.
    pub path: PathBuf,
    pub host: String,
    pub scope: String,
    /// SHA-256 of the file as it was written.
    pub written: String,
    /// The copy of the file without our entry; `None` when there is none to go back to.
    pub original: Option<Original>,
    /// Whether the file was made.
    pub is_created: bool,
    /// The keys that were added around the entry.
    pub made: Vec<String>,
    /// The folders that were made, outermost first.
    pub folders: Vec<PathBuf>,
}

/// A copy of a file without our entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    pub copy: PathBuf,
    pub sha256: String,
}

impl Installation {
    /// Whether the file has the bytes that were written.
    #[must_use]
    pub fn is_unchanged(&self, bytes: Option<&[u8]>) -> bool {
        bytes.is_some_and(|bytes| digest::sha256_hex(bytes) == self.written)
    }

    /// The bytes before the entry was added, if their copy is there and whole.
    #[must_use]
    pub fn original(&self) -> Option<Vec<u8>> {
        let original = self.original.as_ref()?;
        let bytes = disk::read_private(&original.copy, disk::MAX_FOREIGN_BYTES).ok().flatten();
        bytes.filter(|bytes| digest::sha256_hex(bytes) == original.sha256)
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Content {
    version: u32,
    files: Vec<Installation>,
}

/// `installs.json`, under its lock.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    content: Content,
    _lock: Option<Lock>,
}

impl Journal {
    /// Reads the file without its lock, to look at it.
    ///
    /// # Errors
    /// `WS501` when it is damaged or cannot be read.
    pub fn read(state: &Path) -> Result<Self, Failure> {
        let path = state.join("installs.json");
        let bytes = disk::read_private(&path, MAX_BYTES).map_err(|error| failure(&path, &error))?;
        let content = match bytes {
            None => Content { version: 1, files: Vec::new() },
            Some(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| failure(&path, &io::Error::other(error)))?,
        };
        Ok(Journal { path, content, _lock: None })
    }

    /// Takes the lock and reads the file.
    ///
    /// # Errors
    /// As for `read`, or when another process keeps the lock.
    pub fn open(state: &Path) -> Result<Self, Failure> {
        let lock =
            match Lock::wait_blocking(&state.join("installs.lock"), Deadline::after(LOCK_WAIT)) {
                LockWait::Held(lock) => Some(lock),
                LockWait::Unsupported => None,
                LockWait::TimedOut => {
                    let text = "another `warmstart install` or `uninstall` is running";
                    return Err(
                        Failure::new(Code::StoreUnusable, text).hint("run it again afterwards")
                    );
                }
            };
        Ok(Journal { _lock: lock, ..Journal::read(state)? })
    }

    /// The record of the file at `path`.
    #[must_use]
    pub fn find(&self, path: &Path) -> Option<&Installation> {
        self.content.files.iter().find(|file| file.path == path)
    }

    /// All files with an entry.
    #[must_use]
    pub fn all(&self) -> &[Installation] {
        &self.content.files
    }

    /// Keeps `installation` in place of an earlier one of its file.
    ///
    /// # Errors
    /// `WS501` when it cannot be stored.
    pub fn keep(&mut self, installation: Installation) -> Result<(), Failure> {
        self.content.files.retain(|file| file.path != installation.path);
        self.content.files.push(installation);
        self.store()
    }

    /// Forgets the file at `path`.
    ///
    /// # Errors
    /// `WS501` when that cannot be stored.
    pub fn forget(&mut self, path: &Path) -> Result<(), Failure> {
        self.content.files.retain(|file| file.path != path);
        self.store()
    }

    fn store(&self) -> Result<(), Failure> {
        let bytes = serde_json::to_vec_pretty(&self.content).unwrap_or_default();
        disk::write_atomic(&self.path, &bytes, Durability::Power)
            .map_err(|error| failure(&self.path, &error))
    }
}

/// The copies that one command makes: `<state>/undo/TIME/`, made with the first of them.
#[derive(Debug)]
pub struct Undo {
    folder: PathBuf,
    manifest: Manifest,
}

#[derive(Debug, Serialize)]
struct Manifest {
    version: u32,
    command: &'static str,
    files: Vec<Copied>,
}

/// A file before its change.
#[derive(Debug, Serialize)]
struct Copied {
    path: PathBuf,
    /// The name of the copy; `None` when there was no file.
    copy: Option<String>,
    sha256: Option<String>,
}

impl Undo {
    /// Prepares the folder's name. The process id keeps two commands of one second apart.
    #[must_use]
    pub fn new(state: &Path, command: &'static str) -> Self {
        let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
        let folder = state.join("undo").join(format!("{time}-{}", std::process::id()));
        Undo { folder, manifest: Manifest { version: 1, command, files: Vec::new() } }
    }

    /// Copies the bytes of `path`; gives the copy, if there was a file.
    ///
    /// # Errors
    /// `WS501` when they cannot be kept.
    pub fn keep(&mut self, path: &Path, bytes: Option<&[u8]>) -> Result<Option<Original>, Failure> {
        let name = (self.manifest.files.len() + 1).to_string();
        let copy = self.folder.join(&name);
        let store = |path: &Path, bytes: &[u8]| {
            disk::write_atomic(path, bytes, Durability::Power)
                .map_err(|error| failure(path, &error))
        };
        if let Some(bytes) = bytes {
            store(&copy, bytes)?;
        }
        self.manifest.files.push(Copied {
            path: path.to_owned(),
            copy: bytes.map(|_| name),
            sha256: bytes.map(digest::sha256_hex),
        });
        let manifest = serde_json::to_vec_pretty(&self.manifest).unwrap_or_default();
        store(&self.folder.join("manifest.json"), &manifest)?;
        Ok(bytes.map(|bytes| Original { copy, sha256: digest::sha256_hex(bytes) }))
    }
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    let text = format!("`{}` cannot be used: {error}", path.display());
    Failure::new(Code::StoreUnusable, text)
        .hint("check owner, mode and free space of its folder, or move a damaged file away")
}
