//! A plugin as a hook. It gets the event and the tasks that are known without a request; its sections
//! are data.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Hook, HookFuture, HookResult, HookTimeout, Part, SessionContext, bindings};
use crate::deadline::Deadline;
use crate::plugin::ResolvedItem;
use crate::plugin::wire::{self, PluginRequest};
use crate::task::Answer;

/// Kept free for the rendering.
const RENDER_RESERVE: Duration = Duration::from_millis(20);
/// The query whose known answer a plugin gets.
const TASKS: &str = "tasks";

/// `named` as a hook.
#[must_use]
pub fn hook(named: ResolvedItem, timeout: HookTimeout) -> Box<dyn Hook> {
    Box::new(PluginHook { named, timeout })
}

struct PluginHook {
    named: ResolvedItem,
    timeout: HookTimeout,
}

impl Hook for PluginHook {
    fn from_disk(&self, _: &SessionContext) -> Option<HookResult> {
        None
    }

    fn live<'a>(&'a self, session: &'a SessionContext, deadline: Deadline) -> HookFuture<'a> {
        Box::pin(async move {
            let fields = json!({ "event": event(session) });
            let request = PluginRequest::new("session_start", &self.named.item, fields);
            let limit = self.timeout.cap(deadline.earlier(RENDER_RESERVE));
            let plugin = &self.named.plugin;
            let result = plugin.call(&request, limit).await;
            let sections = result.and_then(|ok| {
                wire::read_sections(&ok).map_err(|fault| plugin.reply_failure(&fault))
            });
            match sections {
                Err(failure) => HookResult::failed(failure),
                Ok(sections) if sections.is_empty() => HookResult::nothing(),
                Ok(sections) => {
                    let part = |section: wire::Section| Part::Text {
                        title: section.title,
                        text: section.body,
                    };
                    let parts = sections.into_iter().map(part).collect();
                    let origin = format!("plugin {}", plugin.name());
                    HookResult::live(parts, origin)
                }
            }
        })
    }
}

fn event(session: &SessionContext) -> Value {
    let queries = &session.queries;
    let is_configured = queries.is_known(TASKS);
    let result =
        is_configured.then(|| queries.from_disk(TASKS, &bindings::of_session(session))).flatten();
    let answer = result.and_then(|result| result.answer);
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
