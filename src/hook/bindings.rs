//! Values for the placeholders of a query: what is known of the session, the repository and, by
//! table or by query, the server's id of the checked-out branch.

use super::SessionContext;
use crate::error::{Code, Failure};
use crate::query::{Bindings, QueryResult};
use crate::task::Answer;

/// The query that lists the server's branches.
pub const BRANCHES: &str = "branches";

/// What is known without asking anybody.
#[must_use]
pub fn known(session: &SessionContext) -> Bindings {
    let mut bindings = Bindings::new();
    let mut bind = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            bindings.insert(name.to_owned(), value);
        }
    };
    let repository = session.repository.as_ref();
    let branch = repository.and_then(|repository| repository.branch.clone());
    bind("branch.id", branch.as_ref().and_then(|name| session.config.branches.get(name).cloned()));
    bind("git.branch", branch);
    bind("git.commit", repository.and_then(|repository| repository.commit.clone()));
    bind("repository.name", repository.map(crate::repository::Repository::name));
    bind("session.id", session.event.session_id.clone());
    bind("user.id", Some(session.config.client.user_id.clone()));
    bindings
}

/// What is known, with the server's id of the branch where the query `name` needs it: from the table,
/// else from the cached list of branches.
///
/// # Errors
/// Why there is no id.
pub fn with_branch(session: &SessionContext, name: &str) -> Result<Bindings, Failure> {
    let mut bindings = known(session);
    if needs_branch_id(session, name, &bindings) {
        let branch = branch_name(&bindings)?.to_owned();
        let answered = session.queries.from_disk(BRANCHES, &bindings);
        let id = match answered {
            Some(answered) => pick(&answered, &branch)?,
            None => return Err(unknown_branch(&branch)),
        };
        bindings.insert("branch.id".into(), id);
    }
    Ok(bindings)
}

/// Whether the server's list of branches is of use here: a branch is checked out, and not in the table.
#[must_use]
pub fn needs_branch_list(session: &SessionContext) -> bool {
    let known = known(session);
    known.contains_key("git.branch") && !known.contains_key("branch.id")
}

fn needs_branch_id(session: &SessionContext, name: &str, bindings: &Bindings) -> bool {
    let query = session.config.queries.get(name);
    let asks = query.is_some_and(|query| {
        query.arguments.values().any(|value| value.to_string().contains("{branch.id}"))
    });
    asks && !bindings.contains_key("branch.id")
}

fn branch_name(bindings: &Bindings) -> Result<&str, Failure> {
    bindings.get("git.branch").map(String::as_str).ok_or_else(|| {
        Failure::new(Code::HOOK, "no branch is checked out here, so there is no next task for it")
    })
}

fn pick(answered: &QueryResult, name: &str) -> Result<String, Failure> {
    let tasks = answered.answer.as_ref().and_then(Answer::tasks);
    let found = tasks.and_then(|tasks| tasks.list.iter().find(|branch| branch.title == name));
    match (found, &answered.failure) {
        (Some(branch), _) if !branch.id.is_empty() => Ok(branch.id.clone()),
        (_, Some(failure)) => Err(failure.clone()),
        _ => Err(unknown_branch(name)),
    }
}

fn unknown_branch(name: &str) -> Failure {
    Failure::new(Code::HOOK, format!("the server knows no branch `{name}`"))
        .hint(format!("add `\"{name}\" = \"ID\"` to `[branches]` in hooks.toml"))
}
