//! `install` and `uninstall` by the program: what they leave in the files of hosts, byte for byte.

mod killed;
mod registrations;
mod round_trip;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::support::session::write;
use crate::support::{Session, canary};

/// A host, its user file below the home, and what the entry has in it.
pub struct Row {
    pub host: &'static str,
    pub file: &'static str,
    pub timeout: &'static str,
}

pub const ROWS: [Row; 5] = [
    Row { host: "claude", file: ".claude/settings.json", timeout: "\"timeout\": 10\n" },
    Row { host: "codex", file: ".codex/hooks.json", timeout: "\"timeout\": 10\n" },
    Row { host: "copilot", file: ".copilot/hooks/warmstart.json", timeout: "\"timeoutSec\": 10\n" },
    Row { host: "gemini", file: ".gemini/settings.json", timeout: "\"timeout\": 10000\n" },
    Row { host: "qwen", file: ".qwen/settings.json", timeout: "\"timeout\": 10\n" },
];

/// A user with a list of tasks.
pub fn user() -> Session {
    Session::new().deadline("20s").project_file("TODO.md", "- [ ] Mend the roof\n")
}

/// Writes a file below the home.
pub fn plant(session: &Session, file: &str, bytes: &[u8]) -> PathBuf {
    let path = session.home().join(file);
    write(&path, bytes);
    path
}

/// All files and folders of the home but our own.
pub fn files_of_hosts(session: &Session) -> BTreeMap<PathBuf, Vec<u8>> {
    let own = [".local", ".cache", ".config"].map(|name| session.home().join(name));
    let all = canary::files(&session.home());
    let foreign = all.into_iter().filter(|path| !own.iter().any(|own| path.starts_with(own)));
    let mut files: BTreeMap<PathBuf, Vec<u8>> = foreign
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap_or_default();
            (path, bytes)
        })
        .collect();
    let folders = std::fs::read_dir(session.home()).expect("the home").flatten();
    let folders = folders.map(|entry| entry.path()).filter(|path| path.is_dir());
    files.extend(folders.filter(|path| !own.contains(path)).map(|path| (path, Vec::new())));
    files
}
