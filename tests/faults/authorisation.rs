//! A001–A020: getting a token.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::time::Duration;

use serde_json::{Value, json};

use super::row::{LONG, Row};
use crate::support::mcp_reply::{healthy, is_token_request, json_response, response, token};
use crate::support::{Act, FaultServer, Request, Session};

const SECRET: &str = "authorisation-canary-0123456789";

/// A session whose token comes from `server`.
fn session(row: &Row, server: &FaultServer) -> Session {
    let session = row.session(&server.mcp(), None);
    session.with_keycloak(&server.origin(), "claude-hooks", SECRET)
}

/// A server whose token endpoint answers with `body`.
fn token_answer(status: u16, body: Value) -> impl Fn(&Request) -> Vec<Act> {
    move |request| {
        if is_token_request(request) {
            return vec![Act::Send(json_response(status, &body))];
        }
        healthy(request)
    }
}

#[test]
fn a001_keycloak_without_a_secret_asks_nobody() {
    let server = FaultServer::start(healthy);
    let row = Row::without("WS201").env("WARMSTART_AUTH__KIND", "keycloak");
    let session = row.session(&server.mcp(), None);
    let session = session.env("KEYCLOAK_URL", server.origin()).env("KEYCLOAK_REALM", "dhafnck");
    row.run(&session);
    assert_eq!(server.connections(), 0);
}

#[test]
fn a002_secret_files_that_give_nothing() {
    let server = FaultServer::start(healthy);
    let row = Row::without("WS201");
    let session = session(&row, &server);
    let empty = session.scratch().join("empty");
    fs::write(&empty, "\n").unwrap();
    let missing = session.scratch().join("missing");
    let folder = session.scratch();
    let mut session = session;
    session.unset("KEYCLOAK_CLIENT_SECRET");
    for file in [empty, missing, folder] {
        session.set("KEYCLOAK_CLIENT_SECRET_FILE", file.display().to_string());
        row.run(&session);
    }
    assert_eq!(server.count("/token"), 0);
}

#[test]
fn a002_x39_a_secret_file_with_a_line_end() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    let mut session = session(&row, &server);
    session.unset("KEYCLOAK_CLIENT_SECRET");
    let file = session.scratch().join("tokens");
    fs::create_dir(&file).unwrap();
    let file = file.join("secret");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    session.set("KEYCLOAK_CLIENT_SECRET_FILE", file.display().to_string());
    row.run(&session);
    let body = String::from_utf8(server.requests()[0].body.clone()).unwrap();
    assert!(body.contains(&format!("client_secret={SECRET}")) && !body.contains("%0A"), "{body}");
}

/// A session whose secret is what this shell line prints.
fn secret_command(row: &Row, server: &FaultServer, line: &str) -> Session {
    let mut session = session(row, server);
    session.unset("KEYCLOAK_CLIENT_SECRET");
    session.hooks_toml(&format!(
        "[auth]\nclient_secret = {{ command = [\"sh\", \"-c\", {line:?}] }}\n"
    ))
}

#[test]
fn a003_a_secret_command_that_fails_hangs_or_babbles() {
    // The command's own limit of 5 s is reached long before the deadline of the row.
    for line in ["exit 3", "exec sleep 30", "printf 'one\\ntwo\\n'"] {
        let server = FaultServer::start(healthy);
        let row = Row::without("WS201").deadline(LONG);
        row.run(&secret_command(&row, &server, line));
        assert_eq!(server.count("/token"), 0, "{line}");
    }
}

#[test]
fn a003_a_secret_command_that_works() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    row.run(&secret_command(&row, &server, &format!("echo {SECRET}")));
    assert_eq!(server.count("/token"), 1);
}

#[test]
fn a004_keycloak_down_with_a_valid_token() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    let session = session(&row, &server);
    row.run(&session);
    server.becomes(|request| match is_token_request(request) {
        true => vec![Act::Reset],
        false => healthy(request),
    });
    row.run(&session);
    assert_eq!((server.count("/token"), server.count("/mcp")), (1, 2));
}

#[test]
fn a004_keycloak_down_while_a_token_is_due_and_still_good() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    let session = session(&row, &server);
    row.run(&session);
    for file in session.tokens() {
        let mut kept: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        let now = jiff::Timestamp::now().as_second();
        (kept["obtained"], kept["expires"]) = (json!(now - 600), json!(now + 25));
        fs::write(&file, kept.to_string()).unwrap();
    }
    server.becomes(|request| match is_token_request(request) {
        true => vec![Act::Reset],
        false => healthy(request),
    });
    row.run(&session);
    assert!(server.count("/token") > 1, "a renewal was tried");
    row.run(&session);
}

#[test]
fn t10_a_corrected_secret_is_tried_at_once() {
    let server = FaultServer::start(|request| {
        let is_right = String::from_utf8_lossy(&request.body).contains("client_secret=right");
        if is_token_request(request) && !is_right {
            let body = json!({ "error": "unauthorized_client", "error_description": "no" });
            return vec![Act::Send(json_response(401, &body))];
        }
        healthy(request)
    });
    let row = Row::without("WS202");
    let mut session = session(&row, &server);
    row.run(&session);
    session.set("KEYCLOAK_CLIENT_SECRET", "right-canary-0123456789");
    Row::live().run(&session);
}

#[test]
fn a005_keycloak_hangs() {
    let server = FaultServer::start(|request| match is_token_request(request) {
        true => vec![Act::Hold],
        false => healthy(request),
    });
    let row = Row::without("WS303");
    row.run(&session(&row, &server));
    assert_eq!(server.count("/mcp"), 0);
}

#[test]
fn a006_x26_a_prefix_that_nobody_has() {
    let missing = json!({ "error": "Unable to find matching target resource method" });
    let server = FaultServer::start(token_answer(404, missing));
    let row = Row::without("WS206");
    row.run(&session(&row, &server));
    assert_eq!(server.count("/token"), 2, "with and without `/auth`, once each");
}

#[test]
fn a007_the_tokens_own_end_counts_when_nothing_else_is_said() {
    let mut body = token(300);
    body.as_object_mut().unwrap().remove("expires_in");
    let server = FaultServer::start(token_answer(200, body));
    let row = Row::live();
    let session = session(&row, &server);
    row.run(&session);
    row.run(&session);
    assert_eq!((server.count("/token"), server.count("/mcp")), (1, 2));
}

#[test]
fn a008_x16_a_token_of_unknown_life_is_used_once() {
    let body = json!({ "access_token": "opaque-token", "token_type": "Bearer" });
    let server = FaultServer::start(token_answer(200, body));
    let row = Row::live();
    let session = session(&row, &server);
    row.run(&session);
    for file in session.tokens() {
        let text = fs::read_to_string(file).unwrap();
        assert!(!text.contains("opaque-token"), "kept for good: {text}");
    }
    row.run(&session);
    assert_eq!((server.count("/token"), server.count("/mcp")), (2, 2));
}

#[test]
fn a009_lifetimes_beyond_reason() {
    for odd in [json!(0), json!(-1), json!(1_000_000_000_000_000_000_u64), json!("300"), json!(5)] {
        let mut body = token(300);
        body["expires_in"] = odd.clone();
        let server = FaultServer::start(token_answer(200, body));
        let row = Row::live();
        row.run(&session(&row, &server));
        assert_eq!(server.count("/token"), 1, "{odd}");
    }
}

#[test]
fn a010_a_token_endpoint_that_talks_nonsense() {
    let token =
        |token: &str| json_response(200, &json!({ "access_token": token, "expires_in": 300 }));
    let html = response(200, &[("Content-Type", "text/html")], b"<html>Sign in</html>");
    let error = json_response(200, &json!({ "error": "temporarily_unavailable" }));
    let answers: [(Vec<u8>, &str); 4] = [
        (html, "(WS402)"),
        (error, "(WS402)"),
        (token(&"x".repeat(3 << 20)), "(WS405)"),
        (token("a\r\nX-Injected: 1"), "(WS402)"),
    ];
    for (answer, code) in answers {
        let server = FaultServer::start(move |request| match is_token_request(request) {
            true => vec![Act::Send(answer.clone())],
            false => healthy(request),
        });
        let row = Row::without(code).deadline("15s");
        row.run(&session(&row, &server));
        assert_eq!(server.count("/mcp"), 0);
    }
}

/// A session with one token on disk, and the token's file.
fn with_token(row: &Row, server: &FaultServer) -> (Session, std::path::PathBuf) {
    let session = session(row, server);
    row.run(&session);
    let file = session.tokens().pop().expect("a token on disk");
    server.forget();
    (session, file)
}

#[test]
fn a011_a_token_file_that_cannot_be_read_is_a_missing_one() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    let (session, file) = with_token(&row, &server);
    let whole = fs::read(&file).unwrap();
    for bytes in [&b"garbage"[..], &whole[..whole.len() / 2], b"", b"{\"version\":99}"] {
        fs::write(&file, bytes).unwrap();
        server.forget();
        row.run(&session);
        assert_eq!(server.count("/token"), 1);
    }
}

#[test]
fn a012_x09_files_are_private_whatever_the_mask() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    let (session, file) = with_token(&row, &server);
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    for entry in session.entries() {
        assert_eq!((mode(&entry), mode(entry.parent().unwrap())), (0o600, 0o700));
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    row.run(&session);
    assert_eq!(mode(&session.tokens()[0]), 0o600);
}

#[test]
fn a013_a_token_file_that_is_no_file() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    let (session, file) = with_token(&row, &server);
    let target = session.scratch().join("target");
    fs::write(&target, "untouched").unwrap();
    let plant: [&dyn Fn(); 3] =
        [&|| symlink(&target, &file).unwrap(), &|| fs::create_dir(&file).unwrap(), &|| {
            rustix::fs::mknodat(
                rustix::fs::CWD,
                &file,
                rustix::fs::FileType::Fifo,
                0o600.into(),
                0,
            )
            .unwrap();
        }];
    for put in plant {
        fs::remove_file(&file).or_else(|_| fs::remove_dir(&file)).unwrap();
        put();
        row.run(&session);
        assert_eq!(fs::read_to_string(&target).unwrap(), "untouched");
    }
}

#[test]
fn a015_a_holder_that_stands_still_is_not_waited_for_beyond_the_deadline() {
    let server = FaultServer::start(|_| vec![Act::Hold]);
    let row = Row::without("(WS303)");
    let session = row.session(&server.mcp(), None).deadline("15s");
    let holder = session.begin("startup");
    let id = rustix::process::Pid::from_raw(holder.0.id().try_into().unwrap()).unwrap();
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    rustix::process::kill_process(id, rustix::process::Signal::STOP).unwrap();
    let mut waiting = session.program(&["session-start"]);
    waiting.env("WARMSTART_SESSION_START__DEADLINE", "900ms");
    let event = session.event("startup").to_string();
    let outcome = crate::support::run::to_its_end(&mut waiting, event.as_bytes());
    outcome.within(Duration::from_millis(900));
    assert_ne!(outcome.notice(), "");
    assert_eq!(server.requests().len(), 1, "the one who waits does not ask too");
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    let mut holder = holder.0;
    holder.wait().unwrap();
}

#[test]
fn a017_x15_another_client_never_gets_the_old_token() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    let (mut session, _) = with_token(&row, &server);
    session.set("KEYCLOAK_CLIENT_ID", "another-client");
    row.run(&session);
    assert_eq!(server.count("/token"), 1);
    session.set("KEYCLOAK_REALM", "another-realm");
    row.run(&session);
    assert_eq!(server.count("/token"), 2);
    assert_eq!(session.tokens().len(), 3);
}

#[test]
fn a020_a_server_whose_clock_is_ahead() {
    let server = FaultServer::start(|request| {
        let date =
            [("Content-Type", "application/json"), ("Date", "Fri, 01 Jan 2100 00:00:00 GMT")];
        match is_token_request(request) {
            true => vec![Act::Send(response(200, &date, token(300).to_string().as_bytes()))],
            false => healthy(request),
        }
    });
    let row = Row::live();
    let session = session(&row, &server);
    row.run(&session);
    row.run(&session);
    assert_eq!(server.count("/token"), 1);
}

#[test]
fn n14_x15_configured_headers_go_to_the_task_server_alone() {
    let (server, identity) = (FaultServer::start(healthy), FaultServer::start(healthy));
    let row = Row::live();
    let session = row.session(&server.mcp(), None);
    let session = session
        .with_keycloak(&identity.origin(), "claude-hooks", SECRET)
        .hooks_toml("[http]\nheaders = { X-Api-Key = \"gateway-canary-1\", X-Team = \"core\" }\n");
    row.run(&session);
    let sent = |server: &FaultServer| {
        let request = server.requests().remove(0);
        (request.header("x-api-key").is_some(), request.header("x-team").is_some())
    };
    assert_eq!(sent(&server), (true, true));
    assert_eq!(sent(&identity), (false, false));
}

/// What the store has of the one identity.
fn stored(session: &Session) -> Value {
    let file = session.tokens().pop().expect("a file of the store");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn store(session: &Session, value: &Value) {
    fs::write(session.tokens().pop().expect("a file of the store"), value.to_string()).unwrap();
}

fn refusing() -> FaultServer {
    let body = json!({ "error": "unauthorized_client", "error_description": "no" });
    FaultServer::start(token_answer(401, body))
}

#[test]
fn rt_b10_t10_a_refused_secret_is_not_tried_again_before_its_pause_is_over() {
    let server = refusing();
    let row = Row::without("WS202");
    let session = session(&row, &server);
    row.run(&session);
    let mut kept = stored(&session);
    assert_eq!(kept["backoff"]["pause"], 1, "{kept}");
    let now = jiff::Timestamp::now().as_millisecond();
    assert!(kept["backoff"]["until"].as_i64().is_some_and(|until| until <= now + 1_000), "{kept}");
    kept["backoff"]["until"] = json!(now + 60_000);
    store(&session, &kept);
    row.run(&session);
    assert_eq!(server.count("/token"), 1, "its pause is not over");
    kept["backoff"]["until"] = json!(now - 1);
    store(&session, &kept);
    row.run(&session);
    assert_eq!(server.count("/token"), 2);
    assert_eq!(stored(&session)["backoff"]["pause"], 2, "doubled");
}

#[test]
fn rt_b10_the_pause_that_the_identity_server_asks_for_is_kept() {
    let server = FaultServer::start(|request| match is_token_request(request) {
        true => vec![Act::Send(response(429, &[("Retry-After", "300")], b"{}"))],
        false => healthy(request),
    });
    let row = Row::without("WS321");
    let session = session(&row, &server);
    row.run(&session);
    let now = jiff::Timestamp::now().as_millisecond();
    let until = stored(&session)["backoff"]["until"].as_i64().unwrap();
    assert!((now + 200_000..=now + 300_000).contains(&until), "{until}, now {now}");
}

#[test]
fn rt_b10_a_mistake_of_the_configuration_is_tried_again_at_once() {
    let body = json!({ "error": "invalid_request", "error_description": "HTTPS required" });
    let server = FaultServer::start(token_answer(403, body));
    let row = Row::without("WS105");
    let session = session(&row, &server);
    row.run(&session);
    row.run(&session);
    assert_eq!(server.count("/token"), 2);
}

#[test]
fn rt_b10_without_a_realm_the_identity_server_is_not_asked() {
    let server = FaultServer::start(healthy);
    let row = Row::without("auth.realm");
    let mut session = session(&row, &server);
    session.unset("KEYCLOAK_REALM");
    row.run(&session);
    assert_eq!(server.connections(), 0);
}

#[test]
fn t06_a_token_of_another_scope_is_another_token() {
    let server = FaultServer::start(healthy);
    let row = Row::live();
    let (mut session, _) = with_token(&row, &server);
    session.set("WARMSTART_AUTH__SCOPE", "mcp:read");
    row.run(&session);
    assert_eq!((server.count("/token"), session.tokens().len()), (1, 2));
}

#[test]
fn a006_of_two_wrong_paths_the_configured_one_is_reported() {
    let server = FaultServer::start(|request| {
        let error = if request.path.starts_with("/auth/") { "second" } else { "first" };
        vec![Act::Send(json_response(404, &json!({ "error": error })))]
    });
    let row = Row::without("WS206");
    let notice = row.run(&session(&row, &server)).notice();
    assert!(notice.contains("HTTP 404: first"), "{notice}");
}

#[test]
fn t05_a_token_request_that_was_cut_off_is_repeated() {
    let server = FaultServer::start(|request| match request.n {
        0 => vec![Act::Reset],
        _ => healthy(request),
    });
    let row = Row::live();
    row.run(&session(&row, &server));
    assert_eq!((server.count("/token"), server.count("/mcp")), (2, 1));
}

/// Makes the kept token due for renewal but still good, and the identity server do `fault`.
fn due(session: &Session, server: &FaultServer, fault: fn() -> Vec<Act>) {
    let now = jiff::Timestamp::now().as_second();
    let mut kept = stored(session);
    (kept["obtained"], kept["expires"]) = (json!(now - 600), json!(now + 25));
    store(session, &kept);
    server
        .becomes(move |request| if is_token_request(request) { fault() } else { healthy(request) });
    server.forget();
}

#[test]
fn a004_a_renewal_that_hangs_leaves_time_for_the_tasks() {
    let server = FaultServer::start(healthy);
    let (mut session, _) = with_token(&Row::live(), &server);
    due(&session, &server, || vec![Act::Hold]);
    session.set("WARMSTART_SESSION_START__DEADLINE", "5s");
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert_eq!((server.count("/token"), server.count("/mcp")), (1, 1));
}

#[test]
fn b12_a_good_token_survives_a_second_read_that_fails() {
    let Some(()) = crate::contract::kernel::tracing() else { return };
    let server = FaultServer::start(healthy);
    let (session, file) = with_token(&Row::live(), &server);
    let path = file.display().to_string();
    for n in 1..=3 {
        due(&session, &server, || vec![Act::Reset]);
        let token = stored(&session)["token"].clone();
        let inject = format!("-einject=openat:error=EIO:when={n}");
        let words = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", &path, &inject];
        let outcome = crate::contract::kernel::by_way_of(&session, &words);
        assert_eq!(outcome.notice(), "", "read {n}: {outcome:?}");
        assert_eq!(server.count("/mcp"), 1, "read {n}: {outcome:?}");
        assert_eq!(stored(&session)["token"], token, "read {n}");
    }
}

#[test]
fn a8_a_token_longer_than_any_header_is_refused() {
    let long = json!({ "access_token": "x".repeat((64 << 10) + 1), "expires_in": 300 });
    let server = FaultServer::start(token_answer(200, long));
    let row = Row::without("(WS402)");
    row.run(&session(&row, &server));
    assert_eq!(server.count("/mcp"), 0);
}

#[test]
fn a8_the_identity_servers_words_are_one_short_clean_line() {
    let words = format!("no\u{1b}[2J\r\nand\u{202e} more {}", "and more ".repeat(500));
    let body = json!({ "error": "unauthorized_client", "error_description": words });
    let server = FaultServer::start(token_answer(401, body));
    let row = Row::without("WS202");
    let notice = row.run(&session(&row, &server)).notice();
    assert!(notice.contains("and more") && notice.len() < 700, "{notice}");
    assert!(
        notice.chars().all(|c| (!c.is_control() || c == '\n') && c != '\u{202e}'),
        "{notice:?}"
    );
}

#[test]
fn m16_a_session_id_of_any_length_is_not_kept() {
    let server = FaultServer::start(|request| {
        if is_token_request(request) {
            return healthy(request);
        }
        let body = request.json();
        let id = "s".repeat(8_000);
        let headers = [("Content-Type", "application/json"), ("Mcp-Session-Id", id.as_str())];
        match body["method"].as_str() {
            Some("initialize") => {
                let result = json!({
                    "protocolVersion": "2025-06-18",
                    "capabilities": {},
                    "serverInfo": { "name": "s", "version": "1" },
                });
                let answer = crate::support::mcp_reply::rpc(request, &result).to_string();
                vec![Act::Send(response(200, &headers, answer.as_bytes()))]
            }
            Some("notifications/initialized") => vec![Act::Send(response(202, &[], b""))],
            _ => healthy(request),
        }
    });
    let row = Row::live().env("WARMSTART_CLIENT__ERA", "legacy");
    let session = row.session(&server.mcp(), None);
    row.run(&session);
    let wire = session.state().join("wire");
    let kept = fs::read_dir(wire).map(Iterator::count).unwrap_or_default();
    assert_eq!(kept, 0, "a profile with an id of 8,000 bytes is kept");
    row.run(&session);
}
