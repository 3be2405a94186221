//! Tests 16, 19–21: results that are more than a plain answer.

use serde_json::{Value, json};

use super::{asking, live};
use crate::support::mcp_reply::{self, json_response, response, rpc};
use crate::support::{Act, FaultServer, Request};

/// A modern server that gives this result.
fn giving(result: Value) -> FaultServer {
    FaultServer::start(move |request| vec![Act::Send(json_response(200, &rpc(request, &result)))])
}

/// The recorded cause of a run against such a server.
fn refusal(result: Value) -> String {
    let server = giving(result);
    let session = asking(&server.mcp());
    session.start("startup");
    let record = session.last("pending_tasks");
    assert_eq!((record.supply.as_str(), server.requests().len()), ("none", 1), "{record:?}");
    record.cause
}

#[test]
fn p20_results_that_nobody_asked_for() {
    let task = json!({ "resultType": "task", "task": { "taskId": "1", "status": "working" } });
    assert!(refusal(task).contains("task"));
    let inputs = json!({ "resultType": "input_required", "inputRequests": { "a": { "method": "elicitation/create" } } });
    assert!(refusal(inputs).contains("(WS403)"));
    assert!(refusal(json!({ "resultType": "surprise" })).contains("surprise"));
}

#[test]
fn p20_a_call_that_is_to_be_repeated_with_a_state() {
    let server = FaultServer::start(|request| {
        let result = match request.json()["params"]["requestState"].as_str() {
            Some("round-1") => mcp_reply::result(&mcp_reply::payload(&mcp_reply::three_tasks())),
            _ => json!({ "resultType": "input_required", "requestState": "round-1" }),
        };
        vec![Act::Send(json_response(200, &rpc(request, &result)))]
    });
    assert_eq!(live(&asking(&server.mcp())).len(), 3);
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].json()["id"], requests[1].json()["id"]);
}

#[test]
fn p20_rounds_without_end_are_cut() {
    let server = giving(json!({ "resultType": "input_required", "requestState": "again" }));
    let session = asking(&server.mcp());
    session.start("startup");
    assert_eq!(session.last("pending_tasks").supply, "none");
    assert!(server.requests().len() <= 4, "{}", server.requests().len());
}

#[test]
fn p21_answers_to_somebody_else() {
    for id in [json!("another"), json!(null)] {
        let server = FaultServer::start(move |request| {
            let mut answer = rpc(request, &mcp_reply::result(&mcp_reply::payload(&json!([]))));
            answer["id"] = id.clone();
            vec![Act::Send(json_response(200, &answer))]
        });
        let session = asking(&server.mcp());
        session.start("startup");
        assert_eq!(session.last("pending_tasks").supply, "none");
    }
}

#[test]
fn p21_a_batch_with_our_answer_in_it() {
    let server = FaultServer::start(|request| {
        let payload = mcp_reply::payload(&mcp_reply::three_tasks());
        let ours = rpc(request, &mcp_reply::result(&payload));
        let other = json!({ "jsonrpc": "2.0", "method": "notifications/message", "params": {} });
        vec![Act::Send(json_response(200, &json!([other, ours])))]
    });
    assert_eq!(live(&asking(&server.mcp())).len(), 3);
}

/// A legacy server whose stream breaks after an event with an id and continues with a GET.
/// `call` is the id of the call that is not answered yet.
fn breaking(request: &Request, call: &mut Value) -> Vec<Act> {
    let events = [("Content-Type", "text/event-stream")];
    let body = request.json();
    let bytes = match (request.method.as_str(), body["method"].as_str()) {
        ("GET", _) => {
            assert_eq!(request.header("last-event-id"), Some("event-1"));
            let result = mcp_reply::result(&mcp_reply::payload(&mcp_reply::three_tasks()));
            let answer = json!({ "jsonrpc": "2.0", "id": call, "result": result });
            response(200, &events, format!("id: event-2\ndata: {answer}\n\n").as_bytes())
        }
        (_, Some("initialize")) => {
            let server = json!({ "name": "x", "version": "1" });
            let result = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "serverInfo": server });
            json_response(200, &rpc(request, &result))
        }
        (_, Some("tools/call")) if request.header("mcp-method").is_some() => {
            return mcp_reply::status(400);
        }
        (_, Some("tools/call")) => {
            *call = body["id"].clone();
            response(200, &events, b"id: event-1\nretry: 10\ndata:\n\n")
        }
        _ => response(202, &[], b""),
    };
    vec![Act::Send(bytes), Act::Close]
}

#[test]
fn p16_a_broken_stream_is_taken_up_where_it_broke() {
    let call = std::sync::Mutex::new(Value::Null);
    let server = FaultServer::start(move |request| breaking(request, &mut call.lock().unwrap()));
    assert_eq!(live(&asking(&server.mcp())).len(), 3);
    assert_eq!(server.requests().iter().filter(|one| one.method == "GET").count(), 1);
}

#[test]
fn p16_in_the_modern_era_a_broken_stream_is_asked_for_anew() {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let server = FaultServer::start(move |request| {
        if asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
            return mcp_reply::healthy(request);
        }
        let events = [("Content-Type", "text/event-stream")];
        vec![Act::Send(response(200, &events, b"id: event-1\ndata:\n\n")), Act::Close]
    });
    assert_eq!(live(&asking(&server.mcp())).len(), 3);
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|one| one.method == "POST").count(), 2);
    assert_eq!(requests.len(), 2, "there is nothing to resume");
    assert_ne!(requests[0].json()["id"], requests[1].json()["id"]);
}

#[test]
fn p18_a_tool_that_returns_its_json_as_a_text() {
    let text = mcp_reply::payload(&mcp_reply::three_tasks()).to_string();
    let server = giving(json!({
        "content": [{ "type": "text", "text": text }],
        "structuredContent": { "result": text },
    }));
    assert_eq!(live(&asking(&server.mcp())).len(), 3);
}
