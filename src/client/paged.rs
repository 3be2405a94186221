//! Asks for a list until it is complete or the time is up: one page, then narrower questions, then
//! further pages.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use serde_json::{Map, Value};

use super::payload::{Page, TaskPage};
use crate::deadline::Deadline;
use crate::error::Failure;
use crate::task::{Answer, Explanation, Query, Rest, Task, Tasks};

/// No further page is begun with less time than this.
const LEAST_TIME: Duration = Duration::from_millis(100);

/// One request for a page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageRequest {
    pub arguments: Map<String, Value>,
    /// Instead of the query's own address: the next page as a REST server names it.
    pub url: Option<String>,
}

/// Asks `query` with `fetch` and reads all that it gives.
///
/// # Errors
/// That of the first page. A later one that fails leaves the list incomplete, which it says.
pub async fn ask(
    query: &Query,
    deadline: Deadline,
    fetch: impl AsyncFn(&PageRequest) -> Result<Page, Failure>,
) -> Result<Answer, Failure> {
    let request = PageRequest { arguments: query.arguments.clone(), url: None };
    let first = match fetch(&request).await? {
        Page::Text(text) => return Ok(Answer::Text(text)),
        Page::Tasks(page) => page,
    };
    let mut pages = Collected::default();
    let is_all = !first.completeness.may_have_more(first.length()) && first.next_url.is_none();
    let mut question = Question::new(request);
    question.add(&mut pages, first);
    if is_all {
        return Ok(pages.answer(Rest::Nothing));
    }
    let mut asker = Asker { query, deadline, fetch, pages };
    let rest = match query.reading.narrow.as_slice() {
        [] => asker.follow(question).await,
        narrow => asker.narrower(narrow, &question).await,
    };
    Ok(asker.pages.answer(rest))
}

struct Asker<'a, F> {
    query: &'a Query,
    deadline: Deadline,
    fetch: F,
    pages: Collected,
}

impl<F: AsyncFn(&PageRequest) -> Result<Page, Failure>> Asker<'_, F> {
    /// Asks each narrower question. What the `first` one left out may be in none of them, so the list
    /// may still lack tasks of other states.
    async fn narrower(&mut self, narrow: &[Map<String, Value>], first: &Question) -> Rest {
        for arguments in narrow {
            let mut laid_over = self.query.arguments.clone();
            laid_over.extend(arguments.clone());
            let question = Question::new(PageRequest { arguments: laid_over, url: None });
            if self.is_late() {
                break;
            }
            self.follow(question).await;
        }
        first.rest(&self.pages)
    }

    /// Asks for the next pages of a question, the first included when it has none yet.
    async fn follow(&mut self, mut question: Question) -> Rest {
        while question.pages < self.query.reading.max_pages.max(1) {
            let Some(request) = question.next_request(&self.query.reading.page.send) else { break };
            if self.is_late() {
                break;
            }
            match (self.fetch)(&request).await {
                Ok(Page::Tasks(page)) => {
                    if !question.add(&mut self.pages, page) {
                        break;
                    }
                }
                Ok(Page::Text(_)) => break,
                Err(failure) => {
                    tracing::warn!(query = self.query.name, %failure, "a further page is missing");
                    question.is_broken = true;
                    break;
                }
            }
        }
        question.rest(&self.pages)
    }

    fn is_late(&self) -> bool {
        self.deadline.remaining() < LEAST_TIME
    }
}

/// One question and how far it was followed.
struct Question {
    request: PageRequest,
    pages: usize,
    elements: usize,
    last: Option<TaskPage>,
    last_tasks: Vec<Task>,
    /// The ids on its pages.
    seen: BTreeSet<String>,
    is_broken: bool,
}

impl Question {
    fn new(request: PageRequest) -> Self {
        Question {
            request,
            pages: 0,
            elements: 0,
            last: None,
            last_tasks: Vec::new(),
            seen: BTreeSet::new(),
            is_broken: false,
        }
    }

    /// Adds a page; `false` when all of it was on earlier pages of this question: a server that ignores the
    /// argument sends the same page again. Tasks of earlier questions count as new here.
    fn add(&mut self, pages: &mut Collected, mut page: TaskPage) -> bool {
        if self.pages == 0 {
            pages.begin_question();
        }
        self.pages += 1;
        pages.pages += 1;
        if pages.pages == 1 {
            pages.explanation = page.explanation.clone();
        }
        self.elements += page.length();
        let tasks = std::mem::take(&mut page.tasks);
        let is_new = self.is_new(&tasks);
        if is_new {
            self.last_tasks.clone_from(&tasks);
            pages.add(tasks, page.unread);
        }
        self.last = Some(page);
        is_new
    }

    fn is_new(&mut self, tasks: &[Task]) -> bool {
        let mut has_new = false;
        for task in tasks {
            has_new |= task.id.is_empty() || self.seen.insert(task.id.clone());
        }
        has_new && (self.pages == 1 || self.last_tasks != tasks)
    }

    /// The request for the page after the last one; `None` when there is none, or no way to ask for it.
    fn next_request(&self, send: &str) -> Option<PageRequest> {
        let Some(last) = &self.last else { return Some(self.request.clone()) };
        if let Some(url) = &last.next_url {
            return Some(PageRequest { url: Some(url.clone()), ..self.request.clone() });
        }
        let says_more = last.completeness.may_have_more(self.elements);
        if send.is_empty() || !says_more {
            return None;
        }
        let value = match (&last.completeness.next, send) {
            (Some(cursor), _) => cursor.clone(),
            (None, "cursor") => return None,
            (None, "page") => (self.pages + 1).into(),
            (None, _) => self.elements.into(),
        };
        let mut request = self.request.clone();
        request.arguments.insert(send.to_owned(), value);
        Some(request)
    }

    /// What is missing after the last page.
    fn rest(&self, pages: &Collected) -> Rest {
        let Some(last) = &self.last else { return Rest::AtLeast(0) };
        let completeness = &last.completeness;
        match completeness.total {
            // The number counts all states; where none is closed, it counts open tasks.
            Some(total) if total > self.elements && pages.closed == 0 => {
                Rest::of(total.saturating_sub(pages.length()))
            }
            _ if self.is_broken
                || last.next_url.is_some()
                || completeness.may_have_more(self.elements) =>
            {
                Rest::AtLeast(0)
            }
            _ => Rest::Nothing,
        }
    }
}

/// The tasks of all pages, each once; of many pages only those that can be shown.
#[derive(Default)]
struct Collected {
    tasks: Tasks,
    /// Hashes of the ids.
    seen: BTreeSet<u64>,
    /// How often each task without an id was read.
    without_id: BTreeMap<u64, usize>,
    /// How often earlier questions had each of them, less those that this question repeated.
    earlier: BTreeMap<u64, usize>,
    elements: usize,
    closed: usize,
    unread: usize,
    pages: usize,
    /// Of the first page.
    explanation: Explanation,
}

impl Collected {
    fn begin_question(&mut self) {
        self.earlier.clone_from(&self.without_id);
    }

    fn add(&mut self, mut tasks: Vec<Task>, unread: usize) {
        self.unread += unread;
        tasks.retain(|task| !self.is_repeated(task));
        self.elements += tasks.len();
        self.closed += tasks.iter().filter(|task| !task.state.is_open()).count();
        let Tasks { list, rest, .. } = std::mem::take(&mut self.tasks);
        self.tasks = Tasks::new(list.into_iter().chain(tasks), rest, 0);
    }

    /// Without an id equal titles in one question are different tasks, in two questions the same.
    fn is_repeated(&mut self, task: &Task) -> bool {
        if !task.id.is_empty() {
            return !self.seen.insert(hash_of(&task.id));
        }
        let hash = hash_of((&task.title, &task.status, &task.priority));
        if let Some(left @ 1..) = self.earlier.get_mut(&hash) {
            *left -= 1;
            return true;
        }
        *self.without_id.entry(hash).or_default() += 1;
        false
    }

    /// All that was read.
    fn length(&self) -> usize {
        self.elements + self.unread
    }

    fn answer(self, rest: Rest) -> Answer {
        let explanation = Explanation {
            elements: self.length(),
            closed: self.closed,
            unread: self.unread,
            pages: self.pages,
            ..self.explanation
        };
        Answer::Tasks(Tasks {
            rest: rest.and(self.tasks.rest),
            unread: self.unread,
            explanation: Some(Box::new(explanation)),
            ..self.tasks
        })
    }
}

fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
