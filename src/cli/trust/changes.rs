//! What a project's file set when it was trusted: each key with a digest of its value, so that a
//! changed file can be shown by what changed in it. For the screen alone; the trust itself is bound to
//! the digest of the whole file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::config::untrusted::FileSetting;
use crate::digest::sha256_hex;
use crate::disk::{self, Durability};
use crate::paths::Paths;
use crate::text::for_terminal_line;

const MAX_FILE_BYTES: u64 = 1 << 20;
/// Characters of a digest: enough to see a change.
const DIGEST_CHARS: usize = 16;

/// The settings of one file when it was trusted.
pub struct TrustedSettings {
    path: PathBuf,
    /// `None` when that is not on record.
    settings: Option<BTreeMap<String, String>>,
}

impl TrustedSettings {
    /// Reads what is on record for `file`.
    pub fn open(paths: &Paths, file: &Path) -> Self {
        let file = file.canonicalize().unwrap_or_else(|_| file.to_owned());
        let name = sha256_hex(&*file.to_string_lossy());
        let path = paths.agreements.join("trusted").join(format!("{name}.json"));
        let bytes = disk::read_private(&path, MAX_FILE_BYTES).ok().flatten();
        let settings = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        TrustedSettings { path, settings }
    }

    /// Stores the settings that were trusted just now. A failure costs no more than the list of
    /// changes next time.
    pub fn store(&self, settings: &[FileSetting]) {
        if let Ok(bytes) = serde_json::to_vec(&digests(settings)) {
            let _ = disk::write_atomic(&self.path, &bytes, Durability::Process);
        }
    }

    /// Removes the record.
    pub fn forget(&self) {
        let _ = std::fs::remove_file(&self.path);
    }

    /// The keys of `settings` that are not as they were trusted, one line each.
    pub fn changes(&self, settings: &[FileSetting]) -> String {
        let Some(before) = &self.settings else { return String::new() };
        let now = digests(settings);
        let keys: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
        let mut text = String::new();
        for key in keys {
            let change = match (before.get(key), now.get(key)) {
                (None, _) => "added",
                (_, None) => "removed",
                (before, now) if before != now => "changed",
                _ => continue,
            };
            text.push_str(&for_terminal_line(&format!("  {change:<8} {key}")));
            text.push('\n');
        }
        if text.is_empty() {
            return "Since it was trusted no setting has changed.\n".into();
        }
        format!("Since it was trusted:\n{text}")
    }
}

fn digests(settings: &[FileSetting]) -> BTreeMap<String, String> {
    let short =
        |setting: &FileSetting| sha256_hex(setting.value.to_string())[..DIGEST_CHARS].to_owned();
    settings.iter().map(|setting| (setting.key.clone(), short(setting))).collect()
}
