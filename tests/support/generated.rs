//! Pages of `docs` that the program generates.

/// Compares `file` with what it has to be; `WARMSTART_TEST_UPDATE=1` writes it.
#[track_caller]
pub fn generated(file: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("WARMSTART_TEST_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{file} is out of date: run the test with WARMSTART_TEST_UPDATE=1");
}
