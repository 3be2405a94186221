//! `http.headers` and `[clients.NAME.headers]`: to their own client's server alone, never readable on the
//! way, masked wherever a server repeats them.

use serde_json::json;

use crate::support::mcp_reply::{self, healthy, is_token_request, json_response, rpc};
use crate::support::{Act, FaultServer, Request, Session};

/// Names that no list of words for credentials knows, and one that each has.
const NAMES: [&str; 4] = ["apikey", "x-functions-key", "x-team", "authorization"];

/// The last letters of each of `NAMES` in the first request that `server` got.
fn seen(server: &FaultServer) -> Vec<Option<String>> {
    let requests = server.requests();
    let first = requests.first().expect("a request");
    NAMES.iter().map(|name| first.header(name).map(str::to_owned)).collect()
}

fn some(values: [&str; 4]) -> Vec<Option<String>> {
    values.iter().map(|value| (!value.is_empty()).then(|| (*value).to_owned())).collect()
}

#[test]
fn md_headers_go_to_their_own_clients_server_alone() {
    let unavailable = |request: &Request| match is_token_request(request) {
        true => healthy(request),
        false => mcp_reply::status(500),
    };
    let (server, identity) = (FaultServer::start(unavailable), FaultServer::start(healthy));
    let (backup, third) = (FaultServer::start(unavailable), FaultServer::start(healthy));
    let text = format!(
        "[http]\nheaders = {{ apikey = \"own-canary-123\", X-Functions-Key = \"own-canary-456\", X-Team = \"core-team\" }}\n\
         [fallback]\nchain = [\"client:backup\", \"client:third\"]\n\
         [clients.backup]\nurl = \"{}\"\nheaders = {{ apikey = \"backup-canary-1\" }}\n\
         [clients.third]\nurl = \"{}\"\n",
        backup.mcp(),
        third.mcp(),
    );
    let session = Session::with_server(&server.mcp())
        .deadline("15s")
        .guard("own-canary-123")
        .guard("own-canary-456")
        .guard("backup-canary-1")
        .with_keycloak(&identity.origin(), "claude-hooks", "md-secret-canary-0123456789")
        .hooks_toml(&text);
    let outcome = session.start("startup");
    assert!(outcome.context().contains("Mend the roof"), "{outcome:?}");
    let own = seen(&server);
    assert_eq!(own[..3], some(["own-canary-123", "own-canary-456", "core-team", ""])[..3]);
    assert!(own[3].as_ref().is_some_and(|token| token.starts_with("Bearer ")));
    assert_eq!(seen(&identity), some(["", "", "", ""]));
    assert_eq!(seen(&backup), some(["backup-canary-1", "", "", ""]));
    assert_eq!(seen(&third), some(["", "", "", ""]));
}

#[test]
fn md_a_header_that_a_server_repeats_is_masked() {
    let server = FaultServer::start(|request| {
        let text = "no access with behind-canary-456, `Key behind-canary-456`, plain-canary-123";
        let result = json!({ "isError": true, "content": [{ "type": "text", "text": text }] });
        vec![Act::Send(json_response(200, &rpc(request, &result)))]
    });
    let session = Session::with_server(&server.mcp())
        .deadline("15s")
        .guard("plain-canary-123")
        .guard("behind-canary-456")
        .hooks_toml("[http]\nheaders = { X-Any = \"plain-canary-123\", X-Other = \"Key behind-canary-456\" }\n");
    let outcome = session.start("startup");
    assert!(outcome.notice().contains("no access with ****"), "{outcome:?}");
}

#[test]
fn md_a_header_never_travels_readable_to_another_machine() {
    let server = FaultServer::start(healthy);
    // Reaches this machine, but is not a loopback address.
    let url = format!("http://0.0.0.0:{}/mcp", server.port());
    let session = Session::with_server(&url)
        .deadline("15s")
        .hooks_toml("[http]\nheaders = { X-Team = \"core\" }\n");
    let notice = session.start("startup").notice();
    assert!(notice.contains("(WS106)") && notice.contains("`http.headers`"), "{notice}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_user_part_of_a_url_never_travels_readable_to_another_machine() {
    let server = FaultServer::start(healthy);
    let url = format!("http://joe:user-canary-123@0.0.0.0:{}/mcp", server.port());
    let session = Session::with_server(&url).deadline("15s").guard("user-canary-123");
    let notice = session.start("startup").notice();
    assert!(notice.contains("(WS106)") && notice.contains("user part"), "{notice}");
    assert_eq!(server.connections(), 0);
    let session = Session::with_server(&server.mcp().replace("//", "//joe:user-canary-123@"));
    session.deadline("15s").guard("user-canary-123").start("startup");
    let sent = server.requests()[0].header("authorization").map(str::to_owned);
    assert!(sent.is_some_and(|sent| sent.starts_with("Basic ")), "to this machine it is sent");
}

#[test]
fn headers_of_one_client_are_shown_masked_and_not_inherited() {
    let text = "[http]\nheaders = { apikey = \"show-canary-123\" }\n\
        [clients.a]\nurl = \"http://127.0.0.1:1\"\n\
        [clients.b]\nurl = \"http://127.0.0.1:2\"\n[clients.b.headers]\nX-Key = \"show-canary-456\"\n";
    let session = Session::new().guard("show-canary-123").guard("show-canary-456").hooks_toml(text);
    let outcome = session.run(&["config", "show", "clients"]);
    let shown = outcome.text();
    assert!(shown.contains("clients.b.headers = { X-Key = \"****\" }"), "{shown}");
    assert!(!shown.contains("clients.a.headers"), "{shown}");
    let wrong = Session::new().hooks_toml("[client]\nheaders = { A = \"b\" }\n");
    let check = wrong.run(&["config", "check"]);
    assert!(check.stderr.contains("there is no setting `client.headers.A`"), "{check:?}");
}
