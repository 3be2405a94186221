//! The configuration through the binary: every variable of the guide, the order of the layers, what
//! a mistake costs (its value, never the session), and what of a secret may be seen (nothing).

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use serde_json::{Value, json};
use warmstart::testing::{
    AnnotatedSetting, Failure, PlannedHook, errors_page, settings, settings_page,
};

use crate::support::generated::generated;
use crate::support::session::write;
use crate::support::{FaultServer, Outcome, Session, mcp_reply, plan};

/// What `config show` says of one setting: the value in use and its place.
#[track_caller]
fn setting(session: &Session, key: &str) -> (Value, String) {
    let shown = session.run(&["config", "show", key, "--json"]);
    assert_eq!(shown.code(), 0, "{key}: {shown:?}");
    let first = shown.json()["settings"][0]["values"][0].clone();
    (first["value"].clone(), first["place"].as_str().unwrap_or_default().to_owned())
}

/// `config check` with something wrong in it: exit code 3, and these words on stderr.
#[track_caller]
fn faulty(session: &Session, words: &[&str]) -> Outcome {
    let checked = session.run(&["config", "check"]);
    assert_eq!(checked.code(), 3, "{checked:?}");
    for word in words {
        assert!(checked.stderr.contains(word), "`{word}` is missing: {}", checked.stderr);
    }
    checked
}

#[track_caller]
fn valid(session: &Session) -> Outcome {
    let checked = session.run(&["config", "check"]);
    assert_eq!(checked.code(), 0, "{checked:?}");
    checked
}

fn user_file(session: &Session) -> PathBuf {
    session.home().join(".config/warmstart/hooks.toml")
}

#[test]
fn e01_to_e33_each_variable_of_the_guide_sets_its_key() {
    let table = [
        ("MCP_SERVER_URL", "http://localhost:8000", "client.url", json!("http://localhost:8000")),
        ("MCP_SERVER_TIMEOUT", "30", "http.request_timeout", json!("30s")),
        ("KEYCLOAK_URL", "http://localhost:8080/", "auth.url", json!("http://localhost:8080")),
        ("KEYCLOAK_REALM", "dhafnck", "auth.realm", json!("dhafnck")),
        ("KEYCLOAK_CLIENT_ID", "hooks", "auth.client_id", json!("hooks")),
        ("KEYCLOAK_CLIENT_SECRET", "s3cret-s3cret", "auth.client_secret", json!("****")),
        (
            "KEYCLOAK_CLIENT_SECRET_FILE",
            "/run/secrets/kc",
            "auth.client_secret",
            json!({ "file": "/run/secrets/kc" }),
        ),
        ("TOKEN_REFRESH_BEFORE_EXPIRY", "90", "auth.refresh_before", json!("90s")),
        ("FALLBACK_CACHE_TTL", "1800", "cache.stale_max", json!("1800s")),
        ("FALLBACK_STRATEGY", "skip", "fallback.chain", json!(["skip"])),
        ("SESSION_CACHE_TTL", "600", "queries.branches.ttl", json!("600s")),
        ("TASK_CACHE_TTL", "60", "queries.tasks.ttl", json!("60s")),
        ("TASK_CACHE_TTL", "60", "queries.next.ttl", json!("60s")),
        ("SESSION_CACHE_MAX_SIZE", "10", "cache.max_size", json!("10MiB")),
        ("CACHE_CLEANUP_INTERVAL", "3600", "cache.cleanup_interval", json!("3600s")),
        ("RATE_LIMIT_REQUESTS_PER_MINUTE", "200", "http.rate_limit", json!(200)),
        ("HTTP_MAX_RETRIES", "5", "http.attempts", json!(6)),
        ("MCP_MAX_RETRIES", "5", "http.attempts", json!(5)),
        ("MCP_RETRY_DELAY", "0.5", "http.retry_delay", json!("500ms")),
        ("MCP_AUTH_TOKEN", "token-token-token", "auth.token", json!("****")),
        ("TOKEN_CACHE_DIR", "~/.tokens", "auth.token_dir", json!("~/.tokens")),
        ("KEYCLOAK_SERVICE_CLIENT_ID", "service", "auth.client_id", json!("service")),
        ("KEYCLOAK_SERVICE_CLIENT_SECRET", "s3cret-s3cret", "auth.client_secret", json!("****")),
        ("KEYCLOAK_SERVICE_SCOPES", "openid mcp:read", "auth.scope", json!(["openid", "mcp:read"])),
        ("AUTH_ENABLED", "false", "auth.kind", json!("none")),
        ("LOG_PATH", "/var/log/ws", "log.dir", json!("/var/log/ws")),
        ("AI_DATA", "~/.claude/data", "log.dir", json!("~/.claude/data")),
        ("APP_LOG_LEVEL", "DEBUG", "log.level", json!("debug")),
        ("WARMSTART_LOG", "warmstart=trace", "log.level", json!("warmstart=trace")),
        ("CLAUDE_CONTEXT_MODE", "full", "context.format", json!("full")),
    ];
    for (variable, value, key, expected) in table {
        let session = Session::new().env(variable, value);
        assert_eq!(setting(&session, key), (expected, variable.to_owned()), "{variable}={value}");
        valid(&session);
    }
    let enabled = Session::new().env("AUTH_ENABLED", "true");
    assert_eq!(setting(&enabled, "auth.kind"), (json!("auto"), "default".into()));
    let relative = Session::new().env("LOG_PATH", "logs");
    let checked = valid(&relative);
    assert!(checked.stderr.contains("nothing is written into a project"), "{checked:?}");
    assert_eq!(setting(&relative, "log.dir"), (json!(""), "default".into()));
}

#[test]
fn e20_e36_what_has_no_effect_here_says_why() {
    let names = [
        "HTTP_POOL_CONNECTIONS",
        "HTTP_POOL_MAXSIZE",
        "GIT_CACHE_TTL",
        "SSL_VERIFY",
        "TOKEN_CACHE_TTL",
        "PUBLIC_KEY_CACHE_TTL",
        "TOKEN_REFRESH_BUFFER",
        "HOOK_JWT_SECRET",
        "HOOK_JWT_ALGORITHM",
        "AI_DATA",
        "AI_DOCS",
        "CLAUDE_SUBAGENT",
        "CLAUDE_SESSION_TYPE",
        "CLAUDE_AGENT_ROLE",
        "MCP_STATUS_CACHE_DURATION",
        "MCP_CONNECTION_TIMEOUT",
        "ENABLE_CLAUDE_EDIT",
    ];
    let session = names.iter().fold(Session::new(), |session, name| session.env(name, "20"));
    let checked = valid(&session);
    for name in names {
        let reason = format!("note: `{name}` has no effect here, because ");
        assert!(checked.stderr.contains(&reason), "{name}: {}", checked.stderr);
    }
}

#[test]
fn e25_of_two_names_for_one_key_the_first_is_in_use_and_the_other_is_shown() {
    let session = Session::new()
        .env("KEYCLOAK_SERVICE_CLIENT_ID", "second")
        .env("KEYCLOAK_CLIENT_ID", "first");
    let shown = session.run(&["config", "show", "auth.client_id", "--origin"]);
    let lines: Vec<&str> = shown.text().lines().collect();
    assert!(lines[0].starts_with("auth.client_id = \"first\""), "{shown:?}");
    assert!(lines[0].ends_with("# KEYCLOAK_CLIENT_ID"), "{shown:?}");
    assert!(lines[1].contains("shadows \"second\""), "{shown:?}");
    assert!(lines[1].ends_with("# KEYCLOAK_SERVICE_CLIENT_ID"), "{shown:?}");
    assert!(lines[2].ends_with("# default"), "{shown:?}");
}

#[test]
fn c004_the_canonical_name_wins_and_both_are_shown() {
    let session =
        Session::new().env("MCP_SERVER_TIMEOUT", "7").env("WARMSTART_HTTP__REQUEST_TIMEOUT", "9s");
    let shown = session.run(&["config", "show", "http.request_timeout", "--origin"]);
    assert!(shown.text().contains("\"9s\""), "{shown:?}");
    assert!(shown.text().contains("# WARMSTART_HTTP__REQUEST_TIMEOUT"), "{shown:?}");
    assert!(shown.text().contains("shadows \"7s\""), "{shown:?}");
    assert!(shown.text().contains("# MCP_SERVER_TIMEOUT"), "{shown:?}");
}

#[test]
fn c01_the_stronger_layer_wins_key_by_key() {
    let text = "[client]\nuser_id = \"file\"\nera = \"modern\"\nkind = \"rest\"\n";
    let session = Session::new()
        .hooks_toml(text)
        .env("CLAUDE_PLUGIN_OPTION_CLIENT__USER_ID", "option")
        .env("CLAUDE_PLUGIN_OPTION_MCP_SERVER_URL", "http://localhost:1")
        .env("CLAUDE_PLUGIN_OPTION_CLIENT__KIND", "local")
        .env("WARMSTART_CLIENT__KIND", "mcp");
    let file = user_file(&session).display().to_string();
    assert_eq!(setting(&session, "client.kind"), (json!("mcp"), "WARMSTART_CLIENT__KIND".into()));
    assert_eq!(setting(&session, "client.user_id").0, json!("option"));
    assert_eq!(setting(&session, "client.url").0, json!("http://localhost:1"));
    assert_eq!(setting(&session, "client.era"), (json!("modern"), format!("{file}:3")));
    assert_eq!(setting(&session, "cache.read").1, "default");
    valid(&session);
}

#[test]
fn c01_a_flag_is_the_strongest_layer_and_no_place_for_a_secret() {
    let server = FaultServer::start(mcp_reply::healthy);
    let session = Session::new()
        .env("MCP_SERVER_URL", "http://localhost:1/mcp")
        .env("WARMSTART_CONTEXT__MAX_CHARS", "300");
    let shown = session.run(&[
        "config",
        "show",
        "context.max_chars",
        "--set",
        "context.max_chars=400",
        "--origin",
    ]);
    assert!(shown.text().starts_with("context.max_chars = 400"), "{shown:?}");
    assert!(shown.text().contains("# --set\n#   shadows 300"), "{shown:?}");
    let set = format!("client.url={}", server.mcp());
    let started = session.start_with("{}", &["--set", &set]);
    assert!(started.context().contains("Mend the roof"), "{started:?}");
    let tasks = session.run(&["tasks", "--set", &set]);
    assert!(tasks.text().contains("Mend the roof"), "{tasks:?}");
    for (set, words) in [
        ("context.max_chars=9", "--set: `context.max_chars` `9` is out of range"),
        ("contxt.format=full", "did you mean `context.format`?"),
        ("auth.token=token-token-token", "`--set auth.token` puts a secret on the command line"),
    ] {
        let checked = session.run(&["config", "check", "--set", set]);
        assert_eq!(checked.code(), 3, "{checked:?}");
        assert!(checked.stderr.contains(words), "{checked:?}");
    }
    assert_eq!(session.run(&["config", "show", "--set", "nothing"]).code(), 2);
}

#[test]
fn x08_c005_a_bad_value_names_variable_value_range_and_unit() {
    let table = [
        ("MCP_SERVER_TIMEOUT", "abc", "`abc` is not a number of seconds (1 to 300)"),
        ("MCP_SERVER_TIMEOUT", "-1", "`-1` is out of range (1 to 300 seconds)"),
        ("MCP_SERVER_TIMEOUT", "99999", "`99999` is out of range (1 to 300 seconds)"),
        ("MCP_SERVER_TIMEOUT", "1e3", "`1e3` is out of range (1 to 300 seconds)"),
        ("MCP_SERVER_TIMEOUT", "NaN", "out of range"),
        ("TOKEN_REFRESH_BEFORE_EXPIRY", "5", "out of range (30 to 300 seconds)"),
        ("FALLBACK_CACHE_TTL", "86401", "out of range (300 to 86400 seconds)"),
        ("SESSION_CACHE_TTL", "299", "out of range (300 to 7200 seconds)"),
        ("TASK_CACHE_TTL", "59", "out of range (60 to 3600 seconds)"),
        ("RATE_LIMIT_REQUESTS_PER_MINUTE", "9", "out of range (10 to 1000)"),
        ("HTTP_MAX_RETRIES", "11", "out of range (0 to 10)"),
        ("HTTP_MAX_RETRIES", "three", "`three` is not a whole number (0 to 10)"),
        ("APP_LOG_LEVEL", "LOUD", "not one of DEBUG, INFO, WARNING, ERROR"),
        ("CLAUDE_CONTEXT_MODE", "ful", "did you mean `full`?"),
        ("AUTH_ENABLED", "maybe", "neither true nor false"),
        ("WARMSTART_SESSION_START__DEADLINE", "5", "write it with a unit"),
        ("WARMSTART_SESSION_START__DEADLINE", "2h", "`2h` is out of range (100ms to 60s)"),
        ("WARMSTART_LOG", "debgu", "did you mean `debug`?"),
        ("WARMSTART_LOG", "warmstart=loud", "not a level or a filter"),
        ("WARMSTART_FALLBACK__CHAIN", "[]", "is empty"),
        ("CLAUDE_PLUGIN_OPTION_KEYCLOAK_REALMS", "x", "names no setting"),
        ("CLAUDE_PLUGIN_OPTION_CLIENT__ULR", "x", "`CLAUDE_PLUGIN_OPTION_CLIENT__URL`"),
        ("WARMSTART_CACHE__MAX_SIZE", "10GB", "not a size"),
        ("WARMSTART_CONTEXT__MAX_CHARS", "9501", "out of range (200 to 9500)"),
        ("HTTPS_PROXY", "socks5://localhost:1", "scheme `socks5`"),
    ];
    for (name, value, words) in table {
        let session = Session::new().env(name, value);
        faulty(&session, &[name, words, "1 problem"]);
        let started = session.start("startup");
        assert!(started.notice().contains(name), "{name}={value}: {started:?}");
    }
    for (name, value) in [("MCP_SERVER_TIMEOUT", "10s"), ("MCP_SERVER_TIMEOUT", "")] {
        let session = Session::new().env(name, value);
        valid(&session);
        assert_eq!(setting(&session, "http.request_timeout").0, json!("10s"));
    }
}

#[test]
fn c005_a_bad_value_leaves_the_next_weaker_one_and_is_shown_as_left_out() {
    let session = Session::new()
        .hooks_toml("[http]\nattempts = 12\n")
        .env("HTTP_MAX_RETRIES", "1")
        .env("WARMSTART_HTTP__ATTEMPTS", "many");
    assert_eq!(setting(&session, "http.attempts"), (json!(2), "HTTP_MAX_RETRIES".into()));
    let shown = session.run(&["config", "show", "http.attempts", "--origin"]);
    assert!(shown.text().contains("leaves out \"many\""), "{shown:?}");
    let file = user_file(&session).display().to_string();
    // The file's value is hidden by a good one today, and wrong all the same.
    faulty(&session, &["`http.attempts` `many`", &format!("{file}:2: `http.attempts` `12`")]);
    let notice = session.start("startup").notice();
    assert!(notice.contains("`many`") && !notice.contains("`12`"), "{notice}");
}

#[test]
fn c04_c07_all_mistakes_come_at_once_with_line_and_nearest_name() {
    let text = "\u{feff}[client]\nulr = \"http://localhost\"\nera = \"modren\"\n\n\
                [hooks.lint]\nkind = \"command\"\ntimout = \"1s\"\n[sesion_start]\ndeadline = \"2s\"\n\
                [http]\nproxy = 7\n";
    let session = Session::new().hooks_toml(text).env("WARMSTART_CLEINT__URL", "x");
    let file = user_file(&session).display().to_string();
    faulty(
        &session,
        &[
            &format!("{file}:2: there is no setting `client.ulr`"),
            "did you mean `client.url`?",
            &format!("{file}:3: `client.era` `modren` is not one of auto, modern, legacy"),
            &format!("{file}:7: there is no setting `hooks.lint.timout`"),
            "did you mean `hooks.lint.timeout`?",
            "did you mean `session_start.deadline`?",
            &format!("{file}:11: `http.proxy`"),
            "did you mean `WARMSTART_CLIENT__URL`?",
        ],
    );
    session.start("startup").answer();
}

#[test]
fn c001_a_file_that_is_not_toml_is_left_out_whole_and_the_rest_holds() {
    let session = Session::new()
        .hooks_toml("[context]\nmax_chars = 300\nformat = \n")
        .env("MCP_SERVER_URL", "http://localhost:1/mcp");
    let file = user_file(&session).display().to_string();
    faulty(&session, &[&format!("{file}:3:10: "), "(WS101)"]);
    assert_eq!(setting(&session, "context.max_chars").0, json!(2000));
    assert_eq!(setting(&session, "client.url").0, json!("http://localhost:1/mcp"));
    assert!(session.start("startup").notice().contains("WS101"));
}

#[test]
fn c003_a_file_that_cannot_be_read_costs_a_notice() {
    let fifo = |path: &std::path::Path| {
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR).unwrap();
    };
    let large = |path: &std::path::Path| write(path, &vec![b'#'; (1 << 20) + 1]);
    let crowded = |path: &std::path::Path| {
        let keys: String = (0..2001).map(|n| format!("k{n} = 1\n")).collect();
        write(path, format!("[context]\n{keys}").as_bytes());
    };
    let deep = |path: &std::path::Path| {
        write(path, format!("a = {}1{}", "[".repeat(200_000), "]".repeat(200_000)).as_bytes());
    };
    let dotted = |path: &std::path::Path| {
        write(path, format!("{}a = 1", "a.".repeat(200_000)).as_bytes());
    };
    type Make<'a> = &'a dyn Fn(&std::path::Path);
    let kinds: [(&str, Make<'_>); 8] = [
        ("a folder", &|path| std::fs::create_dir(path).unwrap()),
        ("a fifo", &fifo),
        ("a device", &|path| symlink("/dev/zero", path).unwrap()),
        ("too large", &large),
        ("too many settings", &crowded),
        ("too deep", &deep),
        ("too many dots", &dotted),
        ("not UTF-8", &|path| write(path, b"a = \"\xff\"")),
    ];
    for (kind, make) in kinds {
        let session = Session::new();
        let file = user_file(&session);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        make(&file);
        faulty(&session, &["(WS101)", &file.display().to_string()]);
        let started = session.start("startup");
        assert!(started.notice().contains("WS101"), "{kind}: {started:?}");
        assert!(started.context().contains("branch main"), "{kind}: {started:?}");
    }
}

#[test]
fn c01_a_file_that_was_named_must_be_there() {
    let session = Session::new().hooks_toml("[context]\nmax_chars = 300\n");
    let elsewhere = session.scratch().join("other.toml");
    let mut session = session.env("WARMSTART_CONFIG", elsewhere.display().to_string());
    faulty(&session, &["there is no file", "(WS101)"]);
    write(&elsewhere, b"[context]\nmax_chars = 400\n");
    assert_eq!(setting(&session, "context.max_chars").0, json!(400));
    let paths = session.run(&["config", "path"]);
    assert!(paths.text().contains(&format!("{} (there)", elsewhere.display())), "{paths:?}");
    // Here a relative path would be the project's word, not the user's.
    write(&session.project().join("hooks.toml"), b"[context]\nmax_chars = 500\n");
    session.set("WARMSTART_CONFIG", "hooks.toml");
    faulty(&session, &["`WARMSTART_CONFIG`: `hooks.toml` is not an absolute path"]);
    assert_eq!(setting(&session, "context.max_chars").0, json!(300));
    let flagged = session.start_with("{}", &["--config", "/nowhere/hooks.toml"]);
    assert!(flagged.notice().contains("there is no file `/nowhere/hooks.toml`"), "{flagged:?}");
}

#[test]
fn ws103_a_file_of_a_newer_format_is_refused_whole() {
    let session = Session::new().hooks_toml("version = 2\n[context]\nmax_chars = 300\n");
    faulty(&session, &["the file has format 2", "(WS103)"]);
    assert_eq!(setting(&session, "context.max_chars").0, json!(2000));
}

#[test]
fn x04_c006_c015_a_name_that_leads_nowhere_is_told_with_the_nearest_and_the_default_holds() {
    let table = [
        ("FALLBACK_STRATEGY", "cache_than_skip", "there is no strategy `cache_than_skip`"),
        ("WARMSTART_CLIENT__KIND", "mcpp", "there is no client `mcpp`"),
        ("WARMSTART_AUTH__KIND", "keycloack", "did you mean `keycloak`?"),
        ("WARMSTART_FALLBACK__CHAIN", "client:backup, skip", "there is no client `backup`"),
    ];
    for (name, value, words) in table {
        let session = Session::new().env(name, value);
        faulty(&session, &[words]);
        assert!(session.start("startup").notice().contains(words), "{name}");
    }
    let session = Session::new().env("FALLBACK_STRATEGY", "cache_than_skip");
    faulty(&session, &["`fallback.chain`: ", "did you mean `cache_then_skip`?"]);
    let plan = session.run(&["config", "show", "--plan"]);
    assert!(plan.text().contains("query tasks: manage_task -> cache_then_skip\n"), "{plan:?}");
}

#[test]
fn c007_urls_of_every_kind_are_read_or_refused_with_a_reason() {
    let good = ["http://[::1]:8000", "https://bücher.example/mcp", "http://localhost:8000/a/b"];
    for url in good {
        valid(&Session::new().env("MCP_SERVER_URL", url));
    }
    let bad = [("localhost:8000", "scheme"), ("ftp://x/", "scheme `ftp`"), ("http://", "host")];
    for (url, words) in bad {
        let session = Session::new().env("MCP_SERVER_URL", url);
        faulty(&session, &["MCP_SERVER_URL", words, "(WS105)"]);
    }
    let session = Session::new()
        .env("MCP_SERVER_URL", "http://joe:pass-word-1@localhost/mcp")
        .guard("pass-word-1");
    let shown = session.run(&["config", "show", "client.url", "--origin"]);
    assert!(shown.text().contains("\"http://localhost/mcp\""), "{shown:?}");
    let session = Session::new()
        .env("WARMSTART_HTTP__PROXY", "joe:pass-word-1@localhost:3128")
        .guard("pass-word-1");
    faulty(&session, &["WARMSTART_HTTP__PROXY"]);
    session.run(&["config", "show", "--origin"]);
    session.run(&["config", "show", "--json"]);
}

/// The secret in a form body, decoded.
fn form_secret(body: &[u8]) -> Option<String> {
    let pairs = url::form_urlencoded::parse(body);
    pairs.filter(|(name, _)| name == "client_secret").map(|(_, value)| value.into_owned()).next()
}

#[test]
fn m31_an_odd_secret_arrives_as_it_is() {
    let odd = [
        "12345678",
        "0123",
        "true",
        "null",
        "1e3",
        "{a=1}",
        "[a,b]",
        "#hash",
        " blanks ",
        "\"quoted\"",
        "a\\b'c",
        "p@ss:w%rd+&=~",
    ];
    let server = FaultServer::start(mcp_reply::healthy);
    for secret in odd {
        server.forget();
        let session = Session::with_server(&server.mcp())
            .env("KEYCLOAK_URL", server.origin())
            .env("KEYCLOAK_REALM", "r")
            .env("KEYCLOAK_CLIENT_SECRET", secret);
        let started = session.start("startup");
        let requests = server.requests();
        let token = requests.iter().find(|request| mcp_reply::is_token_request(request));
        let token = token.unwrap_or_else(|| panic!("no token was asked for: {started:?}"));
        let arrived = form_secret(&token.body).or_else(|| basic_secret(token));
        assert_eq!(arrived.as_deref(), Some(secret), "{token:?}");
        let checked = session.run(&["config", "check"]);
        assert!(!checked.stderr.contains(secret), "{checked:?}");
    }
}

/// The secret of HTTP Basic authorisation: form-encoded, joined by a colon, base64.
fn basic_secret(request: &crate::support::Request) -> Option<String> {
    use base64::Engine;
    let text = request.header("authorization")?.strip_prefix("Basic ")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let encoded = format!("client_secret={}", text.split_once(':')?.1);
    form_secret(encoded.as_bytes())
}

#[test]
fn c08_c09_a_secret_comes_from_a_variable_a_file_or_a_program() {
    let server = FaultServer::start(mcp_reply::healthy);
    let secret = "s3cret-of-the-test-0123456789";
    let forms = [
        "{ env = \"TEAM_SECRET\" }",
        "{ file = \"PATH\" }",
        "{ command = [\"/bin/cat\", \"PATH\"] }",
        "\"s3cret-of-the-test-0123456789\"",
    ];
    for form in forms {
        server.forget();
        let session = Session::with_server(&server.mcp()).secret("TEAM_SECRET", secret);
        let path = session.scratch().join("secret");
        write(&path, format!("{secret}\n").as_bytes());
        let form = form.replace("PATH", &path.display().to_string());
        let session = session.hooks_toml(&format!("[auth]\nkind = \"static\"\ntoken = {form}\n"));
        valid(&session);
        let shown = session.run(&["config", "show", "--origin"]);
        assert_eq!(shown.code(), 0);
        assert!(session.start("startup").context().contains("Mend the roof"), "{form}");
        let sent = server.requests()[0].header("authorization").unwrap_or_default().to_owned();
        assert_eq!(sent, format!("Bearer {secret}"), "{form}");
        std::fs::remove_file(&path).unwrap();
    }
}

#[test]
fn c08_a_secret_that_is_not_there_is_told_by_name() {
    let text = "[auth]\nclient_secret = { env = \"NO_SUCH_NAME\" }\ntoken = { fil = \"x\" }\n";
    let session = Session::new().hooks_toml(text);
    faulty(
        &session,
        &["names the variable `NO_SUCH_NAME`, which is not set", "`auth.token` must be"],
    );
}

#[test]
fn x21_m30_nothing_that_is_called_like_a_credential_is_shown() {
    let text = "[http]\nheaders = { X-Team = \"header-value-1\" }\n\
                [plugins.jira.config]\nsite = \"https://jira.example\"\napi_token = \"config-value-1\"\n\
                [queries.mine]\narguments = { password = \"argument-value-1\", limit = 2 }\n";
    let session = Session::new()
        .hooks_toml(text)
        .guard("header-value-1")
        .guard("config-value-1")
        .env("WARMSTART_QUERIES__NEXT__ARGUMENTS", "{ token = \"variable-value-1\" }")
        .env("WARMSTART_PLUGINS__X__CONFIG", "{\"secret\": \"variable-value-1\"}")
        .guard("argument-value-1")
        .guard("variable-value-1");
    for flags in
        [&["config", "show"][..], &["config", "show", "--origin"], &["config", "show", "--json"]]
    {
        let shown = session.run(flags);
        assert!(shown.text().contains("https://jira.example"), "{shown:?}");
        assert!(shown.text().contains("X-Team"), "{shown:?}");
    }
}

#[test]
fn m10_what_a_file_says_cannot_command_the_terminal() {
    let text =
        "\"\\u001b[2J\" = 1\n[client]\nkind = \"\\u202elacol\"\nera = \"\\u001b]0;x\\u0007\"\n";
    let session = Session::new().hooks_toml(text);
    let checked = faulty(&session, &["\\u{1b}[2J", "\\u{202e}lacol"]);
    let shown = session.run(&["config", "show", "--origin"]);
    for text in [checked.stderr.as_str(), shown.text()] {
        assert!(
            !text.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{text:?}"
        );
    }
}

#[test]
fn c11_every_line_of_the_embedded_file_can_be_copied() {
    let embedded =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/hooks.toml")).unwrap();
    valid(&Session::new().hooks_toml(&embedded));
    // So can the examples that stand in comments.
    let is_example = |line: &str| {
        let first = line.chars().next().unwrap_or(' ');
        first == '[' || (first.is_ascii_lowercase() && line.split(' ').nth(1) == Some("="))
    };
    let uncomment = |line: &str| match line.strip_prefix("# ") {
        Some(example) if is_example(example) => format!("{example}\n"),
        _ => format!("{line}\n"),
    };
    let examples: String = embedded.lines().map(uncomment).collect();
    assert!(examples.contains("\n[clients.backup]") && examples.contains("\n[plugins.jira]"));
    let session = Session::new().hooks_toml(&examples);
    let checked = session.run(&["config", "check"]);
    assert!(!checked.stderr.contains("hooks.toml:"), "{}", checked.stderr);
    assert_eq!(setting(&session, "clients.backup.kind").0, json!("local"));
    assert_eq!(setting(&session, "hooks.lint.timeout").0, json!("500ms"));
}

#[test]
fn c10_show_takes_a_key_or_a_table_and_helps_with_a_wrong_one() {
    let session = Session::new();
    let table = session.run(&["config", "show", "breaker"]);
    assert_eq!(table.text(), "breaker.failures = 3\nbreaker.open_for = \"30s\"\n");
    let wrong = session.run(&["config", "show", "http.headrs"]);
    assert_eq!(wrong.code(), 3, "{wrong:?}");
    assert!(wrong.stderr.contains("did you mean `http.headers`?"), "{wrong:?}");
}

#[test]
fn c03_the_paths_are_told_and_moved_by_their_variables() {
    let session = Session::new();
    let paths = session.run(&["config", "path"]);
    for path in [user_file(&session), session.cache(), session.state()] {
        assert!(paths.text().contains(&path.display().to_string()), "{paths:?}");
    }
    let moved = session.scratch().join("moved");
    let session = session.env("WARMSTART_HOME", moved.display().to_string());
    let paths = session.run(&["config", "path"]);
    assert!(paths.text().contains(&moved.join("state").display().to_string()), "{paths:?}");
}

#[test]
fn c02_a_client_of_another_name_takes_settings_over_but_no_credentials() {
    let text = "[clients.backup]\nkind = \"rest\"\nurl = \"URL\"\n\
                [fallback]\nchain = [\"client:backup\"]\n";
    let backup = FaultServer::start(mcp_reply::healthy);
    let primary = FaultServer::start(|_| mcp_reply::status(503));
    let session = Session::with_server(&primary.mcp())
        .hooks_toml(&text.replace("URL", &backup.origin()))
        .env("WARMSTART_HTTP__ATTEMPTS", "1")
        .env("WARMSTART_CLIENT__USER_ID", "joe")
        .secret("MCP_AUTH_TOKEN", "token-of-the-primary-0123456789");
    session.start("startup").answer();
    let asked = backup.requests();
    assert!(!asked.is_empty(), "the backup was asked");
    for request in asked {
        assert_eq!(request.header("authorization"), None, "{request:?}");
        assert!(String::from_utf8_lossy(&request.body).contains("joe"), "{request:?}");
    }
    assert!(primary.requests()[0].header("authorization").is_some());
}

/// Values of every shape that TOML has, few of them what any key wants.
const SHAPES: &[&str] = &[
    "\"\"",
    "\"x\"",
    "\"5\"",
    "\" 5s \"",
    "\"-5s\"",
    "\"99999999999999999999h\"",
    "\"5s\\u0000\"",
    "\"١s\"",
    "\"9999999999999999999GiB\"",
    "\"http://\"",
    "\"http://[::1\"",
    "\"[\"",
    "\"[1]\"",
    "\"{\"",
    "\"~/\"",
    "\"\\n\"",
    "0",
    "-1",
    "9223372036854775807",
    "-9223372036854775808",
    "0x10",
    "1.5",
    "inf",
    "nan",
    "true",
    "2026-01-02",
    "2026-01-02T03:04:05Z",
    "[]",
    "[1]",
    "[[]]",
    "[\"\"]",
    "[\"a\", 1]",
    "{}",
    "{ a = 1 }",
    "{ env = 1 }",
    "{ env = \"\" }",
    "{ file = \"\" }",
    "{ file = \"x\" }",
    "{ command = [] }",
    "{ command = \"\" }",
    "{ env = \"A\", file = \"/b\" }",
    "{ \"a b\" = \"c\" }",
    "{ a = \"\\r\\n\" }",
];

#[test]
fn c002_any_value_of_a_key_is_read_or_reported_and_never_half_used() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("hooks.toml");
    // What is read, and all that is wrong with it.
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let loaded = plan::loaded(Some(&file));
        let plan = plan::plan_of(&loaded);
        let problems: Vec<Failure> = loaded.problems.into_iter().chain(plan.problems).collect();
        let hook = |hook: PlannedHook| (hook.name, hook.order, hook.timeout, hook.max_chars);
        let hooks: Vec<_> = plan.hooks.into_iter().map(hook).collect();
        (loaded.config, hooks, problems)
    };
    let named =
        ["hooks.x.kind", "hooks.x.command", "plugins.x.env", "plugins.x.config", "branches.x"];
    // A file of a wrong version is refused whole, which is another test.
    let settings = settings();
    let fixed = settings.iter().map(AnnotatedSetting::key).filter(|key| key != "version");
    let keys: Vec<String> = fixed.chain(named.map(String::from)).collect();
    for shape in SHAPES {
        let (mut config, mut hooks, problems) =
            read(&keys.iter().map(|key| format!("{key} = {shape}\n")).collect::<String>());
        let wrong = |at: usize| {
            let start = format!("hooks.toml:{}: ", at + 1);
            problems.iter().any(|problem| problem.to_string().contains(&start))
        };
        let count = (0..keys.len()).filter(|at| wrong(*at)).count();
        assert_eq!(
            problems.len(),
            count,
            "{shape}: one problem for each key, and its place: {problems:?}"
        );
        let blank_where_wrong = keys.iter().enumerate().map(|(at, key)| match wrong(at) {
            true => "\n".to_owned(),
            false => format!("{key} = {shape}\n"),
        });
        let (mut other_config, mut other_hooks, rest) =
            read(&blank_where_wrong.collect::<String>());
        assert!(rest.is_empty(), "{shape}: {rest:?}");
        // A table with a name of its own begins with its first key, good or bad.
        for config in [&mut config, &mut other_config] {
            config.plugins.retain(|name, _| name != "x" && name != "NAME");
            config.queries.remove("NAME");
            // Words of a chain are kept as written, and resolved in the plan.
            config.fallback_chain.clear();
            // So are the names of clients.
            config.queries.values_mut().for_each(|query| {
                query.fallback = None;
                query.client.clear();
            });
        }
        for hooks in [&mut hooks, &mut other_hooks] {
            hooks.retain(|(name, ..)| name != "x" && name != "NAME");
        }
        assert_eq!((config, hooks), (other_config, other_hooks), "{shape}");
    }
}

#[test]
fn b11_in_a_chain_configured_names_win_and_an_ambiguous_one_is_an_error() {
    let session = Session::new()
        .hooks_toml("[clients.skip]\nkind = \"local\"\n[fallback]\nchain = [\"skip\"]\n");
    let plan = session.run(&["config", "show", "--plan"]);
    assert!(plan.text().contains("-> client:skip"), "{plan:?}");
    let session = Session::new().hooks_toml(
        "[clients.mine]\nkind = \"local\"\n[plugins.mine]\ntimeout = \"1s\"\n[fallback]\nchain = [\"mine\"]\n",
    );
    let check = session.run(&["config", "check"]);
    assert_eq!(check.code(), 3, "{check:?}");
    assert!(check.stderr.contains("both a client and a plugin"), "{check:?}");
}

#[test]
fn d4_a_setting_of_another_hook_or_client_is_a_mistake() {
    let table = [
        ("[hooks.git_context]\ncommand = [\"x\"]\n", "hooks.git_context.command"),
        ("[hooks.git_context]\nqueries = [\"tasks\"]\n", "hooks.git_context.queries"),
        ("[client]\nkind = \"mcp\"\nfiles = [\"x\"]\n", "client.files"),
        ("[client]\nkind = \"local\"\nera = \"legacy\"\n", "client.era"),
    ];
    for (text, key) in table {
        let session = Session::new().hooks_toml(text);
        let line = text.lines().count();
        faulty(&session, &[&format!("{}:{line}: ", user_file(&session).display()), key]);
    }
    // What `auto` may come to is not known before the URL is.
    valid(&Session::new().hooks_toml("[client]\nera = \"legacy\"\nfiles = [\"x\"]\n"));
    // Another layer chose the kind: the file is right without it.
    let text = "[client]\nurl = \"http://localhost:1\"\nera = \"legacy\"\n";
    valid(&Session::new().hooks_toml(text).env("WARMSTART_CLIENT__KIND", "local"));
}

#[test]
fn d6_every_default_is_in_hooks_toml_and_shown() {
    let text = "[query_defaults]\nttl = \"2m\"\n[queries.mine]\ntool = \"x\"\n[plugins.mine]\n";
    let session = Session::new().hooks_toml(text);
    let file = user_file(&session).display().to_string();
    assert_eq!(setting(&session, "queries.mine.ttl"), (json!("2m"), format!("{file}:2")));
    let default = |key: &str| format!("default of `{key}`");
    let read_only = setting(&session, "queries.mine.read_only");
    assert_eq!(read_only, (json!(false), default("query_defaults.read_only")));
    let timeout = setting(&session, "plugins.mine.timeout");
    assert_eq!(timeout, (json!("1s"), default("plugin_defaults.timeout")));
}

#[test]
fn s1_4_what_cannot_work_is_found_without_starting_anything() {
    let url = "[client]\nurl = \"http://localhost:1\"\n";
    let table = [
        ("[auth]\nrealm = \"r\"\nkind = \"keycloak\"\n", "`auth.url`, the URL of the identity"),
        ("[auth]\nurl = \"http://localhost:2\"\nkind = \"keycloak\"\n", "`auth.realm` is not set"),
        ("[auth]\nurl = \"http://192.0.2.7\"\nrealm = \"r\"\nkind = \"keycloak\"\n", "unencrypted"),
        ("[auth]\nkind = \"static\"\n", "no token is configured"),
        ("[auth]\nkind = \"mcp_json\"\nmcp_json = \"x\"\n", ".mcp.json` does not exist"),
        ("[auth]\ntoken = { file = \"~/nope\" }\n", "no such file"),
        ("[auth]\ntoken = { command = [\"nope\"] }\n", "cannot run `nope`"),
        (
            "[hooks.lint]\nkind = \"command\"\ncommand = \"npm run lint\"\n",
            "`npm run lint` is not in PATH",
        ),
        ("[hooks.lint]\nkind = \"command\"\ncommand = [\"/nope\"]\n", "`/nope` does not exist"),
    ];
    for (text, message) in table {
        faulty(&Session::new().hooks_toml(&format!("{url}{text}")), &[message]);
    }
    faulty(&Session::new().hooks_toml("[client]\nkind = \"mcp\"\n"), &["`client.url`"]);
    faulty(
        &Session::new().hooks_toml("[clients.x]\nkind = \"rest\"\n"),
        &["`[clients.x]`: `client.url`"],
    );
}

#[test]
fn s2_11_a_name_that_cannot_be_resolved_has_its_file_and_line() {
    let table = [
        ("[client]\nkind = \"mpc\"\n", "`client.kind`: there is no client `mpc`"),
        ("[fallback]\nchain = [\"skpi\"]\n", "`fallback.chain`: there is no strategy `skpi`"),
        ("[fallback]\nchain = [\"plugin:x\"]\n", "`fallback.chain`: the plugin `x` is not trusted"),
        (
            "[queries.next]\nfallback = [\"skpi\"]\n",
            "`queries.next.fallback`: there is no strategy",
        ),
        ("[hooks.lint]\nkind = \"comand\"\n", "`hooks.lint`: there is no hook `comand`"),
    ];
    for (text, message) in table {
        let session = Session::new().hooks_toml(text);
        faulty(&session, &[&format!("{}:2: {message}", user_file(&session).display())]);
    }
}

#[test]
fn the_settings_reference_is_up_to_date() {
    generated("docs/settings.md", &settings_page(&settings()));
}

#[test]
fn the_page_of_error_codes_is_up_to_date() {
    generated("docs/errors.md", &errors_page());
}

#[test]
fn d7_explain_knows_every_code_and_says_so_of_others() {
    let session = Session::new();
    let list = session.run(&["explain"]);
    assert!(list.text().contains("WS302  connection refused\n"), "{list:?}");
    for code in ["WS302", "ws302", "302"] {
        let one = session.run(&["explain", code]);
        assert!(one.text().starts_with("WS302 connection refused\n\ncauses:\n  - "), "{one:?}");
    }
    let json = session.run(&["explain", "WS704", "--json"]).json();
    assert_eq!(json["codes"][0]["exit_code"], 6);
    assert_eq!(session.run(&["explain", "WS999"]).code(), 2);
}

#[test]
fn the_schema_takes_hooks_toml_and_refuses_what_the_program_refuses() {
    let schema = Session::new().run(&["config", "schema"]).json();
    let file: toml::Table = include_str!("../hooks.toml").parse().unwrap();
    assert_eq!(faults(&schema, &toml::Value::Table(file)), Vec::<String>::new());
    let table = [
        ("contxt = 1", "contxt"),
        ("[client]\nulr = \"x\"", "ulr"),
        ("[hooks.lint]\ntimout = \"1s\"", "timout"),
        ("[http]\nattempts = 12", "attempts"),
        ("[http]\nattempts = \"three\"", "attempts"),
        ("[client]\nera = \"modren\"", "era"),
        ("[session_start]\ndeadline = \"2 s\"", "deadline"),
        ("[clients.b.auth]\nscop = []", "scop"),
    ];
    for (text, expected) in table {
        let file: toml::Table = text.parse().unwrap();
        assert_eq!(faults(&schema, &toml::Value::Table(file)), [expected], "{text}");
    }
}

/// The keys of `value` that `schema` does not allow, as an editor finds them.
fn faults(schema: &Value, value: &toml::Value) -> Vec<String> {
    let Some(table) = value.as_table() else { return Vec::new() };
    let mut faults = Vec::new();
    for (key, value) in table {
        let inner = schema["properties"]
            .get(key)
            .or_else(|| schema.get("additionalProperties").filter(|schema| schema.is_object()));
        match inner {
            None if schema["additionalProperties"] == false => faults.push(key.clone()),
            None => {}
            Some(inner) if !is_allowed(inner, value) => faults.push(key.clone()),
            Some(inner) => faults.extend(self::faults(inner, value)),
        }
    }
    faults
}

fn is_allowed(schema: &Value, value: &toml::Value) -> bool {
    let json = serde_json::to_value(value).unwrap();
    let is_type = |name: &str| match name {
        "boolean" => json.is_boolean(),
        "integer" => json.is_i64(),
        "array" => json.is_array(),
        "object" => json.is_object(),
        _ => json.is_string(),
    };
    let types = match &schema["type"] {
        Value::String(name) => is_type(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is_type),
        _ => true,
    };
    let is_listed = schema["enum"].as_array().is_none_or(|words| words.contains(&json));
    let in_range = json.as_i64().is_none_or(|number| {
        schema["minimum"].as_i64().is_none_or(|least| number >= least)
            && schema["maximum"].as_i64().is_none_or(|most| number <= most)
    });
    let has_unit =
        schema["pattern"].as_str().is_none_or(|_| !json.as_str().unwrap_or_default().contains(' '));
    types && is_listed && in_range && has_unit
}
