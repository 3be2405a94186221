//! The C header and the Rust types have the same layout: `cc` compiles the header strictly, and a
//! program prints its sizes and offsets. Skipped without a C compiler, but not with `CI=true`.

use std::io::Write;
use std::mem::{offset_of, size_of};
use std::path::Path;
use std::process::{Command, Stdio};

use warmstart_plugin::abi::{Host, SYMBOL, Str};

const PROBE: &str = r#"
#include <stdio.h>
#include "warmstart_plugin.h"
int32_t warmstart_plugin_v1(ws_host *host, ws_str request) {
  ws_log(host, WS_INFO, request.ptr, request.len);
  return ws_reply(host, "{}", 2);
}
int main(void) {
  printf("%zu %zu %zu %zu %zu %zu %zu %zu %zu %zu", sizeof(ws_str), offsetof(ws_str, ptr),
    offsetof(ws_str, len), sizeof(ws_host), offsetof(ws_host, size), offsetof(ws_host, reserved),
    offsetof(ws_host, ctx), offsetof(ws_host, reply), offsetof(ws_host, log),
    offsetof(ws_host, cancelled));
  printf(" %d %d", WS_ERROR, WS_TRACE);
  return 0;
}
"#;

fn has_compiler() -> bool {
    let probe = Command::new("cc").arg("--version").stdout(Stdio::null()).status();
    probe.is_ok_and(|status| status.success())
}

#[test]
fn the_header_and_the_rust_types_have_one_layout() {
    if !has_compiler() {
        #[expect(clippy::disallowed_methods, reason = "a test's own environment")]
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!is_ci, "with CI=true nothing is skipped: a C compiler (cc)");
        // Not `eprintln!`: the harness captures that when a test passes.
        let _ = writeln!(std::io::stderr(), "skipped the header's layout: a C compiler (cc)");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("probe.c");
    let program = folder.path().join("probe");
    std::fs::write(&source, PROBE).unwrap();
    let include = Path::new(env!("CARGO_MANIFEST_DIR")).join("include");
    let built = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-I"])
        .arg(include)
        .arg("-o")
        .args([&program, &source])
        .status();
    assert!(built.unwrap().success(), "the header compiles without a warning");
    let printed = Command::new(&program).output().unwrap().stdout;
    let of_rust = [
        size_of::<Str>(),
        offset_of!(Str, pointer),
        offset_of!(Str, length),
        size_of::<Host>(),
        offset_of!(Host, size),
        offset_of!(Host, reserved),
        offset_of!(Host, context),
        offset_of!(Host, reply),
        offset_of!(Host, log),
        offset_of!(Host, cancelled),
        warmstart_plugin::Level::Error as usize,
        warmstart_plugin::Level::Trace as usize,
    ];
    let of_rust: Vec<_> = of_rust.iter().map(usize::to_string).collect();
    assert_eq!(String::from_utf8(printed).unwrap(), of_rust.join(" "));
    assert_eq!(SYMBOL, "warmstart_plugin_v1");
}
