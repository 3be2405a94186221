//! A plan without a process: for what can only be seen from inside.

use std::path::Path;
use std::sync::Arc;

use warmstart::Environment;
use warmstart::testing::{
    ConfigSources, Depth, LoadedConfig, Plan, PlanInputs, PlanOptions, SessionEvent, Timestamp,
    build, load, untrusted_keys,
};

/// The embedded defaults, below this file.
pub fn loaded(file: Option<&Path>) -> LoadedConfig {
    load(&ConfigSources {
        environment: Arc::default(),
        paths: None,
        project: None,
        file: file.map(Path::to_path_buf),
        flags: Vec::new(),
        hook_keys: untrusted_keys,
        depth: Depth::Winners,
    })
}

/// The plan of a session in the folder for temporary files, which stores nothing.
pub fn plan_of(loaded: &LoadedConfig) -> Plan {
    build(PlanInputs {
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
