//! A plan without a process: for what can only be seen from inside.

use std::path::Path;
use std::sync::Arc;

use warmstart::config::{self, ConfigSources, Depth, LoadedConfig};
use warmstart::deadline::Timestamp;
use warmstart::environment::Environment;
use warmstart::event::SessionEvent;
use warmstart::hook;
use warmstart::plan::{self, Plan, PlanInputs, PlanOptions};

/// The embedded defaults, below this file.
pub fn loaded(file: Option<&Path>) -> LoadedConfig {
    config::load(&ConfigSources {
        environment: Arc::default(),
        paths: None,
        project: None,
        file: file.map(Path::to_path_buf),
        flags: Vec::new(),
        hook_keys: hook::untrusted_keys,
        depth: Depth::Winners,
    })
}

/// The plan of a session in the folder for temporary files, which stores nothing.
pub fn plan_of(loaded: &LoadedConfig) -> Plan {
    plan::build(PlanInputs {
        event: SessionEvent::unknown(),
        loaded,
        environment: Arc::new(Environment::default()),
        paths: None,
        repository: None,
        root: std::env::temp_dir(),
        program: std::env::temp_dir().join("no-such-program"),
        now: Timestamp::now(),
        options: PlanOptions { dry_run: true, ..PlanOptions::default() },
    })
}
