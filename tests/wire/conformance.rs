//! Test 36: the MCP conformance suite, with `tests/conformance.sh` as its client.
//! Except `sep-2322-client-request-state`: its server requires a user's answer, which a client without
//! that capability has to refuse (`p20_…` repeats a call that has only a state).

use std::path::Path;
use std::process::Command;

use crate::support::{child, install, needs, or_skip};

/// Scenario and protocol revision; extensions have none.
const SCENARIOS: [(&str, &str); 7] = [
    ("initialize", "2025-11-25"),
    ("tools_call", "2025-11-25"),
    ("tools_call", "2026-07-28"),
    ("request-metadata", "2026-07-28"),
    ("http-standard-headers", "2026-07-28"),
    ("sse-retry", "2025-11-25"),
    ("auth/client-credentials-basic", ""),
];

#[test]
fn p36_conformance() {
    let Some(_) = or_skip(needs("curl", "curl")) else { return };
    let Some(_) = or_skip(needs("python3", "python3")) else { return };
    let Some(node) = or_skip(install::node_22()) else { return };
    let Some(packages) = or_skip(install::npm()) else { return };
    let suite = packages.join("node_modules/@modelcontextprotocol/conformance/dist/index.js");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance.sh");
    for (scenario, version) in SCENARIOS {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(&node);
        command.arg(&suite).arg("client").arg("--command").arg(&script);
        command.args(["--scenario", scenario, "-o"]).arg(home.path().join("results"));
        if !version.is_empty() {
            command.args(["--spec-version", version]);
        }
        command.env("WARMSTART", env!("CARGO_BIN_EXE_warmstart"));
        command.env("CONFORMANCE_HOME", home.path());
        let output = child::output(&mut command, child::LIMIT).unwrap();
        let (said, errors) = (output.stdout, output.stderr);
        let said = String::from_utf8_lossy(&said) + String::from_utf8_lossy(&errors);
        assert!(output.status.success(), "{scenario} {version}:\n{said}");
    }
}
