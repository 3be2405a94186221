# What one types often; `.ci/run` has everything that must hold.

# Form, lints, tests.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --workspace

# The tests without the servers: those that run in seconds.
quick:
    cargo test --lib --test layers --test docs --test faults

# With the real Keycloak too.
all:
    WARMSTART_TEST_KEYCLOAK=1 cargo test --workspace

# Dependencies: licences, bans, advisories.
deny:
    cargo deny check

# The command-line help and the settings, as text.
show:
    cargo run --quiet -- --help
    cargo run --quiet -- config show --origin
