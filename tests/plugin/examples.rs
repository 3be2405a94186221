//! The examples as a user installs them: trusted, configured, and in a session.

use std::process::Command;

use super::{STALE, build, serves_the_cache, serving, trust};
use crate::support::session::write;
use crate::support::{Missing, Session, or_skip};

/// With time for a busy machine.
fn patient(session: Session, plugin: &str) -> Session {
    let variable = format!("WARMSTART_PLUGINS__{}__TIMEOUT", plugin.to_uppercase());
    session.deadline("30s").env(&variable, "20s")
}

fn configured(session: &Session, text: &str) {
    write(&session.home().join(".config/warmstart/hooks.toml"), text.as_bytes());
}

#[test]
fn todo_file_helps_out_when_the_server_is_down_and_is_never_cached() {
    let session = patient(Session::with_server("http://127.0.0.1:9"), "todo_file")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_BREAKER__FAILURES", "0");
    let trusted = trust(&session, &build::rust("todo-file"), "todo_file");
    assert!(trusted.text().contains("kind = \"plugin:todo_file/todo_file\""), "{trusted:?}");
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
    let Some(()) = or_skip(build::compiler().and_then(|()| build::make())) else { return };
    let folder = tempfile::tempdir().unwrap();
    let library = build::c_tasks(folder.path());
    let session =
        patient(Session::new(), "c_tasks").env("WARMSTART_CLIENT__KIND", "plugin:c_tasks");
    trust(&session, &library, "c_tasks");
    let list = "# List\n- [x] done\n  * [~] begun \"quoted\" \\ back\n+ [ ] häuser\n- [ ]\n";
    write(&session.project().join("TODO.md"), list.as_bytes());
    let outcome = session.start("startup");
    let text = outcome.context();
    assert!(text.contains("begun \"quoted\" \\ back") && text.contains("häuser"), "{text}");
    assert!(!text.contains("done"), "{text}");
    let missing = session.scratch().join("missing.md");
    for (path, cause) in
        [(missing, "cannot open the list"), (session.scratch(), "cannot read the list")]
    {
        let path = path.display();
        configured(&session, &format!("[plugins.c_tasks.config]\npath = \"{path}\"\n"));
        let outcome = session.start("startup");
        assert!(!outcome.context().contains("none"), "not an empty list: {outcome:?}");
        assert!(session.log().contains(cause), "{outcome:?}\n{}", session.log());
    }
}

#[test]
fn work_hours_leaves_the_server_alone_outside_of_them() {
    let server = serving();
    let session = patient(Session::with_server(&server.origin()), "work_hours")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false");
    trust(&session, &build::rust("work-hours"), "work_hours");
    let chain = "[fallback]\nchain = [\"plugin:work_hours\", \"cache_then_skip\"]\n[plugins.work_hours.config]\n";
    configured(&session, &format!("{chain}days = []\n"));
    let outcome = session.start("startup");
    assert!(outcome.context().contains("from the server"), "nothing cached yet: {outcome:?}");
    serves_the_cache(&session, &server, || session.start("startup").context());
    session.age_cache(STALE);
    let asked = server.requests().len();
    configured(&session, &format!("{chain}days = [\"someday\"]\n"));
    session.start("startup").answer();
    assert!(server.requests().len() > asked, "an invalid setting costs the step, not the tasks");
}

#[test]
fn git_summary_says_one_line_about_the_tree() {
    let session = patient(Session::new(), "git_summary");
    let project = session.project();
    let git = Command::new("git").arg("init").arg("-q").arg(&project).status();
    let is_there = git.is_ok_and(|status| status.success()).then_some(());
    let Some(()) = or_skip(is_there.ok_or_else(|| Missing("git".into()))) else { return };
    trust(&session, &build::rust("git-summary"), "git_summary");
    configured(&session, "[hooks.tree]\nkind = \"plugin:git_summary\"\ntimeout = \"20s\"\n");
    write(&project.join("new-file"), b"x");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("untracked"), "{outcome:?}\n{}", session.log());
}

#[test]
fn beads_lists_what_is_ready_and_is_silent_where_it_is_not_installed() {
    let session = patient(Session::new(), "beads").env("WARMSTART_CLIENT__KIND", "plugin:beads");
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
