//! Killed at each of its system calls, `install` and `uninstall` leave the old file or the new one, and the
//! next `uninstall` gives back what was there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{ROWS, plant, user};
use crate::contract::kernel::tracing;
use crate::support::{Session, child};

const FILE: &str = "{\n  \"hooks\": {\n    \"Stop\": []\n  }\n}\n";

/// The command under strace, with these flags. Only the program itself is traced, not the entry's trial.
fn traced(session: &Session, flags: &[&str], line: &[&str]) -> std::process::Output {
    let plain = session.program(line);
    let mut command = Command::new("strace");
    command.arg("-qq").args(flags).arg(plain.get_program()).args(plain.get_args());
    command.env_clear().current_dir(session.project());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    child::output(&mut command, child::LIMIT).expect("strace starts")
}

/// The calls between the first look at the settings file and the end of its replacement: the name of
/// each, and how many of that name were before it.
fn calls(session: &Session, line: &[&str], settings: &Path) -> Vec<(String, usize)> {
    let file = session.scratch().join("calls");
    let shown = file.display().to_string();
    traced(session, &["-s200", "-o", &shown], line);
    let text = fs::read_to_string(&file).expect("what strace wrote");
    fs::remove_file(file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let folder = settings.parent().unwrap().display().to_string();
    let names_it = |line: &str| line.contains(&folder);
    let first = lines.iter().position(|line| line.contains(&folder)).expect("it is read");
    let is_end =
        |line: &str| line.contains("installs.json") && line.starts_with("rename") || names_it(line);
    let last = lines.iter().rposition(|line| is_end(line)).unwrap();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut calls = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let name = line.split('(').next().unwrap_or_default();
        let is_call =
            !name.is_empty() && name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if !is_call || name == "execve" {
            continue;
        }
        let count = counts.entry(name).or_default();
        *count += 1;
        if (first..=last + 4).contains(&number) {
            calls.push((name.to_owned(), *count));
        }
    }
    calls
}

fn killed_at_each_call(line: &[&str], before: &dyn Fn(&Session)) {
    let session = user();
    let path = plant(&session, ROWS[0].file, FILE.as_bytes());
    let prepare = || {
        session.run(&["uninstall", "claude"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE);
        before(&session);
    };
    prepare();
    let old = fs::read(&path).unwrap();
    let calls = calls(&session, line, &path);
    let new = fs::read(&path).unwrap();
    assert!(old != new && calls.len() > 40, "{calls:?}");
    let (mut kept, mut replaced) = (0, 0);
    for (name, n) in calls {
        prepare();
        let inject = format!("-einject={name}:signal=KILL:when={n}");
        traced(&session, &["-o", "/dev/null", &inject], line);
        let there = fs::read(&path).unwrap_or_default();
        assert!(there == old || there == new, "{name} {n}: {}", String::from_utf8_lossy(&there));
        kept += usize::from(there == old);
        replaced += usize::from(there == new);
        session.run(&["uninstall", "claude"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), FILE, "{name} {n}");
        let beside = fs::read_dir(path.parent().unwrap()).unwrap().count();
        assert_eq!(beside, 1, "{name} {n}: a temporary file is left");
    }
    assert!(kept > 20 && replaced > 2, "{kept} {replaced}");
}

#[test]
fn a_killed_install_leaves_the_old_file_or_the_new_one() {
    let Some(()) = tracing() else { return };
    killed_at_each_call(&["install", "claude"], &|_| ());
}

#[test]
fn a_killed_uninstall_leaves_the_old_file_or_the_new_one() {
    let Some(()) = tracing() else { return };
    killed_at_each_call(&["uninstall", "claude"], &|session| {
        assert_eq!(session.run(&["install", "claude"]).code(), 0);
    });
}
