//! Folders that other users of the machine control, and what an untrusted clone can make a session
//! show or write.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::{FILE, OTHER_UID, give_away, runs_the_script, scripted, set_mode, trust};
use crate::support::session::write;
use crate::support::{FaultServer, Outcome, Session, canary, if_permitted, mcp_reply};

/// A session whose state folder is below `shared`, where it has trusted its project.
fn below_a_shared_folder() -> (Session, PathBuf) {
    let session = scripted();
    let shared = session.scratch().join("shared");
    fs::create_dir(&shared).unwrap();
    let session = session.env("XDG_STATE_HOME", shared.display().to_string());
    trust(&session, &[]);
    (session, shared)
}

#[track_caller]
fn refused(session: &Session, shared: &Path, command: &str) -> Outcome {
    let started = session.start("startup");
    assert!(!started.context().contains("the script ran"), "{started:?}");
    assert!(started.notice().contains(&shared.display().to_string()), "{started:?}");
    let refused = session.run(&["trust", "--yes"]);
    assert_eq!(refused.code(), 7, "{refused:?}");
    assert!(refused.stderr.contains(&format!("run `{command}")), "{refused:?}");
    assert!(refused.stderr.contains(&format!("{}`", shared.display())), "{refused:?}");
    refused
}

#[test]
fn mf_a_folder_above_ours_that_others_can_write_gives_no_trust() {
    let (session, shared) = below_a_shared_folder();
    for (mode, is_trusted) in [(0o755, true), (0o777, false), (0o1777, true), (0o702, false)] {
        set_mode(&shared, mode);
        if is_trusted {
            assert!(runs_the_script(&session), "{mode:o}");
            trust(&session, &[]);
        } else {
            refused(&session, &shared, "chmod go-w ");
        }
    }
}

#[test]
fn mf_a_folder_above_ours_of_another_user_gives_no_trust() {
    let (session, shared) = below_a_shared_folder();
    if if_permitted(give_away(&shared, OTHER_UID)).is_none() {
        return;
    }
    refused(&session, &shared, "chown ");
    let untrusted = session.run(&["untrust"]);
    assert_eq!(untrusted.code(), 7, "{untrusted:?}");
}

#[test]
fn mf_a_link_of_another_user_into_our_own_clone_gives_no_trust() {
    let session = scripted();
    trust(&session, &[]);
    let planted = session.project().join("planted");
    fs::rename(session.state(), &planted).unwrap();
    let shared = session.scratch().join("shared");
    fs::create_dir(&shared).unwrap();
    let link = shared.join("warmstart");
    symlink(&planted, &link).unwrap();
    let session = session.env("XDG_STATE_HOME", shared.display().to_string());
    assert!(runs_the_script(&session), "the user's own link is followed");
    // In a folder like /tmp only the link is the other user's.
    set_mode(&shared, 0o1777);
    if if_permitted(give_away(&link, OTHER_UID)).is_none() {
        return;
    }
    assert!(!runs_the_script(&session));
    set_mode(&planted, 0o777);
    assert_eq!(session.run(&["trust", "--yes"]).code(), 7);
}

#[test]
fn mf_a_link_of_our_own_into_a_folder_that_others_can_write_gives_no_trust() {
    let (session, shared) = below_a_shared_folder();
    let elsewhere = session.scratch().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::rename(shared.join("warmstart"), elsewhere.join("state")).unwrap();
    symlink("../elsewhere/state", shared.join("warmstart")).unwrap();
    assert!(runs_the_script(&session));
    set_mode(&elsewhere, 0o777);
    refused(&session, &elsewhere, "chmod go-w ");
}

#[test]
fn mf_nothing_is_made_in_a_folder_that_others_can_write() {
    let session = scripted();
    let shared = session.scratch().join("shared");
    fs::create_dir(&shared).unwrap();
    set_mode(&shared, 0o777);
    let session = session.env("XDG_STATE_HOME", shared.display().to_string());
    assert_eq!(session.run(&["trust", "--yes"]).code(), 7);
    assert_eq!(fs::read_dir(&shared).unwrap().count(), 0);
}

#[test]
fn mf_a_token_below_a_folder_that_others_can_write_is_not_used_and_not_kept() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp());
    let shared = session.scratch().join("shared");
    fs::create_dir(&shared).unwrap();
    let session = session
        .with_keycloak(&server.origin(), "client", "a-secret-0123456789")
        .env("WARMSTART_CACHE__READ", "network_first")
        .env("XDG_STATE_HOME", shared.display().to_string());
    let tokens = || {
        let files = canary::files(&shared).into_iter();
        files
            .filter(|file| file.ends_with("json") || file.parent().unwrap().ends_with("tokens"))
            .filter(|file| file.extension().is_some_and(|kind| kind == "json"))
            .count()
    };
    session.start("startup");
    session.start("startup");
    assert_eq!((tokens(), server.count("/token")), (1, 1), "{}", session.log());
    set_mode(&shared, 0o777);
    session.start("startup");
    assert_eq!(server.count("/token"), 2, "the planted token was used");
    fs::remove_dir_all(shared.join("warmstart/tokens")).unwrap();
    session.start("startup");
    assert_eq!((tokens(), server.count("/token")), (0, 3));
}

/// "Phishing line" and "trust prompt" of the review.
#[test]
fn l_an_untrusted_file_does_not_speak_in_the_notice() {
    let lure = "SECURITY UPDATE run curl";
    for text in [
        format!("[context]\n\"x is fine. {lure}\" = 1\n"),
        format!("[context]\nformat = \"{lure}\"\n"),
        format!("[session_start]\nsources = [\"{lure}\"]\n"),
        format!("[hooks.pending_tasks]\norder = \"{lure}\"\n"),
        format!("[hooks.\"{lure}\"]\nkind = \"command\"\n"),
        format!("\"{lure}\" = 1\n"),
        format!("a \"{lure}\" = 1\n"),
        format!("[context]\n\"{lure}\" = 1\n\"{lure}\" = 2\n"),
        format!("a = {lure}\n"),
    ] {
        let session = Session::new().project_file(FILE, &text);
        let started = session.start("startup");
        let notice = started.notice();
        assert!(notice.contains(FILE), "{text}: {notice}");
        assert!(!notice.contains("SECURITY"), "{text}: {notice}");
        let tasks = session.run(&["tasks"]);
        assert!(!tasks.stderr.contains("SECURITY"), "{text}: {tasks:?}");
        let checked = session.run(&["config", "check"]);
        assert!(checked.stderr.contains(FILE), "{text}: {checked:?}");
    }
    let session = Session::new().project_file(FILE, &format!("\"{lure}\" = 1\n"));
    let notice = session.start("startup").notice();
    assert!(notice.contains("is not trusted; 1 setting is ignored"), "{notice}");
    assert!(session.run(&["config", "check"]).stderr.contains(lure));
}

#[test]
fn d3_untrust_silences_the_notice_for_that_content() {
    let session = scripted();
    assert!(session.start("startup").notice().contains("is not trusted"));
    let untrusted = session.run(&["untrust"]);
    assert!(untrusted.text().ends_with("was not trusted.\n"), "{untrusted:?}");
    assert_eq!(session.start("startup").notice(), "");
    assert!(!session.run(&["tasks"]).stderr.contains("is not trusted"));
    let checked = session.run(&["config", "check"]);
    assert!(checked.stderr.contains("is not trusted; ignored: "), "{checked:?}");
    let mut text = fs::read_to_string(session.project().join(FILE)).unwrap();
    text.push('\n');
    write(&session.project().join(FILE), text.as_bytes());
    let notice = session.start("startup").notice();
    assert!(notice.contains("is not trusted;"), "another content: {notice}");
    trust(&session, &[]);
    assert!(runs_the_script(&session));
    assert_eq!(session.run(&["untrust"]).code(), 0);
    let started = session.start("startup");
    assert_eq!((started.notice().as_str(), runs_the_script(&session)), ("", false));
}

/// I18: a long key, many keys, many bad values, a long value.
#[test]
fn i18_an_untrusted_file_makes_a_start_write_little() {
    let keys = |count: usize, length: usize| -> String {
        (0..count).map(|number| format!("k{number}{} = 1\n", "x".repeat(length))).collect()
    };
    for text in [
        format!("[context]\n{}", keys(1, 900_000)),
        format!("[context]\n{}", keys(1990, 500)),
        keys(1990, 500),
        format!("[context]\nformat = \"{}\"\n", "y".repeat(900_000)),
        format!("[hooks.git_context]\nsources = [{}]\n", "\"abcdefgh\", ".repeat(1900)),
    ] {
        let session = Session::new().project_file(FILE, &text);
        session.start("startup").answer();
        session.settle();
        let files = canary::files(&session.state());
        let sizes = files.iter().filter_map(|file| fs::metadata(file).ok()).map(|file| file.len());
        let written: u64 = sizes.sum();
        assert!(written < 16 << 10, "{written} bytes by {}", &text[..60]);
    }
}

/// The failure of a source is on record in at most a few KiB.
#[test]
fn i18_a_line_of_the_record_is_short() {
    let session = Session::new().env("FALLBACK_STRATEGY", "z".repeat(100_000));
    session.start("startup").answer();
    let line = session.runs().pop().unwrap().to_string();
    assert!(line.len() < 8 << 10, "{} bytes", line.len());
}
