//! Credentials over plain http: to this machine, judged by all addresses of the name, and where
//! `http.plain_hosts` allows it.

use std::fs;

use crate::contract::kernel::{by_way_of, can_unshare};
use crate::support::mcp_reply::healthy;
use crate::support::{FaultServer, Forbidden, Outcome, Session, if_permitted};

/// The guide's line, and names that have another address too. `0.0.0.0` reaches this machine, so that a
/// request that is sent is seen, but it is not a loopback address.
const HOSTS: &str = "127.0.0.1 localhost keycloak.local mcp-server.local mixed.local\n\
    0.0.0.0 mixed.local compose-name away.localhost\n\
    ::1 both.local\n127.0.0.1 both.local\n";
const SECRET: &str = "plain-hosts-canary-0123456789";

/// A session start with `HOSTS` as the file of host names.
fn with_hosts(session: &Session) -> Option<Outcome> {
    can_unshare("-m")?;
    fs::write(session.scratch().join("hosts"), HOSTS).unwrap();
    let script = "mount --bind \"$TMPDIR/hosts\" /etc/hosts || exit 99\nexec \"$0\" \"$@\"";
    let outcome = by_way_of(session, &["unshare", "-m", "sh", "-c", script]);
    let mounted = if outcome.code() == 99 {
        Err(Forbidden("a file cannot be mounted over another".into()))
    } else {
        Ok(outcome)
    };
    if_permitted(mounted)
}

/// A session that gets its token from `identity` and its tasks from `server`, both by name.
fn session(identity: &str, server: &str, port: u16) -> Session {
    Session::with_server(&format!("http://{server}:{port}"))
        .with_keycloak(&format!("http://{identity}:{port}"), "claude-hooks", SECRET)
        .deadline("15s")
}

#[test]
fn ts_f7_the_guides_line_in_the_hosts_file_works_and_no_proxy_sees_it() {
    let (server, proxy) = (FaultServer::start(healthy), FaultServer::start(healthy));
    let session = session("keycloak.local", "mcp-server.local", server.port())
        .env("HTTP_PROXY", proxy.origin());
    let Some(outcome) = with_hosts(&session) else { return };
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert_eq!((server.count("/token"), server.count("/mcp")), (1, 1));
    assert_eq!(proxy.connections(), 0);
}

#[test]
fn ts_f7_a_name_in_both_families_of_loopback_is_this_machine() {
    let server = FaultServer::start(healthy);
    let Some(outcome) = with_hosts(&session("both.local", "both.local", server.port())) else {
        return;
    };
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
}

#[test]
fn ts_f7_a_name_with_one_address_elsewhere_gets_nothing() {
    for name in ["mixed.local", "compose-name", "away.localhost"] {
        let server = FaultServer::start(healthy);
        let session = session("keycloak.local", name, server.port());
        let Some(outcome) = with_hosts(&session) else { return };
        let notice = outcome.notice();
        assert!(notice.contains("(WS106)") && notice.contains("the token"), "{name}: {notice}");
        assert!(notice.contains("http.plain_hosts") && notice.contains("0.0.0.0"), "{notice}");
        let line = "pending tasks: not available, because its credential would travel unencrypted";
        assert!(outcome.context().contains(line), "{name}: {outcome:?}");
        assert_eq!(server.count("/mcp"), 0, "{name}");
    }
}

#[test]
fn ts_f7_the_client_secret_is_judged_the_same_way() {
    let server = FaultServer::start(healthy);
    let session = session("compose-name", "mcp-server.local", server.port());
    let Some(outcome) = with_hosts(&session) else { return };
    let notice = outcome.notice();
    assert!(notice.contains("(WS106)") && notice.contains("client secret"), "{notice}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn ts_f7_names_of_compose_work_where_the_user_names_them() {
    let server = FaultServer::start(healthy);
    let session = session("compose-name", "Mixed.Local", server.port())
        .hooks_toml("[http]\nplain_hosts = [\"compose-name\", \"mixed.local\"]\n");
    let Some(outcome) = with_hosts(&session) else { return };
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    assert_eq!((server.count("/token"), server.count("/mcp")), (1, 1));
}

/// A session with a token, and a server by an address that is not a loopback one.
fn by_address(server: &FaultServer) -> Session {
    let url = format!("http://0.0.0.0:{}/mcp", server.port());
    Session::with_server(&url).secret("MCP_AUTH_TOKEN", SECRET).deadline("15s")
}

#[test]
fn ts_f7_an_address_is_judged_without_a_lookup() {
    let server = FaultServer::start(healthy);
    let refused = by_address(&server);
    assert!(refused.start("startup").notice().contains("(WS106)"));
    assert_eq!(server.connections(), 0);
    let allowed = by_address(&server).hooks_toml("[http]\nplain_hosts = [\"0.0.0.0\"]\n");
    assert!(allowed.start("startup").context().contains("Mend the roof"));
}

#[test]
fn ts_f7_a_project_that_is_not_trusted_cannot_allow_it() {
    let server = FaultServer::start(healthy);
    let session = by_address(&server)
        .project_file(".claude/hooks.toml", "[http]\nplain_hosts = [\"0.0.0.0\"]\n");
    assert!(session.start("startup").notice().contains("(WS106)"));
    assert_eq!(server.connections(), 0);
}

#[test]
fn ts_f7_config_check_names_what_depends_on_a_lookup_and_makes_none() {
    let check = |server: &str, toml: &str| {
        let session = Session::with_server(server)
            .with_keycloak("http://keycloak.local:1", "claude-hooks", SECRET)
            .hooks_toml(toml);
        session.run(&["config", "check"])
    };
    let outcome = check("http://tasks.invalid:2", "");
    assert_eq!(outcome.code(), 0, "{outcome:?}");
    for (origin, credential) in
        [("http://tasks.invalid:2", "token"), ("http://keycloak.local:1", "client secret")]
    {
        let note = format!(
            "note: `{origin}` gets the {credential} only where all addresses of that name are loopback addresses"
        );
        assert!(outcome.stderr.contains(&note), "{note}: {outcome:?}");
    }
    let named = check(
        "http://tasks.invalid:2",
        "[http]\nplain_hosts = [\"tasks.invalid\", \"keycloak.local\"]\n",
    );
    assert!(!named.stderr.contains("note:"), "{named:?}");
    let usual = check("http://localhost:2", "[http]\nplain_hosts = [\"keycloak.local\"]\n");
    assert!(!usual.stderr.contains("note:"), "{usual:?}");
    let address = check("http://192.0.2.7", "");
    assert_eq!(address.code(), 3);
    assert!(address.stderr.contains("WS106"), "{address:?}");
}
