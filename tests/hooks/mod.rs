//! Hooks, through the binary: each gives its part, and a failing one does not affect the others.

mod broken;
mod command;
mod git_context;
mod notes;
mod queries;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Writes a program that the shell runs.
fn script(path: &Path, text: &str) {
    crate::support::session::write(path, format!("#!/bin/sh\n{text}\n").as_bytes());
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}
