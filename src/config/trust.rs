//! Which project files the user has agreed to: path and content together, in the user's own state
//! folder. A project cannot grant itself trust, and a changed file has lost it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::deadline::Deadline;
use crate::digest::sha256_hex;
use crate::disk::{self, Lock, LockWait};
use crate::paths::Paths;

/// Where a project keeps its settings, below its root.
pub const PROJECT_FILE: &str = ".claude/hooks.toml";
const MAX_STORE_BYTES: u64 = 1 << 20;
/// Each change takes a few milliseconds.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// What the user decided on project files, by the file's path as `name` makes it.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrustStore(BTreeMap<String, Decision>);

/// The decision on one content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
struct Decision {
    /// SHA-256 of the content.
    digest: String,
    is_trusted: bool,
}

/// Before the digest of a content that is not trusted. To versions that do not know it, it is the
/// digest of another content.
const DECLINED: &str = "untrusted ";

impl From<String> for Decision {
    fn from(text: String) -> Self {
        match text.strip_prefix(DECLINED) {
            Some(digest) => Decision { digest: digest.to_owned(), is_trusted: false },
            None => Decision { digest: text, is_trusted: true },
        }
    }
}

impl From<Decision> for String {
    fn from(decision: Decision) -> Self {
        if decision.is_trusted { decision.digest } else { DECLINED.to_owned() + &decision.digest }
    }
}

/// How the user decided on a file with its present content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrustState {
    Trusted,
    /// Trusted with another content.
    Changed,
    /// `untrust` was run with this content: it is not mentioned again.
    Declined,
    #[default]
    Undecided,
}

impl TrustStore {
    /// Reads the store; a missing one is empty.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, or could have been written by another user. It is never taken
    /// for an empty one, which the next change would store.
    pub fn read(paths: &Paths) -> io::Result<Self> {
        let path = file(paths);
        let read = || {
            let Some(bytes) = disk::read_agreement(&path, MAX_STORE_BYTES)? else {
                return Ok(TrustStore::default());
            };
            serde_json::from_slice(&bytes)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
        };
        read().map_err(|error: io::Error| {
            let text = format!("`{}` cannot be read: {error}", path.display());
            io::Error::new(error.kind(), text)
        })
    }

    /// The decision on `file` with exactly this content, for the project it is in.
    #[must_use]
    pub fn state(&self, file: &Path, content: &str) -> TrustState {
        let Some(decision) = name(file).and_then(|name| self.0.get(&name)) else {
            return TrustState::Undecided;
        };
        match (decision.is_trusted, decision.digest == sha256_hex(content)) {
            (true, true) => TrustState::Trusted,
            (true, false) => TrustState::Changed,
            (false, true) => TrustState::Declined,
            (false, false) => TrustState::Undecided,
        }
    }

    /// The trusted files and the digests of their contents.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        let trusted = self.0.iter().filter(|(_, decision)| decision.is_trusted);
        trusted.map(|(path, decision)| (path.as_str(), decision.digest.as_str()))
    }

    /// Makes room for more: the entries of projects that were deleted.
    fn remove_deleted(&mut self) {
        self.0.retain(|file, _| {
            let root = Path::new(file).parent().and_then(Path::parent);
            root.is_some_and(|root| root.try_exists().unwrap_or(true))
        });
    }
}

/// Binds path and content. `shown` is the store as the user saw it: what was decided on this file in
/// the meantime holds.
///
/// # Errors
/// When the store cannot be read or written, or there is a newer decision; it is then unchanged.
pub fn trust(paths: &Paths, file: &Path, content: &str, shown: &TrustStore) -> io::Result<()> {
    let name = name(file).ok_or(io::ErrorKind::NotFound)?;
    let decision = Decision { digest: sha256_hex(content), is_trusted: true };
    change(paths, |store| {
        let stored = store.0.get(&name);
        if stored != shown.0.get(&name) && stored != Some(&decision) {
            let text = "the trust in this file was changed while the question was open";
            return Err(io::Error::new(io::ErrorKind::Interrupted, text));
        }
        store.0.insert(name, decision);
        Ok(())
    })
}

/// Takes the trust back, and keeps the decision for this content of the file. Returns whether there
/// was any trust.
///
/// # Errors
/// When the store cannot be read or written; it is then unchanged.
pub fn untrust(paths: &Paths, file: &Path, content: Option<&str>) -> io::Result<bool> {
    let name = name(file).ok_or(io::ErrorKind::NotFound)?;
    change(paths, |store| {
        let before = store.0.remove(&name);
        if let Some(content) = content {
            let decision = Decision { digest: sha256_hex(content), is_trusted: false };
            store.0.insert(name, decision);
        }
        Ok(before.is_some_and(|decision| decision.is_trusted))
    })
}

/// One locked step: reads the store, changes it, and replaces it.
fn change<T>(
    paths: &Paths,
    change: impl FnOnce(&mut TrustStore) -> io::Result<T>,
) -> io::Result<T> {
    let path = file(paths);
    // The lock makes the folder.
    disk::check_owners(&path)?;
    let lock = Lock::wait_blocking(&path.with_extension("lock"), Deadline::after(LOCK_WAIT));
    if matches!(lock, LockWait::TimedOut) {
        let text = format!("another process is changing `{}`", path.display());
        return Err(io::Error::new(io::ErrorKind::TimedOut, text));
    }
    let before = TrustStore::read(paths)?;
    let mut store = before.clone();
    let result = change(&mut store)?;
    if store != before {
        save(&path, store)?;
    }
    Ok(result)
}

fn save(path: &Path, mut store: TrustStore) -> io::Result<()> {
    let is_full = |bytes: &[u8]| bytes.len() as u64 > MAX_STORE_BYTES;
    let mut bytes = serde_json::to_vec_pretty(&store)?;
    if is_full(&bytes) {
        store.remove_deleted();
        bytes = serde_json::to_vec_pretty(&store)?;
    }
    if is_full(&bytes) {
        let text =
            format!("`{}` is full: run `warmstart untrust` for some projects", path.display());
        return Err(io::Error::new(io::ErrorKind::StorageFull, text));
    }
    disk::write_agreement(path, &bytes)
}

fn file(paths: &Paths) -> PathBuf {
    paths.agreements.join("trust.json")
}

/// What trust is bound to: the project's own folder, links resolved, and the file's place below it,
/// links **not** resolved. A `.claude` or a `hooks.toml` that links into a trusted project has another
/// name here: the same text would run that project's scripts from this one.
fn name(file: &Path) -> Option<String> {
    let root = resolved(file.parent()?.parent()?);
    Some(root.join(PROJECT_FILE).to_str()?.to_owned())
}

/// The path without links, also of a project that was deleted: it can be untrusted.
fn resolved(path: &Path) -> PathBuf {
    let missing = || Some(resolved(path.parent()?).join(path.file_name()?));
    path.canonicalize().ok().or_else(missing).unwrap_or_else(|| path.to_path_buf())
}

/// The keys of a hook's table that a file may set without trust, by the hook's name.
pub type HookKeys = fn(&str) -> &'static [&'static str];

/// Whether a file that is not trusted may set this: how much is added and in which order, but nothing
/// that runs code, reads files, calls the server or moves credentials.
#[must_use]
pub fn needs_no_trust(path: &[String], hook_keys: HookKeys) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["version"] | ["context", _] => true,
        ["session_start", key] => matches!(*key, "sources" | "resume" | "notice"),
        ["hooks", name, key] => hook_keys(name).contains(key),
        _ => false,
    }
}
