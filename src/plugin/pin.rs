//! The trusted plugins: for each a private copy of the library, which is what runs, and a pin with
//! its hash, size and description.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::fault::{Fault, FaultKind};
use super::manifest::Manifest;
use crate::deadline::Timestamp;
use crate::digest::sha256_hex;
use crate::disk;
use crate::error::{Code, Failure};
use crate::paths::Paths;

/// A library larger than this is refused.
pub const MAX_LIBRARY_BYTES: u64 = 256 << 20;
const MAX_PIN_BYTES: u64 = 64 << 10;

/// One plugin that the user trusts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// NAME of `[plugins.NAME]` and of `plugin:NAME`.
    pub name: String,
    /// The original's path; only shown.
    pub path: PathBuf,
    /// Of the copy, in hex.
    pub sha256: String,
    /// Bytes of the copy.
    pub size: u64,
    pub manifest: Manifest,
    /// When the user trusted it.
    pub trusted: Timestamp,
}

/// The pins of one user.
#[derive(Clone, Debug)]
pub struct Pins(PathBuf);

impl Pins {
    /// The pins below the user's state folder; opens nothing.
    #[must_use]
    pub fn of(paths: &Paths) -> Self {
        Pins(paths.agreements.join("plugins"))
    }

    /// The pin of `name`; `None` if there is none.
    ///
    /// # Errors
    /// When there is an unusable one.
    pub fn get(&self, name: &str) -> Result<Option<Pin>, Failure> {
        if !is_name(name) {
            return Err(bad_name(name));
        }
        let path = self.0.join(format!("{name}.json"));
        let bytes = disk::read_agreement(&path, MAX_PIN_BYTES).map_err(|error| {
            let text = format!("has a pin that cannot be used: {error}");
            Fault::new(FaultKind::Path, text).failure(name)
        })?;
        let Some(bytes) = bytes else { return Ok(None) };
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

    /// All pins, by name, without the unreadable ones.
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

    /// The path of the copy with this hash.
    #[must_use]
    pub fn library(&self, name: &str, sha256: &str) -> PathBuf {
        let kind = std::env::consts::DLL_EXTENSION;
        self.0.join(format!("{name}-{}.{kind}", &sha256[..16.min(sha256.len())]))
    }

    /// Writes the private copy of a library that may become trusted, and returns its path.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn copy(&self, name: &str, bytes: &[u8]) -> Result<PathBuf, Failure> {
        if !is_name(name) {
            return Err(bad_name(name));
        }
        let path = self.library(name, &sha256_hex(bytes));
        disk::write_agreement(&path, bytes).map_err(|error| unkept(&error))?;
        Ok(path)
    }

    /// Writes the pin and removes an earlier copy of the same plugin.
    ///
    /// # Errors
    /// When the disk refuses; an earlier pin remains.
    pub fn put(&self, pin: &Pin) -> Result<(), Failure> {
        let earlier = self.get(&pin.name).ok().flatten();
        let bytes = serde_json::to_vec_pretty(pin).unwrap_or_default();
        let path = self.0.join(format!("{}.json", pin.name));
        disk::write_agreement(&path, &bytes).map_err(|error| unkept(&error))?;
        if let Some(earlier) = earlier.filter(|earlier| earlier.sha256 != pin.sha256) {
            let _ = fs::remove_file(self.library(&earlier.name, &earlier.sha256));
        }
        Ok(())
    }

    /// Removes the pin and the copies. Returns whether there was a pin.
    ///
    /// # Errors
    /// When the disk refuses.
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
            if is_copy(name, &entry.file_name().to_string_lossy()) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(true)
    }
}

/// Whether `file` is a copy of the plugin `name`, as `Pins::library` names it.
fn is_copy(name: &str, file: &str) -> bool {
    let ending = format!(".{}", std::env::consts::DLL_EXTENSION);
    let digest = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
    let digest = digest.and_then(|rest| rest.strip_suffix(&ending));
    digest.is_some_and(|digest| {
        digest.len() == 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

/// Checks a copy without reading it: a regular file of this user, of that size, that no other user
/// can write. The hash is checked when the bytes are loaded.
///
/// # Errors
/// The first check that fails.
pub fn check_copy(path: &Path, size: u64) -> Result<(), Fault> {
    check_modes(path)?;
    let metadata = fs::symlink_metadata(path)
        .map_err(|error| Fault::new(FaultKind::Path, error.to_string()))?;
    if !metadata.is_file() {
        return Err(Fault::new(FaultKind::Path, "has a trusted copy that is not a regular file"));
    }
    if metadata.len() != size {
        let text = format!("has changed: {} bytes instead of the trusted {size}", metadata.len());
        return Err(Fault::new(FaultKind::Changed, text));
    }
    Ok(())
}

#[cfg(unix)]
fn check_modes(path: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt;
    let wrong = |text: String| Err(Fault::new(FaultKind::Path, text));
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => return wrong(format!("has lost its trusted copy: {error}")),
    };
    let path = path.display();
    if metadata.is_symlink() {
        return wrong(format!("has a symbolic link in place of `{path}`"));
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return wrong(format!("has a trusted copy that belongs to another user: `{path}`"));
    }
    if metadata.mode() & 0o022 != 0 {
        return wrong(format!("can be changed by others: run `chmod go-w {path}`"));
    }
    Ok(())
}

#[cfg(not(unix))]
fn check_modes(path: &Path) -> Result<(), Fault> {
    fs::symlink_metadata(path)
        .map(drop)
        .map_err(|error| Fault::new(FaultKind::Path, format!("has lost its trusted copy: {error}")))
}

/// Whether this can be a plugin's name: 1 to 64 lower-case letters, digits, `-` and `_`.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// The failure for text that is not the name of a plugin.
pub(super) fn bad_name(text: &str) -> Failure {
    let text = format!("`{}` is not the name of a plugin", text.escape_debug());
    Failure::new(Code::ConfigName, text).hint(
        "write `plugin:NAME` or `plugin:NAME/ITEM`, where NAME is one of `warmstart plugin list`; a file gets a name by `warmstart plugin trust FILE`",
    )
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Code::PluginPath, format!("the pin `{}` cannot be used: {error}", path.display()))
        .hint("run `warmstart plugin trust FILE` again")
}

fn unkept(error: &io::Error) -> Failure {
    Failure::new(Code::StoreUnusable, format!("the plugin's trust cannot be stored: {error}"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn only_copies_of_the_plugin_itself_are_removed_with_its_pin() {
        assert!(is_copy("jira", "jira-0123456789abcdef.so"));
        for other in [
            "jira-0123456789abcdef.json",
            "jira-abcdefghijklmnop.so",
            "jira-x-0123456789abcdef.so",
            "jira-0123456789abcdef.so.json",
            "jira.json",
        ] {
            assert!(!is_copy("jira", other), "{other}");
        }
    }
}
