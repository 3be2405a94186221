//! A plugin as a piece of the session start. It sees the event and the tasks that are known without
//! asking; what it says is data.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Hook, HookFuture, HookResult, Part, SessionContext, bindings};
use crate::deadline::Deadline;
use crate::plugin::ResolvedItem;
use crate::plugin::wire::{self, PluginRequest};
use crate::query::ServedFrom;
use crate::task::Answer;

/// Kept free for the rendering.
const RENDER_RESERVE: Duration = Duration::from_millis(20);
/// The query whose known answer a plugin is shown.
const TASKS: &str = "tasks";

/// The hook that `named` is.
#[must_use]
pub fn hook(named: ResolvedItem, timeout: Duration) -> Box<dyn Hook> {
    Box::new(PluginHook { named, timeout })
}

struct PluginHook {
    named: ResolvedItem,
    timeout: Duration,
}

impl Hook for PluginHook {
    fn from_disk(&self, _: &SessionContext) -> Option<HookResult> {
        None
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(async move {
            let fields = json!({ "event": event(session) });
            let request = PluginRequest::new("session_start", &self.named.item, fields);
            let limit = deadline.earlier(RENDER_RESERVE).capped(self.timeout);
            let plugin = &self.named.plugin;
            let result = plugin.call(&request, limit).await;
            let sections = result.and_then(|ok| {
                wire::read_sections(&ok).map_err(|fault| plugin.reply_failure(&fault))
            });
            match sections {
                Err(failure) => HookResult::failed(failure),
                Ok(sections) if sections.is_empty() => HookResult::nothing(),
                Ok(sections) => {
                    let part = |one: wire::Section| Part::Text { title: one.title, text: one.body };
                    let parts = sections.into_iter().map(part).collect();
                    let origin = format!("plugin {}", plugin.name());
                    HookResult { parts, served: ServedFrom::Live, origin, ..HookResult::nothing() }
                }
            }
        })
    }
}

fn event(session: &SessionContext) -> Value {
    let known = session.queries.is_known(TASKS);
    let found =
        known.then(|| session.queries.from_disk(TASKS, &bindings::known(session))).flatten();
    let answer = found.and_then(|answered| answered.answer);
    let tasks = answer.as_ref().and_then(Answer::tasks).map(|tasks| &tasks.list);
    json!({
        "source": session.event.source.word(),
        "session_id": session.event.session_id,
        "cwd": session.event.cwd,
        "agent_type": session.event.agent_type,
        "tasks": tasks.map(|list| list.iter().map(task).collect::<Vec<_>>()).unwrap_or_default(),
    })
}

fn task(task: &crate::task::Task) -> Value {
    json!({ "id": task.id, "title": task.title, "status": task.status, "priority": task.priority })
}
