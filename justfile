# Frequent commands; `.ci/run` is all that a change must pass.

# Form, lints, tests.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --workspace

# The tests without the servers: those that run in seconds.
quick:
    cargo test --lib
    cargo test --test it -- layers:: docs:: policy:: tasks::

# With the real Keycloak too.
all:
    WARMSTART_TEST_KEYCLOAK=1 cargo test --workspace

# Dependencies: licences, bans, advisories.
deny:
    cargo deny check

# The documentation of the code, without warnings.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# The command-line help and the settings, as text.
show:
    cargo run --quiet -- --help
    cargo run --quiet -- config show --origin
