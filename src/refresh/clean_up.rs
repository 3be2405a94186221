//! The clean-up of all our folders: what is old, what killed processes left, what belongs to projects that
//! no longer exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::auth;
use crate::cache::{Cache, upkeep};
use crate::deadline::Timestamp;
use crate::disk::{self, Access, OwnFile, Sweep};
use crate::paths::{OLD_CACHE_FORMATS, Paths};
use crate::plan::Plan;
use crate::{logging, runs};

/// A record that was not written for this long belongs to a project or a server that is no longer used.
const UNUSED_TTL: Duration = Duration::from_secs(90 * 86_400);
/// An earlier version of the program may still be in use beside this one.
const OLD_FORMAT_TTL: Duration = Duration::from_secs(30 * 86_400);

/// Whether a clean-up is due.
#[must_use]
pub fn is_due(plan: &Plan) -> bool {
    let session = &plan.session;
    let config = &session.config;
    let cache = Cache::new(&config.cache, session.paths.as_ref(), Access::ReadOnly);
    upkeep::is_due(&cache, config.cache.cleanup_interval, Timestamp::now())
        || session
            .paths
            .as_ref()
            .is_some_and(|paths| runs::needs_prune(&runs::file(paths), config.log.runs))
}

/// Cleans up, tokens first. `true` when it is done, so that a panic differs.
pub fn run(plan: &Plan) -> bool {
    let session = &plan.session;
    let config = &session.config;
    let (now, paths) = (Timestamp::now(), session.paths.as_ref());
    let cache = Cache::new(&config.cache, paths, Access::ReadWrite);
    let sweep = upkeep::begin(&cache, config.cache.cleanup_interval, now);
    let mut removed = 0;
    for folder in paths.iter().flat_map(|paths| auth::token_folders(&config.auth, paths)) {
        removed += sweep.folder(&folder, |file| auth::is_token_over(&file.path, now));
    }
    removed += upkeep::clean(&cache, config.cache.max_size, &sweep);
    if let Some(paths) = paths {
        removed += clean_state(paths, &sweep);
        if let Err(error) = runs::prune(&runs::file(paths), config.log.runs) {
            tracing::debug!(%error, "the record of runs is not pruned");
        }
    }
    for root in cache_roots(&cache, paths) {
        removed += clean_old_formats(&root, &sweep);
    }
    if let Some(folder) = logging::folder(&config.log, paths).filter(|_| sweep.is_clock_trusted) {
        logging::prune(&folder, config.log.keep, now);
    }
    tracing::info!(removed, is_clock_trusted = sweep.is_clock_trusted, "cleaned up");
    true
}

fn clean_state(paths: &Paths, sweep: &Sweep) -> usize {
    let of_projects = ["tokens", "http", "wire"].map(|name| paths.state.join(name));
    let records = of_projects.into_iter().chain([paths.revisions(), paths.commits()]);
    let is_unused = |file: &OwnFile| file.is_unwritten_for(UNUSED_TTL, sweep.now);
    let removed: usize = records.map(|folder| sweep.folder(&folder, is_unused)).sum();
    // What the user agreed to is never over; only what killed processes left there is removed.
    let agreements = ["", "plugins", "trusted"].map(|name| paths.agreements.join(name));
    let others = BTreeSet::from_iter(agreements.into_iter().chain([paths.state.clone()]));
    removed + others.iter().map(|folder| sweep.folder(folder, |_| false)).sum::<usize>()
}

fn cache_roots(cache: &Cache, paths: Option<&Paths>) -> BTreeSet<PathBuf> {
    let platform = paths.map(|paths| paths.cache.clone());
    platform.into_iter().chain(cache.root().map(Path::to_path_buf)).collect()
}

/// Removes what earlier versions kept, each folder once it is empty.
fn clean_old_formats(root: &Path, sweep: &Sweep) -> usize {
    let is_unused = |file: &OwnFile| file.is_unwritten_for(OLD_FORMAT_TTL, sweep.now);
    let mut removed = 0;
    for format in OLD_CACHE_FORMATS.map(|format| root.join(format)) {
        for folder in disk::names(&format).iter().map(|name| format.join(name)) {
            removed += sweep.folder(&folder, is_unused);
            if disk::names(&folder) == [upkeep::MARK] {
                let _ = fs::remove_file(folder.join(upkeep::MARK));
            }
            let _ = fs::remove_dir(&folder);
        }
        let _ = fs::remove_dir(&format);
    }
    removed
}
