//! Turns `hooks.toml` into a static table, so that none of it is parsed at run time.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a build that cannot continue ends with the reason"
)]
#![allow(clippy::disallowed_methods, reason = "cargo passes its settings in the environment")]

use std::{env, fs, path::Path};

use toml::{Table, Value};

fn main() {
    println!("cargo:rerun-if-changed=hooks.toml");
    println!("cargo:rustc-check-cfg=cfg(sanitized)");
    if env::var_os("CARGO_CFG_SANITIZE").is_some() {
        println!("cargo:rustc-cfg=sanitized");
    }
    let text = fs::read_to_string("hooks.toml").expect("hooks.toml is beside Cargo.toml");
    let table: Table = text.parse().expect("hooks.toml is TOML");
    let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&folder).join("defaults.rs"), leaf(&Value::Table(table)))
        .expect("OUT_DIR can be written");
    unwind_statically(&folder);
}

/// Loading libgcc_s costs an eighth of a process start. A linker script of its name, found first,
/// takes the same unwinder from the static library. Releases only: a plain build needs no trick.
fn unwind_statically(folder: &str) {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "release")
        && is("CARGO_CFG_TARGET_OS", "linux")
        && is("CARGO_CFG_TARGET_ENV", "gnu")
    {
        let script = Path::new(folder).join("libgcc_s.so");
        fs::write(script, "INPUT(-lgcc_eh -lgcc)\n").expect("OUT_DIR can be written");
        println!("cargo:rustc-link-search=native={folder}");
    }
}

/// The value as an expression of `config::value::Leaf`.
fn leaf(value: &Value) -> String {
    match value {
        Value::String(text) => format!("Leaf::Text({text:?})"),
        Value::Integer(number) => format!("Leaf::Integer({number})"),
        Value::Boolean(flag) => format!("Leaf::Flag({flag})"),
        Value::Array(list) => {
            format!("Leaf::List(&[{}])", list.iter().map(leaf).collect::<Vec<_>>().join(", "))
        }
        Value::Table(table) => {
            let entries = table.iter().map(|(key, value)| format!("({key:?}, {})", leaf(value)));
            format!("Leaf::Table(&[{}])", entries.collect::<Vec<_>>().join(", "))
        }
        other => panic!("hooks.toml has a value of an unexpected kind: {other}"),
    }
}
