//! The same hostile text in every field that can reach the model, through the binary: whole lines are
//! compared, so that a field that is not cleaned, and a line, markup or character that one adds, shows.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::session::write;
use crate::support::{
    Act, FaultServer, Outcome, Request, Session, canary, mcp_reply, needs, or_skip, repository,
};

/// Control characters of both ranges, line ends of both kinds, bidi, zero-width, tag and other format
/// characters, markup of a host, and a link.
const HOSTILE: &str = "a\u{1b}[2J\u{7}\r\n\u{202e}b\u{200b}c\u{e0041}</x>\u{2028}[l](y)\u{ad}\u{fff9}\u{180e}\u{61c}\u{9b}d";
/// The same as the model reads it: on one line, and on the lines of a text.
const SAFE: &str = "a [2J bc&lt;/x&gt; [l] (y) d";
const SAFE_LINES: [&str; 2] = ["a [2J", "bc&lt;/x&gt; [l] (y) d"];

/// A session with these settings in the user's own file.
fn session(url: Option<&str>, settings: &Value) -> Session {
    let session = url.map_or_else(Session::new, Session::with_server);
    session.deadline("20s").hooks_toml(&toml::to_string(settings).expect("TOML"))
}

/// The context without its first line.
#[track_caller]
fn body(session: &Session) -> Vec<String> {
    let outcome = session.start("startup");
    let context = outcome.context();
    let lines = context.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    assert!(!lines.is_empty(), "{outcome:?}\n{}", session.log());
    lines
}

#[test]
fn a3_every_field_of_a_task_and_its_name() {
    let task = json!({ "id": HOSTILE, "title": HOSTILE, "status": HOSTILE, "priority": HOSTILE, HOSTILE: [HOSTILE, HOSTILE] });
    let server = FaultServer::start(move |request| {
        vec![Act::Send(mcp_reply::tasks(request, &json!([task])))]
    });
    let settings = json!({
        "context": { "fields": ["title", "id", "status", "priority", HOSTILE], "format": "full" },
        "hooks": { "git_context": { "enabled": false } },
    });
    let session = session(Some(&server.mcp()), &settings);
    let expected = [
        format!("Open tasks, task server {}:", server.mcp()),
        format!("- {SAFE} [{SAFE}, {SAFE}, {SAFE}]; {SAFE}: {SAFE}, {SAFE}"),
    ];
    assert_eq!(body(&session), expected);
    assert_eq!(body(&session), expected, "from the cache");
}

#[test]
fn a3_an_answer_that_is_a_text() {
    let server = FaultServer::start(|request| {
        let result = json!({ "content": [{ "type": "text", "text": HOSTILE }], "isError": false });
        vec![Act::Send(mcp_reply::json_response(200, &mcp_reply::rpc(request, &result)))]
    });
    let settings = json!({
        "queries": { "tasks": { "answer": "text" } },
        "hooks": { "git_context": { "enabled": false } },
    });
    let session = session(Some(&server.mcp()), &settings);
    let expected = [
        format!("Open tasks, task server {}:", server.mcp()),
        format!("  {}", SAFE_LINES[0]),
        format!("  {}", SAFE_LINES[1]),
    ];
    assert_eq!(body(&session), expected);
}

#[test]
fn a3_names_and_texts_of_files_programs_hooks_and_branches() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join(HOSTILE);
    write(&program, format!("#!/bin/sh\ncat <<'END'\n{HOSTILE}\nEND\n").as_bytes());
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = json!({
        "hooks": {
            "notes": { "enabled": true, "files": [HOSTILE], "order": 50 },
            "output": { "kind": "command", "command": [program], "order": 60, "timeout": "20s" },
            HOSTILE: { "kind": "command", "command": ["/nowhere"], "order": 70 },
        },
    });
    let session = session(None, &settings).project_file(HOSTILE, HOSTILE);
    // A branch's name cannot have control characters.
    let branch: String = HOSTILE.chars().filter(|c| !c.is_ascii_control()).collect();
    let head = format!("ref: refs/heads/{branch}\n");
    write(&session.project().join(".git/HEAD"), head.as_bytes());
    let shown = format!("{}/{SAFE}", folder.path().display());
    let lines = SAFE_LINES.map(|line| format!("  {line}"));
    let mut expected = vec!["Git, this repository:".to_owned()];
    expected.push(format!("  branch a[2J{}", SAFE.trim_start_matches("a [2J ")));
    expected.push(format!("{SAFE}, files of this project:"));
    expected.extend(lines.clone());
    expected.push(format!("Output of {shown}, command {shown}:"));
    expected.extend(lines);
    expected.push(format!("{SAFE}: not available, because the hook failed"));
    assert_eq!(body(&session), expected);
}

#[test]
fn a3_the_subject_of_a_commit() {
    let Some(_) = or_skip(needs("git", "git")) else { return };
    let session = session(None, &json!({}));
    repository::commit(&session.project(), &HOSTILE.replace("\r\n", " "));
    let lines = body(&session);
    let (_, subject) = lines[2].trim_start_matches("  - ").split_once(' ').expect("an id");
    assert_eq!(subject, SAFE);
    assert_eq!(lines.len(), 4, "branch, this commit and the first one: {lines:#?}");
}

/// A secret is masked before a branch or a commit's subject is cut.
#[test]
fn mc_a_token_at_the_cut_of_a_commit_or_branch() {
    let Some(_) = or_skip(needs("git", "git")) else { return };
    let token = "t0ken-that-a-commit-repeats-t0ken";
    let at = |room: usize| format!("{} {token}", "x".repeat(room - 10));
    let session = session(None, &json!({})).env("MCP_AUTH_TOKEN", token);
    repository::commit(&session.project(), &at(160 - 8));
    let lines = body(&session);
    assert!(lines[2].ends_with("x ****"), "{lines:#?}");
    let head = format!("ref: refs/heads/{}\n", at(120).replace(' ', "-"));
    write(&session.project().join(".git/HEAD"), head.as_bytes());
    assert!(body(&session)[1].ends_with("x-****"), "{:#?}", body(&session));
    canary::absent_below(session.home().as_path(), &["t0ken-that".to_owned()], &[]);
}

/// Whether a terminal could obey `c`, or not show it, by Unicode's data. A tab separates the columns of
/// a table.
fn is_obeyed(c: char) -> bool {
    use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory as Category};
    use icu_properties::{CodePointMapData, CodePointSetData};
    let category = CodePointMapData::<Category>::new().get(c);
    let is_format = matches!(
        category,
        Category::Control
            | Category::Format
            | Category::LineSeparator
            | Category::ParagraphSeparator
    );
    let is_ignorable = CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c);
    !matches!(c, '\n' | '\t') && (is_format || is_ignorable)
}

#[track_caller]
fn prints_plainly(outcome: &Outcome, command: &str) {
    for text in [outcome.text(), &outcome.stderr] {
        assert!(!text.contains(is_obeyed), "{command}: {text:?}");
    }
}

/// The answers of a server in every form: tasks, an error of the tool, an HTTP error, a page.
const ANSWERS: [fn(&Request) -> Vec<u8>; 5] = [
    |request| {
        let task = json!({ "id": HOSTILE, "title": HOSTILE, "status": HOSTILE, HOSTILE: HOSTILE });
        mcp_reply::tasks(request, &json!([task]))
    },
    |request| {
        let content = json!([{ "type": "text", "text": HOSTILE }]);
        let result = json!({ "isError": true, "content": content });
        mcp_reply::json_response(200, &mcp_reply::rpc(request, &result))
    },
    |request| {
        let error = json!({ "code": -32603, "message": HOSTILE });
        let id = request.json()["id"].clone();
        mcp_reply::json_response(200, &json!({ "jsonrpc": "2.0", "id": id, "error": error }))
    },
    |_| mcp_reply::response(404, &[("Content-Type", "text/plain")], HOSTILE.as_bytes()),
    |request| mcp_reply::json_response(200, &mcp_reply::rpc(request, &json!({ HOSTILE: HOSTILE }))),
];

#[test]
fn mg_no_command_prints_what_a_terminal_obeys() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = session(Some(&server.mcp()), &json!({ "log": { "level": "trace" } }))
        .env("HTTP_MAX_RETRIES", "0")
        .env("WARMSTART_CACHE__READ", "network_first");
    for answer in ANSWERS {
        server.becomes(move |request| vec![Act::Send(answer(request))]);
        prints_plainly(&session.start("startup"), "session-start");
        for command in [
            "tasks --live",
            "tasks --live --json",
            "tasks next",
            "call manage_task",
            "call manage_task --json",
            "session-start --explain",
            "runs",
            "runs --json",
            "logs show",
            "config check",
            "config show",
        ] {
            let words: Vec<&str> = command.split(' ').collect();
            prints_plainly(&session.run(&words), command);
        }
    }
    let lines = session.log();
    assert!(!lines.contains(is_obeyed), "{lines:?}");
}

/// The keys, names and paths of a cloned project's own file.
#[test]
fn mg_names_of_an_untrusted_project_are_spelled_out() {
    let file = json!({
        "context": { HOSTILE: 1, "format": HOSTILE },
        HOSTILE: HOSTILE,
        "hooks": { HOSTILE: { "kind": HOSTILE } },
        "clients": { HOSTILE: { "kind": HOSTILE } },
    });
    let session =
        Session::new().project_file(".claude/hooks.toml", &toml::to_string(&file).unwrap());
    let below = session.project().join(HOSTILE);
    fs::create_dir_all(&below).unwrap();
    let mut event = session.event("startup");
    event["cwd"] = below.to_str().into();
    event["session_id"] = HOSTILE.into();
    prints_plainly(&session.start_with(&event.to_string(), &[]), "session-start");
    for command in [
        "session-start --explain",
        "config check",
        "config check --json",
        "config show",
        "config show --origin",
        "config path",
        "trust --yes",
        "config check",
        "session-start --explain",
        "tasks",
        "runs",
        "runs --json",
        "logs show",
        "untrust",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        prints_plainly(&session.run(&words), command);
    }
    let lines = session.log();
    assert!(!lines.contains(is_obeyed), "{lines:?}");
}

#[test]
fn mg_a_line_end_in_a_key_or_value_forges_no_line() {
    const FORGED: &str = "a\nforged = \"harmless\"\nb";
    let file = json!({
        "context": { FORGED: FORGED, "format": FORGED },
        FORGED: FORGED,
        "hooks": { FORGED: { "kind": FORGED } },
    });
    let session =
        Session::new().project_file(".claude/hooks.toml", &toml::to_string(&file).unwrap());
    for command in [
        "config check",
        "config show",
        "config show --origin",
        "session-start --explain",
        "trust",
        "trust --yes",
        "trust --show",
        "config check",
        "config show",
        "session-start --explain",
        "logs show",
        "runs",
    ] {
        let words: Vec<&str> = command.split(' ').collect();
        let outcome = session.run(&words);
        let mut lines = outcome.text().lines().chain(outcome.stderr.lines());
        assert!(
            !lines.any(|line| line.trim_start().starts_with("forged")),
            "{command}: {outcome:?}"
        );
    }
}
