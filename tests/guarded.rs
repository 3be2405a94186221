//! The whole run is guarded: it ends in time and leaves nothing behind, whatever its streams, its
//! programs and the files that it inherits do. Names begin with the finding of a review.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::programs::script;
use crate::support::session::write;
use crate::support::{Act, FaultServer, Session, mcp_reply, run};

/// The program below a shell that runs `line` first; `"$0" session-start` is the program.
fn below_a_shell(session: &Session, line: &str) -> Command {
    let plain = session.program(&[]);
    let mut shell = Command::new("bash");
    shell.args(["-c", line]).arg(plain.get_program());
    shell.current_dir(session.project()).env_clear();
    shell.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn b12_an_event_that_comes_late_is_reported_with_the_folder_that_counts() {
    let session = Session::new().deadline("20s").project_file("TODO.md", "- [ ] Mend the roof\n");
    let whole = session.event("startup").to_string();
    for (text, is_late) in [("", true), ("{\"session_id\":\"x\"", true), (&whole, false)] {
        let mut command = session.program(&["session-start"]);
        let outcome = run::with_open_input(&mut command, text.as_bytes());
        assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
        let notice = outcome.notice();
        assert_eq!(notice.contains("was not complete within 250 ms"), is_late, "{outcome:?}");
        assert_eq!(notice.contains("a startup in `"), is_late, "{outcome:?}");
    }
    assert_eq!(session.start_with("", &[]).notice(), "", "no event is not a late one");
}

#[test]
fn a_reader_that_does_not_read_ends_the_run_and_the_run_is_recorded() {
    let session = Session::new().deadline("400ms").project_file("TODO.md", "- [ ] Mend\n");
    let (reader, mut writer) = std::io::pipe().unwrap();
    let copy = writer.try_clone().unwrap();
    // Filled by a thread that blocks in it until the reader is closed.
    let filler = std::thread::spawn(move || writer.write_all(&[b'x'; 1 << 20]));
    std::thread::sleep(Duration::from_millis(100));
    let event = session.scratch().join("event.json");
    write(&event, session.event("resume").to_string().as_bytes());
    let mut command = session.program(&["session-start"]);
    command.stdin(File::open(&event).unwrap()).stdout(copy).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    drop(command);
    let outcome = run::finish(child, Instant::now());
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    assert!(outcome.elapsed < Duration::from_secs(20), "{outcome:?}");
    drop(reader);
    assert!(filler.join().unwrap().is_err());
    let runs = session.runs();
    assert_eq!(runs.len(), 1, "{runs:?}");
    assert_eq!((&runs[0]["result"], &runs[0]["source"]), (&"ended".into(), &"resume".into()));
    assert!(runs[0]["cause"].as_str().unwrap().contains("could not be printed"), "{runs:?}");
    fs::remove_file(event).unwrap();
}

/// Starts a session that inherits descriptor 9, a pipe; gives what was printed to the file `answer`,
/// once the pipe is at its end.
fn with_descriptor_9(session: &Session, answer: &Path) -> String {
    let line = format!("exec 9>&1 >'{}' && exec \"$0\" session-start", answer.display());
    let mut command = below_a_shell(session, &line);
    let mut child = run::start(&mut command, session.event("startup").to_string().as_bytes());
    let mut pipe = child.stdout.take().unwrap();
    let mut bytes = Vec::new();
    pipe.read_to_end(&mut bytes).unwrap();
    assert!(child.wait().unwrap().success());
    fs::read_to_string(answer).unwrap()
}

#[test]
fn b12_the_background_process_holds_no_file_of_the_caller_open() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::with_server(&server.mcp()).deadline("15s");
    session.start("startup");
    session.age_cache(Duration::from_secs(1200));
    server.becomes(|_| vec![Act::Hold]);
    let session = session.env("FALLBACK_STRATEGY", "stale_while_revalidate");
    let answer = session.scratch().join("answer");
    let text = with_descriptor_9(&session, &answer);
    assert!(text.contains("Mend the roof"), "{text}");
    assert_eq!(session.children().len(), 1, "the pipe was at its end before the process was");
    server.becomes(mcp_reply::healthy);
    fs::remove_file(answer).unwrap();
}

#[test]
fn b12_a_program_of_a_hook_has_no_file_of_the_caller() {
    let session = Session::new().deadline("20s");
    let (seen, program) = (session.scratch().join("seen"), session.scratch().join("program"));
    script(
        &program,
        &format!(
            "if [ -e /proc/$$/fd/9 ]; then echo open; else echo closed; fi > {}",
            seen.display()
        ),
    );
    let text = format!("[hooks.x]\nkind = \"command\"\ncommand = [\"{}\"]\n", program.display());
    let session = session.hooks_toml(&text);
    with_descriptor_9(&session, &session.scratch().join("answer"));
    assert_eq!(fs::read_to_string(seen).unwrap(), "closed\n");
}

#[test]
fn m24_the_memory_of_a_session_belongs_to_root() {
    let server = FaultServer::start(|_| vec![Act::Hold]);
    let mut session = Session::with_server(&server.mcp()).deadline("20s");
    session.unset("WARMSTART_DEBUG");
    let (mut child, _) = session.begin("startup");
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let proc = PathBuf::from(format!("/proc/{}", child.id()));
    let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(proc.join("mem")).unwrap());
    let limits = fs::read_to_string(proc.join("limits")).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(owner, 0, "another process of the user can read it");
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2, "{core}");
}
