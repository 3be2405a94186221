//! Turns `hooks.toml` into a flat list of settings, so that nothing of it is parsed at run time.
//! Which tables are values (a query's arguments, a secret) is told by the keys below.
#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a build that cannot go on says why and ends"
)]
#![allow(clippy::disallowed_methods, reason = "cargo speaks to a build through the environment")]

use std::fmt::Write as _;
use std::{env, fs, path::Path};

use toml::{Table, Value};

/// Keys whose tables are values, wherever they stand.
const VALUES: &[&str] = &["arguments", "client_secret", "token", "headers", "config"];

fn main() {
    println!("cargo:rerun-if-changed=hooks.toml");
    println!("cargo:rustc-check-cfg=cfg(sanitized)");
    if env::var_os("CARGO_CFG_SANITIZE").is_some() {
        println!("cargo:rustc-cfg=sanitized");
    }
    let text = fs::read_to_string("hooks.toml").expect("hooks.toml lies beside Cargo.toml");
    let table: Table = text.parse().expect("hooks.toml is TOML");
    let mut lines = String::from("&[\n");
    flatten(&mut Vec::new(), &table, &mut lines);
    lines.push_str("]\n");
    let folder = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    fs::write(Path::new(&folder).join("defaults.rs"), lines).expect("OUT_DIR can be written");
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

fn flatten<'a>(path: &mut Vec<&'a str>, table: &'a Table, lines: &mut String) {
    for (key, value) in table {
        path.push(key);
        match value {
            Value::Table(inner) if !VALUES.contains(&key.as_str()) => flatten(path, inner, lines),
            value => {
                writeln!(lines, "    (&{path:?}, {}),", leaf(value)).expect("a string grows");
            }
        }
        path.pop();
    }
}

fn leaf(value: &Value) -> String {
    match value {
        Value::String(text) => format!("Leaf::Text({text:?})"),
        Value::Integer(number) => format!("Leaf::Number({number})"),
        Value::Boolean(flag) => format!("Leaf::Flag({flag})"),
        Value::Array(list) => {
            let words = list.iter().map(|one| one.as_str().expect("lists hold strings"));
            format!("Leaf::List(&{:?})", words.collect::<Vec<_>>())
        }
        Value::Table(table) => {
            let pairs = table.iter().map(|(key, value)| format!("({key:?}, {})", leaf(value)));
            format!("Leaf::Table(&[{}])", pairs.collect::<Vec<_>>().join(", "))
        }
        other => panic!("hooks.toml holds a value of an unexpected kind: {other}"),
    }
}
