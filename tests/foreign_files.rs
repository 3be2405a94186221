//! Files that others write: those of a cloned project, of its `.git`, and the host's event. Reading them
//! costs a bounded amount of work, and only regular files inside the project are read. Names begin with
//! the finding of the security review: `h2`, `toctou`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::support::session::write;
use crate::support::{Forbidden, Session, if_permitted, run};

/// Processor time of one start in an unoptimised build; without a limit on the work each of these files
/// took 2 to 8 seconds.
const MOST_TIME: Duration = Duration::from_millis(700);

/// A session with a checklist.
fn session() -> Session {
    Session::new().deadline("30s").project_file("TODO.md", "- [ ] Keep this task\n")
}

/// Fails unless a start shows the task and takes no more than `MOST_TIME` of the processor.
#[track_caller]
fn costs_little(case: &str, session: &Session, event: &str, task: &str) {
    let (outcome, time) = run::with_processor_time(session, event);
    assert!(outcome.context().contains(task), "{case}: {outcome:?}");
    assert!(time < MOST_TIME, "{case} took {time:?} of the processor");
}

fn configured(text: &str) -> Session {
    session().project_file(".claude/hooks.toml", text)
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).map(line).collect()
}

#[test]
fn h2_a_hostile_configuration_file_costs_no_time_and_no_task() {
    let long = |chars, count| {
        let key = "a".repeat(chars);
        format!("[context]\n{}", lines(count, |n| format!("{key}{n:04} = 1\n")))
    };
    let cases = [
        ("one key of 900 KB", long(900_000, 1)),
        ("one key of 250 KB", long(250_000, 1)),
        ("1990 keys of 504 characters", long(500, 1990)),
        ("500 keys of 504 characters", long(500, 500)),
        ("30 keys of 34 KB", long(34_000, 30)),
        ("7 keys of 34 KB", long(34_000, 7)),
        (
            "1990 keys like a known one",
            format!("[context]\n{}", lines(1990, |n| format!("max_chrs{n} = 1\n"))),
        ),
        ("30,000 settings", lines(30_000, |n| format!("k{n}=1\n"))),
        ("20,000 tables", lines(20_000, |n| format!("[t{n}]\n"))),
        (
            "a list in place of a number",
            format!("[context]\nmax_chars = [{}]\n", "1,".repeat(120_000)),
        ),
        ("deep lists", format!("a = {}", "[".repeat(250_000))),
        ("deep tables", format!("a = {}", "{a=".repeat(80_000))),
        ("a deep key", format!("{}a = 1\n", "a.".repeat(120_000))),
        ("empty comments", "#\n".repeat(130_000)),
    ];
    for (case, text) in cases {
        let session = configured(&text);
        let event = session.event("startup").to_string();
        costs_little(case, &session, &event, "Keep this task");
    }
}

#[test]
fn h2_a_hostile_repository_costs_no_time_and_no_task() {
    let head = |text: Vec<u8>| move |git: &Path| write(&git.join("HEAD"), &text);
    let packed = |text: Vec<u8>| {
        move |git: &Path| {
            write(&git.join("HEAD"), b"ref: refs/heads/absent\n");
            write(&git.join("packed-refs"), &text);
        }
    };
    let line = [&[b'0'; 40][..], b" refs/heads/other\n"].concat();
    type Make = Box<dyn Fn(&Path)>;
    let cases: [(&str, Make); 5] = [
        ("a HEAD of 64 MiB", Box::new(head(vec![b'a'; 64 << 20]))),
        (
            "a HEAD of 4 KiB",
            Box::new(head([&b"ref: refs/heads/"[..], &b"a/".repeat(2000)].concat())),
        ),
        ("packed-refs of 16 MiB", Box::new(packed(line.repeat((16 << 20) / line.len())))),
        ("packed-refs of line ends", Box::new(packed(vec![b'\n'; 16 << 20]))),
        ("packed-refs of 64 MiB", Box::new(packed(vec![b'\n'; 64 << 20]))),
    ];
    for (case, make) in cases {
        let session = session();
        make(&session.project().join(".git"));
        let event = session.event("startup").to_string();
        costs_little(case, &session, &event, "Keep this task");
    }
}

#[test]
fn h2_a_checklist_of_a_megabyte_costs_no_time() {
    let boxes = "- [ ] Keep this task\n".repeat(49_000);
    let many = "- [ ] a\n".repeat(100_000) + "- [ ] Keep this task\n";
    let cases = [
        ("49,000 boxes", boxes, "Keep this task"),
        ("100,000 boxes", many, "more"),
        ("line ends", "\n".repeat((1 << 20) - 30) + "- [ ] Keep this task\n", "Keep this task"),
        (
            "one long line",
            format!("- [ ] Keep this task {}\n", "a".repeat(1_000_000)),
            "Keep this task",
        ),
    ];
    for (case, text, task) in cases {
        let session = session().project_file("TODO.md", &text);
        let event = session.event("startup").to_string();
        costs_little(case, &session, &event, task);
    }
}

#[test]
fn h2_an_event_of_a_megabyte_costs_no_time() {
    let with = |key: &'static str, value: serde_json::Value| {
        move |session: &Session| {
            let mut event = session.event("startup");
            event[key] = value.clone();
            event.to_string()
        }
    };
    let many: serde_json::Map<String, serde_json::Value> =
        (0..60_000).map(|n| (format!("k{n}"), n.into())).collect();
    type Make = Box<dyn Fn(&Session) -> String>;
    let cases: [(&str, Make); 4] = [
        ("a long session id", Box::new(with("session_id", "s".repeat(900_000).into()))),
        ("60,000 keys", Box::new(with("more", many.into()))),
        // Each piece of the input ends like an object.
        ("closing braces", Box::new(with("more", "}".repeat(1_000_000).into()))),
        ("too deep", Box::new(|_| format!("{{\"a\":{}", "[".repeat(1_000_000)))),
    ];
    for (case, make) in cases {
        let session = session();
        costs_little(case, &session, &make(&session), "Keep this task");
    }
}

/// Replaces the project's `file` by a link to `target`.
fn link(session: &Session, file: &str, target: &Path) {
    let path = session.project().join(file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&path);
    symlink(target, path).unwrap();
}

#[test]
fn h2_a_committed_link_to_a_file_of_the_kernel_is_not_read() {
    for target in ["/proc/kmsg", "/proc/self/environ", "/sys/kernel/notes", "/dev/zero"] {
        // A container may have no /sys.
        let there = Path::new(target).exists().then_some(());
        let there = there.ok_or_else(|| Forbidden(format!("there is no {target}")));
        let Some(()) = if_permitted(there) else { continue };
        let session = session()
            .secret("UNRELATED", "h2-canary-0123456789")
            .hooks_toml("[hooks.notes]\nenabled = true\nfiles = [\"NOTES.md\"]\n");
        link(&session, ".claude/hooks.toml", Path::new(target));
        link(&session, "NOTES.md", Path::new(target));
        link(&session, ".git/packed-refs", Path::new(target));
        let outcome = session.start("startup");
        assert!(outcome.context().contains("Keep this task"), "{target}: {outcome:?}");
        assert!(outcome.notice().contains("WS101"), "{target}: {outcome:?}");
        outcome.within(Duration::from_secs(3));
        link(&session, "TODO.md", Path::new(target));
        link(&session, ".git/HEAD", Path::new(target));
        session.start("startup").within(Duration::from_secs(3)).answer();
    }
}

#[test]
fn a_committed_link_that_leaves_the_project_is_refused_with_its_target() {
    let session = session();
    let outside = session.home().join("settings.toml");
    write(&outside, b"[context]\nprivate_key_of_the_user = 1\n");
    link(&session, ".claude/hooks.toml", &outside);
    let notice = session.start("startup").notice();
    let target = outside.canonicalize().unwrap();
    assert!(notice.contains("points outside the project, to `"), "{notice}");
    assert!(notice.contains(&target.display().to_string()), "{notice}");
    assert!(!notice.contains("private_key_of_the_user"), "{notice}");
    let refused = session.run(&["trust", "--yes"]);
    assert!(refused.stderr.contains("points outside the project"), "{refused:?}");
    assert_ne!(refused.code(), 0, "{refused:?}");
}

#[test]
fn a_link_to_a_file_inside_the_project_is_read() {
    let session = session().project_file("docs/tasks.md", "- [ ] Of the linked file\n");
    link(&session, "TODO.md", Path::new("docs/tasks.md"));
    assert!(session.start("startup").context().contains("Of the linked file"));
    link(&session, "TODO.md", &session.project().join("docs/tasks.md"));
    assert!(session.start("startup").context().contains("Of the linked file"));
}

/// Exchanges pairs of paths again and again while it exists.
struct Exchange {
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Exchange {
    fn start(pairs: Vec<(PathBuf, PathBuf)>) -> Self {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        let ended = Arc::new(AtomicBool::new(false));
        let of_thread = Arc::clone(&ended);
        let exchange = move || {
            while !of_thread.load(Ordering::Relaxed) {
                for (one, other) in &pairs {
                    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).unwrap();
                }
            }
        };
        Exchange { ended, thread: Some(std::thread::spawn(exchange)) }
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || matches!(ended, Some(Ok(()))));
    }
}

/// Starts a session `count` times while files are exchanged; gives what was printed.
fn starts(session: &Session, count: usize) -> Vec<run::Outcome> {
    let event = session.event("startup").to_string();
    let start = |_| run::to_its_end(&mut session.program(&["session-start"]), event.as_bytes());
    (0..count).map(start).collect()
}

#[test]
fn toctou1_a_link_that_is_swapped_in_shows_nothing_of_a_file_outside() {
    let notes = "[hooks.notes]\nenabled = true\nfiles = [\"NOTES.md\", \"docs/more.md\"]\n";
    let session = session()
        .hooks_toml(notes)
        .project_file("NOTES.md", "Words of the project.\n")
        .project_file("docs/more.md", "More of the project.\n")
        .guard("toctou-canary-0123456789");
    let outside = session.scratch().join("outside");
    let canary = b"- [ ] toctou-canary-0123456789\n";
    for name in ["more.md", "TODO.md"] {
        write(&outside.join(name), canary);
    }
    let project = session.project();
    symlink(outside.join("more.md"), project.join("swapped-note")).unwrap();
    symlink(outside.join("TODO.md"), project.join("swapped-list")).unwrap();
    symlink(&outside, project.join("swapped-docs")).unwrap();
    let pair = |file: &str, other: &str| (project.join(file), project.join(other));
    let pairs = vec![
        pair("NOTES.md", "swapped-note"),
        pair("TODO.md", "swapped-list"),
        pair("docs", "swapped-docs"),
    ];
    let exchange = Exchange::start(pairs);
    let outcomes = starts(&session, 200);
    drop(exchange);
    for outcome in &outcomes {
        outcome.answer();
        assert!(!outcome.text().contains("toctou-canary"), "{outcome:?}");
    }
    let shown = outcomes.iter().filter(|outcome| outcome.text().contains("of the project"));
    assert!(shown.count() > 0, "the files were never there: {:?}", outcomes.last());
    fs::remove_dir_all(outside).unwrap();
}

#[test]
fn toctou2_a_fifo_that_is_swapped_in_holds_nothing_up() {
    let session = session()
        .project_file(".claude/hooks.toml", "[context]\nmax_chars = 3000\n")
        .project_file("NOTES.md", "Words of the project.\n")
        .hooks_toml("[hooks.notes]\nenabled = true\nfiles = [\"NOTES.md\"]\n");
    let project = session.project();
    let files = ["TODO.md", "NOTES.md", ".claude/hooks.toml", ".git/HEAD"];
    let pairs = files.map(|file| {
        let fifo = project.join(format!("{}.fifo", file.replace('/', "-")));
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RUSR).unwrap();
        (project.join(file), fifo)
    });
    let exchange = Exchange::start(pairs.to_vec());
    let outcomes = starts(&session, 50);
    drop(exchange);
    for outcome in outcomes {
        assert!(!outcome.notice().contains("WS702"), "{outcome:?}");
        assert!(outcome.elapsed < Duration::from_secs(20), "{outcome:?}");
    }
    for (_, fifo) in pairs {
        fs::remove_file(fifo).unwrap();
    }
}
