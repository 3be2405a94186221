//! What the detached process gets from the run that starts it, and what it must not get.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::mcp_reply::{self, healthy};
use crate::support::{Act, FaultServer, Session};

/// A session whose next start answers from the cache and renews in the background.
fn renewing(session: Session) -> Session {
    let session = session
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("FALLBACK_STRATEGY", "stale_while_revalidate")
        .deadline("15s");
    let first = session.start("startup");
    assert!(first.context().contains("Mend the roof"), "{first:?}");
    session.settle();
    session.age_cache(Duration::from_secs(20 * 60));
    session
}

/// Starts it, and waits for what it does in the background.
fn renew(session: &Session) {
    assert!(session.start("startup").context().contains("STALE"));
    session.settle();
}

#[test]
fn a7_a_background_refresh_works_through_a_proxy_of_the_environment() {
    let proxy = FaultServer::start(healthy);
    for (variable, bypass) in [("HTTP_PROXY", "NO_PROXY"), ("http_proxy", "no_proxy")] {
        proxy.forget();
        let session = Session::with_server("http://tasks.invalid:8000/mcp")
            .env(variable, proxy.origin())
            .env(bypass, "other.invalid");
        renew(&renewing(session));
        let paths: Vec<String> = proxy.requests().into_iter().map(|request| request.path).collect();
        assert_eq!(paths, ["http://tasks.invalid:8000/mcp"; 2], "{variable}");
    }
}

#[test]
fn a7_a_background_refresh_honours_no_proxy() {
    let (proxy, server) = (FaultServer::start(healthy), FaultServer::start(healthy));
    let url = format!("http://0.0.0.0:{}/mcp", server.port());
    let session =
        Session::with_server(&url).env("HTTP_PROXY", proxy.origin()).env("NO_PROXY", "0.0.0.0");
    renew(&renewing(session));
    assert_eq!((server.requests().len(), proxy.connections()), (2, 0));
}

#[test]
fn a7_a_background_refresh_has_the_secret_of_a_named_variable() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .secret("MY_OWN_TOKEN", "a7-canary-0123456789")
        .hooks_toml("[auth]\ntoken = { env = \"MY_OWN_TOKEN\" }\n");
    renew(&renewing(session));
    let sent = server.requests();
    let tokens: Vec<_> = sent.iter().map(|request| request.header("authorization")).collect();
    assert_eq!(tokens, [Some("Bearer a7-canary-0123456789"); 2]);
}

#[test]
fn a7_a_background_refresh_has_the_options_of_the_hosts_plugin() {
    let server = FaultServer::start(healthy);
    let session = Session::new().env("CLAUDE_PLUGIN_OPTION_MCP_SERVER_URL", server.mcp());
    renew(&renewing(session));
    assert_eq!(server.requests().len(), 2);
}

/// Waits for the detached process, which asks a server that does not answer, and reads `file` of it.
fn of_the_child(session: &Session, server: &FaultServer, file: &str) -> String {
    server.becomes(|_| vec![Act::Hold]);
    let requests = server.requests().len();
    assert!(session.start("startup").context().contains("STALE"));
    let patience = Instant::now() + Duration::from_secs(20);
    while server.requests().len() == requests {
        assert!(Instant::now() < patience, "no background request");
        std::thread::sleep(Duration::from_millis(10));
    }
    let texts = session.children().into_iter().map(|id| fs::read(format!("/proc/{id}/{file}")));
    let text = texts.flatten().flatten().map(|byte| if byte == 0 { b'\n' } else { byte });
    let text = String::from_utf8_lossy(&text.collect::<Vec<_>>()).into_owned();
    server.becomes(|_| mcp_reply::status(404));
    text
}

#[test]
fn a7_the_detached_process_gets_no_variable_that_is_not_ours() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .env("WARMSTART_HTTP__REQUEST_TIMEOUT", "1s")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .secret("HOOK_JWT_SECRET", "a7-jwt-canary-0123456789")
        .secret("ANTHROPIC_API_KEY", "a7-host-canary-0123456789")
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .secret("MY_OWN_TOKEN", "a7-canary-0123456789")
        .env("CLAUDE_PLUGIN_OPTION_USER_ID", "joe")
        .hooks_toml("[auth]\ntoken = { env = \"MY_OWN_TOKEN\" }\n");
    let environment = of_the_child(&renewing(session), &server, "environ");
    for name in
        ["MY_OWN_TOKEN=", "HTTPS_PROXY=", "CLAUDE_PLUGIN_OPTION_USER_ID=", "MCP_SERVER_URL="]
    {
        assert!(environment.lines().any(|line| line.starts_with(name)), "{name}: {environment}");
    }
    for name in ["HOOK_JWT_SECRET", "ANTHROPIC_API_KEY", "jwt-canary", "host-canary"] {
        assert!(!environment.contains(name), "{name}: {environment}");
    }
}

#[test]
fn m23_a_refused_secret_of_the_command_line_is_not_handed_on() {
    let server = FaultServer::start(healthy);
    let session = Session::with_server(&server.mcp())
        .env("WARMSTART_HTTP__REQUEST_TIMEOUT", "1s")
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_HOOKS__NEXT_TASK__ENABLED", "false")
        .env("FALLBACK_STRATEGY", "stale_while_revalidate")
        .deadline("15s");
    assert!(session.start("startup").context().contains("Mend the roof"));
    session.settle();
    session.age_cache(Duration::from_secs(20 * 60));
    server.becomes(|_| vec![Act::Hold]);
    let event = session.event("startup").to_string();
    let flags = [
        "--set=auth.token=m23-canary-0123456789",
        "--set=clients.other.auth.client_secret=m23-canary-0123456789",
        "--set=http.headers={ Authorization = \"Bearer m23-canary-0123456789\" }",
        "--set=client.user_id=joe",
    ];
    // Refused flags are reported, and the run continues without them.
    let outcome = session.start_with(&event, &flags);
    assert!(outcome.notice().contains("WS102"), "{outcome:?}");
    let patience = Instant::now() + Duration::from_secs(20);
    let child = loop {
        assert!(Instant::now() < patience, "no background process");
        let lines =
            session.children().into_iter().map(|id| fs::read(format!("/proc/{id}/cmdline")));
        let text = lines.flatten().flatten().collect::<Vec<u8>>();
        let text = String::from_utf8_lossy(&text).into_owned();
        if text.contains("__refresh") {
            break text;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(child.contains("--set=client.user_id=joe"), "{child}");
    assert!(!child.contains("canary"), "{child}");
    server.becomes(|_| mcp_reply::status(404));
}
