//! README, `hooks.toml`, `--help` and the code agree.

use std::collections::BTreeSet;
use std::process::Command;

use warmstart::testing::{CLIENTS, HOOKS, STRATEGIES};

use crate::support::child;

const README: &str = include_str!("../README.md");
const SETTINGS: &str = include_str!("../hooks.toml");

/// Name and summary of every registered client, strategy and hook.
fn registered() -> Vec<(&'static str, &'static str)> {
    let clients = CLIENTS.iter().map(|client| (client.name, client.summary));
    let strategies = STRATEGIES.iter().map(|step| (step.name, step.summary));
    let hooks = HOOKS.iter().map(|hook| (hook.name, hook.summary));
    clients.chain(strategies).chain(hooks).collect()
}

#[test]
fn every_registered_name_is_unique_snake_case_and_told() {
    let mut seen = BTreeSet::new();
    for (name, summary) in registered() {
        assert!(seen.insert(name), "`{name}` is registered twice");
        let is_snake = name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(is_snake, "`{name}` is not snake_case");
        assert!(!summary.is_empty() && !summary.contains('\n'), "`{name}` has one line of summary");
        assert!(README.contains(&format!("`{name}`")), "`{name}` is not in the README");
        assert!(SETTINGS.contains(name), "`{name}` is not in hooks.toml");
    }
}

/// The words behind `warmstart` in the README's shell blocks.
fn readme_commands() -> BTreeSet<String> {
    let lines = README.lines().filter(|line| line.starts_with("warmstart "));
    lines.filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned)).collect()
}

#[test]
fn every_command_that_the_readme_tells_exists() {
    let help = |words: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_warmstart"));
        let run = child::output(program.args(words).env_clear(), child::LIMIT);
        let run = run.expect("the program starts");
        (run.status.success(), String::from_utf8_lossy(&run.stdout).into_owned())
    };
    let (_, overview) = help(&["--help"]);
    let commands = readme_commands();
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        assert!(overview.contains(&format!("  {command}")), "`{command}` is not in --help");
        assert!(help(&[&command, "--help"]).0, "`{command} --help` fails");
    }
}

#[test]
fn every_value_in_the_readmes_settings_is_valid() {
    let folder = tempfile::tempdir().expect("a folder");
    // The README's secret comes from `pass` and its issues from `gh`: checked to exist, and not run.
    let bin = folder.path().join("bin");
    std::fs::create_dir(&bin).expect("a folder");
    for program in ["pass", "gh"] {
        std::os::unix::fs::symlink("/bin/true", bin.join(program)).expect("a link");
    }
    for (n, block) in README.split("```toml\n").skip(1).enumerate() {
        let text = block.split("```").next().expect("a block ends");
        let path = folder.path().join(format!("{n}.toml"));
        std::fs::write(&path, text).expect("a file");
        let mut check = Command::new(env!("CARGO_BIN_EXE_warmstart"));
        check.args(["config", "check"]).env_clear().current_dir(folder.path());
        check.env("HOME", folder.path()).env("WARMSTART_CONFIG", &path).env("PATH", &bin);
        let run = child::output(&mut check, child::LIMIT).expect("the program starts");
        assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
    }
}

#[test]
fn the_test_command_of_the_readme_is_what_is_run_before_a_change_is_taken() {
    let script = include_str!("../.ci/run");
    assert!(README.contains("\ncargo test --workspace\n"));
    assert!(script.contains("cargo test --workspace"));
}
