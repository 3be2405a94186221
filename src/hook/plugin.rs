//! A plugin as a piece of the session start. It sees the event and the tasks that are known without
//! asking; what it says is data.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Finding, Found, Hook, Part, Scope, bindings};
use crate::deadline::Deadline;
use crate::plugin::Named;
use crate::plugin::wire::{self, Request};
use crate::query::Supply;
use crate::task::Answer;

/// Kept free for the rendering.
const RESERVE: Duration = Duration::from_millis(20);
/// The query whose known answer a plugin is shown.
const TASKS: &str = "tasks";

/// The hook that `named` is.
#[must_use]
pub fn hook(named: Named, timeout: Duration) -> Box<dyn Hook> {
    Box::new(PluginHook { named, timeout })
}

struct PluginHook {
    named: Named,
    timeout: Duration,
}

impl Hook for PluginHook {
    fn from_disk(&self, _: &Scope) -> Option<Found> {
        None
    }

    fn live<'a>(&'a self, scope: &'a Scope, deadline: Deadline) -> Finding<'a> {
        Box::pin(async move {
            let fields = json!({ "event": event(scope) });
            let request = Request::new("session_start", &self.named.item, fields);
            let limit = deadline.earlier(RESERVE).capped(self.timeout);
            let plugin = &self.named.plugin;
            let result = plugin.call(&request, limit).await;
            let sections = result
                .and_then(|ok| wire::read_sections(&ok).map_err(|fault| plugin.misread(&fault)));
            match sections {
                Err(failure) => Found::failed(failure),
                Ok(sections) if sections.is_empty() => Found::nothing(),
                Ok(sections) => {
                    let part = |one: wire::Section| Part::Text { title: one.title, text: one.body };
                    let parts = sections.into_iter().map(part).collect();
                    let origin = format!("plugin {}", plugin.name());
                    Found { parts, supply: Supply::Live, origin, ..Found::nothing() }
                }
            }
        })
    }
}

fn event(scope: &Scope) -> Value {
    let known = scope.queries.is_known(TASKS);
    let found = known.then(|| scope.queries.from_disk(TASKS, &bindings::known(scope))).flatten();
    let answer = found.and_then(|answered| answered.answer);
    let tasks = answer.as_ref().and_then(Answer::tasks).map(|tasks| &tasks.list);
    json!({
        "source": scope.event.source.word(),
        "session_id": scope.event.session_id,
        "cwd": scope.event.cwd,
        "agent_type": scope.event.agent_type,
        "tasks": tasks.map(|list| list.iter().map(task).collect::<Vec<_>>()).unwrap_or_default(),
    })
}

fn task(task: &crate::task::Task) -> Value {
    json!({ "id": task.id, "title": task.title, "status": task.status, "priority": task.priority })
}
