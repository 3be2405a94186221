//! The examples as a user has them: trusted, configured, and in a session.

use std::time::Duration;

use super::{build, serving, trust};
use crate::support::session::write;
use crate::support::{Session, or_skip};

fn configured(session: &Session, text: &str) {
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
}

#[test]
fn todo_file_helps_out_when_the_server_is_down_and_is_never_cached() {
    let session = Session::with_server("http://127.0.0.1:9")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_BREAKER__FAILURES", "0");
    let told = trust(&session, &build::rust("todo-file"), "todo_file");
    assert!(told.text().contains("kind = \"plugin:todo_file/todo_file\""), "{told:?}");
    let text = "[fallback]\nchain = [\"client:mine\"]\n[clients.mine]\nkind = \"plugin:todo_file/todo_file\"\n\
        [plugins.todo_file.config]\npath = \"plan.md\"\n";
    configured(&session, text);
    for title in ["first state", "second state"] {
        write(&session.project().join("plan.md"), format!("- [ ] {title}\n").as_bytes());
        let outcome = session.start("startup");
        assert!(outcome.context().contains(title), "{outcome:?}\n{}", session.log());
    }
    assert!(session.entries().is_empty(), "{:?}", session.entries());
}

#[test]
fn c_tasks_reads_the_same_list_in_c() {
    let Some(()) = or_skip(build::compiler()) else { return };
    let folder = tempfile::tempdir().unwrap();
    let library = build::c_tasks(folder.path());
    let session = Session::new().env("WARMSTART_CLIENT__KIND", "plugin:c_tasks");
    trust(&session, &library, "c_tasks");
    let list = "# List\n- [x] done\n  * [~] begun \"quoted\" \\ back\n+ [ ] häuser\n- [ ]\n";
    write(&session.project().join("TODO.md"), list.as_bytes());
    let outcome = session.start("startup");
    let text = outcome.context();
    assert!(text.contains("begun \"quoted\" \\ back") && text.contains("häuser"), "{text}");
    assert!(!text.contains("done"), "{text}");
    configured(&session, "[plugins.c_tasks.config]\npath = \"/nowhere/at/all\"\n");
    session.start("startup").answer();
    assert!(session.log().contains("the list cannot be opened"), "{}", session.log());
}

#[test]
fn work_hours_leaves_the_server_alone_outside_of_them() {
    let server = serving();
    let session = Session::with_server(&server.origin())
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .deadline("4s");
    trust(&session, &build::rust("work-hours"), "work_hours");
    let chain = "[fallback]\nchain = [\"plugin:work_hours\", \"cache_then_skip\"]\n[plugins.work_hours.config]\n";
    configured(&session, &format!("{chain}days = []\n"));
    let outcome = session.start("startup");
    assert!(outcome.context().contains("from the server"), "nothing cached yet: {outcome:?}");
    // On a busy machine a process may take longer than the 100 ms that it has.
    let is_left_alone = || {
        session.age_cache(Duration::from_secs(1200));
        let asked = server.requests().len();
        let outcome = session.start("startup");
        assert!(outcome.context().contains("from the server"), "{outcome:?}\n{}", session.log());
        session.settle();
        server.requests().len() == asked
    };
    assert!((0..8).any(|_| is_left_alone()), "{}", session.log());
    session.age_cache(Duration::from_secs(1200));
    let asked = server.requests().len();
    configured(&session, &format!("{chain}days = [\"someday\"]\n"));
    session.start("startup").answer();
    assert!(server.requests().len() > asked, "a wrong setting costs the step, not the tasks");
}

#[test]
fn git_summary_says_one_line_about_the_tree() {
    let session = Session::new();
    trust(&session, &build::rust("git-summary"), "git_summary");
    configured(&session, "[hooks.tree]\nkind = \"plugin:git_summary\"\ntimeout = \"1s\"\n");
    let project = session.project();
    let git = std::process::Command::new("git").arg("init").arg("-q").arg(&project).status();
    if !git.is_ok_and(|status| status.success()) {
        return;
    }
    write(&project.join("new-file"), b"x");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("untracked"), "{outcome:?}\n{}", session.log());
}

#[test]
fn beads_lists_what_is_ready_and_is_silent_where_it_is_not_installed() {
    let session = Session::new().env("WARMSTART_CLIENT__KIND", "plugin:beads");
    trust(&session, &build::rust("beads"), "beads");
    let outcome = session.start("startup");
    outcome.answer();
    assert!(session.log().contains("there is no `bd`"), "{}", session.log());
    let program = session.scratch().join("bd");
    write(
        &program,
        b"#!/bin/sh\necho '[{\"id\":\"bd-7\",\"title\":\"Ready issue\",\"priority\":1}]'\n",
    );
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o700))
        .unwrap();
    configured(
        &session,
        &format!("[plugins.beads.config]\ncommand = [\"{}\"]\n", program.display()),
    );
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Ready issue"), "{outcome:?}\n{}", session.log());
}
