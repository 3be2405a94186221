//! The recipes of `docs/architecture.md`: `recipes/NAME.patch` follows one, changes the lines that it
//! names and no others, and the program built with all of them has what they add.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::plugin::build::{self, cargo, root};
use crate::support::canary::files;
use crate::support::{Outcome, Session, child, needs, or_skip};

/// Each patch with the added lines, the removed lines and the file of each change.
const RECIPES: [(&str, &[&str]); 4] = [
    ("setting", &["1 0 hooks.toml", "2 0 src/config/cache.rs"]),
    (
        "hook",
        &["1 0 README.md", "4 0 hooks.toml", "2 0 src/hook/mod.rs", "34 0 src/hook/reminder.rs"],
    ),
    (
        "client",
        &["1 0 README.md", "2 0 hooks.toml", "2 0 src/client/mod.rs", "50 0 src/client/sample.rs"],
    ),
    (
        "strategy",
        &[
            "1 0 README.md",
            "1 0 hooks.toml",
            "19 0 src/fallback/cache_then_next.rs",
            "2 0 src/fallback/mod.rs",
        ],
    ),
];

#[test]
fn a_recipe_changes_the_lines_that_it_names_and_no_others() {
    let Some(_) = or_skip(needs("git", "git")) else { return };
    for (name, expected) in RECIPES {
        let changes = git_apply(name, root(), &["--numstat"]).replace('\t', " ");
        assert_eq!(changes.lines().collect::<Vec<_>>(), expected, "{name}");
    }
}

#[test]
fn the_recipes_compile_and_what_they_add_works() {
    let Some(_) = or_skip(needs("git", "git")) else { return };
    let folder = target().join("recipes");
    fs::create_dir_all(&folder).expect("target can be written");
    let lock = File::create(folder.join("lock")).expect("target can be written");
    lock.lock().expect("a file lock");
    let program = built(&patched_source(&folder), &folder);
    the_setting_works(&program);
    the_hook_works(&program);
    the_client_works(&program);
    the_strategy_works(&program);
}

fn the_setting_works(program: &Path) {
    let shown = Session::new().with_program(program).run(&["config", "show", "cache.max_entry"]);
    assert!(shown.text().contains("256KiB"), "{shown:?}");
    let large = || Session::new().env("WARMSTART_CACHE__MAX_ENTRY", "99MiB");
    refused(&large().with_program(program), "is out of range (1KiB to 16MiB)");
    refused(&large(), "names no setting");
}

fn the_hook_works(program: &Path) {
    let text = "Water the plants";
    let session = || Session::new().env("WARMSTART_HOOKS__REMINDER__TEXT", text);
    let context = session().with_program(program).start("startup").context();
    assert!(context.contains("Reminder") && context.contains(text), "{context}");
    refused(&session(), "reminder");
}

fn the_client_works(program: &Path) {
    let session = || Session::new().env("WARMSTART_CLIENT__KIND", "sample");
    let context = session().with_program(program).start("startup").context();
    assert!(context.contains("Sow the seeds"), "{context}");
    refused(&session(), "`sample`");
}

fn the_strategy_works(program: &Path) {
    let session = || Session::new().env("FALLBACK_STRATEGY", "cache_then_next");
    let checked = check(&session().with_program(program));
    assert_eq!(checked.code(), 0, "{checked:?}");
    refused(&session(), "`cache_then_next`");
}

fn check(session: &Session) -> Outcome {
    session.run(&["config", "check"])
}

/// `config check` finds this fault.
#[track_caller]
fn refused(session: &Session, fault: &str) {
    let checked = check(session);
    assert_eq!(checked.code(), 3, "{checked:?}");
    assert!(checked.stderr.contains(fault), "`{fault}` is missing: {checked:?}");
}

/// The target folder of the tests.
fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a folder of cargo")
}

/// `folder/source`: this checkout with all recipes. A file that has not changed since the last run
/// keeps its time, so that cargo does not compile it again.
fn patched_source(folder: &Path) -> PathBuf {
    let fresh = tempfile::tempdir_in(folder).expect("target can be written");
    copy(root(), fresh.path());
    for (name, _) in RECIPES {
        git_apply(name, fresh.path(), &[]);
    }
    let source = folder.join("source");
    let paths = |tree: &Path| -> Vec<PathBuf> {
        let below = |path: &PathBuf| path.strip_prefix(tree).expect("below it").to_path_buf();
        files(tree).iter().map(below).collect()
    };
    let (wanted, present) = (paths(fresh.path()), paths(&source));
    for path in present.iter().filter(|path| !wanted.contains(path)) {
        fs::remove_file(source.join(path)).expect("target can be written");
    }
    for path in wanted {
        let bytes = fs::read(fresh.path().join(&path)).expect("a copy");
        if !fs::read(source.join(&path)).is_ok_and(|present| present == bytes) {
            crate::support::session::write(&source.join(path), &bytes);
        }
    }
    source
}

/// Copies what belongs to the source: no build results, nothing hidden.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("target can be written");
    for entry in fs::read_dir(from).expect("a folder of the source").flatten() {
        let name = entry.file_name();
        let is_source = name != "target" && !name.to_string_lossy().starts_with('.');
        let (source, copy) = (entry.path(), to.join(&name));
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && is_source => self::copy(&source, &copy),
            Ok(kind) if kind.is_file() && is_source => _ = fs::copy(source, copy).expect("a copy"),
            _ => {}
        }
    }
}

/// Applies a recipe in `folder`, whether or not that is in a repository.
fn git_apply(name: &str, folder: &Path, options: &[&str]) -> String {
    let patch = root().join("tests/recipes").join(name).with_extension("patch");
    let mut git = Command::new("git");
    git.arg("apply").args(options).arg(&patch).current_dir(folder);
    git.env("GIT_CEILING_DIRECTORIES", folder.parent().expect("a folder above"));
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    let output = child::output(&mut git, child::LIMIT).expect("git starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let hint = "renew it as tests/README.md describes under \"The recipes\"";
    let patch = patch.display();
    assert!(output.status.success(), "`{patch}` does not apply; {hint}\n{stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The program of this source. The build folder is that of the tests, so that no dependency is built
/// twice; by a level of debug information that no other build has, cargo keeps the two programs apart.
fn built(source: &Path, folder: &Path) -> PathBuf {
    let results = folder.join("target");
    let mut cargo = cargo();
    cargo.args(["build", "--offline", "--locked", "--quiet", "--bin", "warmstart"]);
    cargo.arg("--manifest-path").arg(source.join("Cargo.toml"));
    cargo.env("CARGO_TARGET_DIR", &results).env("CARGO_BUILD_BUILD_DIR", target());
    cargo.env("CARGO_PROFILE_DEV_DEBUG", "line-directives-only");
    let output = child::output(&mut cargo, build::LIMIT).expect("cargo starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the source with tests/recipes/*.patch:\n{stderr}");
    results.join("debug/warmstart")
}
