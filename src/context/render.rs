//! From the hooks' results to lines: sources named, most important first, cut between tasks.

use super::budget::Budget;
use super::heading::{absent, headings};
use super::{MAX_FIELD_CHARS, MAX_TITLE_CHARS};
use crate::config::{ContextOptions, Format};
use crate::engine::{HookReport, Report};
use crate::hook::Part;
use crate::task::Task;
use crate::text;

/// Characters of one field in full format.
const MAX_FULL_FIELD_CHARS: usize = 300;
/// Least room for the lines about what is not shown.
const LEAST_REMARK_CHARS: usize = 16;

/// The text without its head; empty when there is no text.
#[must_use]
pub fn body(report: &Report, options: &ContextOptions) -> String {
    let mut budget = super::body_budget(options);
    let mut text = String::new();
    for hook in &report.hooks {
        for line in section(hook, options, budget.within(hook.max_chars)) {
            budget.take(&line);
            text.push_str(&line);
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn section(hook: &HookReport, options: &ContextOptions, mut budget: Budget) -> Vec<String> {
    let result = &hook.result;
    let mut lines = Vec::new();
    for part in &result.parts {
        let (title, items) = match part {
            Part::Tasks { heading, tasks } => {
                (heading.clone(), tasks.list.iter().map(|task| item(task, options)).collect())
            }
            Part::Text { title, text: body } => {
                let lines = text::for_model_lines(body, budget.chars());
                let items: Vec<String> =
                    lines.into_iter().map(|line| format!("  {line}")).collect();
                (text::for_model(title, MAX_TITLE_CHARS), items)
            }
        };
        let headings = headings(&title, &result.provenance, part.is_none());
        put(&mut lines, &mut budget, &headings, items, |hidden| part.remarks(hidden));
    }
    if result.parts.is_empty() {
        lines.extend(absent(hook).filter(|line| budget.fits(line, 0)));
    }
    lines
}

/// Adds the first heading that fits and as many items as fit; `remarks` are the lines about the others,
/// of which so many were left out here.
fn put(
    lines: &mut Vec<String>,
    budget: &mut Budget,
    headings: &[String],
    items: Vec<String>,
    remarks: impl Fn(usize) -> Vec<String>,
) {
    let mut hidden = items.len();
    let longest: usize = remarks(hidden).iter().map(|line| line.chars().count() + 3).sum();
    let reserve = longest.max(LEAST_REMARK_CHARS);
    let Some(heading) = headings.iter().find(|heading| budget.fits(heading, reserve)) else {
        return;
    };
    budget.take(heading);
    lines.push(heading.clone());
    for item in items {
        if !budget.fits(&item, reserve) {
            break;
        }
        budget.take(&item);
        lines.push(item);
        hidden -= 1;
    }
    for remark in remarks(hidden) {
        let line = format!("  {remark}");
        budget.take(&line);
        lines.push(line);
    }
}

/// `- title [status, priority]` with the other allowed fields behind it.
fn item(task: &Task, options: &ContextOptions) -> String {
    let longest = match options.format {
        Format::Compact => MAX_FIELD_CHARS,
        Format::Full => MAX_FULL_FIELD_CHARS,
    };
    let mut text = String::from("- ");
    let mut marks = Vec::new();
    let mut more = String::new();
    for field in &options.fields {
        let value = match field.as_str() {
            "title" => {
                text.push_str(&text::for_model(&task.title, MAX_TITLE_CHARS));
                continue;
            }
            "id" => &task.id,
            "status" => &task.status,
            "priority" => &task.priority,
            other => task.more.get(other).and_then(|value| value.as_str()).unwrap_or_default(),
        };
        let value = text::for_model(value, longest);
        match field.as_str() {
            _ if value.is_empty() => {}
            "status" | "priority" | "id" => marks.push(value),
            other => {
                let name = text::for_model(other, MAX_FIELD_CHARS);
                more.push_str(&format!("; {name}: {value}"));
            }
        }
    }
    if !marks.is_empty() {
        text.push_str(&format!(" [{}]", marks.join(", ")));
    }
    text + &more
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::deadline::Timestamp;
    use crate::error::{Code, Failure};
    use crate::hook::HookResult;
    use crate::provenance::{Provenance, ServedFrom};
    use crate::task::{Rest, Tasks, Vocabulary};

    fn options(max_chars: usize) -> ContextOptions {
        let fields = ["title", "status", "priority"].map(str::to_owned).to_vec();
        ContextOptions { format: Format::Compact, max_chars, fields }
    }

    fn task(id: &str, title: &str, status: &str, priority: &str) -> Task {
        let words = Vocabulary::default();
        let (rank, order) = words.rank(priority);
        Task {
            id: id.into(),
            title: title.into(),
            status: status.into(),
            priority: priority.into(),
            state: words.state(status),
            rank,
            order,
            ..Task::default()
        }
    }

    fn report(tasks: Vec<Task>, served: ServedFrom, failure: Option<Failure>) -> Report {
        let tasks = Tasks::new(tasks, Rest::Nothing, 0);
        let part = Part::Tasks { heading: "Open tasks".into(), tasks };
        let result = HookResult {
            parts: vec![part],
            provenance: Provenance {
                served,
                written: Some(Timestamp(1_795_425_240)),
                failure,
                ..Provenance::live("task server http://localhost:8000/mcp")
            },
            reason: None,
        };
        let hook = HookReport {
            name: "pending_tasks".into(),
            order: 10,
            max_chars: 9500,
            result,
            elapsed: Duration::ZERO,
        };
        Report { hooks: vec![hook] }
    }

    #[test]
    fn s07_g05_five_tasks_in_order_of_importance() {
        let tasks = vec![
            task("10", "tidy up", "todo", "low"),
            task("9", "write docs", "todo", "medium"),
            task("2", "fix login", "todo", "high"),
            task("3", "deploy", "in_progress", "high"),
            task("1", "odd", "todo", ""),
        ];
        let text = body(&report(tasks, ServedFrom::Fresh, None), &options(2000));
        assert_eq!(
            text,
            "Open tasks, task server http://localhost:8000/mcp:\n\
             - deploy [in_progress, high]\n\
             - fix login [todo, high]\n\
             - write docs [todo, medium]\n\
             - odd [todo]\n\
             - tidy up [todo, low]"
        );
    }

    #[test]
    fn i24_b19_ties_keep_the_servers_order() {
        for order in [["10", "9", "100"], ["9", "100", "10"], ["100", "10", "9"]] {
            let tasks = order.map(|id| task(id, &format!("t{id}"), "todo", "high")).to_vec();
            let text = body(&report(tasks, ServedFrom::Live, None), &options(2000));
            let titles: Vec<&str> = text.lines().skip(1).collect();
            assert_eq!(titles, order.map(|id| format!("- t{id} [todo, high]")));
        }
    }

    #[test]
    fn i08_b02_stale_says_so_with_time_and_cause() {
        let failure = Failure::new(Code::Refused, "x");
        let tasks = vec![task("1", "a", "todo", "")];
        let text = body(&report(tasks, ServedFrom::Stale, Some(failure)), &options(2000));
        assert!(text.starts_with(
            "Open tasks, task server http://localhost:8000/mcp, STALE: as of 2026-11-23 09:14 UTC, \
             because the source gave no usable answer:\n"
        ), "{text}");
    }

    #[test]
    fn n086_an_empty_list_is_said_and_nothing_at_all_is_not() {
        let text = body(&report(Vec::new(), ServedFrom::Live, None), &options(2000));
        assert_eq!(text, "Open tasks, task server http://localhost:8000/mcp: none");
        assert_eq!(body(&Report::default(), &options(2000)), "");
    }

    #[test]
    fn n090_the_budget_holds_in_characters_and_bytes_and_cuts_between_tasks() {
        for letter in ["x", "字", "🚀", "<"] {
            let tasks: Vec<Task> =
                (0..1000).map(|n| task(&n.to_string(), &letter.repeat(400), "todo", "")).collect();
            for max_chars in [200, 2000, 9500] {
                let text =
                    body(&report(tasks.clone(), ServedFrom::Live, None), &options(max_chars));
                let whole = super::super::finish(&text, Some(Timestamp(0))).text;
                assert!(whole.chars().count() <= max_chars, "{letter} {max_chars}");
                assert!(whole.len() <= 9500, "{letter} {max_chars}: {}", whole.len());
                assert!(text.ends_with(" more"), "{text}");
            }
        }
    }

    /// The hook `name` with this result, as it follows other hooks.
    fn hook(name: &str, max_chars: usize, result: HookResult) -> HookReport {
        HookReport { name: name.into(), order: 20, max_chars, result, elapsed: Duration::ZERO }
    }

    #[test]
    fn b19_an_urgent_task_comes_before_a_high_one() {
        let tasks = ["low", "medium", "high", "Urgent", "critical"];
        let tasks = tasks.map(|priority| task("1", priority, "todo", priority)).to_vec();
        let text = body(&report(tasks, ServedFrom::Live, None), &options(2000));
        let titles = text.lines().skip(1).filter_map(|line| line.strip_prefix("- "));
        let titles: Vec<&str> = titles.filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(titles[2..], ["high", "medium", "low"], "{text}");
        assert!(titles[..2].contains(&"Urgent") && titles[..2].contains(&"critical"), "{text}");
    }

    #[test]
    fn b19_a_claimed_total_fits_its_reserve() {
        let mut report = report(vec![task("1", "a", "todo", "")], ServedFrom::Live, None);
        let Part::Tasks { tasks, .. } = &mut report.hooks[0].result.parts[0] else {
            panic!("a list of tasks");
        };
        tasks.rest = Rest::Known(usize::MAX);
        let text = body(&report, &options(2000));
        let last = text.lines().last().unwrap();
        assert!(last.ends_with(" more") && last.len() < LEAST_REMARK_CHARS, "{text}");
    }

    #[test]
    fn b19_a_field_is_cut_to_what_the_format_allows() {
        for (format, most) in [(Format::Compact, 60), (Format::Full, 300)] {
            let fields = ["title", "note"].map(str::to_owned).to_vec();
            let options = ContextOptions { format, max_chars: 2000, fields };
            let mut task = task("1", &"t".repeat(900), "todo", "");
            task.more.insert("note".into(), "n".repeat(900).into());
            let text = body(&report(vec![task], ServedFrom::Live, None), &options);
            let expected = format!("- {}…; note: {}…", "t".repeat(119), "n".repeat(most - 1));
            assert_eq!(text.lines().nth(1), Some(expected.as_str()), "{format:?}");
        }
    }

    #[test]
    fn b19_a_hook_keeps_to_its_own_number_of_characters() {
        let lines = (0..100).map(|n| format!("line {n}\n")).collect();
        let part = Part::Text { title: "Notes".into(), text: lines };
        let result = HookResult { parts: vec![part], ..HookResult::nothing() };
        for (max_chars, most) in [(120, 120), (300, 300), (9500, 1999)] {
            let report = Report { hooks: vec![hook("notes", max_chars, result.clone())] };
            let text = body(&report, &options(2000));
            let length = text.chars().count();
            assert!(length <= most && length > most.min(900) - 50, "{max_chars}: {length}\n{text}");
        }
    }

    #[test]
    fn b19_the_model_gets_only_the_failures_that_concern_it() {
        let table = [
            (
                Code::Refused,
                Some("other hook: not available, because the source gave no usable answer"),
            ),
            (
                Code::TokenRefused,
                Some("other hook: not available, because the login at the source failed"),
            ),
            (Code::ConfigValue, None),
            (Code::ConfigName, None),
            (Code::EntryDamaged, None),
        ];
        for (code, expected) in table {
            let mut report = report(Vec::new(), ServedFrom::Live, None);
            report.hooks.push(hook("other_hook", 900, HookResult::failed(Failure::new(code, "x"))));
            let text = body(&report, &options(2000));
            assert_eq!(text.lines().nth(1), expected, "{code}");
        }
    }

    /// One hostile text in every field that a server, a plugin or a setting can fill.
    #[test]
    fn a4_every_field_of_a_task_is_made_safe() {
        let hostile = "a\u{1b}[2J\r\n\u{202e}\u{200b}\u{e0041}</x>[l](y)";
        let safe = "a [2J &lt;/x&gt;[l] (y)";
        let fields = ["title", "id", "status", "priority", hostile].map(str::to_owned).to_vec();
        let options = ContextOptions { format: Format::Full, max_chars: 2000, fields };
        let mut task = task(hostile, hostile, hostile, hostile);
        task.more.insert(hostile.into(), hostile.into());
        let mut report = report(vec![task], ServedFrom::Fresh, None);
        let result = &mut report.hooks[0].result;
        result.provenance.origin = hostile.into();
        result.parts.push(Part::Text { title: hostile.into(), text: format!("b\n{hostile}") });
        let lines = [
            format!("Open tasks, {safe}:"),
            format!("- {safe} [{safe}, {safe}, {safe}]; {safe}: {safe}"),
            format!("{safe}, {safe}:"),
            "  b".into(),
            "  a [2J".into(),
            "  &lt;/x&gt;[l] (y)".into(),
        ];
        assert_eq!(body(&report, &options), lines.join("\n"));
        let result = HookResult::failed(Failure::new(Code::Hook, "x"));
        let line = absent(&HookReport {
            name: hostile.into(),
            order: 1,
            max_chars: 900,
            result,
            elapsed: Duration::ZERO,
        });
        assert!(line.unwrap().starts_with(&format!("{safe}: not available")));
    }

    #[test]
    fn mc_a_token_in_any_field_of_a_task_is_masked() {
        let token = crate::secret::Secret::new("token-of-the-render-test");
        let fields = ["title", "id", "status", "priority", "note"].map(str::to_owned).to_vec();
        let options = ContextOptions { format: Format::Full, max_chars: 2000, fields };
        let mut value = serde_json::Map::new();
        for field in &options.fields {
            value.insert(field.clone(), token.expose().into());
        }
        let task = Task::read(&value.into()).unwrap();
        let text = body(&report(vec![task], ServedFrom::Fresh, None), &options);
        assert!(text.ends_with("- **** [****, ****, ****]; note: ****"), "{text}");
    }
}
