//! The libraries under test: those of the workspace, built by cargo once for the whole test program,
//! and variants of `plugins/faulty/c/raw.c`, built by `cc`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::{Missing, child};

/// Cargo and compilers take longer than runs of the program.
pub const LIMIT: Duration = Duration::from_secs(600);
const RUST: [&str; 5] = ["beads", "faulty", "git-summary", "todo-file", "work-hours"];

/// The folder that the program under test was built into.
fn profile() -> PathBuf {
    let program = Path::new(env!("CARGO_BIN_EXE_warmstart"));
    program.parent().expect("a folder").to_path_buf()
}

/// The library of a member of the workspace, such as `todo-file`.
pub fn rust(member: &str) -> PathBuf {
    static BUILT: OnceLock<()> = OnceLock::new();
    BUILT.get_or_init(|| {
        let profile = profile();
        let mut cargo = cargo();
        cargo.args(["build", "--offline", "--quiet", "--manifest-path"]);
        cargo.arg(root().join("Cargo.toml"));
        cargo.arg("--target-dir").arg(profile.parent().expect("a target folder"));
        cargo.args(profile.ends_with("release").then_some("--release"));
        cargo.args(RUST.iter().flat_map(|one| ["-p".to_owned(), format!("warmstart-{one}")]));
        assert!(
            child::status(&mut cargo, LIMIT).expect("cargo starts").success(),
            "the plugins build"
        );
    });
    assert!(RUST.contains(&member), "{member} is built");
    let file = format!("libwarmstart_{}.so", member.replace('-', "_"));
    stripped(&profile().join(&file), &file)
}

/// Cargo as a shell starts it: without the variables of the package under test, since build scripts
/// would run again for it, and without the flags of a sanitiser, which are for the host under test and
/// would break procedural macros.
#[expect(clippy::disallowed_methods, reason = "a test's own environment")]
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    if std::env::var("RUSTFLAGS").is_ok_and(|flags| flags.contains("sanitizer")) {
        cargo.env_remove("RUSTFLAGS");
    }
    for (name, _) in std::env::vars() {
        let of_package = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"];
        if of_package.iter().any(|prefix| name.starts_with(prefix)) {
            cargo.env_remove(name);
        }
    }
    cargo
}

/// A copy without debug information, as an author ships it: ten times smaller and faster to hash.
fn stripped(library: &Path, name: &str) -> PathBuf {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder"));
    let smaller = folder.path().join(name);
    // Parallel tests each write a temporary file and rename it.
    let temporary =
        tempfile::NamedTempFile::new_in(folder.path()).expect("a file").into_temp_path();
    let strip = Command::new("strip").arg("-o").arg(&temporary).arg(library).status();
    if !strip.is_ok_and(|status| status.success()) {
        return library.to_path_buf();
    }
    temporary.persist(&smaller).expect("the same folder");
    smaller
}

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether there is a C compiler.
pub fn compiler() -> Result<(), Missing> {
    let probe = Command::new("cc").arg("--version").stdout(Stdio::null()).status();
    match probe {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Missing("a C compiler (cc)".into())),
    }
}

/// Whether there is a make.
pub fn make() -> Result<(), Missing> {
    let probe = Command::new("make").arg("--version").stdout(Stdio::null()).status();
    match probe {
        Ok(status) if status.success() => Ok(()),
        _ => Err(Missing("make".into())),
    }
}

/// `raw.c` with these definitions (`NAME=VALUE`), as a library in `folder`.
pub fn raw(folder: &Path, definitions: &[&str]) -> PathBuf {
    let library = folder.join(format!("warmstart_raw{}.so", definitions.len()));
    let status = Command::new("cc")
        .args(["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"])
        .args(["-shared", "-fPIC", "-fvisibility=hidden", "-O1"])
        .args(definitions.iter().map(|one| format!("-D{one}")))
        .arg("-I")
        .arg(root().join("plugins/sdk/include"))
        .arg("-o")
        .arg(&library)
        .arg(root().join("plugins/faulty/c/raw.c"))
        .status();
    assert!(status.expect("cc starts").success(), "raw.c compiles");
    library
}

/// `abort.rs`, built so that a panic cannot be caught.
pub fn aborting(folder: &Path) -> PathBuf {
    let library = folder.join("libwarmstart_abort.so");
    let mut compiler = Command::new("rustc");
    compiler.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-o"]);
    compiler.arg(&library).arg(root().join("plugins/faulty/c/abort.rs"));
    assert!(
        child::status(&mut compiler, LIMIT).expect("rustc starts").success(),
        "abort.rs compiles"
    );
    library
}

/// The Makefile's `warmstart_c_tasks.so`, built away from the sources.
pub fn c_tasks(folder: &Path) -> PathBuf {
    let library = folder.join("warmstart_c_tasks.so");
    let sources = root().join("plugins/c-tasks");
    for file in ["Makefile", "tasks.c", "json.h"] {
        std::fs::copy(sources.join(file), folder.join(file)).expect("a copy");
    }
    let sdk = format!("SDK={}", root().join("plugins/sdk/include").display());
    let mut make = Command::new("make");
    let status = child::status(make.arg("-s").arg("-C").arg(folder).arg(sdk), LIMIT);
    assert!(status.expect("make starts").success(), "the Makefile works");
    library
}
