//! What the user agreed to: for each plugin a private copy of the library and a pin that names its
//! hash, its size and what it said about itself. What runs is the copy, wherever the original lies.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fault::{Fault, FaultKind};
use super::manifest::Manifest;
use crate::deadline::Timestamp;
use crate::disk::{self, Durability};
use crate::error::{Code, Failure};
use crate::paths::Paths;
use crate::secret::hex;

/// A library larger than this is refused.
pub const MAX_LIBRARY_BYTES: u64 = 256 << 20;
const MAX_PIN_BYTES: u64 = 64 << 10;

/// One plugin that the user trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// As it is called in `[plugins.NAME]` and in chains.
    pub name: String,
    /// Where the original lay; only shown.
    pub path: PathBuf,
    /// Of the copy, in hex.
    pub sha256: String,
    /// Bytes of the copy.
    pub size: u64,
    pub manifest: Manifest,
    /// When the user agreed.
    pub trusted: Timestamp,
}

/// The pins of one user.
#[derive(Clone, Debug)]
pub struct Pins(PathBuf);

impl Pins {
    /// Below the user's state folder; opens nothing.
    #[must_use]
    pub fn of(paths: &Paths) -> Self {
        Pins(paths.agreements.join("plugins"))
    }

    /// The pin of `name`; `None` if there is none.
    ///
    /// # Errors
    /// When there is one that cannot be used.
    pub fn get(&self, name: &str) -> Result<Option<Pin>, Failure> {
        if !is_name(name) {
            return Err(bad_name(name));
        }
        let path = self.0.join(format!("{name}.json"));
        let bytes =
            disk::read_private(&path, MAX_PIN_BYTES).map_err(|error| unreadable(&path, &error))?;
        let Some(bytes) = bytes else { return Ok(None) };
        check_modes(&self.0)
            .and_then(|()| check_modes(&path))
            .map_err(|fault| fault.failure(name))?;
        let pin: Pin = serde_json::from_slice(&bytes)
            .map_err(|error| unreadable(&path, &io::Error::other(error)))?;
        if pin.name == name
            && pin.sha256.len() == 64
            && pin.sha256.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return Ok(Some(pin));
        }
        Err(unreadable(&path, &io::Error::other("it is damaged")))
    }

    /// All pins, by name; what cannot be read is left out.
    #[must_use]
    pub fn all(&self) -> Vec<Pin> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| {
            entry.file_name().to_str()?.strip_suffix(".json").map(str::to_owned)
        });
        let mut pins: Vec<Pin> = names.filter_map(|name| self.get(&name).ok().flatten()).collect();
        pins.sort_by(|one, other| one.name.cmp(&other.name));
        pins
    }

    /// Where the copy of these bytes lies.
    #[must_use]
    pub fn library(&self, name: &str, sha256: &str) -> PathBuf {
        let kind = std::env::consts::DLL_EXTENSION;
        self.0.join(format!("{name}-{}.{kind}", &sha256[..16.min(sha256.len())]))
    }

    /// Writes the private copy of a library that may become trusted, and gives its place.
    ///
    /// # Errors
    /// What the disk said.
    pub fn copy(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        if !is_name(name) {
            return Err(bad_name(name));
        }
        let path = self.library(name, &digest(bytes));
        disk::write_atomic(&path, bytes, Durability::Power).map_err(|error| unkept(&error))?;
        Ok(path)
    }

    /// Writes the pin; an earlier copy of the same plugin goes.
    ///
    /// # Errors
    /// What the disk said; then the earlier pin holds.
    pub fn put(&self, pin: &Pin) -> Result<(), Failure> {
        let earlier = self.get(&pin.name).ok().flatten();
        let bytes = serde_json::to_vec_pretty(pin).unwrap_or_default();
        let path = self.0.join(format!("{}.json", pin.name));
        disk::write_atomic(&path, &bytes, Durability::Power).map_err(|error| unkept(&error))?;
        if let Some(earlier) = earlier.filter(|earlier| earlier.sha256 != pin.sha256) {
            let _ = fs::remove_file(self.library(&earlier.name, &earlier.sha256));
        }
        Ok(())
    }

    /// Takes the trust back. Says whether there was a pin.
    ///
    /// # Errors
    /// What the disk said.
    pub fn remove(&self, name: &str) -> Result<bool, Failure> {
        if !is_name(name) {
            return Err(bad_name(name));
        }
        match fs::remove_file(self.0.join(format!("{name}.json"))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            other => other.map_err(|error| unkept(&error))?,
        }
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        for entry in entries {
            let file = entry.file_name().to_string_lossy().into_owned();
            let is_copy = file.strip_prefix(name).is_some_and(|rest| {
                rest.starts_with('-') && rest[1..].split('.').next().is_some_and(|h| h.len() == 16)
            });
            if is_copy {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(true)
    }
}

/// Checks what can be told without reading it: a regular file of this user that nobody else can
/// write, of that size. The hash is checked where the bytes are loaded.
///
/// # Errors
/// The first rule that it breaks.
pub fn check_copy(path: &Path, size: u64) -> Result<(), Fault> {
    check_modes(path)?;
    let found = fs::symlink_metadata(path)
        .map_err(|error| Fault::new(FaultKind::Path, error.to_string()))?;
    if !found.is_file() {
        return Err(Fault::new(FaultKind::Path, "has a trusted copy that is no regular file"));
    }
    if found.len() != size {
        let text = format!("has changed: {} bytes instead of the {size} trusted", found.len());
        return Err(Fault::new(FaultKind::Changed, text));
    }
    Ok(())
}

#[cfg(unix)]
fn check_modes(path: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt;
    let wrong = |text: String| Err(Fault::new(FaultKind::Path, text));
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) => return wrong(format!("has lost its trusted copy: {error}")),
    };
    let shown = path.display();
    if found.is_symlink() {
        return wrong(format!("has a link in place of `{shown}`"));
    }
    if found.uid() != rustix::process::geteuid().as_raw() {
        return wrong(format!("has a trusted copy of another user: `{shown}`"));
    }
    if found.mode() & 0o022 != 0 {
        return wrong(format!("can be changed by others: `{shown}`"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_modes(path: &Path) -> Result<(), Fault> {
    let found = fs::symlink_metadata(path).map(drop);
    found
        .map_err(|error| Fault::new(FaultKind::Path, format!("has lost its trusted copy: {error}")))
}

/// SHA-256 in hex.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether a plugin can be called that: lower-case letters, digits, `-` and `_`, at most 64.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

fn bad_name(name: &str) -> Failure {
    let text = format!("`{}` is not the name of a plugin", name.escape_debug());
    Failure::new(Code::CONFIG_NAME, text)
        .hint("a plugin is named, never given as a path: `plugin:NAME` or `plugin:NAME/ITEM`")
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::PLUGIN_PATH, format!("the pin `{}` cannot be used: {error}", path.display()))
        .hint("run `warmstart plugin trust FILE` again")
}

fn unkept(error: &io::Error) -> Failure {
    Failure::new(Code::STORE_UNUSABLE, format!("the trust cannot be kept: {error}"))
}
