//! The sources of the SDK and the C header, which `plugin new` copies: so a plugin builds without a
//! published SDK, and its SDK always fits the host that made it.

/// Path below `sdk/` and text.
pub const FILES: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../../plugins/sdk/Cargo.toml")),
    ("include/warmstart_plugin.h", HEADER),
    ("src/abi.rs", include_str!("../../../plugins/sdk/src/abi.rs")),
    ("src/context.rs", include_str!("../../../plugins/sdk/src/context.rs")),
    ("src/error.rs", include_str!("../../../plugins/sdk/src/error.rs")),
    ("src/lib.rs", include_str!("../../../plugins/sdk/src/lib.rs")),
    ("src/plugin.rs", include_str!("../../../plugins/sdk/src/plugin.rs")),
    ("src/port.rs", include_str!("../../../plugins/sdk/src/port.rs")),
    ("src/settings.rs", include_str!("../../../plugins/sdk/src/settings.rs")),
    ("src/values.rs", include_str!("../../../plugins/sdk/src/values.rs")),
];

/// `warmstart_plugin.h`.
pub const HEADER: &str = include_str!("../../../plugins/sdk/include/warmstart_plugin.h");
/// `json.h`, enough JSON for a plugin in C.
pub const JSON_H: &str = include_str!("../../../plugins/c-tasks/json.h");
