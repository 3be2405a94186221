//! N001–N036: the connection to the server.

use std::io::{Read, Write};
use std::time::Duration;

use super::row::{Before, Out, Row, SHORT};
use crate::support::certificate::{Authority, Flaw};
use crate::support::fault_server::BlackHole;
use crate::support::mcp_reply::{self, head, healthy};
use crate::support::port::ReservedPort;
use crate::support::{Act, FaultServer, Missing, Session, or_skip};

/// A server that was healthy when the cache was filled and no longer exists.
fn refused(row: &Row) {
    let server = FaultServer::start(healthy);
    let session = row.session(&server.mcp(), Some(&server));
    drop(server);
    row.run(&session);
}

#[test]
fn n001_refused_with_nothing_cached() {
    refused(&Row::without("WS302"));
}

#[test]
fn n002_refused_with_a_stale_entry() {
    refused(&Row::stale("WS302"));
}

#[test]
fn n003_refused_with_nothing_cached_and_error_wanted() {
    refused(&Row::without("WS302").chain("cache_then_error").out(Out::Failed));
}

#[test]
fn n004_refused_with_a_stale_entry_and_error_wanted() {
    refused(&Row::stale("WS302").chain("cache_then_error"));
}

#[test]
fn n005_refused_and_the_entry_too_old() {
    refused(&Row::without("older than 1h").before(Before::TooOld));
}

#[test]
fn n006_refused_and_the_entry_too_old_and_error_wanted() {
    refused(
        &Row::without("WS302").before(Before::TooOld).chain("cache_then_error").out(Out::Failed),
    );
}

#[test]
fn n007_refused_and_the_cache_not_wanted() {
    refused(&Row::stale("WS302").chain("skip").out(Out::Without));
}

#[test]
fn n008_refused_while_revalidating() {
    // The stale entry is served without a request, so this run meets no failure.
    let row = Row::stale("").chain("stale_while_revalidate");
    let server = FaultServer::start(healthy);
    let session = row.session(&server.mcp(), Some(&server));
    drop(server);
    let context = session.start("startup").context();
    assert!(context.contains("Mend the roof") && context.contains("STALE"), "{context}");
    session.settle();
    assert!(session.log().contains("WS302"), "the child logged nothing: {}", session.log());
}

#[test]
fn n009_refused_with_nothing_to_revalidate() {
    refused(&Row::without("WS302").chain("stale_while_revalidate"));
}

#[test]
fn n010_connecting_gets_no_answer() {
    let row = Row::without("WS303").env("WARMSTART_HTTP__CONNECT_TIMEOUT", "300ms");
    let hole = BlackHole::open();
    let session = row.session(&hole.origin(), None);
    row.run(&session);
}

/// A row whose server does not answer: the hook's timeout ends well before the deadline, so that on a
/// busy machine too it is the one that strikes.
fn silent(row: Row) -> Row {
    row.env("WARMSTART_HOOK_DEFAULTS__TIMEOUT", "700ms")
}

#[test]
fn n011_accepted_and_then_silence() {
    silent(Row::stale("WS303")).check(|_| vec![Act::Hold]);
}

#[test]
fn n012_accepted_and_then_silence_and_error_wanted() {
    silent(Row::without("WS303").chain("cache_then_error").out(Out::Failed))
        .check(|_| vec![Act::Hold]);
}

#[test]
fn n013_headers_and_then_silence() {
    silent(Row::stale("WS303")).check(|_| vec![Act::Send(head(500)), Act::Hold]);
}

#[test]
fn n014_a_byte_now_and_then() {
    silent(Row::stale("WS303")).check(|request| {
        let answer = mcp_reply::tasks(request, &mcp_reply::three_tasks());
        vec![Act::Slowly(answer, Duration::from_millis(300))]
    });
}

#[test]
fn n015_a_body_without_end() {
    Row::stale("WS405").deadline("15s").check(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
        let head = format!("{head}Transfer-Encoding: chunked\r\n\r\n");
        let chunk = format!("2000\r\n{}\r\n", " ".repeat(0x2000));
        vec![Act::Send(head.into_bytes()), Act::Endlessly(chunk.into_bytes())]
    });
}

#[test]
fn n016_reset_after_the_request() {
    let (server, ..) = Row::stale("(WS303)").check_seen(|_| vec![Act::Reset]);
    assert!(server.requests().len() > 1, "a read-only query is tried again");
}

#[test]
fn n017_reset_in_the_body() {
    Row::stale("(WS303)")
        .check(|_| vec![Act::Send(head(900)), Act::Send(b"{\"a\":".into()), Act::Reset]);
}

#[test]
fn n018_the_end_before_the_promised_length() {
    Row::stale("(WS303)")
        .check(|_| vec![Act::Send(head(900)), Act::Send(b"{\"a\":".into()), Act::Close]);
}

#[test]
fn n019_the_second_attempt_gets_through() {
    let (server, ..) = Row::live().check_seen(|request| match request.n {
        0 => vec![Act::Reset],
        _ => healthy(request),
    });
    assert_eq!(server.requests().len(), 2);
}

#[test]
fn n020_a_kept_connection_closed_before_its_second_use() {
    // The first answer is a 401, so that the second request would go out on the same connection.
    let row = Row::live().env("KEYCLOAK_REALM", "dhafnck").env("KEYCLOAK_CLIENT_SECRET", "n020");
    let server = FaultServer::start(healthy);
    let session = row.session(&server.mcp(), None).env("KEYCLOAK_URL", server.origin());
    server.becomes(|request| match request.n {
        1 => [mcp_reply::status(401), vec![Act::Close]].concat(),
        _ => healthy(request),
    });
    row.run(&session);
}

#[test]
fn n021_a_name_that_nobody_knows() {
    let row = Row::without("WS301");
    let session = row.session("http://tasks.invalid:8000/mcp", None);
    row.run(&session);
}

#[test]
fn n023_localhost_is_tried_in_both_families() {
    let addresses = std::net::ToSocketAddrs::to_socket_addrs(&("localhost", 0));
    let addresses = addresses.map_err(|error| Missing(format!("localhost in /etc/hosts: {error}")));
    let Some(_) = or_skip(addresses) else { return };
    let row = Row::live();
    let server = FaultServer::start(healthy);
    let session = row.session(&format!("http://localhost:{}/mcp", server.port()), None);
    row.run(&session);
}

/// A TLS server with a certificate of this kind; the authority is known to the session or not.
fn tls(row: &Row, flaw: Flaw, known: bool) {
    let authority = Authority::new();
    let server = FaultServer::start_tls(authority.server(flaw), healthy);
    let session = row.session(&format!("https://127.0.0.1:{}/mcp", server.port()), None);
    let file = session.scratch().join("authority.pem");
    authority.write(&file);
    let ca_file = if known { file.display().to_string() } else { String::new() };
    let session = session.env("WARMSTART_HTTP__CA_FILE", ca_file);
    row.run(&session);
}

#[test]
fn n025_a_certificate_of_an_unknown_authority() {
    tls(&Row::without("WS304").deadline("15s"), Flaw::None, false);
}

#[test]
fn n025_a_company_authority_from_a_file_is_trusted() {
    tls(&Row::live(), Flaw::None, true);
}

#[test]
fn n026_an_expired_certificate() {
    tls(&Row::without("WS304").deadline("15s"), Flaw::Expired, true);
}

#[test]
fn n027_a_certificate_for_another_name() {
    tls(&Row::without("WS304").deadline("15s"), Flaw::OtherName, true);
}

#[test]
fn n042_from_https_to_http_nothing_is_carried() {
    let authority = Authority::new();
    let plain = FaultServer::start(healthy);
    let location = plain.mcp();
    let server = FaultServer::start_tls(authority.server(Flaw::None), move |_| {
        vec![Act::Send(mcp_reply::response(308, &[("Location", &location)], b""))]
    });
    let row = Row::without("WS307").deadline("15s");
    let session = row.session(&format!("https://127.0.0.1:{}/mcp", server.port()), None);
    let file = session.scratch().join("authority.pem");
    authority.write(&file);
    row.run(&session.env("WARMSTART_HTTP__CA_FILE", file.display().to_string()));
    assert_eq!(plain.connections(), 0);
}

#[test]
fn n028_tls_to_a_plain_port() {
    let row = Row::without("WS304").deadline("15s");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(&mcp_reply::response(400, &[], b"what?"));
        }
    });
    row.run(&row.session(&format!("https://127.0.0.1:{port}/mcp"), None));
}

#[test]
fn n028_plain_to_a_tls_port() {
    let row = Row::without("(WS402)").deadline("15s");
    let server = FaultServer::start_tls(Authority::new().server(Flaw::None), healthy);
    row.run(&row.session(&format!("http://127.0.0.1:{}/mcp", server.port()), None));
}

#[test]
fn n029_a_handshake_that_stalls() {
    let row = silent(Row::without("WS303"));
    // The kernel accepts the connection; the program never does.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    row.run(&row.session(&format!("https://127.0.0.1:{port}/mcp"), None));
}

#[test]
fn n030_a_dead_proxy() {
    let port = ReservedPort::any();
    let proxy = format!("http://someone:proxypassword@{}", port.address());
    let row = Row::without("WS305").env("HTTP_PROXY", proxy);
    let session = row.session("http://tasks.invalid/mcp", None).guard("proxypassword");
    row.run(&session);
}

#[test]
fn n031_a_proxy_that_wants_a_password() {
    let proxy = FaultServer::always(mcp_reply::status(407));
    let row = Row::without("WS305").env("HTTP_PROXY", proxy.origin());
    let session = row.session("http://tasks.invalid/mcp", None);
    row.run(&session);
    assert!(proxy.connections() > 0);
}

#[test]
fn n032_loopback_is_not_proxied() {
    let proxy = FaultServer::always(mcp_reply::status(500));
    Row::live().env("HTTP_PROXY", proxy.origin()).check(healthy);
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn n032_no_proxy_is_honoured() {
    let proxy = FaultServer::always(mcp_reply::status(500));
    let row = Row::without("WS301")
        .env("HTTP_PROXY", proxy.origin())
        .env("NO_PROXY", "other.example,.invalid");
    row.run(&row.session("http://tasks.invalid/mcp", None));
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn n033_an_answer_around_the_deadline_is_one_answer() {
    let server = FaultServer::start(healthy);
    let row = Row::stale("");
    let session = row.session(&server.mcp(), Some(&server)).deadline("400ms");
    for wait in (240..=440).step_by(20) {
        server.becomes(move |request| {
            [vec![Act::Wait(Duration::from_millis(wait))], healthy(request)].concat()
        });
        let outcome = session.start("startup");
        assert!(outcome.context().contains("Mend the roof"), "at {wait} ms: {outcome:?}");
        outcome.within(Duration::from_millis(400));
        session.settle();
    }
}

#[test]
fn n034_an_open_breaker_asks_nobody() {
    let row = Row::stale("WS324").env("HTTP_MAX_RETRIES", "0");
    let server = FaultServer::start(healthy);
    let session = row.session(&server.mcp(), Some(&server));
    server.becomes(|_| mcp_reply::status(500));
    (0..3).for_each(|_| drop(session.start("startup")));
    server.forget();
    row.run(&session);
    assert_eq!(server.connections(), 0);
}

#[test]
fn n035_a_breaker_lets_one_try_and_closes() {
    let row = Row::live().env("HTTP_MAX_RETRIES", "0").env("WARMSTART_BREAKER__OPEN_FOR", "1s");
    let server = FaultServer::start(healthy);
    let session = row.session(&server.mcp(), None);
    server.becomes(|_| mcp_reply::status(500));
    (0..3).for_each(|_| drop(session.start("startup")));
    server.becomes(healthy);
    std::thread::sleep(Duration::from_millis(1200));
    row.run(&session);
    row.run(&session);
}

#[test]
fn n036_a_crowd_does_not_trample_a_sick_server() {
    let row = Row::stale("");
    let server = FaultServer::start(healthy);
    let session = row.session(&server.mcp(), Some(&server)).deadline("3s");
    server.becomes(|_| mcp_reply::status(503));
    let crowd: Vec<_> = (0..20).map(|_| session.begin("startup")).collect();
    for one in crowd {
        assert!(session.finish(one).context().contains("STALE"));
    }
    assert!(server.requests().len() <= 40, "{} requests", server.requests().len());
    // One process asks for the whole crowd, so it counts as one failure or a few; the breaker needs three.
    (0..2).for_each(|_| drop(session.start("startup")));
    session.settle();
    server.forget();
    assert!(session.start("startup").context().contains("STALE"));
    assert_eq!(server.requests().len(), 0, "the breaker is open");
}

#[test]
fn fresh_first_needs_no_server_at_all() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp()).deadline("15s");
    session.start("startup");
    drop(server);
    let outcome = session.deadline(SHORT).start("startup");
    assert!(outcome.context().contains("Mend the roof"));
    assert_eq!(outcome.notice(), "");
}

/// The notice of a session whose server does not answer, with these settings.
fn notice_of_silence(settings: &[&str]) -> String {
    let server = FaultServer::always(vec![Act::Hold]);
    let session = Row::without("").session(&server.mcp(), None);
    session.start_with(&session.event("startup").to_string(), settings).notice()
}

#[test]
fn the_hint_of_a_timeout_names_the_limit_that_struck() {
    let long_hook = "--set=hooks.pending_tasks.timeout=10s";
    let table: [(&[&str], &str); 4] = [
        (&["--set=hook_defaults.timeout=200ms"], "`hooks.pending_tasks.timeout`"),
        (&["--set=hooks.pending_tasks.timeout=200ms"], "`hooks.pending_tasks.timeout`"),
        (&[long_hook, "--set=session_start.deadline=500ms"], "`session_start.deadline`"),
        (&[long_hook, "--set=http.request_timeout=200ms"], "`http.request_timeout`"),
    ];
    for (settings, key) in table {
        let notice = notice_of_silence(settings);
        assert!(notice.contains(&format!("or raise {key}")), "{settings:?}: {notice}");
    }
}

#[test]
fn a_timeout_of_connecting_names_its_own_setting() {
    let hole = BlackHole::open();
    let session = Row::without("").session(&hole.origin(), None);
    let flags = ["--set=http.connect_timeout=200ms", "--set=http.attempts=1"];
    let notice = session.start_with(&session.event("startup").to_string(), &flags).notice();
    assert!(notice.contains("did not accept the connection in time"), "{notice}");
    assert!(notice.contains("or raise `http.connect_timeout`"), "{notice}");
}

#[test]
fn a_command_that_runs_out_of_time_names_the_limit_that_struck() {
    let server = FaultServer::always(vec![Act::Hold]);
    let session = Session::with_server(&server.mcp());
    let outcome = session.run(&["--set", "http.request_timeout=200ms", "tasks"]);
    assert!(outcome.stderr.contains("or raise `http.request_timeout`"), "{outcome:?}");
}

#[test]
fn raising_the_setting_that_the_hint_names_gets_the_answer() {
    let server = FaultServer::start(|request| {
        [vec![Act::Wait(Duration::from_millis(900))], healthy(request)].concat()
    });
    let session = Row::live().session(&server.mcp(), None);
    let event = session.event("startup").to_string();
    let short = "--set=hook_defaults.timeout=300ms";
    let notice = session.start_with(&event, &[short]).notice();
    let (_, rest) = notice.split_once("or raise `").expect("a setting in the hint");
    let (key, _) = rest.split_once('`').expect("a setting in the hint");
    let longer = format!("--set={key}=10s");
    let outcome = session.start_with(&event, &[short, &longer]);
    assert!(outcome.context().contains("Mend the roof"), "{key}: {outcome:?}");
}

#[test]
fn the_command_that_the_open_breaker_names_asks_and_closes_it() {
    let server = FaultServer::start(|_| mcp_reply::status(500));
    let row = Row::without("(WS324)").env("HTTP_MAX_RETRIES", "0");
    let session = row.session(&server.mcp(), None);
    (0..3).for_each(|_| drop(session.start("startup")));
    let notice = row.run(&session).notice();
    assert!(notice.contains("keeps failing (3 times in a row); next attempt in "), "{notice}");
    let (_, rest) = notice.split_once("ask now: `warmstart ").expect("a command in the hint");
    let (command, _) = rest.split_once('`').expect("a command in the hint");
    server.becomes(healthy);
    let arguments: Vec<&str> = command.split(' ').collect();
    let outcome = session.run(&arguments);
    assert!(outcome.text().contains("Mend the roof"), "{command}: {outcome:?}");
    assert!(session.start("startup").context().contains("Mend the roof"), "the breaker is closed");
}

#[test]
fn a_pause_that_the_server_asked_for_says_when_it_ends() {
    let server = FaultServer::start(|_| {
        vec![Act::Send(mcp_reply::response(429, &[("Retry-After", "60")], b""))]
    });
    let session = Row::without("(WS321)").session(&server.mcp(), None);
    session.start("startup");
    let notice = session.start("startup").notice();
    assert!(notice.contains("is rate limiting; next attempt in "), "{notice}");
    assert_eq!(server.requests().len(), 1);
}
