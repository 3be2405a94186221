//! Tasks of a Markdown checklist: `- [ ] title` or `1. [ ] title`, with `[x]` done, `[-]` cancelled and
//! `[~]` or `[/]` in progress; an unknown mark counts as open. `!!`, `!!!` or `(high)` for priority. Code
//! blocks are not checklists.

use serde_json::Map;

use crate::task::{Task, Vocabulary};
use crate::text::masked;

/// The tasks of a text, in its order.
#[must_use]
pub fn read(text: &str, words: &Vocabulary) -> Vec<Task> {
    let mut open: Option<Fence> = None;
    let mut tasks = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        match (&open, Fence::of(line)) {
            (None, Some(fence)) => open = Some(fence),
            (Some(fence), _) if fence.is_closed_by(line) => open = None,
            (None, None) => tasks.extend(task(number + 1, line, words)),
            _ => {}
        }
    }
    tasks
}

/// The marks of a line that begins a code block.
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn of(line: &str) -> Option<Self> {
        let length = |mark| line.chars().take_while(|c| *c == mark).count();
        let fences = ['`', '~'].map(|mark| Fence { mark, length: length(mark) });
        fences.into_iter().find(|fence| fence.length >= 3)
    }

    /// By a line of at least as many of the same mark and nothing else.
    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim_end();
        line.chars().count() >= self.length && line.chars().all(|c| c == self.mark)
    }
}

fn task(number: usize, line: &str, words: &Vocabulary) -> Option<Task> {
    let rest = after_bullet(line)?.trim_start().strip_prefix('[')?;
    let mut characters = rest.chars();
    let (mark, close) = (characters.next()?, characters.next()?);
    let is_box = close == ']';
    let title = characters.as_str().strip_prefix([' ', '\t']).filter(|_| is_box)?.trim();
    let status = match mark {
        ' ' => "todo",
        '~' | '/' => "in_progress",
        '-' => "cancelled",
        'x' | 'X' | '\u{2713}' | '\u{2714}' => "done",
        _ => "todo",
    };
    let (title, priority) = priority(title);
    let title: String = masked(title).chars().take(500).collect();
    let (rank, order) = words.rank(priority);
    (!title.is_empty()).then(|| Task {
        id: format!("line {number}"),
        title,
        status: status.into(),
        priority: priority.into(),
        state: words.state(status),
        rank,
        order,
        more: Map::new(),
    })
}

/// What follows `- `, `* `, `+ `, `1. ` or `1) `.
fn after_bullet(line: &str) -> Option<&str> {
    let digits = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let bullets = if digits.len() < line.len() { &['.', ')'][..] } else { &['-', '*', '+'] };
    digits.strip_prefix(bullets)?.strip_prefix([' ', '\t'])
}

fn priority(title: &str) -> (&str, &'static str) {
    const WORDS: &[(&str, &str)] = &[
        ("(critical)", "critical"),
        ("(urgent)", "urgent"),
        ("(high)", "high"),
        ("(medium)", "medium"),
        ("(low)", "low"),
        ("!!!", "critical"),
        ("!!", "high"),
    ];
    for (mark, word) in WORDS {
        let rest = title.strip_prefix(mark).or_else(|| title.strip_suffix(mark));
        if let Some(rest) = rest {
            return (rest.trim(), word);
        }
    }
    (title, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(String, String)> {
        let tasks = read(text, &Vocabulary::default());
        tasks.into_iter().map(|task| (task.title, task.status)).collect()
    }

    fn expected(lines: &[(&str, &str)]) -> Vec<(String, String)> {
        lines.iter().map(|(title, status)| ((*title).into(), (*status).into())).collect()
    }

    #[test]
    fn a_checklist_has_bullets_or_numbers_and_may_be_nested() {
        let text = "# To do\n- [ ] write docs (high)\n  * [~] nested, begun\n- [x] done\n\t+ [-] dropped\n\
            - plain\n- [] odd\n- [ ]\n1. [ ] one\n2)\t[ ]\ttabs\n3.[ ] no space\n4 [ ] no mark\n";
        let tasks = [
            ("write docs", "todo"),
            ("nested, begun", "in_progress"),
            ("done", "done"),
            ("dropped", "cancelled"),
            ("one", "todo"),
            ("tabs", "todo"),
        ];
        assert_eq!(lines(text), expected(&tasks));
    }

    #[test]
    fn boxes_in_a_code_block_are_no_tasks() {
        let text =
            "- [ ] a\n```md\n- [ ] inside\n~~~\n- [ ] inside too\n```\n- [ ] b\n~~~\n- [ ] c\n";
        assert_eq!(lines(text), expected(&[("a", "todo"), ("b", "todo")]));
        let text = "````\n```\n- [ ] inside\n```\n- [ ] inside\n````\n- [ ] a\n  ```sh\n  ``` x\n  - [ ] inside\n  ```\n\
            - [ ] b\n";
        assert_eq!(lines(text), expected(&[("a", "todo"), ("b", "todo")]));
    }

    #[test]
    fn an_unknown_mark_is_open() {
        let text = "- [X] a\n- [✓] b\n- [?] c\n- [>] d\n- [/] e\n";
        let tasks =
            [("a", "done"), ("b", "done"), ("c", "todo"), ("d", "todo"), ("e", "in_progress")];
        assert_eq!(lines(text), expected(&tasks));
    }
}
