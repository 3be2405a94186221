//! The plugin interface as a C caller sees it: a host in this file calls the exported function. Run it
//! under AddressSanitizer too (`plugins/README.md` has the command).

#![expect(unsafe_code, reason = "these tests call the interface as the host does")]
#![expect(clippy::panic, clippy::unwrap_used, reason = "these tests check panics")]

use std::ffi::c_void;

use serde_json::{Value, json};
use warmstart_plugin::abi::{Host, Str};
use warmstart_plugin::{
    Cache, Client, Ctx, Decision, Error, Failure, Hook, Level, Query, Result, Section, Serve,
    Session, Strategy, Task, export,
};

struct Echo;

#[derive(serde::Deserialize)]
struct Config {
    mode: String,
}

struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload's destructor");
    }
}

impl Client for Echo {
    const NAME: &'static str = "echo";

    fn pending_tasks(ctx: &Ctx<'_>, query: &Query) -> Result<Vec<Task>> {
        ctx.log(Level::Info, "asked");
        match ctx.config::<Config>()?.mode.as_str() {
            "str" => panic!("plain"),
            "string" => panic!("made of {}", 2),
            "other" => std::panic::panic_any(7),
            "bomb" => std::panic::panic_any(Bomb),
            "busy" => {
                Err(Error::unavailable("busy").retry_after(std::time::Duration::from_millis(500)))
            }
            _ => Ok(vec![Task::titled(format!("{} {}", query.name, ctx.cancelled()))]),
        }
    }
}

impl Strategy for Echo {
    const NAME: &'static str = "echo";
    const BEFORE: bool = true;

    fn before(_: &Ctx<'_>, _: &Query, cache: &Cache) -> Result<Option<Serve>> {
        Ok(cache.is_usable().then_some(Serve::CachedThenRefresh))
    }

    fn after_failure(_: &Ctx<'_>, _: &Query, failure: &Failure, _: &Cache) -> Result<Decision> {
        Ok(match failure.class.as_str() {
            "auth" => Decision::Ask("backup".into()),
            "unavailable" => Decision::Substitute(vec![Task::titled("instead")]),
            _ => Decision::Decline,
        })
    }
}

struct Notes;

impl Hook for Notes {
    const NAME: &'static str = "notes";

    fn session_start(_: &Ctx<'_>, session: &Session) -> Result<Vec<Section>> {
        Ok(vec![Section::new("Notes", &session.source)])
    }
}

export! { clients: [Echo], strategies: [Echo], hooks: [Notes], wants: ["bearer_token"] }

#[derive(Default)]
struct Seen {
    reply: Option<Value>,
    lines: Vec<(u32, String)>,
    refuse: bool,
}

unsafe fn seen<'a>(context: *mut c_void) -> &'a mut Seen {
    unsafe { &mut *context.cast() }
}

unsafe extern "C" fn reply(context: *mut c_void, json: Str) -> i32 {
    let (seen, bytes) = unsafe { (seen(context), json.bytes().unwrap()) };
    seen.reply = Some(serde_json::from_slice(bytes).unwrap());
    i32::from(seen.refuse)
}

unsafe extern "C" fn log(context: *mut c_void, level: u32, text: Str) {
    let (seen, bytes) = unsafe { (seen(context), text.bytes().unwrap()) };
    seen.lines.push((level, String::from_utf8(bytes.to_vec()).unwrap()));
}

unsafe extern "C" fn cancelled(_: *mut c_void) -> i32 {
    1
}

fn call_with(seen: &mut Seen, size: usize, request: &str) -> i32 {
    let mut host = Host {
        size: u32::try_from(size).unwrap(),
        reserved: 0,
        context: (&raw mut *seen).cast(),
        reply,
        log,
        cancelled,
    };
    // The bytes end exactly where the length says, so that a sanitiser sees one read too many.
    let request: Box<[u8]> = request.as_bytes().into();
    let text = Str { pointer: request.as_ptr(), length: request.len() };
    unsafe { warmstart_plugin_v1(&raw mut host, text) }
}

fn call(request: &Value) -> (Value, Vec<(u32, String)>) {
    let mut seen = Seen::default();
    assert_eq!(call_with(&mut seen, size_of::<Host>(), &request.to_string()), 0);
    (seen.reply.unwrap(), seen.lines)
}

fn client(mode: &str) -> Value {
    call(&json!({ "op": "pending_tasks", "name": "echo", "config": { "mode": mode } })).0
}

#[test]
fn describe_lists_everything_that_was_exported() {
    let (reply, _) = call(&json!({ "op": "describe" }));
    let expected = json!({ "ok": {
        "name": "warmstart-plugin", "version": env!("CARGO_PKG_VERSION"), "abi": "1.0",
        "clients": ["echo"], "local": [], "strategies": ["echo"], "before": ["echo"],
        "hooks": ["notes"], "wants": ["bearer_token"],
    }});
    assert_eq!(reply, expected);
}

#[test]
fn a_client_answers_logs_and_sees_the_cancellation() {
    let request = json!({ "op": "pending_tasks", "name": "echo", "config": { "mode": "" },
        "query": { "name": "next", "unknown": 1 }, "unknown": {} });
    let (reply, lines) = call(&request);
    assert_eq!(reply["ok"]["tasks"][0]["title"], "next true");
    assert_eq!(lines, [(3, "asked".to_owned())]);
}

#[test]
fn every_panic_becomes_an_error_with_its_message() {
    let table = [
        ("str", "plain"),
        ("string", "made of 2"),
        ("other", "a panic without a message"),
        ("bomb", "a panic without a message"),
    ];
    for (mode, message) in table {
        let error = json!({ "error": { "kind": "panic", "message": message } });
        assert_eq!(client(mode), error, "{mode}");
    }
}

#[test]
fn errors_carry_their_kind_and_the_wait() {
    let busy =
        json!({ "error": { "kind": "unavailable", "message": "busy", "retry_after_ms": 500 } });
    assert_eq!(client("busy"), busy);
    let (reply, _) =
        call(&json!({ "op": "pending_tasks", "name": "echo", "plugin": "jira", "config": {} }));
    assert_eq!(reply["error"]["kind"], "config");
    assert_eq!(reply["error"]["message"], "`plugins.jira.config.mode`: is not set");
    for request in [
        json!({ "op": "later" }),
        json!({ "op": "pending_tasks", "name": "other" }),
        json!({ "op": "session_start", "name": "echo" }),
    ] {
        assert_eq!(call(&request).0["error"]["kind"], "not_supported", "{request}");
    }
}

#[test]
fn strategies_and_hooks_answer_in_the_words_of_the_host() {
    let ask = |op: &str, more: Value| {
        let mut request = json!({ "op": op, "name": "echo" });
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&request).0["ok"].clone()
    };
    let stale = json!({ "cache": { "state": "stale", "age_s": 5400 } });
    assert_eq!(ask("before", stale), json!({ "decision": "cached_then_refresh" }));
    assert_eq!(ask("before", json!({})), json!({ "decision": "decline" }));
    let failed = |class: &str| ask("after_failure", json!({ "failure": { "class": class } }));
    assert_eq!(failed("auth"), json!({ "decision": "ask", "client": "backup" }));
    assert_eq!(failed("bug"), json!({ "decision": "decline" }));
    assert_eq!(failed("unavailable")["tasks"][0]["title"], "instead");
    let event = json!({ "op": "session_start", "name": "notes", "event": { "source": "clear" } });
    let section = json!([{ "title": "Notes", "body": "clear", "priority": 0 }]);
    assert_eq!(call(&event).0["ok"]["sections"], section);
}

#[test]
fn an_invalid_request_is_answered_and_a_refused_reply_is_a_fault() {
    for text in ["", "7", "{", "\u{0}", r#"{"op":7}"#] {
        let mut seen = Seen::default();
        assert_eq!(call_with(&mut seen, size_of::<Host>(), text), 0);
        assert_eq!(seen.reply.unwrap()["error"]["kind"], "internal", "{text:?}");
    }
    let mut seen = Seen { refuse: true, ..Seen::default() };
    assert_ne!(call_with(&mut seen, size_of::<Host>(), r#"{"op":"describe"}"#), 0);
}

#[test]
fn a_host_that_is_null_or_too_old_is_refused_without_a_call() {
    let mut seen = Seen::default();
    assert_ne!(call_with(&mut seen, size_of::<Host>() - 1, r#"{"op":"describe"}"#), 0);
    assert!(seen.reply.is_none());
    let null = unsafe { warmstart_plugin_v1(std::ptr::null_mut(), Str::of("{}")) };
    assert_ne!(null, 0);
    let missing = Str { pointer: std::ptr::null(), length: 5 };
    assert!(unsafe { missing.bytes() }.is_none());
    let endless = Str { pointer: "x".as_ptr(), length: usize::MAX };
    assert!(unsafe { endless.bytes() }.is_none());
    assert_eq!(unsafe { Str { pointer: std::ptr::null(), length: 0 }.bytes() }, Some(&[][..]));
}
