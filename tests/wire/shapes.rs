//! Test 18: three shapes of a result, each with none, one and three tasks: the same context.

use serde_json::json;

use super::{asking, live};
use crate::support::{Session, or_skip, peer};

/// The whole context without the line that names the server and the time of the last change.
fn body(session: &Session) -> String {
    let context = session.start("startup").context();
    assert_eq!(session.last("pending_tasks").supply, "live");
    let lines = context.lines().skip(1).map(|line| match line.split_once(", task server") {
        Some((title, rest)) => format!("{title}{}", &rest[rest.rfind(':').unwrap_or(0)..]),
        None => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn p18_every_shape_gives_the_same_text() {
    let Some(plain) = or_skip(peer::task_server(&[])) else { return };
    let Some(text) = or_skip(peer::task_server(&["--shape", "text"])) else { return };
    let Some(agenthub) = or_skip(peer::task_server(&["--shape", "agenthub"])) else { return };
    let Some(legacy) = or_skip(peer::legacy_task_server(&["--shape", "agenthub"])) else { return };
    let servers = [plain, text, agenthub, legacy];
    for count in [0, 1, 3] {
        let text = |server: &peer::Peer| {
            server.set(&json!({ "tasks": count }));
            body(&asking(&server.mcp()))
        };
        let texts = servers.each_ref().map(text);
        assert_eq!(texts[0].matches("[todo").count(), count, "{texts:?}");
        assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{count}: {texts:#?}");
    }
}

#[test]
fn p18_the_servers_order_is_not_ours() {
    let Some(server) = or_skip(peer::task_server(&[])) else { return };
    let session = asking(&server.mcp());
    let lines = live(&session);
    let rank = |line: &String| {
        let order = ["critical]", "urgent]", "high]", "medium]", "low]"];
        let found = order.iter().position(|word| line.ends_with(word));
        found.unwrap_or(9).max(1)
    };
    assert!(lines.is_sorted_by_key(rank), "{lines:#?}");
}
