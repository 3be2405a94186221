//! Which project files the user has agreed to: path and content together, in the user's own state
//! folder. A project cannot grant itself trust, and a changed file has lost it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::annotated::AnnotatedSetting;
use super::file::{self, File};
use super::reference::shown;
use crate::digest::sha256_hex;
use crate::disk::{self, Durability};
use crate::error::Failure;
use crate::paths::Paths;

/// Where a project keeps its settings, below its root.
pub const PROJECT_FILE: &str = ".claude/hooks.toml";
const MAX_STORE_BYTES: u64 = 1 << 20;

/// The files that the user trusts: canonical path to the SHA-256 of the content.
#[derive(Debug, Default)]
pub struct TrustStore {
    path: PathBuf,
    /// Moved aside before it is replaced; reading changes nothing.
    is_damaged: bool,
    files: BTreeMap<String, String>,
}

impl TrustStore {
    /// Reads the store. One that is missing, damaged or not ours trusts nothing.
    #[must_use]
    pub fn open(paths: &Paths) -> Self {
        let path = paths.agreements.join("trust.json");
        let bytes = disk::read_private(&path, MAX_STORE_BYTES).ok().flatten();
        let parsed = bytes.map(|bytes| serde_json::from_slice(&bytes));
        let is_damaged = matches!(parsed, Some(Err(_)));
        TrustStore { path, is_damaged, files: parsed.and_then(Result::ok).unwrap_or_default() }
    }

    /// Whether `file` with exactly this content is trusted, for the project it is in.
    #[must_use]
    pub fn trusts(&self, file: &Path, content: &str) -> bool {
        name(file).is_some_and(|name| self.files.get(&name) == Some(&sha256_hex(content)))
    }

    /// Whether the file was agreed to with another content.
    #[must_use]
    pub fn has_entry(&self, file: &Path) -> bool {
        name(file).is_some_and(|name| self.files.contains_key(&name))
    }

    /// Binds path and content.
    ///
    /// # Errors
    /// The error of the disk; the file is then unchanged.
    pub fn trust(&mut self, file: &Path, content: &str) -> std::io::Result<()> {
        let name = name(file).ok_or(std::io::ErrorKind::NotFound)?;
        self.files.insert(name, sha256_hex(content));
        self.save()
    }

    /// Takes the trust back; says whether there was any.
    ///
    /// # Errors
    /// The error of the disk; the file is then unchanged.
    pub fn forget(&mut self, file: &Path) -> std::io::Result<bool> {
        // The project may be gone; its path is then compared as given.
        let name = name(file).unwrap_or_else(|| file.to_string_lossy().into_owned());
        let removed = self.files.remove(&name).is_some();
        if removed {
            self.save()?;
        }
        Ok(removed)
    }

    /// The trusted files and the digests of their contents.
    pub fn files(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().map(|(path, digest)| (path.as_str(), digest.as_str()))
    }

    fn save(&self) -> std::io::Result<()> {
        if self.is_damaged {
            disk::set_aside(&self.path);
        }
        disk::write_atomic(&self.path, &serde_json::to_vec_pretty(&self.files)?, Durability::Power)
    }
}

/// What trust is bound to: the project's own folder, links resolved, and the file's place below it,
/// links **not** resolved. A `.claude` or a `hooks.toml` that links into a trusted project has another
/// name here: the same text would run that project's scripts from this one.
fn name(file: &Path) -> Option<String> {
    let root = file.parent()?.parent()?.canonicalize().ok()?;
    Some(root.join(PROJECT_FILE).to_str()?.to_owned())
}

/// One setting of a project's file, for the user who decides on it.
pub struct FileSetting {
    pub key: String,
    /// Masked where it is a secret.
    pub value: Value,
    pub needs_trust: bool,
    pub is_known: bool,
}

/// What a project's file sets.
///
/// # Errors
/// `WS101` or `WS103` when the file cannot be used.
pub fn settings_of(
    file: &File,
    known: &[AnnotatedSetting],
    hook_keys: HookKeys,
) -> Result<Vec<FileSetting>, Failure> {
    let settings = file::parse(file)?.into_iter().map(|setting| {
        let (value, is_known) = shown(known, &setting.path, (&setting.value).into());
        let needs_trust = is_known && !needs_no_trust(&setting.path, hook_keys);
        FileSetting { key: setting.key(), value, needs_trust, is_known }
    });
    Ok(settings.collect())
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
